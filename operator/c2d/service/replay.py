"""What a signature was first used for: it may be repeated for that, and for nothing else.

Writes are remembered by every replica, and in the archive's database where there is one. Reads are remembered by the
replica that saw them: a signature from a logged query must not become a stop or a start.
"""

import logging
from collections.abc import Callable
from datetime import UTC, datetime
from typing import Protocol

from c2d.archive.errors import ArchiveError
from c2d.service.auth import Provider
from c2d.service.errors import Unauthorized

logger = logging.getLogger(__name__)

_READS = 200_000  # remembered per generation; a few dozen megabytes


class SharedMemory(Protocol):
    """The archive's part in this."""

    async def claim(self, key: bytes, purpose: str, expires: datetime, now: datetime) -> str:
        """The purpose on record: this one if the key is new."""


class Replay:
    """One per replica. `clock`: seconds since 1970."""

    def __init__(self, window_seconds: int, shared: SharedMemory | None, clock: Callable[[], float]) -> None:
        self._window = window_seconds
        self._shared = shared
        self._clock = clock
        self._writes: dict[bytes, tuple[str, int]] = {}
        self._reads: tuple[set[int], set[int]] = (set(), set())
        self._turned = clock()

    def read(self, provider: Provider) -> None:
        """A signature is used to look at something."""
        if not provider.key:
            return
        self._turn()
        self._reads[0].add(_short(provider.key))

    async def write(self, provider: Provider, purpose: str) -> None:
        """A signature is used to change something. Raises Unauthorized when it served for anything else before."""
        if not provider.key:
            return
        known = self._known(provider.key)
        if known is None:
            claimed = await self._claim(provider, purpose)
            # Others may have come with the same signature while the database was asked.
            known, _ = self._writes.setdefault(provider.key, (claimed, provider.expires))
        if known != purpose:
            raise Unauthorized("Invalid signature: it was used for another request before; sign with a new nonce")

    def _known(self, key: bytes) -> str | None:
        self._turn()
        if key in self._writes:
            return self._writes[key][0]
        return "read" if any(_short(key) in generation for generation in self._reads) else None

    async def _claim(self, provider: Provider, purpose: str) -> str:
        if self._shared is None:
            return purpose
        expires = datetime.fromtimestamp(provider.expires, UTC)
        try:
            return await self._shared.claim(provider.key, purpose, expires, datetime.fromtimestamp(self._clock(), UTC))
        except ArchiveError as error:
            # Refusing every start would be worse: the signature is valid, and this replica remembers it.
            logger.warning("signatures are remembered by this replica only: %s", error)
            return purpose

    def _turn(self) -> None:
        """Forget what is stale. A nonce may be ahead by the window, so it is fresh for up to twice as long."""
        now = self._clock()
        if now - self._turned < 2 * self._window and len(self._reads[0]) < _READS:
            return
        self._turned = now
        self._reads = (set(), self._reads[0])
        self._writes = {key: entry for key, entry in self._writes.items() if entry[1] > now}


def _short(key: bytes) -> int:
    return int.from_bytes(key[:8])
