"""What a finished pod says about itself: one JSON object in its termination message (<= 4096 bytes).

The exit code decides, a report only explains: whoever could write a message still can't turn a failure into a success.
"""

from typing import TypeVar

import pydantic

from c2d.api.job import ResultEntry, Sha256
from c2d.api.model import Observed, Time
from c2d.api.reasons import Reason

LIMIT = 4096  # bytes; Kubernetes cuts a termination message there
PATH = "/dev/termination-log"
EXIT_OK = 0
EXIT_FAILED = 1
# EX_TEMPFAIL of sysexits.h: worth another pod, as the cause may pass.
EXIT_RETRY = 75


class GateReport(Observed):
    verdict: str = "Unproven"  # Isolated, Leaking, Unproven or Off
    rounds: int = 0
    waited_seconds: float = 0
    reachable: list[str] = pydantic.Field(default_factory=list)


class RunnerReport(Observed):
    """What the runner saw of the algorithm."""

    gate: GateReport | None = None  # None when it ended before the gate
    started: bool = False
    start_time: Time | None = None
    finish_time: Time | None = None
    exit_code: int | None = None
    signal: str | None = None
    timed_out: bool = False
    stopped: bool = False
    oom_kills: int = 0
    peak_memory_bytes: int | None = None
    error: str | None = None


class ConfigureReport(Observed):
    """What configure did, or why it failed."""

    reason: Reason | None = None
    message: str = ""
    files: int = 0
    bytes: int = 0


class PublishReport(Observed):
    """What publish stored, or why it failed."""

    reason: Reason | None = None
    message: str = ""
    location: str = ""
    manifest: str = ""
    manifest_sha256: Sha256 | None = None
    count: int = 0
    bytes: int = 0
    files: list[ResultEntry] = pydantic.Field(default_factory=list)  # all of them, or none where they don't fit


R = TypeVar("R", bound=Observed)


def parse(kind: type[R], message: str) -> R | None:
    """The report in a termination message, or None where there is none that can be read."""
    try:
        return kind.model_validate_json(message)
    except pydantic.ValidationError:
        return None


def render(report: Observed) -> str:
    """The report as it fits a termination message: first the list of files goes, then its text is cut."""
    text = report.model_dump_json(by_alias=True, exclude_none=True)
    if len(text.encode()) <= LIMIT:
        return text
    if getattr(report, "files", None):
        return render(report.model_copy(update={"files": []}))
    for limit in (2048, 512, 0):
        message = getattr(report, "message", "")[:limit]
        text = report.model_copy(update={"message": message}).model_dump_json(by_alias=True, exclude_none=True)
        if len(text.encode()) <= LIMIT:
            return text
    raise ValueError("a report without a message still has more than 4096 bytes")
