"""Fills the volume as the plan says. A second run, after whatever end of the first, has the same result."""

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from c2d.api import volume
from c2d.api.plan import ConfigurePlan
from c2d.configure import place
from c2d.configure.errors import ConfigureError, TaskFailed, WrongChecksum
from c2d.configure.settings import Settings, World
from c2d.configure.tasks import Task, Text, tasks_of


@dataclass(frozen=True)
class Filled:
    """What is on the volume now."""

    files: int
    bytes: int


def fill(plan: ConfigurePlan, data: Path, runner: Path, settings: Settings, world: World) -> Filled:
    """Puts everything that the plan names to its place. Raises ConfigureError."""
    try:
        filled = _carry_out(tasks_of(plan), data, runner, settings, world)
    except ConfigureError as error:
        # Unfinished files are for the next pod; where there won't be one, logs need the room.
        if not error.may_pass:
            place.clean_up(data)
        raise
    place.clean_up(data)
    return filled


def _carry_out(tasks: Sequence[Task], data: Path, runner: Path, settings: Settings, world: World) -> Filled:
    with place.disk_full_is_told():
        place.copy(data, runner, data / volume.RUNNER, place.RUNNER_MODE)
        size = sum(_write(task, task.source.content, data, world) for task in tasks if isinstance(task.source, Text))
    size += _fetch([task for task in tasks if not isinstance(task.source, Text)], data, settings, world)
    return Filled(len(tasks), size)


def _write(task: Task, content: bytes, data: Path, world: World) -> int:
    digest = hashlib.sha256(content).hexdigest()
    if task.sha256 not in (None, digest):
        raise TaskFailed(task.role, WrongChecksum(f"{task.path} has sha256 {digest}, declared is {task.sha256}"))
    place.write(data, data / task.path, content, task.mode)
    world.say(f"{task.path}: {len(content)} bytes, sha256 {digest}")
    return len(content)


def _fetch(tasks: list[Task], data: Path, settings: Settings, world: World) -> int:
    if not tasks:
        return 0
    # Half of the start-up time is aiohttp, and many jobs have nothing to fetch.
    from c2d.configure import fetch  # noqa: PLC0415

    return fetch.fetch_all(tasks, data, settings, world)
