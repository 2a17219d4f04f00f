"""How far one file is: a line about a large one now and then, and its share in the tally of all."""

from collections.abc import Callable
from datetime import datetime, timedelta

from c2d.api.progress import in_words
from c2d.inpod.tally import Tally

INTERVAL = timedelta(seconds=10)


class Progress:
    """Tells how far one file is, at most once in an interval, and not at all when it is soon there."""

    def __init__(self, name: str, now: Callable[[], datetime], say: Callable[[str], None], tally: Tally) -> None:
        self._name = name
        self._now = now
        self._say = say
        self._tally = tally
        self._next = now() + INTERVAL

    def reached(self, size: int, total: int | None) -> None:
        self._tally.reached(self._name, size, total)
        if self._now() < self._next:
            return
        self._next = self._now() + INTERVAL
        self._say(f"{self._name}: {in_words(size)}" + (f" of {in_words(total)}" if total else ""))
