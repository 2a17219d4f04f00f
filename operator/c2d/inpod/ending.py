"""How a program ends: a report for the engine, and an exit code that says whether another pod may help."""

import errno
import os
import signal
import threading
import traceback
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Generic, TypeVar

from c2d.api import report
from c2d.api.model import Observed
from c2d.inpod.log import Log

R_co = TypeVar("R_co", bound=Observed, covariant=True)

_NODE_TROUBLE = frozenset(
    (errno.EIO, errno.EREMOTEIO, errno.ESTALE, errno.ETIMEDOUT, errno.ENOTCONN, errno.EROFS, errno.ENOMEM, errno.ENFILE)
)


@dataclass(frozen=True)
class Ending(Generic[R_co]):
    """The exit code decides, the report explains."""

    code: int
    report: R_co


def write_report(path: Path, content: Observed, log: Log) -> None:
    """The report as one JSON object in the termination message.

    The file is a bind mount of the kubelet, so it is written in place, and it isn't there outside of a pod.
    """
    try:
        path.write_text(report.render(content), encoding="utf-8")
    except OSError as error:
        log.say(f"the report can't be written to {path} ({error.strerror})")


def on_sigterm(end: Callable[[], Ending[Observed]], path: Path, log: Log) -> None:
    """Ends the process at once when it is told to, with a report. To be called before other threads exist.

    It may be at any instruction then, with threads that wait for a server: nothing is cleaned up, because each
    program goes on from whatever an earlier run left behind, as it has to after a SIGKILL.

    A thread of its own waits for the signal. A handler would run in the main thread, and only when that comes back
    to Python code: a signal just before it begins to wait for a lock would be noticed after the lock, if ever.
    """
    signals = {signal.SIGTERM}
    # Threads inherit the mask, so that no other takes the signal; and the kernel keeps a blocked one even for PID 1.
    signal.pthread_sigmask(signal.SIG_BLOCK, signals)

    def wait_and_leave() -> None:
        signal.sigwait(signals)
        ending = end()
        write_report(path, ending.report, log)
        os._exit(ending.code)

    threading.Thread(target=wait_and_leave, name="sigterm", daemon=True).start()


def may_pass(error: Exception) -> bool:
    """Whether an unforeseen error is the node's or the volume's, so that another pod, elsewhere, may have more luck."""
    return isinstance(error, OSError) and error.errno in _NODE_TROUBLE


def where(error: BaseException) -> str:
    """The error's class and the place it came from, without its text, which may hold a URL or a name.

    What the kernel says of an error, as in `No such file or directory`, is told.
    """
    frames = traceback.extract_tb(error.__traceback__)
    places = " < ".join(f"{Path(frame.filename).name}:{frame.lineno} {frame.name}" for frame in reversed(frames))
    kind = type(error).__name__
    if isinstance(error, OSError) and error.errno is not None:
        kind = f"{kind} ({os.strerror(error.errno)})"
    return f"{kind} at {places}" if places else kind
