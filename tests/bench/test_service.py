"""What the service's part sends, what it makes of the answers, and the jobs that it is asked about."""

import asyncio
import dataclasses
import hashlib
import io
import json
import os
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any
from urllib.parse import parse_qsl, urlsplit

import pytest
from aiohttp import web

from bench import figures
from bench.service import bare, known, load, objects, part, servers, streams, wire
from bench.service.load import Exchange, Load, Plan
from bench.service.measured import Measured
from bench.service.reads import Compared, Row
from bench.service.streams import Download, Round
from c2d.api.job import JobSpec, JobStatus
from c2d.api.manifest import Manifest
from c2d.kube.resources import Object
from c2d.service import auth, jobs, parameters, records, translate
from c2d.service.settings import Access

ACCESS = Access(frozenset([servers.KEY.address.lower()]), ())
NOW = 1_800_000_000_000_000_000
JOB = "6951125396154f2da719f097ae758bb5"


def stored(item: Object, status: Object) -> Object:
    """As the API server would have it."""
    metadata = {"uid": f"{JOB[:8]}-{JOB[8:]}", "resourceVersion": "1", "creationTimestamp": "2026-01-02T03:04:05Z"}
    return {**item, "metadata": {**item["metadata"], **metadata}, "status": status}


def query(request: bytes) -> dict[str, str]:
    head, _, body = request.partition(b"\r\n\r\n")
    assert body == b""
    return dict(parse_qsl(urlsplit(head.split(b" ")[1].decode()).query))


# -- requests


@pytest.mark.parametrize("job_id", [JOB, ""], ids=["of one job", "of an owner"])
def test_a_request_for_the_status_is_one_that_the_service_accepts(job_id: str) -> None:
    asked = parameters.status(query(wire.status(servers.KEY, NOW, objects.OWNER, job_id)))
    assert (asked.owner, asked.job_id) == (objects.OWNER, job_id or None)
    assert auth.provider(asked.signed, ACCESS, NOW).address == servers.KEY.address


def test_a_request_for_a_result_is_one_that_the_service_accepts() -> None:
    url = wire.result(servers.KEY, NOW, objects.OWNER, JOB, 0)
    asked = parameters.fetch(dict(parse_qsl(urlsplit(url).query)))
    assert (asked.job_id, asked.index) == (JOB, "0")
    assert auth.provider(asked.signed, ACCESS, NOW).address == servers.KEY.address


def test_a_start_is_one_that_the_service_accepts_and_keeps_its_parts_in_one_secret() -> None:
    head, _, body = wire.start(wire.payload(servers.KEY, NOW, objects.OWNER, "0x1")).partition(b"\r\n\r\n")
    assert f"Content-Length: {len(body)}".encode() in head
    asked = parameters.start(parameters.body(body))
    assert auth.provider(asked.signed, ACCESS, NOW).address == servers.KEY.address
    assert {name: list(texts) for name, texts in translate.job(asked, "private", "").private.items()} == {
        "private-0": ["input-0-user-data", "algorithm"]
    }


# -- answers


def test_the_length_of_an_answer_is_known_once_its_head_is_there() -> None:
    answer = b"HTTP/1.1 200 OK\r\nServer: x\r\ncontent-length: 3\r\n\r\nabc"
    lengths = [wire.answer_length(answer[:count]) for count in range(len(answer) + 1)]
    assert lengths == [0] * (len(answer) - 3) + [len(answer)] * 4


def test_an_answer_without_a_length_is_refused() -> None:
    with pytest.raises(ValueError, match="Content-Length"):
        wire.answer_length(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n")


@asynccontextmanager
async def answering(body: bytes, status: int = 200) -> AsyncIterator[int]:
    async def answer(_: web.Request) -> web.Response:
        return web.Response(body=body, status=status)

    app = web.Application()
    app.router.add_route("GET", wire.COMPUTE, answer)
    app.router.add_route("POST", wire.COMPUTE, answer)
    runner = web.AppRunner(app)
    await runner.setup()
    port = servers.free_port()
    await web.TCPSite(runner, "127.0.0.1", port).start()
    try:
        yield port
    finally:
        await runner.cleanup()


def plan(port: int, **changes: Any) -> Plan:
    """Five requests, each once."""
    requests = [wire.status(servers.KEY, NOW + number, objects.OWNER, JOB).decode() for number in range(5)]
    fields: dict[str, Any] = {"connections": 2, "seconds": 5, "repeat": False}
    return Plan(port=port, exchanges=[Exchange(request, "right") for request in requests], **{**fields, **changes})


async def test_every_request_is_sent_once_where_they_are_not_repeated() -> None:
    async with answering(b"all right") as port:
        done = await load.measure(plan(port))
    assert (done.answers, done.all_answers) == (5, 5)
    assert 0 < done.p50 <= done.p99 <= done.seconds


async def test_requests_are_repeated_until_the_time_is_over_and_the_warming_does_not_count() -> None:
    async with answering(b"all right") as port:
        done = await load.measure(plan(port, repeat=True, seconds=0.2, warm=0.1))
    assert 5 < done.answers < done.all_answers
    assert done.seconds <= 0.2


@pytest.mark.parametrize(("body", "status"), [(b"wrong", 200), (b"all right", 503)], ids=["body", "status"])
async def test_an_answer_that_is_not_the_expected_one_ends_the_load(body: bytes, status: int) -> None:
    async with answering(body, status) as port:
        with pytest.raises(RuntimeError, match="not the expected answer"):
            await load.measure(plan(port))


async def test_the_bare_handler_answers_with_the_bytes_that_it_was_given() -> None:
    port = servers.free_port()
    serving = asyncio.create_task(bare.serve(port, b"all right"))
    try:
        await asyncio.to_thread(_until_it_answers, port)
        assert (await load.measure(plan(port))).answers == 5
    finally:
        serving.cancel()


def _until_it_answers(port: int) -> None:
    server, deadline = servers.Server(os.getpid(), port, 0), time.monotonic() + 30
    while True:
        try:
            assert server.get(wire.COMPUTE) == b"all right"
            return
        except OSError:
            assert time.monotonic() < deadline, "the bare handler doesn't answer"
            time.sleep(0.01)


def test_a_plan_survives_the_way_to_its_process() -> None:
    written = plan(8050, cpu=1)
    assert Plan.read(json.dumps(dataclasses.asdict(written))) == written


# -- objects


def test_a_job_is_one_that_the_api_server_and_the_service_understand() -> None:
    item, status = objects.job(7), objects.finished(known.environment())
    assert JobSpec.model_validate(item["spec"]).owner == objects.OWNER
    JobStatus.model_validate(status)
    record = records.read(stored(item, status))
    assert record.finished and record.request.algo_did.startswith("did:op:")
    text = json.loads(jobs.status_text(record) or b"null")
    assert (text["status"], [file["type"] for file in text["results"]]) == (
        70,
        ["output", "output", "output", "algorithmLog", "configrationLog"],
    )


def test_no_two_jobs_share_a_name_or_an_agreement() -> None:
    made, statuses = known.finished(50, first=100)
    assert len({item["metadata"]["name"] for item in made}) == len(statuses) == 50
    assert not {item["spec"]["agreementId"] for item in made} & {
        item["spec"]["agreementId"] for item in known.finished(100)[0]
    }


def test_a_published_manifest_is_the_one_that_the_status_names() -> None:
    text, results = objects.published("bench", "bench/large", "large.bin", 10)
    assert results["manifestSha256"] == hashlib.sha256(text).hexdigest()
    assert [result.filesize for result in Manifest.model_validate_json(text).results] == [10]


# -- figures


def test_memory_is_read_in_bytes() -> None:
    read = servers.memory_in(Path("/proc/self/status").read_text())
    assert 0 < read["VmRSS"] <= read["VmHWM"]


def test_downloads_at_the_same_time_count_from_the_first_begin_to_the_last_end() -> None:
    done = [Download(0, 3, 1_000_000, 0.1), Download(1, 4, 1_000_000, 0.1)]
    assert streams.together(done) == 0.5


def test_zeros_are_as_many_as_were_asked_for() -> None:
    assert io.BufferedReader(streams.Zeros(100_001)).read() == bytes(100_001)


def row(rate: float) -> Row:
    measured = Load(answers=int(rate), seconds=1, p50=0, p99=0, cpu=0.5, all_answers=int(rate), all_cpu=0.6)
    return Row("by jobId", 100, 16, measured, cpu=0.0001, body=900, foreign=0)


def rounds(*rates: float) -> list[Round]:
    return [Round(rate, 0.5, 0.1, 0.2, 0) for rate in rates]


def test_goals_are_for_ratios_to_what_was_measured_in_the_same_run() -> None:
    found = Measured(
        lookups=[Compared(ours=row(400), bare=row(1000))],
        downloads=[streams.Compared(1, rounds(900, 1000, 2000), rounds(100, 850, 900), 0)],
    )
    judged = list(part.figures(found))
    assert [(figure.ratio, figure.met) for figure in judged] == [(0.4, False), (0.85, True)]
    assert all(isinstance(figure, figures.Figure) for figure in judged)
    assert found.lookups[0].ours.load.busy == 0.5
