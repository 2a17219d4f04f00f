"""Fills the volume as the plan says. A second run, after whatever end of the first, has the same result."""

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from c2d.api import receipt, volume
from c2d.api.plan import ConfigurePlan
from c2d.api.receipt import HashedFile, Inputs
from c2d.configure import place
from c2d.configure.errors import ConfigureError, DownloadFailed, PlanInvalid, TaskFailed, WrongChecksum
from c2d.configure.settings import Settings, World
from c2d.configure.tasks import ContentFile, Stored, Task, Text, tasks_of


@dataclass(frozen=True)
class Filled:
    """What is on the volume now."""

    files: int
    bytes: int


def fill(plan: ConfigurePlan, data: Path, runner: Path | None, settings: Settings, world: World) -> Filled:
    """Puts everything that the plan names to its place, and the runner if one is given. Raises ConfigureError."""
    try:
        filled = _carry_out(plan, data, runner, settings, world)
    except ConfigureError as error:
        # Unfinished files are for the next pod; where there won't be one, logs need the room.
        if not error.may_pass:
            place.clean_up(data)
        raise
    place.clean_up(data)
    return filled


def _carry_out(plan: ConfigurePlan, data: Path, runner: Path | None, settings: Settings, world: World) -> Filled:
    tasks = tasks_of(plan)
    with place.disk_full_is_told():
        if runner is not None:
            place.copy(data, runner, data / volume.RUNNER, place.RUNNER_MODE)
        here = [_write(task, _content(task), data, world) for task in tasks if task.is_here]
    stored = here + _fetch(plan, tasks, here, data, settings, world)
    with place.disk_full_is_told():
        place.write(data, data / receipt.INPUTS, _told(stored), 0o644)
    return Filled(len(stored), sum(file.size for file in stored))


def _told(stored: Sequence[Stored]) -> bytes:
    """For the receipt."""
    files = [HashedFile(path=str(file.path), size=file.size, sha256=file.sha256) for file in stored]
    return Inputs(files=files).model_dump_json(by_alias=True).encode()


def _content(task: Task) -> bytes:
    match task.source:
        case Text(content):
            return content
        case ContentFile(path):
            return _read(task, Path(path))
    raise PlanInvalid(f"{task.path} has to be fetched")


def _read(task: Task, path: Path) -> bytes:
    try:
        return path.read_bytes()
    except OSError as error:
        name = f"{path.parent.name}/{path.name}"
        raise TaskFailed(task.role, DownloadFailed(f"Secret key {name} can't be read: {error.strerror}")) from error


def _write(task: Task, content: bytes, data: Path, world: World) -> Stored:
    digest = hashlib.sha256(content).hexdigest()
    if task.sha256 not in (None, digest):
        raise TaskFailed(task.role, WrongChecksum(f"{task.path} has sha256 {digest}, declared is {task.sha256}"))
    place.write(data, data / task.path, content, task.mode)
    world.say(f"{task.path}: {len(content)} bytes, sha256 {digest}")
    return Stored(task.path, len(content), digest)


def _fetch(
    plan: ConfigurePlan, tasks: Sequence[Task], here: list[Stored], data: Path, settings: Settings, world: World
) -> list[Stored]:
    if len(here) == len(tasks) and not plan.assets:
        return []
    # Half of the start-up time is aiohttp, and many jobs have nothing to fetch.
    from c2d.configure import fetch  # noqa: PLC0415

    return fetch.fetch_all(plan, tasks, here, data, settings, world)
