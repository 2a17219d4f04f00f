"""How a program ends: a report for the engine, and an exit code that says whether another pod may help."""

import os
import signal
import traceback
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from types import FrameType

from c2d.api import report
from c2d.api.model import Observed
from c2d.inpod.log import Log


@dataclass(frozen=True)
class Ending:
    """The exit code decides, the report explains."""

    code: int
    report: Observed


def write_report(path: Path, content: Observed, log: Log) -> None:
    """The report as one JSON object in the termination message.

    The file is a bind mount of the kubelet, so it is written in place, and it isn't there outside of a pod.
    """
    try:
        path.write_text(report.render(content), encoding="utf-8")
    except OSError as error:
        log.say(f"the report can't be written to {path} ({error.strerror})")


def on_sigterm(end: Callable[[], Ending], path: Path, log: Log) -> None:
    """Ends the process at once when it is told to, with a report.

    It may be at any instruction then, with threads that wait for a server: nothing is cleaned up, because each
    program goes on from whatever an earlier run left behind, as it has to after a SIGKILL.
    """

    def leave(number: int, frame: FrameType | None) -> None:
        del number, frame
        ending = end()
        write_report(path, ending.report, log)
        os._exit(ending.code)

    signal.signal(signal.SIGTERM, leave)


def where(error: BaseException) -> str:
    """The error's class and the place it came from, without its text, which may hold a URL or a name."""
    frames = traceback.extract_tb(error.__traceback__)
    places = " < ".join(f"{Path(frame.filename).name}:{frame.lineno} {frame.name}" for frame in reversed(frames))
    return f"{type(error).__name__} at {places}" if places else type(error).__name__
