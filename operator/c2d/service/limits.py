"""How much a replica takes on: requests of one Provider, and streams at a time."""

import contextlib
from collections.abc import Callable, Iterator

from c2d.service.errors import TooMany, Unavailable

_BURST = 2  # seconds' worth of requests that may come at once
_REMEMBERED = 10_000  # callers; only Providers on the list get this far, so it is never reached in practice


class Rate:
    """A bucket of tokens for every caller. `clock` counts seconds."""

    def __init__(self, per_second: int, clock: Callable[[], float]) -> None:
        self._per_second = per_second
        self._clock = clock
        self._buckets: dict[str, tuple[float, float]] = {}  # tokens, and when they were counted

    def take(self, caller: str) -> None:
        """Raises TooMany. 0 per second means no limit."""
        if not self._per_second:
            return
        now, full = self._clock(), float(self._per_second * _BURST)
        tokens, counted = self._buckets.get(caller, (full, now))
        tokens = min(full, tokens + (now - counted) * self._per_second)
        if tokens < 1:
            raise TooMany(f"more than {self._per_second} requests a second; wait a moment")
        if len(self._buckets) >= _REMEMBERED and caller not in self._buckets:
            self._buckets.clear()
        self._buckets[caller] = (tokens - 1, now)


class Streams:
    """Results on their way at the moment."""

    def __init__(self, most: int) -> None:
        self._most = most
        self.now = 0

    @contextlib.contextmanager
    def one(self) -> Iterator[None]:
        """Raises Unavailable when all are taken."""
        if self.now >= self._most:
            raise Unavailable(f"{self._most} results are being downloaded already; try again in a moment")
        self.now += 1
        try:
            yield
        finally:
            self.now -= 1
