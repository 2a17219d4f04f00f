"""Who may ask: the allow-list, the signed text, fresh nonces, and what a signature may be used for again."""

import asyncio
import json
from typing import Any

import pytest

from c2d.ocean import signatures
from c2d.service import auth
from c2d.service.errors import Unauthorized
from c2d.service.parameters import Signed
from c2d.service.settings import Access
from tests.kit.service import OWNER, FakeArchive, Provider, Service, job, job_uid, raw, running, twin, workflow

STRANGER = Provider("0x" + "17" * 32)
JOB = job_uid(1).replace("-", "")
USED = "Invalid signature: it was used for another request before; sign with a new nonce"


async def every_call(service: Service, change: Any) -> dict[str, Any]:
    """Each call that is signed, with its parameters changed."""
    provider = Provider()
    calls = {
        "POST": service.start(change(provider.start())),
        "GET": service.get(change(provider.query())),
        "PUT": service.put(change(provider.query())),
        "DELETE": service.delete(change(provider.query())),
        "getResult": service.result(change(provider.query(jobId=JOB, index=0))),
    }
    return {name: await call for name, call in calls.items()}


GARBAGE = [
    "garbage",
    "0x",
    "0x1",
    "0x" + "0" * 130,
    "0x" + "f" * 130,
    "0x" + "g" * 130,
    "é",
    "0x" + "1" * 132,
    "a" * 4000,
]


@pytest.mark.parametrize("signature", GARBAGE, ids=lambda text: text[:8] + f" of {len(text)}")
async def test_garbage_is_no_signature(service: Service, signature: str) -> None:
    answers = await every_call(service, lambda given: {**given, "providerSignature": signature})
    assert {name: (answer.status, answer.error) for name, answer in answers.items()} == dict.fromkeys(
        answers, (400, "Failed to recover address")
    )


@pytest.mark.parametrize("signature", [7, True, ["0x"], {"r": 1}, 1.5], ids=repr)
async def test_a_signature_of_another_type(service: Service, provider: Provider, signature: object) -> None:
    answer = await service.start(provider.start(providerSignature=signature))
    assert (answer.status, answer.error) == (400, "Failed to recover address")


async def test_a_stranger_is_told_in_words_that_clients_know(service: Service) -> None:
    body = STRANGER.start()
    answer = await service.start(body)
    assert answer.status == 401
    assert answer.error == (
        f"Invalid signature {body['providerSignature']} of documentId {OWNER}{body['nonce']},"
        f"the signing ethereum account {STRANGER.address} is not authorized to use this service."
    )


async def test_what_is_signed_counts(service: Service) -> None:
    """Changed after it was signed, another address comes out."""
    answers = await every_call(service, lambda given: {**given, "owner": "0x" + "1" * 40})
    assert {answer.status for answer in answers.values()} == {401}
    assert all("is not authorized to use this service." in answer.error for answer in answers.values())


async def test_nobody_is_allowed_by_default() -> None:
    async with running(ALLOWED_PROVIDERS="") as service:
        answers = await every_call(service, lambda given: given)
    assert {answer.status for answer in answers.values()} == {401}


@pytest.mark.parametrize("case", [str.lower, str.upper, str])
async def test_the_allow_list_has_no_case(case: Any) -> None:
    address = "0x" + case(Provider().address[2:])
    async with running(ALLOWED_PROVIDERS=json.dumps([address])) as service:
        assert (await service.start(Provider().start())).status == 200


async def test_signatures_may_be_switched_off() -> None:
    async with running(SIGNATURE_REQUIRED="0", ALLOWED_PROVIDERS="") as service:
        body = {**Provider().start(), "providerSignature": "none", "nonce": 1}
        assert (await service.start(body)).status == 200
        assert (await service.ask("GET", "compute", params={"agreementId": "0xag"})).status == 200
        assert (await service.start(body)).status == 200


VECTORS = [
    (OWNER + "1700000000000000000", "0x9e454935daaf88e27b303e410e988926a37422430cb313256682b5ce4349a61f"
     "66b0fa4d412ff8a877fa7023d3d7f9982483537dbd2ac9a27c9eda0f518d746f01"),
    (OWNER + "6951125396154f2da719f097ae758bb5" + "1700000000000000000",
     "0xd5df1b1e9c26690c077e7741067cffdefc801d17711baac273c83e215149e62c"
     "3177ca6f0f8b19ff78b8e81708d30f3c94092908427b767b66b9d6d126b1db4001"),
]  # fmt: skip


@pytest.mark.parametrize(("text", "signature"), VECTORS, ids=["owner and nonce", "owner, job and nonce"])
def test_the_contracts_vectors(text: str, signature: str) -> None:
    assert Provider().sign(text) == signature
    access = Access(frozenset({Provider().address.lower()}), ())
    signed = Signed(text, signature, "1700000000000000000", names_owner=False)
    found = auth.provider(signed, access, 1700000000000000000).address
    assert found.lower() == "0xe17d2a07efd5b112f4d675ea2d122ddb145d117b"


@pytest.mark.parametrize(
    ("seconds", "fresh"),
    [(0, True), (-300, True), (300, True), (-300.000001, False), (300.000001, False), (-1e6, False), (1e6, False)],
)
def test_a_nonce_is_fresh_for_a_window_on_both_sides(seconds: float, fresh: bool) -> None:
    now = 1_700_000_000_000_000_000
    nonce = str(now + round(seconds * 1e9))
    access = Access(frozenset({Provider().address.lower()}), (), window_seconds=300)
    signed = Signed(OWNER + nonce, Provider().sign(OWNER + nonce), nonce, names_owner=True)
    if fresh:
        assert auth.provider(signed, access, now).address == Provider().address
    else:
        with pytest.raises(Unauthorized, match=f"{abs(seconds):.0f} seconds {'old' if seconds < 0 else 'ahead'}"):
            auth.provider(signed, access, now)


@pytest.mark.parametrize("seconds", [-400, 400, -86_400])
async def test_a_stale_nonce_is_401_with_a_text_that_says_so(service: Service, seconds: float) -> None:
    provider = Provider()
    answer = await service.get(provider.query(nonce=provider.nonce(seconds)))
    assert answer.status == 401
    assert "nonce" in answer.error
    assert "clocks" in answer.error


async def test_the_window_is_a_setting() -> None:
    provider = Provider()
    async with running(C2D_NONCE_WINDOW_SECONDS="7200") as service:
        assert (await service.start(provider.start(nonce=provider.nonce(-7000)))).status == 200
        assert (await service.start(provider.start(nonce=provider.nonce(-7300)))).status == 401


@pytest.mark.parametrize(
    "nonce",
    ["abc", "-1", "1.7e18", "1e18", "0x1", "\u0661\u0667", "", " 1", "9" * 21, "9" * 3000, "²", "1_000"],
    ids=repr,
)
async def test_a_nonce_that_is_no_time(service: Service, nonce: str) -> None:
    provider = Provider()
    answer = await service.get(provider.query(nonce=nonce))
    assert answer.status == 401
    assert "nonce" in answer.error


@pytest.mark.parametrize("nonce", [True, None, 1.7e18, [1], {"a": 1}, -5, 1e999], ids=repr)
async def test_a_nonce_of_another_type(service: Service, nonce: object) -> None:
    provider = Provider()
    body = provider.start(nonce=nonce, providerSignature=provider.sign(f"{OWNER}{nonce}"))
    content = json.dumps(body).replace("Infinity", "1e999")
    answer = await service.ask("POST", "compute", data=content)
    assert answer.status == (400 if nonce is None else 401), answer.body


@pytest.mark.parametrize("parity", [0, 27])
@pytest.mark.parametrize("prefix", ["0x", "", "0X"])
async def test_how_wallets_write_signatures(service: Service, parity: int, prefix: str) -> None:
    provider = Provider()
    for _ in range(4):
        body = provider.start()
        content = bytearray.fromhex(body["providerSignature"][2:])
        content[64] += parity
        body["providerSignature"] = prefix + content.hex().upper()
        assert (await service.start(body)).status == 200


async def test_an_owner_longer_than_an_address_is_ambiguous(service: Service) -> None:
    """Owner and job stand together in the signed text, so that one signature would be good for two calls."""
    provider = Provider()
    signed_for_job = provider.query(jobId=JOB)
    body = provider.start(
        owner=OWNER + JOB, nonce=signed_for_job["nonce"], providerSignature=signed_for_job["providerSignature"]
    )
    answer = await service.start(body)
    assert answer.status == 401
    assert "longer than an address" in answer.error
    assert (await service.put(provider.query(owner=OWNER + "0"))).status == 401
    assert (await service.put(provider.query(owner=OWNER))).status == 200


# --- replay


async def test_a_signature_starts_one_thing_only(service: Service) -> None:
    provider = Provider()
    body = provider.start()
    assert (await service.start(body)).status == 200
    for changes in ({"agreementId": "0xother"}, {"workflow": workflow(algorithm=raw())}, {"environment": "none"}):
        answer = await service.start({**body, **changes})
        assert (answer.status, answer.error) == (401, USED)
    assert (await service.start(body)).status == 200


@pytest.mark.parametrize("how", ["the twin", "27 for 0", "no prefix", "upper case"])
async def test_a_signature_written_otherwise_is_the_same_one(service: Service, how: str) -> None:
    provider = Provider()
    body = provider.start()
    assert (await service.start(body)).status == 200
    signature = body["providerSignature"]
    forms = {
        "the twin": twin(signature),
        "27 for 0": signature[:-2] + f"{int(signature[-2:], 16) + 27:x}",
        "no prefix": signature[2:],
        "upper case": "0x" + signature[2:].upper(),
    }
    assert signatures.recover(f"{OWNER}{body['nonce']}", forms[how]) == provider.address
    answer = await service.start({**body, "agreementId": "0xother", "providerSignature": forms[how]})
    assert (answer.status, answer.error) == (401, USED)


async def test_a_signature_seen_in_a_query_does_not_become_a_write(service: Service) -> None:
    provider = Provider()
    for path, method in (("compute", "PUT"), ("compute", "DELETE")):
        given = provider.query()
        assert (await service.get(given)).status == 200
        answer = await service.ask(method, path, params=given)
        assert (answer.status, answer.error) == (401, USED)
        signed = {"nonce": int(given["nonce"]), "providerSignature": given["providerSignature"]}
        assert (await service.start(provider.start(**signed))).error == USED
        assert (await service.get(given)).status == 200


async def test_a_signature_of_a_result_does_not_become_a_write(service: Service) -> None:
    provider = Provider()
    given = provider.query(jobId=JOB, index=0)
    await service.result(given)
    for method in ("PUT", "DELETE"):
        assert (await service.ask(method, "compute", params=given)).status == 401


async def test_a_stop_is_no_removal_and_the_other_way(service: Service) -> None:
    provider = Provider()
    stop, remove = provider.query(), provider.query()
    assert (await service.put(stop)).status == 200
    assert (await service.delete(remove)).status == 200
    assert (await service.delete(stop)).error == USED
    assert (await service.put(remove)).error == USED


@pytest.mark.parametrize("more", [{"agreementId": "0xag7"}, {"chainId": "5"}], ids=str)
async def test_a_stop_of_something_is_not_one_of_something_else(service: Service, more: dict[str, str]) -> None:
    """Narrow or wide: what the signature was first used for holds."""
    provider = Provider()
    given = provider.query()
    assert (await service.put({**given, **more})).status == 200
    assert (await service.put(given)).error == USED


@pytest.mark.parametrize("method", ["GET", "PUT", "DELETE"])
async def test_a_retry_with_the_same_nonce_is_fine(service: Service, method: str) -> None:
    provider = Provider()
    await service.sees(job(number=1))
    given = provider.query(jobId=JOB)
    answers = [await service.ask(method, "compute", params=given) for _ in range(5)]
    assert {answer.status for answer in answers} == {200}
    assert len({answer.body for answer in answers}) == 1


async def test_nonces_may_come_out_of_order(service: Service) -> None:
    provider = Provider()
    for seconds in (0, -20, 15, -60, 3):
        assert (await service.get(provider.query(nonce=provider.nonce(seconds)))).status == 200


async def test_replicas_with_a_database_know_each_others_writes(archive: FakeArchive) -> None:
    provider = Provider()
    async with running(archive=archive) as one, running(archive=archive) as other:
        body = provider.start()
        assert (await one.start(body)).status == 200
        assert (await other.start({**body, "agreementId": "0xother"})).error == USED


async def test_without_the_database_each_replica_remembers(archived: Service, archive: FakeArchive) -> None:
    provider = Provider()
    archive.down = True
    body = provider.start()
    assert (await archived.start(body)).status == 200
    assert (await archived.start({**body, "agreementId": "0xother"})).error == USED


async def test_one_signature_for_many_things_at_a_time(archived: Service, archive: FakeArchive) -> None:
    """Also while the database is away, and each of them has to wait to hear so."""
    archive.down = True
    provider = Provider()
    body = provider.start()
    bodies = [{**body, "agreementId": f"0xag{number}"} for number in range(8)]
    answers = await asyncio.gather(*(archived.start(each) for each in bodies))
    assert sorted(answer.status for answer in answers) == [200] + [401] * 7
    assert len(archived.cluster.jobs()) == 1
