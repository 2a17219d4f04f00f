"""Results go when it was asked for or when their time is over, and are not served any more before they go."""

import asyncio
import contextlib
import json
from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta
from typing import Any, cast

import pytest

from c2d.archive.archive import Archive
from c2d.kube import errors
from c2d.kube.resources import JOBS, Object
from c2d.service import archiving, holding, records, removal
from c2d.service.holding import Holding
from c2d.service.jobs import Jobs
from c2d.service.lookup import Lookup
from c2d.service.records import RESULTS_FINALIZER
from c2d.service.removal import PATIENCE, SLACK, Removal
from c2d.service.results import Results
from c2d.storage.errors import StorageError
from c2d.storage.removal import Remover
from c2d.storage.targets import Target
from tests.kit.service import FINISHED, FakeArchive, ServiceClient, ServiceCluster, job, job_uid, merged, until

END = datetime.fromisoformat(FINISHED)
HOUR = timedelta(hours=1)
REMOVED = "c2d.oceanprotocol.com/results-removed"


class FakeRemover:
    """Notes what it was asked to remove; while `down` it removes nothing."""

    def __init__(self) -> None:
        self.removed: list[str] = []
        self.down = False

    async def remove(self, target: Target, prefix: str, uid: str) -> int:
        await asyncio.sleep(0)
        if self.down:
            raise StorageError("out of reach")
        self.removed.append(f"{target.bucket}/{prefix}")  # type: ignore[union-attr]
        return 1


class World:
    def __init__(self, archive: FakeArchive | None = None, now: datetime = END) -> None:
        self.now = now
        self.cluster = ServiceCluster()
        self.client = ServiceClient(self.cluster)
        self.archive = archive
        self.jobs = Jobs()
        self.remover = FakeRemover()
        real = cast("Archive | None", archive)
        remover = cast("Remover", self.remover)
        self.removal = Removal(self.client.as_client, self.jobs, real, remover, lambda: self.now)
        self.holding = Holding(self.client.as_client, self.jobs, archived=archive is not None)
        self.lookup = Lookup(self.jobs, real, cast("Results", None), lambda: self.now)

    def sees(self, item: Object) -> None:
        self.jobs.put(self.cluster.put(JOBS, item))

    def mark(self, number: int = 0) -> str | None:
        annotations = self.cluster.objects[JOBS.plural, "ns", f"made-{number}"]["metadata"].get("annotations", {})
        found: str | None = annotations.get(REMOVED)
        return found

    def finalizers(self) -> list[str]:
        found = self.cluster.objects[JOBS.plural, "ns", "made-0"]["metadata"].get("finalizers", [])
        return list(found)

    def delete(self) -> None:
        self.cluster.delete(JOBS, "made-0")
        self.jobs.put(self.cluster.jobs()[0])

    async def listed(self, number: int = 0) -> Any:
        record = self.jobs.get(job_uid(number))
        assert record is not None
        return json.loads(await self.lookup.text(record))["results"]


@contextlib.asynccontextmanager
async def at_work(world: World) -> AsyncIterator[World]:
    tasks = [asyncio.create_task(world.removal.run()), asyncio.create_task(world.holding.run())]
    tasks.append(asyncio.create_task(world.removal.look_into_archive()))
    try:
        yield world
        assert not any(task.done() for task in tasks[:2])
    finally:
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)


@pytest.fixture(autouse=True)
def impatient(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(removal, "_RETRY", 0.005)
    monkeypatch.setattr(holding, "_RETRY", 0.005)
    monkeypatch.setattr(removal, "_ROUND", 0.005)


def done(number: int = 0, expiry: int = 3600, **changes: Any) -> Object:
    results = {
        "location": f"s3://kept/ns/{job_uid(number)}",
        "manifest": "m",
        "manifestSha256": "0" * 64,
        "count": 1,
        "bytes": 3,
        "files": [{"filename": "o", "filesize": 3, "type": "output"}],
    }
    environment = {"results": {"s3": {"bucket": "kept"}}, "storageExpirySeconds": expiry}
    return merged(
        job("Succeeded", number), {"status": {"results": results, "resolvedEnvironment": environment}, **changes}
    )


async def turns() -> None:
    for _ in range(50):
        await asyncio.sleep(0)


async def test_kept_until_their_time_is_over() -> None:
    async with at_work(World(now=END + HOUR - timedelta(milliseconds=50))) as world:
        world.sees(done())
        assert len(await world.listed()) == 1
        await turns()
        world.now = END + HOUR
        assert await world.listed() == "", "not served any more"
        await turns()
        assert not world.remover.removed, "another replica's clock may be behind"


async def test_removed_when_their_time_is_over() -> None:
    async with at_work(World(now=END + HOUR + SLACK - timedelta(milliseconds=20))) as world:
        world.sees(done())
        world.sees(done(1, expiry=0))
        await turns()
        assert not world.remover.removed
        world.now = END + HOUR + SLACK
        await until(lambda: world.mark() is not None)
        assert world.remover.removed == [f"kept/ns/{job_uid(0)}"]
        assert world.mark() == "2026-01-02T05:05:05Z"
        assert world.mark(1) is None


async def test_what_was_due_while_nobody_was_there() -> None:
    async with at_work(World(now=END + 100 * HOUR)) as world:
        world.sees(done())
        await until(lambda: world.mark() is not None)


@pytest.mark.parametrize("mark", ["true", "2026-01-02T05:05:05Z"])
async def test_what_is_removed_is_left_alone(mark: str) -> None:
    async with at_work(World(now=END + 100 * HOUR)) as world:
        world.sees(merged(done(), {"metadata": {"annotations": {REMOVED: mark}}}))
        await turns()
        assert not world.remover.removed


async def test_tried_until_it_succeeds() -> None:
    async with at_work(World(now=END + 100 * HOUR)) as world:
        world.remover.down = True
        world.sees(done())
        await turns()
        assert world.mark() is None
        assert await world.listed() == ""
        world.remover.down = False
        await until(lambda: world.mark() is not None)


async def test_a_removal_that_was_asked_for_does_not_wait() -> None:
    async with at_work(World(now=END)) as world:
        world.sees(done(spec={"remove": True}))
        await until(lambda: world.mark() == "2026-01-02T04:04:05Z")


@pytest.mark.parametrize("removed", [False, True], ids=["expired", "asked for"])
async def test_jobs_that_only_the_archive_has(removed: bool) -> None:
    archive = FakeArchive()
    for number, item in enumerate((done(0, spec={"remove": removed}), done(1, expiry=0))):
        archive.entries[job_uid(number)] = archiving.entry(records.read(item))
    async with at_work(World(archive, now=END if removed else END + 2 * HOUR)) as world:
        await until(lambda: archive.entries[job_uid(0)].location is None)
        assert world.remover.removed == [f"kept/ns/{job_uid(0)}"]
        assert archive.entries[job_uid(1)].location is not None


async def test_an_archive_that_is_away() -> None:
    archive = FakeArchive()
    archive.entries[job_uid(0)] = archiving.entry(records.read(done()))
    archive.down = True
    async with at_work(World(archive, now=END + 2 * HOUR)) as world:
        await turns()
        archive.down = False
        await until(lambda: archive.entries[job_uid(0)].location is None)
        assert world.remover.removed


def test_the_archive_knows_when_results_expire() -> None:
    before = records.read(done())
    after = archiving.record_of(archiving.entry(before))
    assert after.published == before.published
    assert (after.expired(END), after.expired(END + HOUR)) == (False, True)
    assert after.published is not None
    assert after.published.expires == (END + HOUR).astimezone(UTC)


async def test_a_cluster_that_is_away_is_told_later() -> None:
    async with at_work(World(now=END + 2 * HOUR)) as world:
        refusals = 3

        async def pause(what: str) -> None:
            nonlocal refusals
            if what.startswith("patch") and refusals:
                refusals -= 1
                raise errors.Unavailable("away")

        world.client.pause = pause
        world.sees(done())
        await until(lambda: world.mark() is not None)


HELD = {"metadata": {"finalizers": ["other", RESULTS_FINALIZER]}}


async def test_deleted_with_their_job() -> None:
    async with at_work(World()) as world:
        world.sees(merged(done(), HELD))
        await turns()
        assert not world.remover.removed
        world.delete()
        assert await world.listed() == "", "what is being deleted is not served"
        await until(lambda: world.finalizers() == ["other"])
        assert world.remover.removed == [f"kept/ns/{job_uid(0)}"]


async def test_a_deletion_waits_for_the_storage_but_not_for_ever() -> None:
    async with at_work(World()) as world:
        world.remover.down = True
        world.sees(merged(done(), HELD))
        world.delete()
        for _ in range(5):
            await turns()
        assert RESULTS_FINALIZER in world.finalizers()
        world.now = END + PATIENCE
        await until(lambda: world.finalizers() == ["other"])
        assert world.mark() is None


@pytest.mark.parametrize("item", [job("Running"), done(metadata={"annotations": {REMOVED: "true"}})])
async def test_a_deleted_job_without_results_goes_at_once(item: Object) -> None:
    async with at_work(World()) as world:
        world.sees(merged(item, HELD))
        world.delete()
        await until(lambda: world.finalizers() == ["other"])
        assert not world.remover.removed


async def test_with_an_archive_results_outlive_their_job() -> None:
    """The finalizer is from the time before there was an archive."""
    async with at_work(World(FakeArchive())) as world:
        world.sees(merged(done(), HELD))
        world.delete()
        await until(lambda: world.finalizers() == ["other"])
        assert not world.remover.removed


@pytest.mark.parametrize("phase", ["Configuring", "Running", "Succeeded"])
async def test_a_job_whose_results_expire_is_held(phase: str) -> None:
    environment = {"results": {"s3": {"bucket": "kept"}}, "storageExpirySeconds": 60}
    async with at_work(World()) as world:
        world.sees(merged(job(phase), {"status": {"resolvedEnvironment": environment}}))
        await until(lambda: world.finalizers() == [RESULTS_FINALIZER])


async def test_other_jobs_are_not_held() -> None:
    for archive, item in ((None, job("Pending")), (None, done(expiry=0)), (FakeArchive(), done())):
        async with at_work(World(archive)) as world:
            world.sees(item)
            await turns()
            assert world.finalizers() == []


async def test_one_that_is_being_deleted_takes_no_finalizer_any_more() -> None:
    async with at_work(World()) as world:
        item = merged(done(), {"metadata": {"finalizers": ["other"]}})
        world.cluster.put(JOBS, item)
        world.cluster.delete(JOBS, "made-0")
        world.jobs.put(item)
        await turns()
        assert world.finalizers() == ["other"]


async def test_a_job_is_held_as_soon_as_the_cluster_lets_us() -> None:
    async with at_work(World()) as world:
        refusals = 3

        async def pause(what: str) -> None:
            nonlocal refusals
            if what.startswith("patch") and refusals:
                refusals -= 1
                raise errors.Unavailable("away")

        world.client.pause = pause
        world.sees(done())
        await until(lambda: world.finalizers() == [RESULTS_FINALIZER])
