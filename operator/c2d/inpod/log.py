"""A program's log: lines for a human, with UTC times, to its standard output and to a file on the volume."""

import contextlib
import os
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path

Clock = Callable[[], datetime]

STDOUT = 1
STDERR = 2


class Log:
    """Writes every line to each of its file descriptors.

    A log must never break the work that it tells of: a descriptor that can't be written to, for example because
    the volume is full, gets no more lines.
    """

    def __init__(self, clock: Clock, *descriptors: int) -> None:
        self._clock = clock
        self._descriptors = list(descriptors)

    def say(self, text: str) -> None:
        line = f"{self._clock().astimezone(UTC):%Y-%m-%dT%H:%M:%SZ} {_one_line(text)}\n".encode()
        for descriptor in tuple(self._descriptors):
            self._write(descriptor, line)

    def _write(self, descriptor: int, line: bytes) -> None:
        try:
            os.write(descriptor, line)
        except OSError:
            with contextlib.suppress(ValueError):  # another thread was faster
                self._descriptors.remove(descriptor)


def _one_line(text: str) -> str:
    """The text without anything that could forge another line or move a terminal's cursor."""
    if text.isprintable():
        return text
    return "".join(char if char.isprintable() else char.encode("unicode_escape").decode() for char in text)


def open_log(clock: Clock, path: Path, output: int = STDOUT) -> Log:
    """A log on standard output, or another descriptor, and, where the file can be opened, at the end of the file."""
    try:
        descriptor = os.open(path, os.O_WRONLY | os.O_APPEND | os.O_CREAT | os.O_NOFOLLOW | os.O_CLOEXEC, 0o644)
    except OSError as error:
        log = Log(clock, output)
        log.say(f"{path.name} can't be written ({error.strerror}); the log has no file")
        return log
    return Log(clock, output, descriptor)
