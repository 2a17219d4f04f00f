"""A mirror has what the API server has, whatever happens to lists and watches, and says when it has lost touch."""

import asyncio
import contextlib
from collections.abc import AsyncIterator, Callable
from typing import Any

import pytest

from c2d.kube import errors, mirror
from c2d.kube.mirror import Mirror
from c2d.kube.resources import JOBS
from c2d.service.jobs import Jobs
from tests.kit.service import NAMESPACE, ServiceClient, ServiceCluster, job, job_uid, until


class World:
    def __init__(self) -> None:
        self.cluster = ServiceCluster()
        self.client = ServiceClient(self.cluster)
        self.jobs = Jobs()
        self.now = 0.0
        self.mirror = Mirror(self.client.as_client, JOBS, NAMESPACE, self.jobs, lambda: self.now)
        self.asked: list[str] = []
        self.before: Callable[[str], None] = lambda _: None
        self.client.pause = self._pause

    async def _pause(self, what: str) -> None:
        self.asked.append(what)
        self.before(what)

    def put(self, number: int, phase: str = "Running") -> None:
        self.cluster.put(JOBS, job(phase, number))

    @property
    def numbers(self) -> list[int]:
        return sorted(int(record.name.rpartition("-")[2]) for record in self.jobs)

    async def has(self, *numbers: int) -> None:
        await until(lambda: self.numbers == list(numbers))


@contextlib.asynccontextmanager
async def at_work(world: World) -> AsyncIterator[World]:
    task = asyncio.create_task(world.mirror.run())
    try:
        yield world
        assert not task.done(), task
    finally:
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)


@pytest.fixture(autouse=True)
def impatient(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(mirror, "_FIRST_RETRY", 0.001)
    monkeypatch.setattr(mirror, "_LAST_RETRY", 0.005)


@pytest.fixture
def world() -> World:
    return World()


def failing(times: int, what: str, error: Exception) -> Callable[[str], None]:
    left = times

    def before(asked: str) -> None:
        nonlocal left
        if left and asked.startswith(what):
            left -= 1
            raise error

    return before


async def test_listed_then_watched(world: World) -> None:
    world.put(0)
    async with at_work(world):
        await world.has(0)
        assert world.mirror.synced
        world.put(1)
        await world.has(0, 1)
        world.cluster.delete(JOBS, "made-0")
        await world.has(1)
        assert world.asked.count("list computejobs") == 1
        assert world.mirror.lost_for == 0


async def test_not_synced_before_the_first_list(world: World) -> None:
    world.now = 7.0
    assert not world.mirror.synced
    assert world.mirror.lost_for == 7.0


async def test_long_lists_come_in_pages(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(mirror, "PAGE", 3)
    for number in range(8):
        world.put(number)
    async with at_work(world):
        await world.has(*range(8))
        assert [each for each in world.asked if each.startswith("list")] == [
            "list computejobs",
            "list computejobs 3",
            "list computejobs 6",
        ]


async def test_a_version_that_is_forgotten_is_listed_anew(world: World) -> None:
    world.put(0)
    world.put(1)
    async with at_work(world):
        await world.has(0, 1)
        # While nobody hears: one goes, one comes, and the server forgets how.
        world.before = failing(1, "watch", errors.Unavailable("cut"))
        del world.cluster.objects[JOBS.plural, NAMESPACE, "made-0"]
        world.cluster.put(JOBS, job(number=2))
        world.cluster.events.clear()
        world.cluster.forgotten = world.cluster.version
        await world.has(1, 2)
        assert world.asked.count("list computejobs") == 2


async def test_a_list_whose_pages_expire_begins_anew(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(mirror, "PAGE", 2)
    for number in range(5):
        world.put(number)
    world.before = failing(2, "list computejobs 2", errors.Expired("the continue token is too old"))
    async with at_work(world):
        await world.has(*range(5))
        assert world.mirror.synced


@pytest.mark.parametrize("what", ["list", "watch"])
async def test_lost_touch_and_found_it_again(world: World, what: str) -> None:
    down = True

    def before(asked: str) -> None:
        if down and asked.startswith(what):
            raise errors.Unavailable("the API server can't be reached")

    world.before = before
    async with at_work(world):
        await until(lambda: sum(each.startswith(what) for each in world.asked) > 3)
        world.now += 30
        await until(lambda: world.mirror.lost_for == 30)
        assert world.mirror.synced == (what == "watch")
        down = False
        await until(lambda: world.mirror.lost_for == 0)
        world.put(7)
        await world.has(7)


async def test_a_watch_that_dies_in_silence_is_noticed(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(mirror, "WATCH_SECONDS", 0.02)
    monkeypatch.setattr(mirror, "_PATIENCE", 0.02)
    async with at_work(world):
        await world.has()
        await until(lambda: sum(each.startswith("watch") for each in world.asked) > 2)
        world.put(3)
        await world.has(3)
        # From the version where it was; no list is needed.
        assert world.asked.count("list computejobs") == 1


class Scripted(ServiceClient):
    """Its watch says what the test says."""

    events: asyncio.Queue[Any]

    async def watch(self, *_: Any, **__: Any) -> AsyncIterator[tuple[str, Any]]:
        _[3]()
        self.versions = [*getattr(self, "versions", []), _[2]]
        while True:
            event = await self.events.get()
            if event is None:
                return
            yield event


@pytest.fixture
def scripted(world: World) -> Scripted:
    client = Scripted(world.cluster)
    client.events = asyncio.Queue()
    world.client = client
    world.mirror = Mirror(client.as_client, JOBS, NAMESPACE, world.jobs, lambda: world.now)
    return client


def seen(number: int, version: int, phase: str = "Running") -> Any:
    return job(phase, number, metadata={"resourceVersion": str(version)})


async def test_the_next_watch_goes_on_where_the_last_one_was(world: World, scripted: Scripted) -> None:
    async with at_work(world):
        bookmark = {"kind": "ComputeJob", "metadata": {"resourceVersion": "77", "uid": ""}}
        for event in (("ADDED", seen(0, 5)), ("BOOKMARK", bookmark), None, ("MODIFIED", seen(0, 80)), None):
            scripted.events.put_nowait(event)
        await until(lambda: len(getattr(scripted, "versions", [])) == 3)
        assert scripted.versions == ["0", "77", "80"]
        assert world.numbers == [0]
        assert len(world.jobs) == 1


async def test_versions_out_of_order_leave_the_newest(world: World, scripted: Scripted) -> None:
    """An answer to a write of ours is seen before the watch tells of what came before it."""
    async with at_work(world):
        await until(lambda: world.mirror.synced)
        world.jobs.take(seen(0, 9, "Succeeded"))
        for version in (7, 8, 9):
            scripted.events.put_nowait(("MODIFIED", seen(0, version)))
        scripted.events.put_nowait(("ADDED", seen(1, 10)))
        await world.has(0, 1)
        record = world.jobs.get(job_uid(0))
        assert record is not None
        assert (record.version, record.finished) == (9, True)


async def test_a_deletion_is_for_good(world: World, scripted: Scripted) -> None:
    async with at_work(world):
        scripted.events.put_nowait(("ADDED", seen(0, 5)))
        scripted.events.put_nowait(("DELETED", seen(0, 6)))
        scripted.events.put_nowait(("ADDED", seen(1, 7)))
        await world.has(1)
        world.jobs.take(seen(0, 5))
        assert world.numbers == [1]


async def test_what_is_deleted_while_it_is_listed_is_gone(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    """It is on the first page; the watch from the list's version tells of its end."""
    monkeypatch.setattr(mirror, "PAGE", 1)
    world.put(0)
    world.put(1)

    def before(asked: str) -> None:
        if asked == "list computejobs 1" and "made-0" in str(world.cluster.objects):
            world.cluster.delete(JOBS, "made-0")
            world.put(2)

    world.before = before
    async with at_work(world):
        await until(lambda: world.mirror.synced)
        # The pages of this fake move; those of the API server don't. Either way the watch sets it right.
        await world.has(1, 2)


async def test_what_is_made_while_it_is_listed_stays(world: World) -> None:
    """The job that we have just made is not in the list, which is older."""
    world.put(0)
    made: list[int] = []

    async with at_work(world):
        await world.has(0)

        def before(asked: str) -> None:
            if asked.startswith("watch") and not made:
                raise errors.Expired("too old resource version")

        original = world.client.list

        async def listed(*arguments: Any, **selectors: Any) -> Any:
            page = await original(*arguments, **selectors)
            if not made:
                made.append(1)
                world.jobs.take(world.cluster.put(JOBS, job(number=1)))
            return page

        world.client.list = listed  # type: ignore[method-assign]
        world.before = before
        world.put(2)
        await until(lambda: bool(made))
        await world.has(0, 1, 2)
        await asyncio.sleep(0)
        assert world.numbers == [0, 1, 2]
