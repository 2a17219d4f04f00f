"""Which bytes of a file are there, or still wanted: a set of parts. Pure."""

from bisect import bisect_left, bisect_right
from collections.abc import Iterable, Iterator
from dataclasses import dataclass


@dataclass(frozen=True, order=True)
class Part:
    """The bytes from `begin` on, up to but without `end`."""

    begin: int
    end: int

    @property
    def size(self) -> int:
        return self.end - self.begin


class Parts:
    """A set of bytes, as parts in their order that neither overlap nor touch."""

    def __init__(self, parts: Iterable[Part] = ()) -> None:
        self._begins: list[int] = []
        self._ends: list[int] = []
        self.size = 0  # bytes, of all parts together
        for part in parts:
            self.add(part)

    def __iter__(self) -> Iterator[Part]:
        return map(Part, self._begins, self._ends)

    @property
    def prefix(self) -> int:
        """How many bytes are there from the file's beginning on without a hole."""
        return self._ends[0] if self._begins and self._begins[0] == 0 else 0

    def add(self, part: Part) -> None:
        """Joins the part with those that it overlaps or touches."""
        if part.size <= 0:
            return
        first, last = bisect_left(self._ends, part.begin), bisect_right(self._begins, part.end)
        begin, end = part.begin, part.end
        if first < last:
            begin, end = min(begin, self._begins[first]), max(end, self._ends[last - 1])
        self.size += end - begin - sum(self._ends[first:last]) + sum(self._begins[first:last])
        self._begins[first:last] = [begin]
        self._ends[first:last] = [end]

    def missing(self, total: int) -> "Parts":
        """What a file of so many bytes has besides these."""
        begins = [0, *(min(end, total) for end in self._ends)]
        ends = [*(min(begin, total) for begin in self._begins), total]
        return Parts(map(Part, begins, ends))

    def take(self, most: int, at: int | None = None) -> Part | None:
        """Removes the first bytes, at most so many; `at`: only if bytes begin there. None: there are none."""
        index = 0 if at is None else bisect_left(self._begins, at)
        if index == len(self._begins) or at not in (None, self._begins[index]):
            return None
        part = Part(self._begins[index], min(self._ends[index], self._begins[index] + most))
        if part.end == self._ends[index]:
            del self._begins[index], self._ends[index]
        else:
            self._begins[index] = part.end
        self.size -= part.size
        return part
