"""Which pod sent a token: projected service-account tokens, verified with the API server's public keys.

No TokenReview: that takes a cluster-scoped right, while every service account may read the keys (the ClusterRole
`system:service-account-issuer-discovery`). What a review would know besides, that the pod is still there, the caller
sees in its own cache.
"""

import asyncio
import logging
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from typing import Any

import jwt

from c2d.kube import errors
from c2d.kube.client import Client
from c2d.kube.resources import Object

logger = logging.getLogger(__name__)

# What API servers sign with. Not among them: anything with a shared secret, and "none".
ALGORITHMS = ("RS256", "ES256")
TOKEN_LIMIT = 16_384  # characters; a pod's token has some 1200
LEEWAY = 10.0  # seconds that our clock and the API server's may be apart

_DISCOVERY = "/.well-known/openid-configuration"
_KEYS = "/openid/v1/jwks"
_PAUSE = 5.0  # seconds between two looks at the keys, whatever is asked meanwhile
_MAX_AGE = 600.0  # seconds until a key that was taken out of use is noticed


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


def verify(token: str, trusted: TrustedKeys, audience: str, now: float) -> PodIdentity:
    """`now` in seconds of Unix time. Raises `InvalidToken`, whose text never holds any of the token."""
    key = trusted.keys.get(key_id(token))
    if key is None:
        raise errors.InvalidToken("it is signed with a key that is not the cluster's")
    try:
        claims = jwt.decode(
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
    return _pod(claims)


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
    return TrustedKeys(issuer, {str(entry["kid"]): key for entry in entries if (key := _key(entry)) is not None})


def _key(entry: Any) -> jwt.PyJWK | None:
    if not isinstance(entry, dict) or not isinstance(entry.get("kid"), str) or entry.get("use", "sig") != "sig":
        return None
    try:
        key = jwt.PyJWK(entry)
    except (jwt.PyJWTError, ValueError, TypeError):
        return None
    return key if key.algorithm_name in ALGORITHMS else None


class Tokens:
    """Verifies tokens for one audience with the keys of now.

    `clock` gives seconds of Unix time, `ticks` seconds that only ever go on.
    """

    def __init__(
        self,
        fetch: Callable[[], Awaitable[TrustedKeys]],
        audience: str,
        clock: Callable[[], float],
        ticks: Callable[[], float],
    ) -> None:
        self._fetch = fetch
        self._audience = audience
        self._clock = clock
        self._ticks = ticks
        self._trusted: TrustedKeys | None = None
        self._fetched = self._tried = float("-inf")
        self._lock = asyncio.Lock()

    async def pod_of(self, token: str) -> PodIdentity:
        """Raises `InvalidToken`, and `Unavailable` as long as no keys could be had."""
        name = key_id(token)
        trusted = self._trusted
        if trusted is None or name not in trusted.keys or self._ticks() - self._fetched > _MAX_AGE:
            trusted = await self._refreshed(name)
        return verify(token, trusted, self._audience, self._clock())

    async def _refreshed(self, name: str) -> TrustedKeys:
        """Look again, unless that was just done: whoever sends made-up key ids must not make us ask all the time."""
        async with self._lock:
            if self._is_due(name):
                self._tried = self._ticks()
                try:
                    self._trusted = await self._fetch()
                    self._fetched = self._ticks()
                except errors.KubeError as error:
                    logger.warning("the keys of the API server can't be had: %s", error)
            if self._trusted is None:
                raise errors.Unavailable("the keys of the API server can't be had now")
            return self._trusted

    def _is_due(self, name: str) -> bool:
        """Asked anew under the lock: whoever had it before may have done the work."""
        now = self._ticks()
        known = self._trusted is not None and name in self._trusted.keys and now - self._fetched <= _MAX_AGE
        return not known and now - self._tried >= _PAUSE


async def fetch_keys(client: Client) -> TrustedKeys:
    """From the API server itself, wherever else its issuer may publish them. Raises `KubeError`."""
    discovery, keys = await asyncio.gather(client.document(_DISCOVERY), client.document(_KEYS))
    return read_keys(discovery, keys)
