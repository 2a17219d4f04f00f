"""GET /compute: the status object in every phase, and which jobs a query is about."""

import asyncio
import json
from typing import Any

import pytest

from c2d.api.phases import TABLE, Phase
from c2d.kube.resources import JOBS
from c2d.service import archiving, lookup, records
from tests.kit.service import (
    CREATED,
    DEADLINE,
    FINISHED,
    OWNER,
    STATUS_KEYS,
    FakeArchive,
    Provider,
    Service,
    Storage,
    job,
    job_uid,
    merged,
    running,
)

OTHER_OWNER = "0x" + "12" * 20
# As the contract has them; phases come from the ComputeJob.
CODES = {
    "Pending": (1, "Warming up"),
    "Configuring": (20, "Configuring volumes"),
    "Provisioned": (30, "Provisioning success"),
    "Running": (40, "Running algorithm "),
    "Publishing": (60, "Publishing results"),
    "Succeeded": (70, "Job finished"),
    "Failed": (70, "Job finished"),
    "Stopped": (70, "Job finished"),
    "TimedOut": (70, "Job finished"),
}
ENDED = ("Succeeded", "Failed", "Stopped", "TimedOut")


def job_id(number: int) -> str:
    return job_uid(number).replace("-", "")


async def told(service: Service, number: int = 0) -> Any:
    answer = await service.get(Provider().query(owner=None, jobId=job_id(number)))
    assert answer.status == 200
    (status,) = answer.json
    assert list(status) == STATUS_KEYS
    return status


def test_every_phase_is_here() -> None:
    assert set(CODES) == {phase.value for phase in TABLE}


@pytest.mark.parametrize("phase", CODES)
async def test_the_status_object_byte_by_byte(service: Service, phase: str) -> None:
    await service.sees(job(phase))
    code, text = CODES[phase]
    expected = {
        "agreementId": "0xag0",
        "jobId": job_id(0),
        "owner": OWNER,
        "status": code,
        "statusText": text,
        "dateCreated": "1767323045.0",
        "dateFinished": "1767326645.0" if phase in ENDED else None,
        "results": "",
        "stopreq": 0,
        "removed": 0,
        "algoDID": "raw",
        "inputDID": [],
    }
    answer = await service.get(Provider().query(owner=None, jobId=job_id(0)))
    assert answer.body == json.dumps([expected]).encode()
    assert answer.headers["Content-Type"] == "application/json"


ENDINGS = {
    "the data": (31, "Data provisioning failed"),
    "the algorithm": (32, "Algorithm provisioning failed"),
    "the run": (70, "Job finished: AlgorithmOOMKilled (exit code 137)"),
}


@pytest.mark.parametrize(("code", "text"), ENDINGS.values(), ids=ENDINGS)
async def test_what_failed(service: Service, code: int, text: str) -> None:
    await service.sees(job("Failed", status={"code": code, "text": text}))
    status = await told(service)
    assert (status["status"], status["statusText"]) == (code, text)
    assert float(status["dateFinished"]) > 0


STOPS = {
    "nobody": ("Running", {}, {}, 0),
    "asked for a moment ago": ("Running", {"stop": True}, {}, 1),
    "seen by the engine": ("Publishing", {"stop": True}, {"stopRequest": 1}, 1),
    "by the clock": ("Publishing", {}, {"stopRequest": 2}, 2),
    "by the clock, then by a user": ("Publishing", {"stop": True}, {"stopRequest": 2}, 2),
    "at the end": ("Stopped", {"stop": True}, {"stopRequest": 1}, 1),
    "timed out": ("TimedOut", {}, {"stopRequest": 2}, 2),
    "after it had succeeded": ("Succeeded", {"stop": True}, {}, 0),
}


@pytest.mark.parametrize(("phase", "spec", "status", "expected"), STOPS.values(), ids=STOPS)
async def test_who_stopped_it(service: Service, phase: str, spec: Any, status: Any, expected: int) -> None:
    await service.sees(job(phase, spec=spec, status=status))
    assert (await told(service))["stopreq"] == expected


async def test_a_removed_job_stays_visible(service: Service) -> None:
    await service.sees(job("Succeeded", spec={"remove": True}))
    status = await told(service)
    assert (status["removed"], status["results"]) == (1, "")


FILES = [
    ("output", "o.txt", b"abc"),
    ("output", "sub/b.bin", b""),
    ("algorithmLog", "algorithm.log", b"12"),
    ("configrationLog", "configure.log", b"1"),
    ("publishLog", "publish.log", b"1"),
]
LISTED = [{"filename": name, "filesize": len(content), "type": kind} for kind, name, content in FILES]


@pytest.mark.parametrize("listed", [True, False], ids=["in the status", "only in the manifest"])
async def test_results_in_the_order_of_their_index(stored: Service, storage: Storage, listed: bool) -> None:
    await stored.sees(storage.publish(job("Succeeded"), *FILES, listed=listed))
    status = await told(stored)
    assert json.dumps(status["results"]) == json.dumps(LISTED)


@pytest.mark.parametrize("phase", ["Running", "Publishing"])
async def test_results_of_an_unfinished_job_are_not_listed(stored: Service, storage: Storage, phase: str) -> None:
    """Clients download every index, and fail on any that can't be had."""
    await stored.sees(storage.publish(job(phase), *FILES))
    assert (await told(stored))["results"] == ""


@pytest.mark.parametrize(
    "change",
    [{"spec": {"remove": True}}, {"metadata": {"annotations": {"c2d.oceanprotocol.com/results-removed": "true"}}}],
    ids=["asked", "done"],
)
async def test_results_that_are_removed_are_not_listed(stored: Service, storage: Storage, change: Any) -> None:
    await stored.sees(merged(storage.publish(job("Succeeded"), *FILES), change))
    assert (await told(stored))["results"] == ""


async def test_results_out_of_reach_are_not_listed(stored: Service, storage: Storage) -> None:
    await stored.sees(storage.publish(job("Succeeded"), *FILES, listed=False))
    storage.objects.clear()
    assert (await told(stored))["results"] == ""


REQUEST = "c2d.oceanprotocol.com/request"
ANNOTATIONS = {
    "garbage": "garbage",
    "another shape": "[1]",
    "null": "null",
    "a number": "5",
    "half of it": '{"algoDID": "x"}',
    "dids that are none": '{"algoDID": "x", "inputDID": 7}',
    "a hundred thousand brackets": "[" * 100_000,
    "a hundred thousand braces": '{"a":' * 100_000,
    "half a character": '{"algoDID": "\\ud800", "inputDID": ["\\udfff"]}',
    "NaN": '{"algoDID": NaN, "inputDID": [Infinity]}',
}


@pytest.mark.parametrize("text", ANNOTATIONS.values(), ids=ANNOTATIONS)
async def test_anybody_may_edit_an_annotation(service: Service, text: str) -> None:
    inputs = [{"id": "did:op:aa", "files": [{"url": "http://x"}]}, {"id": "name", "files": [{"url": "http://x"}]}]
    await service.sees(job(metadata={"annotations": {REQUEST: text}}, spec={"inputs": inputs}))
    status = await told(service)
    assert isinstance(status["algoDID"], str)
    assert all(isinstance(did, str) for did in status["inputDID"])


# --- which jobs


async def three(service: Service) -> None:
    """Of two owners, two agreements, two chains; created in the order of their numbers."""
    for number, (owner, agreement, chain) in enumerate(
        [(OWNER, "0xAb", 1), (OWNER.lower(), "0xcd", 2), (OTHER_OWNER, "0xab", None)]
    ):
        created = f"2026-01-02T03:04:0{number}Z"
        item = job("Succeeded", number, spec={"owner": owner, "agreementId": agreement, "chainId": chain})
        await service.sees(merged(item, {"metadata": {"creationTimestamp": created}}))


QUERIES: dict[str, tuple[dict[str, Any], list[int]]] = {
    "an owner": ({"owner": OWNER}, [0, 1]),
    "an owner in upper case": ({"owner": "0x" + OWNER[2:].upper()}, [0, 1]),
    "an agreement": ({"owner": None, "agreementId": "0xAB"}, [0, 2]),
    "a job": ({"owner": None, "jobId": job_id(1)}, [1]),
    "a job in upper case": ({"owner": None, "jobId": job_id(1).upper()}, [1]),
    "an owner and an agreement": ({"owner": OWNER, "agreementId": "0xab"}, [0]),
    "an owner and a chain": ({"owner": OWNER, "chainId": "2"}, [1]),
    "an agreement and a chain": ({"owner": None, "agreementId": "0xab", "chainId": "7"}, [2]),
    "all of them": ({"owner": OWNER, "agreementId": "0xab", "jobId": job_id(0), "chainId": "1"}, [0]),
    "an owner of nothing": ({"owner": "0x" + "7" * 40}, []),
    "a short job's id": ({"owner": OWNER, "jobId": "1", "providerSignature": ...}, [0, 1]),
    "a short agreement": ({"owner": OWNER, "agreementId": "x"}, [0, 1]),
    "what is ignored": ({"owner": OWNER, "documentId": "x", "providerAddress": "0x1", "unknown": "y"}, [0, 1]),
}


@pytest.mark.parametrize(("asked", "expected"), QUERIES.values(), ids=QUERIES)
@pytest.mark.parametrize("how", ["query", "body"])
async def test_filters_must_all_hold(service: Service, asked: dict[str, Any], expected: list[int], how: str) -> None:
    await three(service)
    provider = Provider()
    if asked.get("providerSignature") is ...:
        nonce = provider.nonce()
        asked = {**asked, "nonce": nonce, "providerSignature": provider.sign(f"{OWNER}{nonce}")}
    given = provider.query(**asked)
    answer = await (service.get(given) if how == "query" else service.ask("GET", "compute", json=given))
    assert answer.status == 200
    assert [status["jobId"] for status in answer.json] == [job_id(number) for number in expected]
    if not expected:
        assert answer.body == b"[]"


async def test_an_unknown_job_is_an_empty_list(service: Service) -> None:
    answer = await service.get(Provider().query(jobId=job_id(99)))
    assert (answer.status, answer.body) == (200, b"[]")


NOTHING_SPECIFIED = "You have to specify one of agreementId, jobId or owner"


@pytest.mark.parametrize(
    "given", [{}, {"chainId": "1"}, {"owner": "x"}, {"owner": "", "jobId": "1", "agreementId": ""}], ids=str
)
async def test_a_query_about_nothing(service: Service, given: dict[str, str]) -> None:
    """Before any signature is looked at."""
    assert (await service.get(given)).error == NOTHING_SPECIFIED
    body = await service.ask("GET", "compute", data=b"", headers={"Content-Type": "application/json"})
    assert (body.status, body.error) == (400, NOTHING_SPECIFIED)


async def test_an_empty_body_with_a_json_type_is_not_parsed(service: Service) -> None:
    await service.sees(job())
    answer = await service.ask(
        "GET", "compute", params=Provider().query(), data=b"", headers={"Content-Type": "application/json"}
    )
    assert len(answer.json) == 1


async def test_a_query_wins_over_a_body(service: Service) -> None:
    answer = await service.ask("GET", "compute", params={"chainId": "1"}, json=Provider().query())
    assert answer.error == NOTHING_SPECIFIED


async def test_of_several_values_the_first_counts(service: Service) -> None:
    await service.sees(job())
    given = [*Provider().query().items(), ("owner", OTHER_OWNER)]
    assert len((await service.ask("GET", "compute", params=given)).json) == 1


async def test_without_an_owner_the_word_none_is_signed(service: Service) -> None:
    await service.sees(job())
    provider = Provider()
    nonce = provider.nonce()
    given = {"jobId": job_id(0), "nonce": str(nonce)}
    signed = {**given, "providerSignature": provider.sign(f"None{job_id(0)}{nonce}")}
    assert len((await service.get(signed)).json) == 1
    other = {**given, "providerSignature": provider.sign(f"{job_id(0)}{nonce}")}
    assert (await service.get(other)).status == 401


async def test_a_job_that_another_replica_started_a_moment_ago(
    service: Service, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(lookup, "_PATIENCE", DEADLINE)
    asking = asyncio.create_task(service.get(Provider().query(owner=None, agreementId="0xag5")))
    service.cluster.put(JOBS, job(number=5))
    assert len((await asking).json) == 1


# --- with an archive


async def archive_has(archived: Service, archive: FakeArchive, number: int, **changes: Any) -> None:
    """The job ended, was saved, and is gone from the cluster."""
    item = merged(job("Succeeded", number), changes)
    archive.entries[item["metadata"]["uid"]] = archiving.entry(records.read(item))


async def test_live_and_archived_jobs_are_one_list(archived: Service, archive: FakeArchive) -> None:
    await archive_has(archived, archive, 1, metadata={"creationTimestamp": "2026-01-02T03:04:07Z"})
    await archive_has(archived, archive, 2, metadata={"creationTimestamp": "2026-01-02T03:04:06Z"})
    await archived.sees(job("Running", 3))
    # In both, of which the cluster's is the newer.
    await archive_has(archived, archive, 3)
    answer = await archived.get(Provider().query())
    assert [(status["jobId"], status["status"]) for status in answer.json] == [
        (job_id(3), 40),
        (job_id(2), 70),
        (job_id(1), 70),
    ]


async def test_an_archived_job_looks_as_it_did(archived: Service, archive: FakeArchive) -> None:
    await archived.sees(job("Failed", 1, status={"code": 31, "text": "Data provisioning failed", "stopRequest": 1}))
    before = await archived.get(Provider().query(owner=None, jobId=job_id(1)))
    archived.cluster.delete(JOBS, "made-1")
    await archived.heard()
    assert (await archived.get(Provider().query(owner=None, jobId=job_id(1)))).body == before.body


async def test_without_the_archive_nobody_is_told_that_a_job_is_not_there(
    archived: Service, archive: FakeArchive
) -> None:
    archive.down = True
    answer = await archived.get(Provider().query(jobId=job_id(7)))
    assert answer.status == 503
    assert "archive" in answer.error


async def test_without_the_archive_an_agreement_is_not_said_to_be_unknown(
    archived: Service, archive: FakeArchive
) -> None:
    """Only the archive could know; an empty list makes clients give the job up."""
    archive.down = True
    assert (await archived.get(Provider().query(owner=None, agreementId="0xag7"))).status == 503
    await archived.sees(job(number=7))
    assert len((await archived.get(Provider().query(owner=None, agreementId="0xag7"))).json) == 1


async def test_without_the_archive_live_jobs_are_found(archived: Service, archive: FakeArchive) -> None:
    await archive_has(archived, archive, 1)
    await archived.sees(job("Running", 2))
    archive.down = True
    for given in ({"jobId": job_id(2)}, {}):
        answer = await archived.get(Provider().query(**given))
        assert [status["jobId"] for status in answer.json] == [job_id(2)]


async def test_old_news_are_not_told(service: Service) -> None:
    async with running(synced=False) as blind:
        answer = await blind.get(Provider().query())
        assert answer.status == 503
        assert "try again" in answer.error
        assert (await blind.ask("GET", "/readyz")).status == 503


@pytest.mark.parametrize("phase", [phase.value for phase in Phase])
async def test_created_before_finished(service: Service, phase: str) -> None:
    assert CREATED < FINISHED
    await service.sees(job(phase))
    status = await told(service)
    assert (status["dateFinished"] is None) == (phase not in ENDED)
    assert status["dateFinished"] is None or float(status["dateFinished"]) > float(status["dateCreated"])
