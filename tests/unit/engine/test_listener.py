"""What pods tell of their progress, over HTTP, with real tokens; who may, and how often a job is woken by it."""

import asyncio
import json
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any, cast

import pytest
from aiohttp.test_utils import TestClient, TestServer
from hypothesis import given
from hypothesis import strategies as some

from c2d.api import plan
from c2d.api.progress import LIMIT, Progress
from c2d.engine import listener
from c2d.engine.errors import BadRequest
from c2d.engine.observe import World
from c2d.engine.reconcile import Reconciler
from c2d.inpod.reporter import Reporter
from c2d.kube.client import Client
from c2d.kube.resources import JOBS, PODS, Object
from tests.kit import build
from tests.kit.tokens import claims_of
from tests.kit.world import FakeClient
from tests.unit.engine.test_signer import AUTHORITY, POD, Settable, job, pod, world

NUMBERS = {"done": 7, "total": 9, "files": 1, "totalFiles": 2}
STARTED = {"containerStatuses": [{"state": {"running": {"startedAt": "2026-01-02T03:04:05Z"}}}]}


def running(step: str = "configure", **metadata: Any) -> Object:
    made = pod(step, **metadata)
    made["status"] |= STARTED
    return made


@pytest.fixture
def given_() -> Settable:
    made = Settable()
    made.world = world(job(), running())
    return made


@pytest.fixture
async def tell(given_: Settable) -> AsyncIterator[Any]:
    clients: list[TestClient[Any, Any]] = []

    async def tell(body: Any = None, token: str | None = None) -> tuple[int, dict[str, str]]:
        if not clients:
            clients.append(TestClient(TestServer(given_.application())))
            await clients[0].start_server()
        text = token if token is not None else AUTHORITY.token(claims_of("ns", POD["name"], POD["uid"]))
        sent = body if isinstance(body, bytes) else json.dumps(NUMBERS if body is None else body)
        async with clients[0].post("/progress", headers={"Authorization": f"Bearer {text}"}, data=sent) as response:
            return response.status, await response.json()

    yield tell
    for client in clients:
        await client.close()


@pytest.mark.parametrize("has_key", [True, False], ids=["with a key", "without a key"])
async def test_numbers_of_a_configure_pod_are_kept(given_: Settable, tell: Any, has_key: bool) -> None:
    given_.key = given_.key if has_key else None
    assert await tell() == (200, {})
    assert given_.world.progress.of("pod-uid") == Progress(done=7, total=9, files=1, total_files=2)


async def test_and_of_a_publish_pod(given_: Settable, tell: Any) -> None:
    given_.world = world(
        job(phase="Publishing", outcome={"phase": "Failed", "reason": "AlgorithmFailed"}), running("publish")
    )
    assert (await tell())[0] == 200


async def test_what_a_newer_pod_adds_is_passed_over(given_: Settable, tell: Any) -> None:
    assert (await tell({**NUMBERS, "url": "https://secret"}))[0] == 200
    assert "secret" not in repr(given_.world.progress.of("pod-uid"))


WRONG = [
    pytest.param({"done": -1}, "done", id="a negative one"),
    pytest.param({"done": LIMIT + 1}, "done", id="a large one"),
    pytest.param({"done": 1.5}, "done", id="a fraction"),
    pytest.param({"done": "7"}, "done", id="a text"),
    pytest.param({"done": True}, "done", id="a truth"),
    pytest.param({"done": 1, "total": -1}, "total", id="a negative total"),
    pytest.param({"done": 2, "total": 1}, "done is above total", id="more than all"),
    pytest.param({"done": 1, "files": [1]}, "files", id="a list"),
    pytest.param({}, "done", id="nothing"),
    pytest.param([7], "body", id="no object"),
    pytest.param(b"{", "JSON", id="no JSON"),
    pytest.param(b"\xff", "JSON", id="no text"),
    pytest.param(b'{"done": 1e999}', "done", id="infinity"),
]


@pytest.mark.parametrize(("body", "told"), WRONG)
async def test_other_numbers_are_refused_and_the_field_is_named(
    given_: Settable, tell: Any, body: Any, told: str
) -> None:
    status, answer = await tell(body)
    assert status == 400
    assert told in answer["error"]
    assert '{"done": 7' in answer["error"]
    assert given_.world.progress.of("pod-uid") is None


async def test_a_body_without_end(tell: Any) -> None:
    assert (await tell(b"1" * 5000))[0] == 413


async def test_who_proves_nothing(given_: Settable, tell: Any) -> None:
    assert (await tell(token="garbage"))[0] == 401  # noqa: S106 - no token
    given_.keys_can_be_had = False
    assert (await tell())[0] == 503


WORLDS = [
    pytest.param([job(), running("algorithm")], id="the algorithm's pod"),
    pytest.param([job(), running("publish")], id="a publish pod too early"),
    pytest.param([job(phase="Publishing"), running()], id="a configure pod too late"),
    pytest.param([job(phase="Succeeded"), running("publish")], id="a job that is finished"),
    pytest.param([job(phase="Running"), running()], id="a job that is configured"),
    pytest.param([job(), pod(phase="Succeeded")], id="a pod that is done"),
    pytest.param([job(), running(deletionTimestamp="2026-01-02T03:04:05Z")], id="a pod that is deleted"),
    pytest.param([job(steps={"configure": {"attempt": 1}}), running()], id="a pod of an earlier attempt"),
    pytest.param([job(outcome={"phase": "Stopped", "reason": "Stopped"}), running()], id="a job that was stopped"),
    pytest.param([running()], id="a job that is gone"),
    pytest.param([job()], id="a pod that nobody knows"),
]


@pytest.mark.parametrize("items", WORLDS)
async def test_who_has_nothing_to_tell(given_: Settable, tell: Any, items: list[Object]) -> None:
    given_.world = world(*items)
    assert (await tell())[0] == 403
    assert not len(given_.world.progress)
    assert not given_.woken


async def test_a_job_is_woken_only_when_a_write_is_due(given_: Settable, tell: Any) -> None:
    for second in range(60):
        given_.seconds = second
        assert (await tell({"done": second}))[0] == 200
        assert len(given_.woken) == second // 10
    assert set(given_.woken) == {("ns", "branin")}


async def test_a_job_whose_status_can_not_be_written_is_not_woken_more_often(given_: Settable, tell: Any) -> None:
    given_.seconds = 100
    for _ in range(listener.BURST):
        assert (await tell())[0] == 200
    assert len(given_.woken) == 1


async def test_a_pod_that_tells_too_much_is_told_so(given_: Settable, tell: Any) -> None:
    assert [(await tell())[0] for _ in range(listener.BURST + 1)] == [200] * listener.BURST + [429]
    given_.seconds = 1
    assert (await tell())[0] == 200


@given(
    some.binary(max_size=300)
    | some.recursive(some.none() | some.text() | some.floats() | some.integers(max_value=-1), some.lists)
    .map(lambda wrong: {"done": wrong})
    .map(json.dumps)
    .map(str.encode)
)
def test_garbage_is_a_bad_request(body: bytes) -> None:
    with pytest.raises(BadRequest):
        listener.parse(body)


async def test_reports_end_up_in_the_status_by_few_writes(given_: Settable, tmp_path: Path) -> None:
    """Everything but the API server and the kubelet is real: the pod's reporter, the port, the queue, the pass."""
    given_.world, client = World(), cast(Client, FakeClient(given_.cluster))
    given_.world.complete = True
    given_.world.saw_job(given_.cluster.put(JOBS, job()))
    given_.world.saw_pod(given_.cluster.put(PODS, running()))
    reconciler = Reconciler(client, given_.world, build.SETTINGS, lambda: build.after(given_.seconds))
    given_.wake = reconciler.queue.wake
    (tmp_path / "token").write_text(AUTHORITY.token(claims_of("ns", POD["name"], POD["uid"])))
    async with TestServer(given_.application()) as server:
        to = plan.Listener(url=str(server.make_url("/progress")), token_file=str(tmp_path / "token"))
        reporter = Reporter(to, pytest.fail)
        for second in range(41):
            given_.seconds = second
            await asyncio.to_thread(reporter.tell, Progress(done=second * 1024, total=64 * 1024))
            for _ in range(len(reconciler.queue)):
                key = await reconciler.queue.get()
                await reconciler.reconcile(key)
                reconciler.queue.done(key)
    assert given_.cluster.requests == ["patch computejobs branin"] * 4
    assert given_.cluster.job()["status"]["progress"] == "40.0 KiB/64.0 KiB 62 %"
