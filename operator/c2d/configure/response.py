"""What the head of a response says about its body: where it begins, how long the file is, which version it is."""

import email.utils
import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta

from c2d.configure.partial import Origin
from c2d.configure.retry import Fault

_CONTENT_RANGE = re.compile(r"bytes (\d{1,18})-(\d{1,18})/(\d{1,18}|\*)", re.ASCII)
_SURE = timedelta(seconds=1)


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
    """The body begins at byte `start` of a file of `total` bytes and ends before byte `end`, if the server knows."""

    start: int
    total: int | None
    validator: str
    end: int | None = None

    def contradicts(self, origin: Origin) -> bool:
        """Whether these are bytes of another file than those of the origin."""
        other_version = bool(self.validator) and self.validator != origin.validator
        other_size = None not in (self.total, origin.total) and self.total != origin.total
        return other_version or other_size


def read_answer(status: int, headers: Mapping[str, str], asked: int | None) -> Answer:
    """The head of a 200 or a 206; raises Interrupted where a 206 does not begin where it was asked to.

    Such a server gets no more ranges: Ocean's Provider says 206 without saying which bytes they are.
    """
    if status != 206:
        total = _number(headers.get("Content-Length"))
        return Answer(0, total, validator(headers), total)
    found = _CONTENT_RANGE.fullmatch(headers.get("Content-Range", ""))
    if found is None or int(found[1]) != asked or int(found[2]) < asked:
        raise Interrupted(Fault.RANGE)
    total = None if found[3] == "*" else int(found[3])
    return Answer(asked, total, validator(headers), int(found[2]) + 1)


def may_be_parted(status: int, headers: Mapping[str, str]) -> bool:
    """Whether the server says that it gives parts of this very version, several at a time.

    A date as the validator has to be a second older than the response: of what changes twice within a second, both
    versions have the same one (RFC 9110, 8.8.2.2 and 13.1.5).
    """
    if status != 206 and headers.get("Accept-Ranges", "").strip().lower() != "bytes":
        return False
    if headers.get("ETag", "").startswith('"'):
        return True
    changed, now = _date(headers.get("Last-Modified")), _date(headers.get("Date"))
    return changed is not None and now is not None and now - changed >= _SURE


def validator(headers: Mapping[str, str]) -> str:
    """What If-Range may carry: a strong ETag, else the date of the last change (RFC 9110, 13.1.5)."""
    etag = headers.get("ETag", "")
    if etag.startswith('"'):
        return etag
    return headers.get("Last-Modified", "")


def _number(value: str | None) -> int | None:
    return int(value) if value is not None and value.isascii() and value.isdigit() else None


def _date(value: str | None) -> datetime | None:
    try:
        return email.utils.parsedate_to_datetime(value or "").replace(tzinfo=None)
    except (ValueError, TypeError):
        return None
