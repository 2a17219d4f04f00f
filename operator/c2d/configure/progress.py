"""A line about a large file now and then."""

from collections.abc import Callable
from datetime import datetime, timedelta

INTERVAL = timedelta(seconds=10)


class Progress:
    """Tells how far one file is, at most once in an interval, and not at all when it is soon there."""

    def __init__(self, name: str, now: Callable[[], datetime], say: Callable[[str], None]) -> None:
        self._name = name
        self._now = now
        self._say = say
        self._next = now() + INTERVAL

    def reached(self, size: int, total: int | None) -> None:
        if self._now() < self._next:
            return
        self._next = self._now() + INTERVAL
        self._say(f"{self._name}: {in_words(size)}" + (f" of {in_words(total)}" if total else ""))


def in_words(size: int) -> str:
    """A number of bytes, short: `999 B`, `1.5 GiB`."""
    amount = float(size)
    for unit in ("B", "KiB", "MiB", "GiB"):
        if amount < 1024:
            return f"{amount:.0f} {unit}" if unit == "B" else f"{amount:.1f} {unit}"
        amount /= 1024
    return f"{amount:.1f} TiB"
