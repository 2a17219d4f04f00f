"""Ranges of bytes, as HTTP writes them. Pure.

Source: RFC 9110, section 14.
"""

import re
from dataclasses import dataclass

from c2d.storage.errors import Unsatisfiable

_SINGLE = re.compile(r"bytes=[ \t]*([0-9]*)-([0-9]*)[ \t]*", re.IGNORECASE)
_CONTENT = re.compile(r"bytes ([0-9]{1,19})-([0-9]{1,19})/(?:[0-9]{1,19}|\*)")
_LARGEST = 2**63 - 1  # what servers count with


@dataclass(frozen=True)
class Span:
    """Bytes of an object, from `begin` up to and without `end`."""

    begin: int
    end: int

    @property
    def header(self) -> str:
        """The value of a Range header that asks for them."""
        return f"bytes={self.begin}-{self.end - 1}"


def single(header: str | None) -> str | None:
    """A client's Range header in a form that every server takes alike; None where the whole object is the answer.

    A server may ignore a range, and servers differ in what they do with several ranges or nonsense: the whole
    object is right for both. Raises Unsatisfiable for the last 0 bytes, which no object has.
    """
    match = _SINGLE.fullmatch(header or "")
    if match is None:
        return None
    first, last = match.groups()
    if not first:
        return _suffix(last)
    begin, end = _number(first), _number(last) if last else None
    if end is None:
        return f"bytes={begin}-"
    return f"bytes={begin}-{end}" if begin <= end else None


def _suffix(count: str) -> str | None:
    if not count:
        return None
    if not _number(count):
        raise Unsatisfiable("the last 0 bytes of an object are none")
    return f"bytes=-{_number(count)}"


def _number(digits: str) -> int:
    # Python refuses to read thousands of digits, and a server may count from the start again.
    digits = digits.lstrip("0")
    return _LARGEST if len(digits) > 18 else int(digits or "0")


def resolve(asked: str, size: int) -> Span:
    """The bytes that a range, as `single` gives it, means of an object. Raises Unsatisfiable."""
    first, _, last = asked.removeprefix("bytes=").partition("-")
    begin = int(first) if first else max(0, size - int(last))
    end = min(size, int(last) + 1) if first and last else size
    if begin >= end:
        raise Unsatisfiable("the range begins behind the object's end")
    return Span(begin, end)


def content_range(header: str | None) -> Span | None:
    """The bytes that an answer says to have; None where it doesn't say."""
    match = _CONTENT.fullmatch(header or "")
    return Span(int(match[1]), int(match[2]) + 1) if match and int(match[1]) <= int(match[2]) else None
