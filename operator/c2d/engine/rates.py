"""How often somebody may ask: a bucket of tokens each. Pure but for its memory."""

from collections.abc import Callable


class Rates:
    """`clock` gives seconds that only ever go on."""

    def __init__(self, per_second: float, burst: float, clock: Callable[[], float]) -> None:
        self._per_second = per_second
        self._burst = burst
        self._clock = clock
        self._buckets: dict[str, tuple[float, float]] = {}  # tokens, and when they were counted

    def __len__(self) -> int:
        return len(self._buckets)

    def take(self, caller: str) -> bool:
        """Whether there was a token left."""
        now = self._clock()
        if caller not in self._buckets:
            self._forget_full_ones(now)
        tokens = self._tokens(caller, now)
        if tokens < 1:
            return False
        self._buckets[caller] = (tokens - 1, now)
        return True

    def _tokens(self, caller: str, now: float) -> float:
        tokens, counted = self._buckets.get(caller, (self._burst, now))
        return min(self._burst, tokens + (now - counted) * self._per_second)

    def _forget_full_ones(self, now: float) -> None:
        """A bucket that is full again is as good as none."""
        full = [caller for caller in self._buckets if self._tokens(caller, now) >= self._burst]
        for caller in full:
            del self._buckets[caller]
