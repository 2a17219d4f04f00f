"""Whatever is sent: an answer of the contract, never a 500, and errors that say what is wrong."""

import json
from collections.abc import Iterator
from typing import Any

import pytest
import yarl
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from c2d.service import lookup
from tests.kit.service import (
    BASE,
    OWNER,
    Answer,
    Background,
    Provider,
    in_background,
    job,
    job_uid,
    raw,
    workflow,
)

bounded = settings(
    max_examples=80, deadline=None, derandomize=True, suppress_health_check=[HealthCheck.too_slow], database=None
)
# For each of the routes.
fewer = settings(bounded, max_examples=25)
JOB = job_uid(0).replace("-", "")
texts = st.text(max_size=20)
anything = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | texts | st.sampled_from([OWNER, JOB, "0xag", "default"]),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(texts, inner, max_size=4),
    max_leaves=12,
)
NAMES = ["workflow", "agreementId", "jobId", "owner", "providerSignature", "environment", "nonce", "index", "chainId"]
NAMES += ["chain_id", "validUntil", "limit", "after", "phase", "component", "follow", "documentId", "consumerSignature"]
ROUTES = [
    ("POST", "compute"),
    ("GET", "compute"),
    ("PUT", "compute"),
    ("DELETE", "compute"),
    ("GET", "getResult"),
    ("GET", "environments"),
    ("GET", "runningjobs"),
    ("GET", "list"),
    ("GET", "logs"),
    ("GET", "info"),
    ("POST", "pgsqlinit"),
]


@pytest.fixture(scope="module")
def patience() -> Iterator[None]:
    """Nobody else starts a job here that would be worth a second's wait."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(lookup, "_PATIENCE", 0.0)
        yield


@pytest.fixture(scope="module")
def guarded(patience: None) -> Iterator[Background]:
    with in_background(job(), job("Succeeded", 1), C2D_REQUESTS_PER_SECOND="0") as background:
        yield background


@pytest.fixture(scope="module")
def open_to_all(patience: None) -> Iterator[Background]:
    """Without signatures, so that whatever is sent gets as far as it can."""
    with in_background(job(), job("Succeeded", 1), SIGNATURE_REQUIRED="0", C2D_REQUESTS_PER_SECOND="0") as background:
        yield background


def assert_sound(answer: Answer, *allowed: int) -> None:
    assert answer.status in allowed or 400 <= answer.status < 500, answer
    if answer.status >= 400:
        assert answer.error
    elif answer.headers.get("Content-Type") == "application/json":
        assert answer.body == json.dumps(answer.json).encode()


def encoded(value: object) -> bytes:
    return json.dumps(value).encode()


@bounded
@given(value=anything)
def test_any_json_as_a_start(guarded: Background, value: object) -> None:
    assert_sound(guarded.ask("POST", "compute", data=encoded(value)), 200)


@bounded
@given(parts=st.dictionaries(st.sampled_from(NAMES), anything))
def test_any_parameters_of_a_start(open_to_all: Background, parts: dict[str, Any]) -> None:
    body = {**Provider().start(), **parts}
    assert_sound(open_to_all.ask("POST", "compute", data=encoded(body)), 200)


STAGE = ["index", "input", "compute", "algorithm", "output"]
INPUT = ["index", "id", "url", "remote"]
ALGORITHM = ["id", "rawcode", "url", "remote", "container", "algouserdata", "algocustomdata", "envs"]
CONTAINER = ["image", "tag", "checksum", "entrypoint"]
REMOTE = ["txId", "serviceId", "userdata", "userData", "serviceEndpoint"]


def around(fields: list[str], usual: dict[str, Any]) -> st.SearchStrategy[dict[str, Any]]:
    """Nearly what it should be."""
    return st.dictionaries(st.sampled_from(fields), anything, max_size=2).map(lambda odd: {**usual, **odd})


remotes = around(REMOTE, {"txId": "0x1", "serviceId": "s"})
inputs = st.lists(
    around(INPUT, {"id": "did:op:aa"}) | st.builds(lambda it: {"id": "x", "remote": it}, remotes), max_size=3
)
algorithms = around(ALGORITHM, raw()) | st.builds(
    lambda container, remote: raw(id="did:op:bb", rawcode="", container=container, remote=remote),
    around(CONTAINER, {"image": "python"}),
    remotes,
)
stages = st.builds(
    lambda odd, given, algorithm: {**workflow()["stages"][0], "input": given, "algorithm": algorithm, **odd},
    st.dictionaries(st.sampled_from(STAGE), anything, max_size=1),
    inputs,
    algorithms,
)


@bounded
@given(stage=stages, number=st.integers(0, 10**9))
def test_any_workflow(open_to_all: Background, stage: dict[str, Any], number: int) -> None:
    """What is accepted passes the CRD's schema, which the cluster of these tests checks."""
    body = Provider().start(workflow={"stages": [stage]}, agreementId=f"0x{number:x}ff")
    answer = open_to_all.ask("POST", "compute", data=encoded(body))
    assert_sound(answer, 200)
    assert b"the job can't be accepted: /spec" not in answer.body


@fewer
@given(content=st.binary(max_size=200) | st.text(max_size=50).map(lambda text: text.encode("utf-16")))
@pytest.mark.parametrize(("method", "path"), ROUTES, ids=[f"{method} {path}" for method, path in ROUTES])
def test_any_bytes_as_a_body(guarded: Background, method: str, path: str, content: bytes) -> None:
    answer = guarded.ask(method, path, data=content)
    assert_sound(answer, 200)
    assert path != "environments" or answer.status == 200


queries = st.lists(
    st.tuples(st.sampled_from(NAMES) | texts, texts | st.sampled_from([OWNER, JOB, "0xag0"])), max_size=6
)


@fewer
@given(query=queries)
@pytest.mark.parametrize(("method", "path"), ROUTES, ids=[f"{method} {path}" for method, path in ROUTES])
def test_any_query(open_to_all: Background, method: str, path: str, query: list[tuple[str, str]]) -> None:
    headers = {"Admin": "a-password-of-an-admin"}
    answer = open_to_all.ask(method, path, params=_sendable(query), headers=headers)
    assert_sound(answer, 200)
    assert path != "environments" or answer.status == 200


@fewer
@given(
    query=st.binary(max_size=60).map(lambda raw: "".join(f"%{byte:02x}" for byte in raw))
    | st.from_regex(r"\A[%&=;+a-z0-9]{0,40}\Z")
)
def test_any_escapes_in_a_query(guarded: Background, query: str) -> None:
    for path in ("compute", "environments"):
        url = yarl.URL(f"{guarded.url}{BASE}/{path}?{query}", encoded=True)

        async def ask(url: yarl.URL = url) -> Answer:
            async with guarded.service.session.get(url) as response:
                return Answer(response.status, response.headers, await response.read())

        assert_sound(guarded.run(ask()), *([200] if path == "environments" else []))


@bounded
@given(
    signature=st.text(max_size=140) | st.binary(min_size=65, max_size=65).map(lambda raw: "0x" + raw.hex()) | anything
)
def test_any_signature(guarded: Background, signature: object) -> None:
    provider = Provider()
    answer = guarded.ask("POST", "compute", data=encoded(provider.start(providerSignature=signature)))
    assert answer.status in (400, 401)
    assert answer.error
    if isinstance(signature, str):
        query = _sendable([(name, str(value)) for name, value in provider.query(providerSignature=signature).items()])
        for method, path in (("GET", "compute"), ("PUT", "compute"), ("DELETE", "compute"), ("GET", "getResult")):
            answer = guarded.ask(method, path, params=query)
            assert answer.status in (400, 401)
            assert answer.error


def _sendable(query: list[tuple[str, str]]) -> list[tuple[str, str]]:
    """Half a character can't be written into a URL."""
    return [(name.encode(errors="replace").decode(), value.encode(errors="replace").decode()) for name, value in query]
