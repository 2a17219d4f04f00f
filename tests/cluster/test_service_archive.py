"""The archive with a real PostgreSQL and real replicas: what has ended stays known, whatever goes and comes."""

import asyncio
import uuid
from collections.abc import AsyncIterator
from datetime import UTC, datetime

import pytest

from c2d.archive import settings as archive_settings
from c2d.archive.archive import Archive
from c2d.kube import errors
from c2d.kube.resources import JOBS, Object
from c2d.service import archiving, records
from c2d.service.jobs import Jobs
from tests.cluster.test_service import objects_of
from tests.kit.live import Live, until
from tests.kit.postgres import Database, Server
from tests.kit.provider import Provider, jobs_of, new_agreement, new_owner, raw
from tests.kit.service_process import ServiceProcess, Services

WRITE = "open('/data/outputs/kept', 'w').write('for ever')"
FOREVER = "import time\ntime.sleep(3600)"
FINALIZER = "c2d.oceanprotocol.com/archive"

Replicas = tuple[ServiceProcess, ServiceProcess]


@pytest.fixture
async def replicas(services: Services, database: Database) -> AsyncIterator[Replicas]:
    """Two, with one database."""
    yield await services.two(**database.environment, ALLOWED_ADMINS='["of-tests"]')


async def item_of(there: Live, customer: Provider, job: str) -> Object | None:
    """The job's ComputeJob, as long as it is there."""
    items = await jobs_of(there.client, there.namespace, customer.owner)
    return next((item for item in items if item["metadata"]["uid"].replace("-", "") == job), None)


async def when_deleted(there: Live, customer: Provider, job: str) -> Object:
    item = await item_of(there, customer, job)
    assert item is not None
    await there.client.delete(JOBS, there.namespace, item["metadata"]["name"])
    return item


async def then_gone(there: Live, name: str) -> None:
    with pytest.raises(errors.NotFound):
        await there.then(name, lambda _: False, "its end")


async def test_a_job_is_known_when_its_computejob_is_gone(customer: Provider, replicas: Replicas, there: Live) -> None:
    one, other = [customer.at(process.url) for process in replicas]
    agreement = new_agreement()
    job = await one.when_started(raw(WRITE, there.site.algorithm_image), agreement)
    status = await one.then_ended(job)
    assert status["statusText"] == "Job finished"
    item = await when_deleted(there, customer, job)
    await then_gone(there, item["metadata"]["name"])
    live = await one.when_started(raw("pass", there.site.algorithm_image))
    for replica in (one, other):
        await replica.then(job, lambda seen: seen == status, "the same status from the archive")
        assert [found["jobId"] for found in (await replica.status()).jobs] == [job, live]
        assert [found["jobId"] for found in (await replica.status(agreement=agreement)).jobs] == [job]
        assert (await replica.then_results(status))["output/kept"] == b"for ever"
        listed = await replica.get(f"/api/v1/operator/list?owner={customer.owner}", Admin="of-tests")
        assert [found["jobId"] for found in listed.body["jobs"]] == [live, job], "the newest first"

    assert (await other.remove(job)).job["removed"] == 1
    await one.then(job, lambda seen: not objects_of(there.site, job), "an empty bucket")
    for replica in (one, other):
        removed = (await replica.status(job)).job
        assert removed == {**status, "removed": 1, "results": ""}
        answer = await replica.result(job, 0)
        assert (answer.status, answer.error) == (404, f"No results for job {job}")


async def test_nothing_is_lost_while_the_database_is_away(
    customer: Provider, replicas: Replicas, there: Live, database_server: Server
) -> None:
    one, other = [customer.at(process.url) for process in replicas]
    await asyncio.to_thread(database_server.kill)
    job = await one.when_started(raw(WRITE, there.site.algorithm_image))
    status = await other.then_ended(job)
    assert status["statusText"] == "Job finished", "jobs run without a database"
    item = await when_deleted(there, customer, job)
    later = await other.when_started(raw("pass", there.site.algorithm_image))
    ended = await one.then_ended(later)
    assert [found["jobId"] for found in (await one.status()).jobs] == [job, later]
    kept = await item_of(there, customer, job)
    assert kept is not None, "it waits for the archive"
    assert kept["metadata"]["deletionTimestamp"]
    assert kept["metadata"]["finalizers"] == [FINALIZER]
    for process in replicas:
        await process.then_says("/readyz", 200)

    await asyncio.to_thread(database_server.start)
    await then_gone(there, item["metadata"]["name"])
    for replica in (one, other):
        await replica.then(job, lambda seen: seen == status, "the same status from the archive")
        assert (await replica.then_results(status))["output/kept"] == b"for ever"
        assert (await replica.status(later)).job == ended


async def test_a_job_that_goes_at_its_end_is_archived_with_its_end(
    customer: Provider, services: Services, there: Live, database: Database
) -> None:
    process = await services.start(**database.environment, C2D_JOB_TTL_SECONDS="0")
    await process.ready()
    replica = customer.at(process.url)
    job = await replica.when_started(raw(WRITE, there.site.algorithm_image))
    status = await replica.then_ended(job)
    assert status["statusText"] == "Job finished"
    await until(lambda: item_of(there, customer, job), lambda item: item is None)
    assert (await replica.status(job)).job == status
    assert (await replica.then_results(status))["output/kept"] == b"for ever"


async def test_a_running_job_that_is_deleted_has_an_end(customer: Provider, replicas: Replicas, there: Live) -> None:
    """Otherwise its consumer would ask for ever."""
    one, other = [customer.at(process.url) for process in replicas]
    job = await one.when_started(raw(FOREVER, there.site.algorithm_image))
    await one.then_code(job, 40)
    item = await when_deleted(there, customer, job)
    await then_gone(there, item["metadata"]["name"])
    for replica in (one, other):
        status = await replica.then_ended(job)
        assert (status["status"], status["results"]) == (70, "")
        assert status["statusText"].startswith("Job finished: ")


async def test_a_signature_is_remembered_by_all_replicas_and_through_their_ends(
    customer: Provider, replicas: Replicas, there: Live
) -> None:
    process, successor = replicas
    one, other = customer.at(process.url), customer.at(successor.url)
    workflow, agreement = raw("pass", there.site.algorithm_image), new_agreement()
    body = one.start_body(workflow, agreement)
    job = (await one.post(body)).job["jobId"]
    assert (await other.post(body)).job["jobId"] == job, "the same once more"
    stolen = {**body, "agreementId": new_agreement()}
    for _ in range(2):
        for replica in (one, other):
            answer = await replica.post(stolen)
            assert answer.status == 401
            assert "used for another request" in answer.error
        await asyncio.gather(process.die_and_come_back(), successor.die_and_come_back())
    assert len(await jobs_of(there.client, there.namespace, customer.owner)) == 1


async def test_a_replica_that_missed_the_end_does_not_write_another_over_it(there: Live, database: Database) -> None:
    """It was out of touch while the job ended, was archived by its neighbour, and went."""
    item = {
        "metadata": {
            "uid": str(uuid.uuid4()),
            "namespace": there.namespace,
            "name": "of-before",
            "resourceVersion": "1",
            "creationTimestamp": "2026-01-02T03:04:05Z",
        },
        "spec": {"owner": new_owner()},
        "status": {"phase": "Running"},
    }
    over = {"phase": "Succeeded", "code": 70, "text": "Job finished", "dateFinished": "2026-01-02T03:05:05Z"}
    ended = archiving.entry(records.read({**item, "status": over}))
    async with Archive(archive_settings.Settings.read(database.environment)) as archive:
        await archive.save([ended])
        jobs = Jobs()
        archivist = archiving.Archivist(there.client, jobs, archive, lambda: datetime.now(UTC))
        working = asyncio.create_task(archivist.run())
        jobs.put(item)
        jobs.keep_only(set(), 2)
        assert archivist.waiting == 1
        await until(lambda: asyncio.sleep(0, archivist.waiting), lambda waiting: not waiting)
        working.cancel()
        assert await archive.find(owner=ended.owner, limit=10) == [ended]
