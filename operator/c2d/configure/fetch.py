"""Carries out the tasks that need the network, several at once. Imports aiohttp, so it is only loaded for them."""

import asyncio
import contextlib
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import aiohttp

from c2d.configure import address, place
from c2d.configure.download import Download, open_session
from c2d.configure.errors import ConfigureError, PlanInvalid, TaskFailed, WrongChecksum
from c2d.configure.partial import Partial
from c2d.configure.settings import Settings, World
from c2d.configure.tasks import Task, Url, UrlFile


@dataclass(frozen=True)
class Fetcher:
    """Fetches files to their places on the volume."""

    data: Path
    settings: Settings
    world: World
    session: aiohttp.ClientSession
    places: asyncio.Semaphore

    async def fetch(self, task: Task) -> int:
        """Brings one file to its place; gives its size. Raises TaskFailed."""
        async with self.places:
            with self._role_is_told(task), place.disk_full_is_told():
                path = self.data / task.path
                size = await asyncio.to_thread(self._size_there, task, path)
                return await self._bring(task, path) if size is None else size

    @contextlib.contextmanager
    def _role_is_told(self, task: Task) -> Iterator[None]:
        try:
            yield
        except ConfigureError as error:
            self.world.say(f"{task.path}: failed: {error}")
            raise TaskFailed(task.role, error) from error

    def _size_there(self, task: Task, path: Path) -> int | None:
        """The file's size if an earlier run brought it, which only a declared sha256 can prove."""
        if task.sha256 is None or place.sha256_of(path) != task.sha256:
            return None
        path.chmod(task.mode)
        self.world.say(f"{task.path}: an earlier run brought it already")
        return path.stat().st_size

    async def _bring(self, task: Task, path: Path) -> int:
        if not isinstance(task.source, Url | UrlFile):
            raise PlanInvalid(f"{task.path} has nothing to fetch")
        origin = address.resolve(task.source)
        self.world.say(f"{task.path}: fetching from {origin.shown}")
        download = Download(self.session, self.settings, self.world, str(task.path), origin)
        with contextlib.closing(Partial(place.partial_path(self.data, path))) as partial:
            await self._complete(download, task, partial)
            place.make_parents(path)
            partial.become(path, task.mode)
        self.world.say(f"{task.path}: {partial.size} bytes, sha256 {partial.sha256}")
        return partial.size

    async def _complete(self, download: Download, task: Task, partial: Partial) -> None:
        await download.run(partial)
        if partial.resumed and not _fits(task, partial):
            # The server may have joined two versions of its file: only a fetch in one piece can tell.
            self.world.say(f"{task.path}: its pieces don't fit together; it is fetched again from the start")
            await download.run_from_start(partial)
        if not _fits(task, partial):
            partial.discard()
            raise WrongChecksum(f"{task.path} has sha256 {partial.sha256}, declared is {task.sha256}")


def _fits(task: Task, partial: Partial) -> bool:
    return task.sha256 in (None, partial.sha256)


def fetch_all(tasks: Sequence[Task], data: Path, settings: Settings, world: World) -> int:
    """Fetches every file; gives their size together. Raises the TaskFailed that says most."""
    return asyncio.run(_fetch_all(tasks, data, settings, world))


async def _fetch_all(tasks: Sequence[Task], data: Path, settings: Settings, world: World) -> int:
    async with open_session(settings) as session:
        fetcher = Fetcher(data, settings, world, session, asyncio.Semaphore(settings.at_once))
        try:
            async with asyncio.TaskGroup() as group:
                running = [group.create_task(fetcher.fetch(task)) for task in tasks]
        except ExceptionGroup as failures:
            raise worst(failures.exceptions) from failures
    return sum(task.result() for task in running)


def worst(errors: Sequence[Exception]) -> Exception:
    """One that no other pod can heal, if there is one."""
    return min(errors, key=lambda error: isinstance(error, ConfigureError) and error.may_pass)
