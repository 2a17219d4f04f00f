"""PUT and DELETE /compute: what is stopped, what is removed, and what is left alone."""

import json
from typing import Any

import pytest

from c2d.kube import errors
from c2d.kube.resources import JOBS
from c2d.service import archiving, records
from tests.kit.service import (
    OWNER,
    STATUS_KEYS,
    FakeArchive,
    Provider,
    Service,
    job,
    job_uid,
    merged,
)

OTHER_OWNER = "0x" + "12" * 20
UNFINISHED = ("Pending", "Configuring", "Provisioned", "Running", "Publishing")
ENDED = ("Succeeded", "Failed", "Stopped", "TimedOut")
METHODS = pytest.mark.parametrize("method", ["PUT", "DELETE"])


def job_id(number: int) -> str:
    return job_uid(number).replace("-", "")


def spec_of(service: Service, number: int) -> dict[str, Any]:
    spec: dict[str, Any] = service.cluster.objects[JOBS.plural, "ns", f"made-{number}"]["spec"]
    return spec


@pytest.mark.parametrize("phase", UNFINISHED)
async def test_an_unfinished_job_is_stopped(service: Service, phase: str) -> None:
    await service.sees(job(phase))
    answer = await service.put(Provider().query(jobId=job_id(0)))
    (status,) = answer.json
    assert list(status) == STATUS_KEYS
    assert (answer.status, status["stopreq"], status["removed"]) == (200, 1, 0)
    assert spec_of(service, 0)["stop"] is True
    assert "remove" not in spec_of(service, 0)


@pytest.mark.parametrize("phase", ENDED)
async def test_a_finished_job_is_not_touched_by_a_stop(service: Service, phase: str) -> None:
    before = await service.sees(job(phase))
    answer = await service.put(Provider().query(jobId=job_id(0)))
    assert answer.json[0]["stopreq"] == 0
    assert service.cluster.jobs() == [before]


async def test_without_a_job_all_of_the_owner_are_stopped(service: Service) -> None:
    await service.sees(job("Running", 0))
    await service.sees(job("Pending", 1, spec={"owner": OWNER.lower()}))
    await service.sees(job("Succeeded", 2))
    await service.sees(job("Running", 3, spec={"owner": OTHER_OWNER}))
    answer = await service.put(Provider().query())
    assert {status["jobId"]: status["stopreq"] for status in answer.json} == {job_id(0): 1, job_id(1): 1, job_id(2): 0}
    assert [spec_of(service, number).get("stop") for number in range(4)] == [True, True, None, None]


async def test_an_agreement_narrows_it(service: Service) -> None:
    await service.sees(job("Running", 0))
    await service.sees(job("Running", 1))
    answer = await service.put(Provider().query(agreementId="0xAG1"))
    assert [status["jobId"] for status in answer.json] == [job_id(1)]
    assert "stop" not in spec_of(service, 0)


@METHODS
async def test_nothing_found(service: Service, method: str) -> None:
    await service.sees(job("Running", 0))
    for given in ({"jobId": job_id(9)}, {"agreementId": "0xnone"}, {"owner": OTHER_OWNER}):
        answer = await service.ask(method, "compute", params=Provider().query(**given))
        assert (answer.status, answer.body) == (200, b"[]")


@METHODS
async def test_another_owners_job_is_not_there(service: Service, method: str) -> None:
    before = await service.sees(job("Running", 0))
    answer = await service.ask(method, "compute", params=Provider().query(owner=OTHER_OWNER, jobId=job_id(0)))
    assert answer.body == b"[]"
    assert service.cluster.jobs() == [before]


@METHODS
@pytest.mark.parametrize("name", ["owner", "providerSignature", "nonce"])
@pytest.mark.parametrize("how", ["absent", "empty"])
async def test_what_is_required(service: Service, method: str, name: str, how: str) -> None:
    given = Provider().query(jobId=job_id(0))
    given = {key: value for key, value in given.items() if key != name} | ({name: ""} if how == "empty" else {})
    answer = await service.ask(method, "compute", params=given)
    assert (answer.status, answer.error) == (400, f'"{name}" is required in the call to {method}:/compute')


@METHODS
@pytest.mark.parametrize(
    "short", [{"jobId": "1"}, {"jobId": ""}, {"agreementId": "x"}, {"agreementId": ""}, {"owner": "0"}], ids=str
)
async def test_a_short_id_does_not_mean_everything(service: Service, method: str, short: dict[str, str]) -> None:
    before = await service.sees(job("Running", 0))
    answer = await service.ask(method, "compute", params={**Provider().query(), **short})
    assert answer.status == 400
    assert next(iter(short)) in answer.error
    assert service.cluster.jobs() == [before]


async def test_an_empty_put(service: Service) -> None:
    for more in ({}, {"data": b"", "headers": {"Content-Type": "application/json"}}, {"json": {}}):
        answer = await service.ask("PUT", "compute", **more)
        assert (answer.status, answer.error) == (400, "payload seems empty.")


@METHODS
async def test_parameters_in_the_body(service: Service, method: str) -> None:
    await service.sees(job("Running", 0))
    given: dict[str, Any] = Provider().query(jobId=job_id(0))
    given["nonce"] = int(given["nonce"])
    answer = await service.ask(method, "compute", json=given)
    assert answer.json[0]["stopreq"] == 1


async def test_a_second_stop_writes_nothing(service: Service) -> None:
    await service.sees(job("Running", 0))
    first = await service.put(Provider().query(jobId=job_id(0)))
    version = service.cluster.version
    again = await service.put(Provider().query(jobId=job_id(0)))
    assert again.body == first.body
    assert service.cluster.version == version


# --- DELETE


async def test_a_bare_delete_answers_as_it_always_did(service: Service) -> None:
    before = await service.sees(job("Running", 0))
    for more in ({}, {"data": b"", "headers": {"Content-Type": "application/json"}}, {"json": {}}):
        answer = await service.ask("DELETE", "compute", **more)
        assert (answer.status, answer.body) == (200, b'""')
        assert answer.headers["Content-Type"] == "application/json"
    assert service.cluster.jobs() == [before]


@pytest.mark.parametrize("phase", ENDED)
async def test_a_finished_job_is_removed(service: Service, phase: str) -> None:
    await service.sees(job(phase))
    answer = await service.delete(Provider().query(jobId=job_id(0)))
    assert (answer.status, answer.json[0]["removed"], answer.json[0]["results"]) == (200, 1, "")
    assert spec_of(service, 0)["remove"] is True
    assert "stop" not in spec_of(service, 0)
    after = await service.get(Provider().query(jobId=job_id(0)))
    assert after.json == answer.json


@pytest.mark.parametrize("phase", UNFINISHED)
async def test_an_unfinished_job_is_stopped_first(service: Service, phase: str) -> None:
    await service.sees(job(phase))
    (status,) = (await service.delete(Provider().query(jobId=job_id(0)))).json
    assert (status["stopreq"], status["removed"]) == (1, 1)
    assert (spec_of(service, 0)["stop"], spec_of(service, 0)["remove"]) == (True, True)


async def test_a_removal_again_is_fine(service: Service) -> None:
    await service.sees(job("Succeeded"))
    given = Provider().query(jobId=job_id(0))
    first = await service.delete(given)
    version = service.cluster.version
    assert (await service.delete(given)).body == first.body
    assert (await service.delete(Provider().query(jobId=job_id(0)))).body == first.body
    assert service.cluster.version == version


async def test_all_jobs_of_an_owner_are_removed(service: Service) -> None:
    for number, phase in enumerate(("Running", "Succeeded", "Stopped")):
        await service.sees(job(phase, number))
    answer = await service.delete(Provider().query())
    assert [status["removed"] for status in answer.json] == [1, 1, 1]


async def test_an_archived_job_is_removed(archived: Service, archive: FakeArchive) -> None:
    item = job("Succeeded", 4)
    archive.entries[item["metadata"]["uid"]] = archiving.entry(records.read(item))
    answer = await archived.delete(Provider().query(jobId=job_id(4)))
    assert (answer.json[0]["jobId"], answer.json[0]["removed"]) == (job_id(4), 1)
    assert archive.entries[item["metadata"]["uid"]].removed
    assert (await archived.get(Provider().query(jobId=job_id(4)))).json == answer.json


async def test_a_stop_of_an_archived_job_leaves_it(archived: Service, archive: FakeArchive) -> None:
    item = job("Succeeded", 4)
    archive.entries[item["metadata"]["uid"]] = archiving.entry(records.read(item))
    answer = await archived.put(Provider().query(jobId=job_id(4)))
    assert (answer.json[0]["stopreq"], answer.json[0]["removed"]) == (0, 0)


# --- the cluster


TROUBLES = {
    "refused": (errors.Rejected("not allowed"), 400),
    "away": (errors.Unavailable("the API server can't be reached"), 503),
}


@METHODS
@pytest.mark.parametrize(("trouble", "status"), TROUBLES.values(), ids=TROUBLES)
async def test_the_clusters_trouble(service: Service, method: str, trouble: Exception, status: int) -> None:
    await service.sees(job("Running", 0))

    async def pause(what: str) -> None:
        if what.startswith("patch"):
            raise trouble

    service.client.pause = pause
    answer = await service.ask(method, "compute", params=Provider().query())
    assert (answer.status, answer.error) == (status, f"Exception when stopping compute job: {trouble}")


@METHODS
async def test_a_job_of_the_same_name_is_not_meant(service: Service, method: str) -> None:
    """The one that was asked for went, and another has its name before this replica hears of it."""
    await service.sees(job("Running", 0))

    async def swap(what: str) -> None:
        if what.startswith("patch"):
            other = merged(job("Running", 1), {"metadata": {"name": "made-0"}, "spec": {"owner": OTHER_OWNER}})
            service.cluster.objects[JOBS.plural, "ns", "made-0"] = other

    service.client.pause = swap
    answer = await service.ask(method, "compute", params=Provider().query(jobId=job_id(0)))
    assert answer.status == 200
    assert not {"stop", "remove"} & set(spec_of(service, 0))


@METHODS
async def test_a_job_that_went_meanwhile(service: Service, method: str) -> None:
    await service.sees(job("Running", 0))

    async def gone(what: str) -> None:
        if what.startswith("patch"):
            raise errors.NotFound("made-0")

    service.client.pause = gone
    answer = await service.ask(method, "compute", params=Provider().query(jobId=job_id(0)))
    assert answer.status == 200
    assert [status["jobId"] for status in answer.json] == [job_id(0)]


async def test_a_hundred_jobs_are_stopped_at_a_time(service: Service) -> None:
    for number in range(100):
        service.cluster.put(JOBS, job("Running", number))
    await service.heard()
    answer = await service.put(Provider().query())
    assert len(answer.json) == 100
    assert all(status["stopreq"] == 1 for status in answer.json)
    assert json.dumps(answer.json).encode() == answer.body
