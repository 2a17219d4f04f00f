"""Carries out the tasks that need the network, several at once. Imports aiohttp, so it is only loaded for them."""

import asyncio
import contextlib
import gc
from collections.abc import AsyncIterator, Coroutine, Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path, PurePosixPath
from typing import Any, TypeVar

import aiohttp

from c2d.api.plan import ConfigurePlan, PlannedAsset
from c2d.configure import admission, place, sources
from c2d.configure.address import of_server
from c2d.configure.asking import Asker
from c2d.configure.assets import Assets, Opened
from c2d.configure.bucket import Bucket
from c2d.configure.download import Download
from c2d.configure.errors import ConfigureError, PlanInvalid, Role, TaskFailed, WrongChecksum
from c2d.configure.finished import Finished, Record, source_key
from c2d.configure.partial import Partial
from c2d.configure.settings import Settings, World
from c2d.configure.signer import PodSigner, Signer
from c2d.configure.sources import Source
from c2d.configure.tasks import AssetFile, Object, Stored, Task, Url, UrlFile, require_places, role_of
from c2d.configure.transport import open_own_session, open_session

T = TypeVar("T")


@dataclass(frozen=True)
class Fetcher:
    """Fetches files to their places on the volume."""

    data: Path
    settings: Settings
    world: World
    limit: int | None  # bytes of a file
    session: aiohttp.ClientSession
    signer: Signer
    assets: Assets
    places: asyncio.Semaphore
    finished: Finished
    turns: dict[str, asyncio.Lock] = field(default_factory=dict)  # one for each Provider

    async def open(self, asset: PlannedAsset) -> Opened:
        """Finds out what the order is for. Raises TaskFailed."""
        async with self.places:
            with self._role_is_told(role_of(asset), asset.path), place.disk_full_is_told():
                return await self.assets.open(asset)

    async def fetch_each(self, tasks: Sequence[Task]) -> list[Stored]:
        """Those that are not here. Raises the TaskFailed that says most."""
        wanted = [task for task in tasks if not task.is_here]
        stored: dict[int, Stored] = {}
        left = iter(enumerate(wanted))

        async def fetch_one_after_another() -> None:
            for number, task in left:
                stored[number] = await self.fetch(task)
                self.world.tally.completed(str(task.path), stored[number].size)

        await _together([fetch_one_after_another() for _ in range(min(self.settings.at_once, len(wanted)))])
        return [stored[number] for number in range(len(wanted))]

    async def fetch(self, task: Task) -> Stored:
        """Brings one file to its place. Raises TaskFailed."""
        async with self.places:
            with self._role_is_told(task.role, task.path), place.disk_full_is_told():
                source = self._source(task)
                key = source_key(source.identity)
                expected = self._expected(task, key)
                if expected is not None and await asyncio.to_thread(self._is_there, task, expected):
                    return Stored(task.path, (self.data / task.path).stat().st_size, expected)
                return await self._bring(task, source, key)

    @contextlib.contextmanager
    def _role_is_told(self, role: Role, path: PurePosixPath | str) -> Iterator[None]:
        try:
            yield
        except ConfigureError as error:
            self.world.say(f"{path}: failed: {error}")
            raise TaskFailed(role, error) from error

    def _expected(self, task: Task, key: str) -> str | None:
        """The sha256 that a file has if an earlier run brought it: the declared one, else what that run found."""
        record = self.finished.find(str(task.path), key)
        return task.sha256 or (record.sha256 if record is not None else None)

    def _is_there(self, task: Task, sha256: str) -> bool:
        path = self.data / task.path
        if place.sha256_of(path) != sha256:
            return False
        path.chmod(task.mode)
        self.world.say(f"{task.path}: an earlier run brought it already")
        return True

    async def _bring(self, task: Task, source: Source, key: str) -> Stored:
        path = self.data / task.path
        download = Download(self.session, self.settings, self.world, str(task.path), source, self.places, self.limit)
        with contextlib.closing(Partial(place.partial_path(self.data, path))) as partial:
            await self._complete(download, task, partial)
            await asyncio.to_thread(self._keep, task, partial, key)
        self.world.say(f"{task.path}: {partial.size} bytes, sha256 {partial.sha256}")
        return Stored(task.path, partial.size, partial.sha256)

    def _keep(self, task: Task, partial: Partial, key: str) -> None:
        partial.become(self.data / task.path, task.mode)
        self.finished.add(Record(str(task.path), partial.size, partial.sha256, key))

    def _source(self, task: Task) -> Source:
        match task.source:
            case Url() | UrlFile() as url:
                return sources.plain(url)
            case Object(planned):
                return sources.Presigned(Bucket(planned), planned.key)
            case AssetFile(endpoint=endpoint) as file:
                shown = of_server(endpoint, "the Provider").shown
                turn = self.turns.setdefault(shown, asyncio.Lock())
                return sources.Ordered(file, shown, self.signer, turn)
        raise PlanInvalid(f"{task.path} has nothing to fetch")

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


def fetch_all(
    plan: ConfigurePlan, tasks: Sequence[Task], here: Sequence[Stored], data: Path, settings: Settings, world: World
) -> list[Stored]:
    """Fetches what isn't here, the files of assets too; `here` is what the other tasks have put on the volume.

    Raises the TaskFailed that says most, or NotTrusted.
    """
    # All is loaded; see start.py.
    gc.freeze()
    gc.enable()
    return asyncio.run(_fetch_all(plan, tasks, here, data, settings, world))


async def _fetch_all(
    plan: ConfigurePlan, tasks: Sequence[Task], here: Sequence[Stored], data: Path, settings: Settings, world: World
) -> list[Stored]:
    async with _fetcher(plan, data, settings, world) as fetcher:
        opened = await _together([fetcher.open(asset) for asset in plan.assets])
        tasks = [*tasks, *(task for each in opened for task in each.tasks)]
        require_places([task.path for task in tasks])
        world.tally.expect(sum(not task.is_here for task in tasks))
        code = [task for task in tasks if task.role is Role.ALGORITHM]
        # The algorithm comes before assets: no data is fetched for one that its publisher doesn't admit.
        judged = any(admission.restricts(each) for each in opened)
        first = await fetcher.fetch_each(code if judged else tasks)
        files = {stored.path: stored for stored in (*here, *first)}
        admission.require_admission(plan, opened, [files[task.path] for task in code])
        rest = await fetcher.fetch_each([task for task in tasks if task.path not in files])
    return [*(each.note for each in opened), *first, *rest]


@contextlib.asynccontextmanager
async def _fetcher(plan: ConfigurePlan, data: Path, settings: Settings, world: World) -> AsyncIterator[Fetcher]:
    async with open_session(settings, plan.allow_private_addresses) as session, open_own_session(settings) as own:
        with contextlib.closing(Finished(place.journal_path(data))) as finished:
            yield Fetcher(
                data=data,
                settings=settings,
                world=world,
                limit=plan.max_file_bytes,
                session=session,
                signer=world.signer or PodSigner(plan.signer, Asker(own, settings, world)),
                assets=Assets(data, Asker(session, settings, world)),
                places=asyncio.Semaphore(settings.at_once),
                finished=finished,
            )


async def _together(work: Sequence[Coroutine[Any, Any, T]]) -> list[T]:
    """What each of them gives, in their order. Raises the error that says most."""
    try:
        async with asyncio.TaskGroup() as group:
            running = [group.create_task(each) for each in work]
    except ExceptionGroup as failures:
        raise worst(failures.exceptions) from failures
    return [task.result() for task in running]


def worst(errors: Sequence[Exception]) -> Exception:
    """One that no other pod can heal, if there is one."""
    return min(errors, key=lambda error: isinstance(error, ConfigureError) and error.may_pass)
