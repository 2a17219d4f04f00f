"""What a service account's token proves, by the API server's public keys alone. Pure, and light to load.

Besides the pods that a signature is made for, readers of results are known by it, which have no way to the API server.
"""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import jwt

from c2d.kube import errors
from c2d.kube.resources import Object

# What API servers sign with. Not among them: anything with a shared secret, and "none".
ALGORITHMS = ("RS256", "ES256")
TOKEN_LIMIT = 16_384  # characters; a pod's token has some 1200
_ACCOUNT = "system:serviceaccount:"
LEEWAY = 10.0  # seconds that our clock and the API server's may be apart


@dataclass(frozen=True)
class PodIdentity:
    """The pod that a token was made for, as it was then."""

    namespace: str
    name: str
    uid: str


@dataclass(frozen=True)
class TrustedKeys:
    """What an API server signs tokens with, by key id, and how it calls itself."""

    issuer: str
    keys: Mapping[str, jwt.PyJWK]
    text: str  # the same as JSON, as `parse_keys` takes it


def verify(token: str, trusted: TrustedKeys, audience: str, now: float) -> PodIdentity:
    """The pod that a token was made for.

    `now` in seconds of Unix time. Raises `InvalidToken`, whose text never holds any of the token.
    """
    return _pod(_claims(token, trusted, audience, now))


def account(token: str, trusted: TrustedKeys, audience: str, now: float) -> str:
    """The service account that it was made for, as `namespace:name`. Raises like `verify`."""
    subject = _claims(token, trusted, audience, now).get("sub")
    if not isinstance(subject, str) or not subject.startswith(_ACCOUNT):
        raise errors.InvalidToken("it is of no service account")
    return subject.removeprefix(_ACCOUNT)


def _claims(token: str, trusted: TrustedKeys, audience: str, now: float) -> Mapping[str, Any]:
    key = trusted.keys.get(key_id(token))
    if key is None:
        raise errors.InvalidToken("it is signed with a key that is not the cluster's")
    try:
        claims: dict[str, Any] = jwt.decode(
            token,
            key=key,
            algorithms=[key.algorithm_name],
            audience=audience,
            issuer=trusted.issuer,
            # Its times are checked below, against the clock that is given.
            options={"verify_exp": False, "verify_nbf": False, "verify_iat": False, "require": ["exp", "aud", "iss"]},
        )
    except (jwt.PyJWTError, ValueError, TypeError) as error:
        raise errors.InvalidToken(_why(error)) from None
    _check_times(claims, now)
    return claims


def key_id(token: str) -> str:
    """The key that the token claims to be signed with. Raises `InvalidToken`."""
    if len(token) > TOKEN_LIMIT:
        raise errors.InvalidToken("it is too long for a token")
    try:
        header = jwt.get_unverified_header(token)
    except (jwt.PyJWTError, ValueError, TypeError, RecursionError):
        raise errors.InvalidToken("it is no JSON web token") from None
    if header.get("alg") not in ALGORITHMS:
        raise errors.InvalidToken(f"it is not signed with one of {', '.join(ALGORITHMS)}")
    name = header.get("kid")
    return name if isinstance(name, str) else ""


def _why(error: Exception) -> str:
    """Without the library's text, which may quote the token."""
    match error:
        case jwt.InvalidAudienceError():
            return "it is for another audience"
        case jwt.InvalidIssuerError():
            return "it is of another issuer"
        case jwt.MissingRequiredClaimError():
            return "it lacks one of exp, aud, iss"
    return "its signature is wrong"


def _check_times(claims: Mapping[str, Any], now: float) -> None:
    expiry, begin = claims["exp"], claims.get("nbf", 0)
    if not all(isinstance(time, int | float) for time in (expiry, begin)):
        raise errors.InvalidToken("its times are none")
    if not now < expiry + LEEWAY:
        raise errors.InvalidToken("it has expired")
    if not begin - LEEWAY <= now:
        raise errors.InvalidToken("it is not valid yet")


def _pod(claims: Mapping[str, Any]) -> PodIdentity:
    match claims.get("kubernetes.io"):
        case {"namespace": str(namespace), "pod": {"name": str(name), "uid": str(uid)}} if uid:
            return PodIdentity(namespace, name, uid)
    raise errors.InvalidToken("it is bound to no pod")


def read_keys(discovery: Object, keys: Object) -> TrustedKeys:
    """From what the API server tells; keys that we can't use are passed over. Raises `Unavailable`."""
    issuer, entries = discovery.get("issuer"), keys.get("keys")
    if not isinstance(issuer, str) or not issuer or not isinstance(entries, list):
        raise errors.Unavailable("the API server does not tell what it signs tokens with")
    found = {str(entry["kid"]): (key, entry) for entry in entries if (key := _key(entry)) is not None}
    text = json.dumps({"issuer": issuer, "keys": [entry for _, entry in found.values()]})
    return TrustedKeys(issuer, {kid: key for kid, (key, _) in found.items()}, text)


def parse_keys(text: str) -> TrustedKeys:
    """The inverse of `TrustedKeys.text`. Raises ValueError."""
    said = json.loads(text)
    if not isinstance(said, dict):
        raise ValueError("no JSON object")
    try:
        return read_keys(said, said)
    except errors.Unavailable as error:
        raise ValueError(str(error)) from None


def _key(entry: Any) -> jwt.PyJWK | None:
    if not isinstance(entry, dict) or not isinstance(entry.get("kid"), str) or entry.get("use", "sig") != "sig":
        return None
    try:
        key = jwt.PyJWK(entry)
    except (jwt.PyJWTError, ValueError, TypeError):
        return None
    return key if key.algorithm_name in ALGORITHMS else None
