"""A finished job is saved before it may go, however long the archive is away."""

import asyncio
import contextlib
from collections.abc import AsyncIterator
from datetime import UTC, datetime
from typing import Any, cast

import pytest

from c2d.archive.archive import Archive
from c2d.kube import errors
from c2d.kube.resources import JOBS
from c2d.service import archiving, records
from c2d.service.archiving import Archivist
from c2d.service.jobs import Jobs
from c2d.service.records import ARCHIVE_FINALIZER
from tests.kit.service import FINISHED, FakeArchive, ServiceClient, ServiceCluster, job, job_uid, merged, until

NOW = datetime(2026, 1, 3, tzinfo=UTC)
HELD = {"metadata": {"finalizers": [ARCHIVE_FINALIZER]}}


class World:
    def __init__(self, archive: FakeArchive | None) -> None:
        self.cluster = ServiceCluster()
        self.client = ServiceClient(self.cluster)
        self.archive = archive
        self.jobs = Jobs()
        real = cast("Archive | None", archive)
        self.archivist = Archivist(self.client.as_client, self.jobs, real, lambda: NOW)

    def sees(self, item: Any) -> Any:
        made = self.cluster.put(JOBS, item)
        self.jobs.put(made)
        return made

    def finalizers(self, number: int = 0) -> list[str]:
        found = self.cluster.objects[JOBS.plural, "ns", f"made-{number}"]["metadata"].get("finalizers", [])
        return list(found)


@contextlib.asynccontextmanager
async def at_work(archive: FakeArchive | None) -> AsyncIterator[World]:
    world = World(archive)
    task = asyncio.create_task(world.archivist.run())
    try:
        yield world
        assert not task.done()
    finally:
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)


@pytest.fixture(autouse=True)
def impatient(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(archiving, "_RETRY", 0.005)


@pytest.fixture
def archive() -> FakeArchive:
    return FakeArchive()


async def test_let_go_only_after_it_is_saved(archive: FakeArchive) -> None:
    async with at_work(archive) as world:
        order: list[str] = []

        async def pause(what: str) -> None:
            if what.startswith("patch"):
                order.append(f"{len(archive.entries)} saved")

        world.client.pause = pause
        world.sees(merged(job("Succeeded"), HELD))
        await until(lambda: world.finalizers() == [])
        assert order == ["1 saved"]
        await until(lambda: world.archivist.waiting == 0)


async def test_unfinished_jobs_are_nothing_to_it(archive: FakeArchive) -> None:
    async with at_work(archive) as world:
        world.sees(merged(job("Running"), HELD))
        world.sees(job("Succeeded", 1))
        await until(lambda: bool(archive.entries))
        assert set(archive.entries) == {job_uid(1)}
        assert world.finalizers() == [ARCHIVE_FINALIZER]


async def test_other_finalizers_stay(archive: FakeArchive) -> None:
    async with at_work(archive) as world:
        world.sees(merged(job("Succeeded"), {"metadata": {"finalizers": ["a", ARCHIVE_FINALIZER, "b"]}}))
        await until(lambda: world.finalizers() == ["a", "b"])


async def test_while_the_archive_is_away_nothing_goes(archive: FakeArchive) -> None:
    archive.down = True
    async with at_work(archive) as world:
        for number in range(3):
            world.sees(merged(job("Succeeded", number), HELD))
        await until(lambda: world.archivist.waiting == 3)
        for _ in range(50):
            await asyncio.sleep(0)
        assert not archive.entries
        assert all(world.finalizers(number) for number in range(3))
        archive.down = False
        await until(lambda: world.archivist.waiting == 0)
        assert len(archive.entries) == 3
        assert not any(world.finalizers(number) for number in range(3))


async def test_a_write_of_another_at_the_same_time(archive: FakeArchive) -> None:
    """The finalizer stays for now; the change that was in the way brings us back."""
    async with at_work(archive) as world:
        conflicts = 0

        async def pause(what: str) -> None:
            nonlocal conflicts
            if what.startswith("patch") and not conflicts:
                conflicts += 1
                world.cluster.change(JOBS, "made-0", lambda it: it["spec"].update(remove=True))

        world.client.pause = pause
        world.sees(merged(job("Succeeded"), HELD))
        await until(lambda: conflicts == 1 and world.archivist.waiting == 0)
        assert world.finalizers() == [ARCHIVE_FINALIZER]
        world.jobs.put(world.cluster.jobs()[0])
        await until(lambda: world.finalizers() == [])
        assert archive.entries[job_uid(0)].removed


async def test_a_change_while_it_is_saved_is_saved_too(archive: FakeArchive) -> None:
    async with at_work(archive) as world:
        item = world.sees(job("Succeeded"))
        world.sees(merged(item, {"spec": {"remove": True}}))
        await until(lambda: job_uid(0) in archive.entries and archive.entries[job_uid(0)].removed)


async def test_an_unfinished_job_that_is_being_deleted_is_saved_with_an_end(archive: FakeArchive) -> None:
    """Whoever polls it would otherwise poll for ever."""
    async with at_work(archive) as world:
        world.sees(merged(job("Running"), HELD))
        world.cluster.delete(JOBS, "made-0")
        world.jobs.put(world.cluster.jobs()[0])
        await until(lambda: not world.cluster.jobs())
        saved = archive.entries[job_uid(0)]
        assert saved.finished is not None
        assert saved.status["status"] == 70
        assert float(saved.status["dateFinished"]) > 0
        assert saved.status["statusText"].startswith("Job finished")


async def test_a_job_that_is_gone_is_saved_as_it_was_last_seen(archive: FakeArchive) -> None:
    async with at_work(archive) as world:
        item = world.sees(job("Running"))
        world.jobs.remove(item)
        await until(lambda: job_uid(0) in archive.entries)
        assert archive.entries[job_uid(0)].status["status"] == 70


async def test_an_end_that_is_concluded_replaces_none_that_was_seen(archive: FakeArchive) -> None:
    async with at_work(archive) as world:
        archive.entries[job_uid(0)] = archiving.entry(records.read(job("Succeeded")))
        world.jobs.remove(world.sees(job("Running")))
        await until(lambda: world.archivist.waiting == 0)
        assert archive.entries[job_uid(0)].phase == "Succeeded"


async def test_another_job_of_the_name_keeps_its_finalizer(archive: FakeArchive) -> None:
    async with at_work(archive) as world:
        item = merged(job("Succeeded", 1), {**HELD, "metadata": {**HELD["metadata"], "name": "made-0"}})
        world.cluster.put(JOBS, item)
        world.jobs.put(merged(job("Succeeded", 0), HELD))
        await until(lambda: world.archivist.waiting == 0 and bool(archive.entries))
        assert world.finalizers() == [ARCHIVE_FINALIZER]


async def test_without_an_archive_nothing_waits_for_one() -> None:
    async with at_work(None) as world:
        world.sees(merged(job("Succeeded"), HELD))
        await until(lambda: world.finalizers() == [])
        world.sees(job("Succeeded", 1))
        assert world.archivist.waiting == 0


async def test_a_job_that_is_never_let_go_does_not_hold_up_the_others(
    archive: FakeArchive, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Refused for ever, as a job is that a newer schema doesn't take."""
    monkeypatch.setattr(archiving, "_AT_ONCE", 2)
    async with at_work(archive) as world:

        async def pause(what: str) -> None:
            if what in ("patch computejobs made-0", "patch computejobs made-1"):
                raise errors.Rejected("is invalid")

        world.client.pause = pause
        for number in range(5):
            world.sees(merged(job("Succeeded", number), HELD))
        await until(lambda: len(archive.entries) == 5)
        await until(lambda: not any(world.finalizers(number) for number in (2, 3, 4)))


@pytest.mark.parametrize("phase", ["Succeeded", "Failed", "Stopped", "TimedOut"])
def test_what_comes_back_is_what_was_saved(phase: str) -> None:
    target = {"bucket": "results", "endpoint": "https://s3.example.com", "credentialsSecretName": "s3"}
    results = {
        "location": "s3://results/ns/uid",
        "manifest": "ns/uid/manifest.json",
        "manifestSha256": "0" * 64,
        "count": 1,
        "bytes": 3,
        "files": [{"filename": "o", "filesize": 3, "type": "output"}],
    }
    environment = {"results": {"s3": target}}
    status = {"stopRequest": 2, "results": results, "resolvedEnvironment": environment}
    item = merged(job(phase), {"status": status, "spec": {"chainId": 5}})
    before = records.read(item)
    after = archiving.record_of(archiving.entry(before))
    assert after.results == before.results
    assert before.results is not None
    files = before.results.files
    assert records.status_object(after, files) == records.status_object(before, files)
    assert (after.over, after.chain_id, after.finished_at) == (True, 5, datetime.fromisoformat(FINISHED))
