"""Tokens as an API server signs them, and everything else that may be sent for one."""

import base64
import json
from typing import Any

import jwt
import pytest
from hypothesis import given
from hypothesis import strategies as some

from c2d.api.plan import SIGNER_AUDIENCE
from c2d.kube import errors, proof
from c2d.kube.proof import PodIdentity, TrustedKeys
from c2d.kube.tokens import Tokens
from tests.kit.tokens import ISSUER, NOW, Authority, claims_of

RSA, CURVE, STRANGER = Authority(), Authority("key-2", "ES256"), Authority()
TRUSTED = RSA.trusted(CURVE)
POD = PodIdentity("ns", "pod", "uid")


def verify(token: str, now: float = NOW) -> PodIdentity:
    return proof.verify(token, TRUSTED, SIGNER_AUDIENCE, now)


@pytest.mark.parametrize("authority", [RSA, CURVE], ids=["RS256", "ES256"])
def test_a_pods_token_says_which_pod_it_is(authority: Authority) -> None:
    assert verify(authority.token()) == POD


def unsigned(header: dict[str, Any], claims: dict[str, Any]) -> str:
    parts = [base64.urlsafe_b64encode(json.dumps(part).encode()).rstrip(b"=").decode() for part in (header, claims)]
    return ".".join([*parts, ""])


def changed(**changes: Any) -> str:
    return RSA.token(claims_of("ns", "pod", "uid", **changes))


def bound_to(**binding: Any) -> str:
    return changed(**{"kubernetes.io": {"namespace": "ns", **binding}})


CLAIMS = claims_of("ns", "pod", "uid")
REFUSED = [
    pytest.param("", "no JSON web token", id="nothing"),
    pytest.param("a.b.c", "no JSON web token", id="three words"),
    pytest.param("x" * 20_000, "too long", id="a very long text"),
    pytest.param("\ud800.é.ü", "no JSON web token", id="half of a character"),
    pytest.param(unsigned({"alg": "none", "kid": "key-1"}, CLAIMS), "not signed with one of", id="no signature"),
    pytest.param(unsigned({"alg": "RS256", "kid": "key-1"}, CLAIMS), "signature is wrong", id="an empty signature"),
    pytest.param(jwt.encode(CLAIMS, "x" * 32, "HS256", {"kid": "key-1"}), "not signed with", id="a shared secret"),
    pytest.param(STRANGER.token(), "signature is wrong", id="somebody else's key under a known name"),
    pytest.param(Authority("other").token(), "a key that is not the cluster's", id="a key that nobody knows"),
    pytest.param(RSA.token(kid="key-2"), "wrong", id="the name of a key of another kind"),
    pytest.param(jwt.encode(CLAIMS, RSA.private, "RS256"), "not the cluster's", id="no key's name"),
    pytest.param(RSA.token(crit=["x"]), "no JSON web token", id="an extension that must be understood"),
    pytest.param(changed(aud=["https://kubernetes.default.svc"]), "another audience", id="for the API server"),
    pytest.param(changed(aud=None), "lacks", id="for nobody"),
    pytest.param(changed(iss="https://elsewhere"), "another issuer", id="of another cluster"),
    pytest.param(changed(exp=NOW - 11), "expired", id="expired"),
    pytest.param(changed(exp=None), "lacks", id="without an end"),
    pytest.param(changed(exp=float("nan")), "expired", id="an end that is no number"),
    pytest.param(changed(nbf=NOW + 11), "not valid yet", id="of tomorrow"),
    pytest.param(bound_to(), "bound to no pod", id="not bound to a pod"),
    pytest.param(bound_to(pod={"name": "pod"}), "bound to no pod", id="bound to a pod without a UID"),
    pytest.param(bound_to(pod={"name": "pod", "uid": ""}), "bound to no pod", id="an empty UID"),
    pytest.param(changed(**{"kubernetes.io": None}), "bound to no pod", id="no service account's"),
    pytest.param(changed(**{"kubernetes.io": [1]}), "bound to no pod", id="a list"),
]


@pytest.mark.parametrize(("token", "told"), REFUSED)
def test_what_proves_nothing_is_refused_and_not_repeated(token: str, told: str) -> None:
    with pytest.raises(errors.InvalidToken, match=told) as caught:
        verify(token)
    assert not [part for part in token.split(".") if len(part) > 3 and part in str(caught.value)]


@pytest.mark.parametrize("seconds", [-9, 0, 609])
def test_clocks_may_differ_by_some_seconds(seconds: float) -> None:
    assert verify(RSA.token(), NOW + seconds) == POD


@given(some.text(max_size=200) | some.binary(max_size=200).map(lambda raw: raw.decode("latin-1")))
def test_garbage_is_refused(text: str) -> None:
    with pytest.raises(errors.InvalidToken):
        verify(text)


VALID = RSA.token()


@given(some.integers(0, len(VALID) - 1), some.characters(codec="ascii"))
def test_one_other_character_is_enough(index: int, character: str) -> None:
    token = VALID[:index] + character + VALID[index + 1 :]
    try:
        found = verify(token)
    except errors.InvalidToken:
        return
    assert found == POD, "the last bits of a base64 text may stand for nothing"


DOCUMENTS = [
    pytest.param({}, {"keys": []}, id="no issuer"),
    pytest.param({"issuer": ISSUER}, {}, id="no keys"),
    pytest.param({"issuer": 1}, {"keys": []}, id="a number for an issuer"),
]


@pytest.mark.parametrize(("discovery", "keys"), DOCUMENTS)
def test_an_api_server_that_tells_nothing(discovery: dict[str, Any], keys: dict[str, Any]) -> None:
    with pytest.raises(errors.Unavailable):
        proof.read_keys(discovery, keys)


def test_keys_that_cannot_be_used_are_passed_over() -> None:
    weird = [
        1,
        {},
        {"kid": "a", "kty": "oct", "k": "c2VjcmV0", "alg": "HS256"},
        {"kid": "b", "kty": "RSA", "n": "!", "e": "AQAB"},
        {**RSA.public, "kid": "c", "use": "enc"},
        {**RSA.public, "kid": "d", "alg": "RS512"},
        {**RSA.public, "kid": 5},
    ]
    assert set(proof.read_keys({"issuer": ISSUER}, {"keys": [*weird, RSA.public]}).keys) == {"key-1"}


class ApiServer:
    """Its keys of now, and how often somebody asked for them."""

    def __init__(self, *authorities: Authority) -> None:
        self.authorities = list(authorities)
        self.asked = 0
        self.up = True
        self.seconds = 0.0

    async def keys(self) -> TrustedKeys:
        self.asked += 1
        if not self.up:
            raise errors.Unavailable("it is away")
        first, *others = self.authorities
        return first.trusted(*others)

    def tokens(self) -> Tokens:
        return Tokens(self.keys, SIGNER_AUDIENCE, lambda: NOW, lambda: self.seconds)


async def test_the_keys_are_read_once() -> None:
    server = ApiServer(RSA)
    held = server.tokens()
    assert [await held.pod_of(RSA.token()) for _ in range(3)] == [POD] * 3
    assert server.asked == 1


async def test_a_new_key_is_found_and_an_old_one_forgotten() -> None:
    server = ApiServer(RSA)
    held = server.tokens()
    await held.pod_of(RSA.token())
    server.authorities, server.seconds = [CURVE], 6
    assert await held.pod_of(CURVE.token()) == POD
    with pytest.raises(errors.InvalidToken):
        await held.pod_of(RSA.token())


async def test_a_key_that_was_taken_out_of_use_is_noticed_in_time() -> None:
    server = ApiServer(RSA, CURVE)
    held = server.tokens()
    await held.pod_of(RSA.token())
    server.authorities, server.seconds = [CURVE], 601
    with pytest.raises(errors.InvalidToken):
        await held.pod_of(RSA.token())


async def test_made_up_keys_do_not_make_us_ask_all_the_time() -> None:
    server = ApiServer(RSA)
    held = server.tokens()
    for number in range(50):
        with pytest.raises(errors.InvalidToken):
            await held.pod_of(Authority(f"made-up-{number}", "ES256").token())
    assert server.asked == 1
    assert await held.pod_of(RSA.token()) == POD


async def test_without_keys_nobody_is_judged() -> None:
    server = ApiServer(RSA)
    server.up, held = False, server.tokens()
    for _ in range(3):
        with pytest.raises(errors.Unavailable):
            await held.pod_of(RSA.token())
    assert server.asked == 1
    server.up, server.seconds = True, 6
    assert await held.pod_of(RSA.token()) == POD


async def test_an_api_server_that_is_away_for_a_while_does_no_harm() -> None:
    server = ApiServer(RSA)
    held = server.tokens()
    await held.pod_of(RSA.token())
    server.up, server.seconds = False, 1000
    assert await held.pod_of(RSA.token()) == POD
