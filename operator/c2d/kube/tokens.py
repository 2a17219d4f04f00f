"""Which pod sent a token: projected service-account tokens, verified with the API server's public keys.

No TokenReview: that takes a cluster-scoped right, while every service account may read the keys (the ClusterRole
`system:service-account-issuer-discovery`). What a review would know besides, that the pod is still there, the caller
sees in its own cache.
"""

import asyncio
import logging
from collections.abc import Awaitable, Callable

from c2d.kube import errors
from c2d.kube.client import Client
from c2d.kube.proof import PodIdentity, TrustedKeys, key_id, read_keys, verify

logger = logging.getLogger(__name__)

_DISCOVERY = "/.well-known/openid-configuration"
_KEYS = "/openid/v1/jwks"
_PAUSE = 5.0  # seconds between two looks at the keys, whatever is asked meanwhile
_MAX_AGE = 600.0  # seconds until a key that was taken out of use is noticed


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
