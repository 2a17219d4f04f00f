"""The signer as configure pods meet it: over HTTP, with real tokens, and with everything else."""

import asyncio
import json
import logging
from collections.abc import AsyncIterator, Callable
from datetime import datetime
from pathlib import Path
from typing import Any, cast

import pytest
from aiohttp import web
from aiohttp.test_utils import TestClient, TestServer
from hypothesis import given
from hypothesis import strategies as some

from c2d.api import plan
from c2d.api.plan import SIGNER_AUDIENCE
from c2d.api.receipt import Facts, Receipt, signed_text
from c2d.engine import signer
from c2d.engine.errors import BadRequest
from c2d.engine.listener import Listener
from c2d.engine.nonces import Nonces
from c2d.engine.observe import World
from c2d.engine.rates import Rates
from c2d.engine.signer import Signer
from c2d.kube import errors
from c2d.kube.client import Client
from c2d.kube.proof import TrustedKeys
from c2d.kube.resources import Object
from c2d.kube.tokens import Tokens
from c2d.ocean import signatures
from c2d.ocean.signatures import PrivateKey
from c2d.publish import signing
from tests.kit import build
from tests.kit.story import job_manifest
from tests.kit.tokens import NOW, Authority, claims_of
from tests.kit.world import Cluster, FakeClient

SECRET = "1f990f8b013fc5c7955e0f8746f11ded231721b9cf3f99ff06cdc03492b28090"  # noqa: S105 - a test's own key
KEY = PrivateKey(SECRET)
AUTHORITY = Authority()
DID, ALGORITHM, FILES = (f"did:op:{digits * 32}" for digits in ("aa", "bb", "cc"))
SERVICE = {"serviceId": "s", "transferTxId": "0x1", "metadataUri": "https://aquarius"}
POD = {"name": "branin-branin-u-configure-0", "uid": "pod-uid"}


def job(**status: Any) -> Object:
    item = job_manifest(
        inputs=[{"id": DID, "service": SERVICE}, {"id": FILES, "files": [{"url": "https://a/b"}]}],
        algorithm={
            "id": ALGORITHM,
            "source": {"service": SERVICE},
            "container": {"image": "python", "entrypoint": "python3 $ALGO"},
        },
    )
    item["metadata"] |= {"creationTimestamp": "2026-01-02T03:04:05Z", "resourceVersion": "1"}
    environment = build.environment().model_dump(mode="json", by_alias=True, exclude_none=True)
    item["status"] = {"phase": "Configuring", "code": 20, "resolvedEnvironment": environment, **status}
    return item


def pod(step: str = "configure", phase: str = "Running", owner: str = "branin-uid", **metadata: Any) -> Object:
    return {
        "metadata": {
            **POD,
            "namespace": "ns",
            "resourceVersion": "2",
            "creationTimestamp": "2026-01-02T03:04:05Z",
            "labels": {
                "c2d.oceanprotocol.com/job-uid": owner,
                "c2d.oceanprotocol.com/step": step,
                "c2d.oceanprotocol.com/attempt": "0",
            },
            "ownerReferences": [{"controller": True, "uid": owner, "name": "branin"}],
            **metadata,
        },
        "spec": {},
        "status": {"phase": phase},
    }


def world(*items: Object, complete: bool = True) -> World:
    """With one job and its configure pod, or what is given instead: jobs have a kind here, pods have none."""
    made = World()
    made.complete = complete
    for item in items or (job(), pod()):
        if "kind" in item:
            made.saw_job(item)
        else:
            made.saw_pod(item)
    return made


class Settable:
    """What a test may change while the signer runs."""

    def __init__(self, cluster: Cluster | None = None) -> None:
        self.cluster = cluster or Cluster()
        self.world = world()
        self.key: PrivateKey | None = KEY
        self.seconds = 0.0
        self.keys_can_be_had = True
        self.writes_work = True
        self.woken: list[tuple[str, str]] = []
        self.wake: Callable[[tuple[str, str]], None] = self.woken.append

    async def keys(self) -> TrustedKeys:
        if not self.keys_can_be_had:
            raise errors.Unavailable("the API server is away")
        return AUTHORITY.trusted()

    def write(self, _: str) -> None:
        if not self.writes_work:
            raise errors.Unavailable("the API server is away")

    def signer(self) -> Signer:
        client = cast(Client, FakeClient(self.cluster, before=self.write))
        return Signer(
            self.key,
            self.world,
            self.tokens(),
            Nonces(client, "ns", lambda: int(NOW * 1000)),
            Rates(signer.PER_SECOND, signer.BURST, lambda: self.seconds),
        )

    def tokens(self) -> Tokens:
        return Tokens(self.keys, SIGNER_AUDIENCE, lambda: NOW, lambda: self.seconds)

    def application(self) -> web.Application:
        def clock() -> datetime:
            return build.after(self.seconds)

        listener = Listener(self.world, self.tokens(), self.wake, clock, lambda: self.seconds)
        return signer.application(self.signer(), listener)


@pytest.fixture
def given_() -> Settable:
    return Settable()


@pytest.fixture
async def ask(given_: Settable) -> AsyncIterator[Any]:
    clients: list[TestClient[Any, Any]] = []

    async def ask(
        token: str | None = None, body: Any = None, scheme: str = "Bearer", **request: Any
    ) -> tuple[int, dict[str, str]]:
        if not clients:
            clients.append(TestClient(TestServer(given_.application())))
            await clients[0].start_server()
        text = token if token is not None else AUTHORITY.token(claims_of("ns", POD["name"], POD["uid"]))
        sent = {
            "method": "POST",
            "path": "/sign",
            "headers": {"Authorization": f"{scheme} {text}"},
            "data": body if isinstance(body, bytes) else json.dumps(body if body is not None else {"did": DID}),
            **request,
        }
        async with clients[0].request(sent.pop("method"), sent.pop("path"), **sent) as response:
            assert response.content_type == "application/json"
            return response.status, await response.json()

    yield ask
    for client in clients:
        await client.close()


@pytest.mark.parametrize("did", [DID, ALGORITHM], ids=["of an input", "of the algorithm"])
async def test_a_configure_pod_gets_a_signature_for_what_its_job_names(ask: Any, did: str) -> None:
    status, answer = await ask(body={"did": did})
    assert status == 200
    assert set(answer) == {"nonce", "signature", "consumerAddress"}
    assert answer["nonce"] == str(int(NOW * 1000))
    assert answer["consumerAddress"] == KEY.address == "0xe17D2A07EFD5b112F4d675ea2d122ddb145d117B"
    assert signatures.recover(did + answer["nonce"], answer["signature"]) == KEY.address
    assert answer["signature"][-2:] in ("1b", "1c")


async def test_every_signature_has_a_nonce_of_its_own(ask: Any) -> None:
    found = [int((await ask())[1]["nonce"]) for _ in range(20)]
    assert found == sorted(set(found))


CLAIMS: list[Any] = [
    pytest.param({"aud": ["https://kubernetes.default.svc"]}, id="of another audience"),
    pytest.param({"iss": "https://elsewhere"}, id="of another issuer"),
    pytest.param({"exp": NOW - 60}, id="that has expired"),
    pytest.param({"nbf": NOW + 60}, id="of the future"),
    pytest.param({"kubernetes.io": {"namespace": "ns"}}, id="that is bound to no pod"),
]


@pytest.mark.parametrize("changes", CLAIMS)
async def test_a_token(ask: Any, changes: dict[str, Any]) -> None:
    token = AUTHORITY.token(claims_of("ns", POD["name"], POD["uid"], **changes))
    status, answer = await ask(token)
    assert status == 401
    assert not [part for part in token.split(".") if part in answer["error"]]


HEADERS = [
    pytest.param({"token": ""}, id="no token"),
    pytest.param({"scheme": "Basic"}, id="another scheme"),
    pytest.param({"headers": {}}, id="no header"),
    pytest.param({"token": "garbage"}, id="garbage"),
    pytest.param({"token": Authority().token(claims_of("ns", POD["name"], POD["uid"]))}, id="somebody else's key"),
    pytest.param({"token": "x" * 7000}, id="a long one"),
]


@pytest.mark.parametrize("request_", HEADERS)
async def test_who_proves_nothing(ask: Any, request_: dict[str, Any]) -> None:
    assert (await ask(**request_))[0] == 401


BODIES = [
    pytest.param(b"", id="nothing"),
    pytest.param(b"\xff\xfe", id="no text"),
    pytest.param(b"[" * 4000, id="brackets"),
    pytest.param([DID], id="a list"),
    pytest.param({"did": None}, id="null"),
    pytest.param({"did": "did:op:aa"}, id="a short identifier"),
    pytest.param({"did": DID + "9"}, id="a digit more, which could pass for a part of the nonce"),
    pytest.param({"did": DID + "\n"}, id="a line break more"),
    pytest.param({"did": KEY.address}, id="what else the operator may sign"),
]


@pytest.mark.parametrize("body", BODIES)
async def test_a_body_that_names_no_asset(ask: Any, body: Any) -> None:
    status, answer = await ask(body=body)
    assert status == 400
    assert "did" in answer["error"] or "JSON" in answer["error"]


async def test_a_body_without_end(ask: Any) -> None:
    assert await ask(body=b"x" * 5000) == (413, {"error": "the body is too large"})


@pytest.mark.parametrize(("method", "path", "status"), [("GET", "/sign", 405), ("POST", "/", 404)])
async def test_there_is_nothing_else(ask: Any, method: str, path: str, status: int) -> None:
    assert await ask(method=method, path=path) == (
        status,
        {"error": "there are only POST /sign, POST /receipt and POST /progress"},
    )


WORLDS = [
    pytest.param([job()], "none of the engine's", id="a pod that nobody knows"),
    pytest.param([job(), pod(uid="other")], "none of the engine's", id="a pod of that name that came later"),
    pytest.param([job(), pod("algorithm")], "does not configure", id="the algorithm's pod"),
    pytest.param([job(), pod("publish")], "does not configure", id="the publish pod"),
    pytest.param([job(), pod(phase="Succeeded")], "does not configure", id="a pod that is done"),
    pytest.param([job(), pod(phase="Failed")], "does not configure", id="a pod that failed"),
    pytest.param([job(), pod(deletionTimestamp="2026-01-02T03:04:05Z")], "does not", id="a pod that is deleted"),
    pytest.param([job(), pod(owner="other-uid")], "does not configure", id="a pod of another job"),
    pytest.param([pod()], "does not configure", id="a job that is gone"),
    pytest.param([job(phase="Succeeded"), pod()], "does not configure", id="a job that is finished"),
    pytest.param([job(phase="Running"), pod()], "does not configure", id="a job that is configured"),
    pytest.param(
        [job(outcome={"phase": "Stopped", "reason": "Stopped"}), pod()], "does not", id="a job that was stopped"
    ),
]


@pytest.mark.parametrize(("items", "told"), WORLDS)
async def test_a_valid_token_is_not_enough(given_: Settable, ask: Any, items: list[Object], told: str) -> None:
    given_.world = world(*items)
    status, answer = await ask()
    assert status == 403
    assert told in answer["error"]


@pytest.mark.parametrize("did", ["did:op:" + "dd" * 32, FILES], ids=["unknown", "given by URL"])
async def test_an_asset_that_the_job_does_not_order(ask: Any, did: str) -> None:
    assert await ask(body={"did": did}) == (403, {"error": "the job does not name this asset"})


async def test_an_engine_that_has_just_started_asks_for_patience(given_: Settable, ask: Any) -> None:
    given_.world = world(job(), complete=False)
    assert (await ask())[0] == 503
    given_.world.complete = True
    given_.world.saw_pod(pod())
    assert (await ask())[0] == 200


async def test_without_a_key_nothing_is_signed(given_: Settable, ask: Any) -> None:
    given_.key = None
    assert await ask() == (503, {"error": "this operator has no key to sign with"})


async def test_an_api_server_that_is_away(given_: Settable, ask: Any) -> None:
    given_.keys_can_be_had = False
    assert await ask() == (503, {"error": "the token can't be checked now; try again"})
    given_.keys_can_be_had, given_.seconds, given_.writes_work = True, 10, False
    assert await ask() == (503, {"error": "no nonce can be had now; try again"})


async def test_a_ceiling_that_somebody_broke(given_: Settable, ask: Any) -> None:
    broken = {"metadata": {"name": "c2d-nonces", "namespace": "ns", "resourceVersion": "1"}, "data": {"ceiling": "x"}}
    given_.cluster.objects["configmaps", "ns", "c2d-nonces"] = broken
    assert (await ask())[0] == 503


async def test_a_pod_has_its_share(given_: Settable, ask: Any) -> None:
    statuses = [(await ask())[0] for _ in range(signer.BURST + 1)]
    assert statuses == [200] * signer.BURST + [429]
    given_.seconds += 1
    assert [(await ask())[0] for _ in range(signer.PER_SECOND + 1)] == [200] * signer.PER_SECOND + [429]


async def test_neither_token_nor_key_is_ever_logged(ask: Any, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.DEBUG)
    token = AUTHORITY.token(claims_of("ns", POD["name"], POD["uid"]))
    answer = (await ask(token))[1]
    await ask(token[:-3] + "abc")
    await ask(token, body={"did": FILES})
    for secret in (SECRET, token.split(".")[2], answer["signature"]):
        assert secret not in caplog.text


async def test_a_port_that_is_taken_is_no_secret(given_: Settable) -> None:
    made = given_.application()
    server = TestServer(made)
    await server.start_server()
    try:
        with pytest.raises(OSError, match="in use"):
            await signer.serve_for_ever(given_.application(), server.port or 0, "127.0.0.1")
    finally:
        await server.close()


@given(
    some.binary(max_size=300) | some.recursive(some.none() | some.text(), some.lists).map(json.dumps).map(str.encode)
)
def test_garbage_is_a_bad_request(body: bytes) -> None:
    with pytest.raises(BadRequest):
        signer.parse(body)


def test_the_signer_shows_no_key() -> None:
    assert SECRET not in repr(Settable().signer())


def test_buckets_that_are_full_again_are_forgotten() -> None:
    now = 0.0
    rates = Rates(20, 100, lambda: now)
    for number in range(1000):
        assert rates.take(f"pod-{number}")
        now += 1
    assert len(rates) < 3


HASH = "ab" * 32
PUBLISHING = {"phase": "Publishing", "code": 60, "outcome": None}


async def receipt(ask: Any, **changes: Any) -> tuple[int, dict[str, str]]:
    found: tuple[int, dict[str, str]] = await ask(**{"path": "/receipt", "body": {"sha256": HASH}, **changes})
    return found


async def test_a_publish_pod_gets_a_signature_for_its_receipt(ask: Any, given_: Settable) -> None:
    given_.world = world(job(**PUBLISHING), pod("publish"))
    status, answer = await receipt(ask)
    assert (status, set(answer)) == (200, {"address", "signature"})
    assert answer["address"] == KEY.address
    assert signatures.recover(f"c2d receipt {HASH}", answer["signature"]) == KEY.address


NOBODYS_RECEIPT = [
    pytest.param((job(), pod()), id="a configure pod"),
    pytest.param((job(**PUBLISHING), pod()), id="a configure pod that is late"),
    pytest.param((job(**PUBLISHING), pod("algorithm")), id="an algorithm"),
    pytest.param((job(phase="Running", code=40), pod("publish")), id="before it is time"),
    pytest.param((job(phase="Succeeded", code=70), pod("publish")), id="when all is over"),
    pytest.param((job(**PUBLISHING), pod("publish", "Succeeded")), id="a pod that is done"),
    pytest.param((job(**PUBLISHING), pod("publish", uid="another")), id="a former pod of the name"),
    pytest.param((job(**PUBLISHING), pod("publish", owner="another-uid")), id="a pod of a job that is gone"),
]


@pytest.mark.parametrize("items", NOBODYS_RECEIPT)
async def test_nobody_else_gets_a_receipt_signed(ask: Any, given_: Settable, items: tuple[Object, ...]) -> None:
    given_.world = world(*items)
    assert (await receipt(ask))[0] == 403


async def test_a_publish_pod_gets_no_download_signed(ask: Any, given_: Settable) -> None:
    given_.world = world(job(**PUBLISHING), pod("publish"))
    assert (await ask())[0] == 403


@pytest.mark.parametrize(
    "body", [{}, {"sha256": 1}, {"sha256": HASH.upper()}, {"sha256": HASH + "00"}, [HASH], {"did": DID}]
)
async def test_what_is_no_hash_is_not_signed(ask: Any, given_: Settable, body: Any) -> None:
    given_.world = world(job(**PUBLISHING), pod("publish"))
    assert (await receipt(ask, body=body))[0] == 400


async def test_receipts_while_there_is_no_key_or_no_proof(ask: Any, given_: Settable) -> None:
    given_.world = world(job(**PUBLISHING), pod("publish"))
    assert (await receipt(ask, token=""))[0] == 401
    given_.world.complete = False
    assert (await receipt(ask))[0] == 503


async def test_an_operator_without_a_key_signs_no_receipt(ask: Any, given_: Settable) -> None:
    given_.key = None
    assert (await receipt(ask))[0] == 503


async def test_what_publish_has_signed_verify_understands(given_: Settable, tmp_path: Path) -> None:
    """The three programs that meet in a signature."""
    given_.world = world(job(**PUBLISHING), pod("publish"))
    token = tmp_path / "token"
    token.write_text(AUTHORITY.token(claims_of("ns", POD["name"], POD["uid"])))
    made = Receipt(
        job="ns/branin",
        uid="branin-uid",
        facts=Facts(image="python:3.11", date_created=build.NOW),
        manifest_sha256=HASH,
        results=0,
        bytes=0,
        published_at=build.NOW,
    )
    async with TestServer(given_.application()) as server:
        where = plan.Signer(url=str(server.make_url("/receipt")), token_file=str(token))
        signed = await asyncio.to_thread(signing.signed, made, where, pytest.fail)
    stored = Receipt.model_validate_json(signed.model_dump_json(by_alias=True))
    assert stored.signature is not None
    assert stored.signature.address == KEY.address
    assert signatures.recover(signed_text(stored), stored.signature.signature) == KEY.address
