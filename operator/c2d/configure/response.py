"""What the head of a response says about its body: where it begins, how long the file is, which version it is."""

import re
from collections.abc import Mapping
from dataclasses import dataclass

from c2d.configure.partial import Origin
from c2d.configure.retry import Fault

_CONTENT_RANGE = re.compile(r"bytes (\d{1,18})-(\d{1,18})/(\d{1,18}|\*)", re.ASCII)


class Interrupted(Exception):
    """A try that did not bring the whole file."""

    def __init__(self, fault: Fault, detail: str = "", retry_after: float | None = None) -> None:
        super().__init__(f"{fault.words} {detail}".rstrip())
        # What comes again and again may still be final for other pods: a signature that nobody takes, for example.
        self.heals = fault.may_pass and fault is not Fault.SIGNATURE
        self.fault = fault
        self.retry_after = retry_after


@dataclass(frozen=True)
class Answer:
    """The body begins at byte `start` of a file of `total` bytes, if the server knows that."""

    start: int
    total: int | None
    validator: str

    def contradicts(self, origin: Origin) -> bool:
        """Whether these are bytes of another file than those of the origin."""
        other_version = bool(self.validator) and self.validator != origin.validator
        other_size = None not in (self.total, origin.total) and self.total != origin.total
        return other_version or other_size


def read_answer(status: int, headers: Mapping[str, str], asked: int) -> Answer:
    """The head of a 200 or a 206; raises Interrupted where a 206 is not what was asked for."""
    if status != 206:
        return Answer(0, _number(headers.get("Content-Length")), validator(headers))
    found = _CONTENT_RANGE.fullmatch(headers.get("Content-Range", ""))
    if found is None or int(found[1]) != asked or asked == 0:
        raise Interrupted(Fault.CHANGED, "or a range that nobody asked for")
    total = None if found[3] == "*" else int(found[3])
    return Answer(asked, total, validator(headers))


def validator(headers: Mapping[str, str]) -> str:
    """What If-Range may carry: a strong ETag, else the date of the last change (RFC 9110, 13.1.5)."""
    etag = headers.get("ETag", "")
    if etag.startswith('"'):
        return etag
    return headers.get("Last-Modified", "")


def _number(value: str | None) -> int | None:
    return int(value) if value is not None and value.isascii() and value.isdigit() else None
