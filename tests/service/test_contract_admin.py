"""The admin routes: who may, with the texts that scripts know, and what they show."""

import json
import urllib.parse
from typing import Any

import pytest

from c2d.kube import errors
from c2d.kube.resources import PODS
from c2d.service import archiving, records
from tests.kit.service import (
    ADMIN,
    OWNER,
    FakeArchive,
    Provider,
    Service,
    Storage,
    job,
    job_uid,
    merged,
    running,
)

EMPTY = "Admin header is empty.\nstatus code: 400"
DENIED = "Access admin route failed due to invalid admin address.\nstatus code: 401"
ROUTES = [("POST", "pgsqlinit"), ("GET", "info"), ("GET", "list"), ("GET", "logs"), ("GET", "runningjobs")]
EACH = pytest.mark.parametrize(("method", "path"), ROUTES, ids=[path for _, path in ROUTES])


def job_id(number: int) -> str:
    return job_uid(number).replace("-", "")


@EACH
async def test_an_admin_is_needed(service: Service, method: str, path: str) -> None:
    for headers in ({}, {"Admin": ""}):
        answer = await service.ask(method, path, headers=headers)
        assert (answer.status, answer.error) == (400, EMPTY)
    for given in ("wrong", ADMIN + "x", ADMIN[:-1], ADMIN.upper(), f'["{ADMIN}"]', "é"):
        answer = await service.ask(method, path, headers={"Admin": given})
        assert (answer.status, answer.error) == (401, DENIED)


@EACH
async def test_without_admins_nobody_is_one(method: str, path: str) -> None:
    async with running(ALLOWED_ADMINS="") as service:
        assert (await service.ask(method, path, headers={"Admin": ADMIN})).status == 401
        assert (await service.ask(method, path)).status == 400


async def test_passwords_may_be_of_any_characters() -> None:
    async with running(ALLOWED_ADMINS='["p\\u00e4ssword"]') as service:
        assert (await service.ask("GET", "info", headers={"Admin": "pässword"})).status == 200


async def test_pgsqlinit_is_empty_and_harmless(service: Service) -> None:
    for _ in range(2):
        answer = await service.admin("pgsqlinit", "POST")
        assert (answer.status, answer.body) == (200, b"")


async def test_pgsqlinit_brings_the_schema_up_to_date(archived: Service, archive: FakeArchive) -> None:
    assert (await archived.admin("pgsqlinit", "POST")).status == 200
    assert archive.migrations == 1
    archive.down = True
    assert (await archived.admin("pgsqlinit", "POST")).status == 503


async def test_running_jobs(service: Service) -> None:
    for number, phase in enumerate(("Running", "Succeeded", "Pending")):
        await service.sees(job(phase, number))
    answer = await service.admin("runningjobs")
    assert [entry["jobId"] for entry in answer.json] == [job_id(0), job_id(2)]
    expected = {
        "agreementId": "0xag0",
        "jobId": job_id(0),
        "owner": OWNER,
        "status": 40,
        "statusText": "Running algorithm ",
        "dateCreated": "1767323045.0",
        "namespace": "default",
        "algoDID": "raw",
        "inputDID": [],
    }
    assert json.dumps(answer.json[0]) == json.dumps(expected)


async def test_running_jobs_may_be_opened() -> None:
    async with running(C2D_RUNNING_JOBS_PUBLIC="1") as service:
        await service.sees(job())
        assert len((await service.ask("GET", "runningjobs")).json) == 1


async def test_info(archived: Service, archive: FakeArchive) -> None:
    await archived.sees(job())
    archive.down = True
    said = (await archived.admin("info")).json
    assert said["jobs"] == {"Running": 1}
    assert [offer["id"] for offer in said["environments"]] == ["ocean-compute"]
    assert said["archive"] == {"up": False, "waiting": 0}
    assert said["trouble"] == ""


# --- the list


async def many(service: Service, count: int = 5) -> None:
    for number in range(count):
        created = f"2026-01-02T03:04:{number:02}Z"
        item = job("Succeeded" if number % 2 else "Running", number, spec={"environment": f"e{number % 3}"})
        await service.sees(merged(item, {"metadata": {"creationTimestamp": created}}))


async def pages(service: Service, **query: Any) -> list[list[str]]:
    """Until there is no next."""
    found: list[list[str]] = []
    after: dict[str, str] = {}
    while len(found) < 50:
        answer = await service.admin("list", params={**query, **after})
        assert answer.status == 200, answer
        found.append([entry["jobId"] for entry in answer.json["jobs"]])
        if answer.json["next"] is None:
            return found
        after = {"after": answer.json["next"]}
    raise AssertionError("no end")


@pytest.mark.parametrize("limit", [1, 2, 3, 4, 5, 6, 1000])
async def test_pages_are_without_gaps_and_repetitions(service: Service, limit: int) -> None:
    await many(service)
    found = await pages(service, limit=limit)
    assert [each for page in found for each in page] == [job_id(number) for number in (4, 3, 2, 1, 0)]
    assert all(len(page) == limit for page in found[:-1])
    assert 0 < len(found[-1]) <= limit


@pytest.mark.parametrize("limit", [1, 2, 3, 7])
async def test_pages_of_live_and_archived_jobs(archived: Service, archive: FakeArchive, limit: int) -> None:
    await many(archived, 6)
    for number in (1, 3, 8, 9, 10):
        second = number if number < 6 else 20 - number
        item = job("Succeeded", number, metadata={"creationTimestamp": f"2026-01-02T03:04:{second:02}Z"})
        archive.entries[item["metadata"]["uid"]] = archiving.entry(records.read(item))
    # Those on the cluster are as the cluster has them.
    expected = [job_id(number) for number in (8, 9, 10, 5, 4, 3, 2, 1, 0)]
    assert [each for page in await pages(archived, limit=limit) for each in page] == expected


FILTERS: dict[str, tuple[dict[str, str], list[int]]] = {
    "a phase": ({"phase": "Running"}, [4, 2, 0]),
    "an environment": ({"environment": "e1"}, [4, 1]),
    "both": ({"environment": "e1", "phase": "Running"}, [4]),
    "an owner in lower case": ({"owner": OWNER.lower()}, [4, 3, 2, 1, 0]),
    "nobody": ({"owner": "0x1"}, []),
}


@pytest.mark.parametrize(("query", "expected"), FILTERS.values(), ids=FILTERS)
async def test_filters(service: Service, query: dict[str, str], expected: list[int]) -> None:
    await many(service)
    found = [each for page in await pages(service, **query, limit=2) for each in page]
    assert found == [job_id(number) for number in expected]


async def test_an_unknown_phase_is_told_the_known_ones(service: Service) -> None:
    answer = await service.admin("list", params={"phase": "Dancing"})
    assert answer.status == 400
    assert "Pending" in answer.error


async def test_what_a_job_is_listed_with(service: Service) -> None:
    await service.start(Provider().start())
    (entry,) = (await service.admin("list")).json["jobs"]
    assert entry["provider"] == Provider().address
    assert (entry["namespace"], entry["environment"], entry["phase"], entry["chainId"]) == (
        "ns",
        "ocean-compute",
        "Pending",
        8996,
    )


@pytest.mark.parametrize("limit", ["0", "-1", "1001", "abc", "1.5", "²", "9" * 30, "000000100000", "0000000000"])
async def test_a_limit_that_is_none(service: Service, limit: str) -> None:
    answer = await service.admin("list", params={"limit": limit})
    assert answer.status == 400
    assert '"limit"' in answer.error


CURSORS = [
    "x",
    "/",
    "2026-01-02",
    "2026-01-02T03:04:05/x",
    "0001-01-01T00:00:00+23:59/x",
    "9999-12-31T23:59:59-23:59/x",
]


@pytest.mark.parametrize("after", CURSORS)
async def test_a_cursor_that_is_none(service: Service, after: str) -> None:
    await many(service)
    answer = await service.admin("list", params={"after": after})
    assert answer.status == 400 or isinstance(answer.json["jobs"], list)


async def test_the_next_page_may_be_pasted_into_a_query(service: Service) -> None:
    """Whoever uses curl doesn't think of encoding it."""
    await many(service)
    after = (await service.admin("list", params={"limit": "2"})).json["next"]
    answer = await service.admin(f"list?limit=2&after={after}")
    assert answer.status == 200
    assert [entry["jobId"] for entry in answer.json["jobs"]] == [job_id(2), job_id(1)]
    assert (await service.admin(f"list?limit=2&after={urllib.parse.quote(after)}")).json == answer.json


async def test_a_list_without_its_archive_is_not_told_as_the_whole(archived: Service, archive: FakeArchive) -> None:
    archive.down = True
    assert (await archived.admin("list")).status == 503


# --- logs


def pod(number: int, step: str = "algorithm", attempt: int = 0) -> Any:
    labels = {
        "c2d.oceanprotocol.com/job-uid": job_uid(number),
        "c2d.oceanprotocol.com/step": step,
        "c2d.oceanprotocol.com/attempt": str(attempt),
    }
    return {"metadata": {"name": f"pod-{step}-{attempt}", "namespace": "ns", "labels": labels}}


@pytest.mark.parametrize("component", ["configure", "algorithm", "publish", None])
async def test_the_log_of_the_latest_pod(service: Service, component: str | None) -> None:
    await service.sees(job())
    for attempt in (9, 10, 2):
        service.cluster.put(PODS, pod(0, component or "algorithm", attempt))
        service.client.logged[f"pod-{component or 'algorithm'}-{attempt}"] = f"attempt {attempt}\n".encode()
    query = {"jobId": job_id(0)} | ({"component": component} if component else {})
    answer = await service.admin("logs", params=query)
    assert (answer.status, answer.body) == (200, b"attempt 10\n")
    assert answer.headers["Content-Type"] == "text/plain; charset=utf-8"


async def test_logs_that_are_not_there(service: Service) -> None:
    await service.sees(job())
    missing = await service.admin("logs")
    assert (missing.status, missing.error) == (400, '"jobId" is required in the call to GET:/logs')
    component = await service.admin("logs", params={"jobId": job_id(0), "component": "kernel"})
    assert component.status == 400
    assert '"component"' in component.error
    assert (await service.admin("logs", params={"jobId": "f" * 32})).status == 404
    assert (await service.admin("logs", params={"jobId": job_id(0)})).status == 404
    service.cluster.put(PODS, pod(0))
    no_log = await service.admin("logs", params={"jobId": job_id(0)})
    assert (no_log.status, no_log.error) == (404, "the algorithm pod has no log yet")


async def test_the_log_of_a_finished_job(stored: Service, storage: Storage) -> None:
    files = [("output", "o", b"x"), ("algorithmLog", "algorithm.log", b"said"), ("publishLog", "publish.log", b"")]
    await stored.sees(storage.publish(job("Succeeded"), *files))
    answer = await stored.admin("logs", params={"jobId": job_id(0)})
    assert (answer.status, answer.body) == (200, b"said")
    empty = await stored.admin("logs", params={"jobId": job_id(0), "component": "publish"})
    assert (empty.status, empty.body) == (200, b"")
    none = await stored.admin("logs", params={"jobId": job_id(0), "component": "configure"})
    assert none.status == 404


async def test_a_cluster_that_is_away(service: Service) -> None:
    await service.sees(job())
    service.cluster.put(PODS, pod(0))

    async def away(what: str) -> None:
        if what.startswith(("list pods", "logs")):
            raise errors.Unavailable("the API server can't be reached")

    service.client.pause = away
    assert (await service.admin("logs", params={"jobId": job_id(0)})).status == 503
