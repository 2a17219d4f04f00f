"""Tell the person in front of the terminal, or the log of a CI run, what is going on."""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager

from rich.console import Console
from rich.markup import escape
from rich.status import Status


class Progress:
    """Steps with their durations; on a terminal also a spinner with the steps under way.

    Everything goes to stderr, so that stdout stays for what a command was asked for. Safe to use from
    several threads: steps overlap on purpose, because compiling takes long and little else does.
    """

    def __init__(self, console: Console | None = None) -> None:
        self._console = console or Console(stderr=True, highlight=False, soft_wrap=True)
        self._running: list[str] = []
        self._lock = threading.Lock()
        self._status: Status | None = None

    @contextmanager
    def step(self, title: str) -> Iterator[None]:
        started = time.monotonic()
        self._begin(title)
        try:
            yield
        except BaseException:
            self._end(title, "[red]✗[/]", started)
            raise
        self._end(title, "[green]✓[/]", started)

    def say(self, text: str) -> None:
        with self._lock:
            self._console.print(escape(text))

    def warn(self, text: str) -> None:
        with self._lock:
            self._console.print(f"[yellow]! {escape(text)}[/]")

    def fail(self, text: str) -> None:
        with self._lock:
            self._console.print(f"[red]✗[/] {escape(text)}")

    def _begin(self, title: str) -> None:
        with self._lock:
            self._running.append(title)
            if not self._console.is_terminal:
                self._console.print(f"… {escape(title)}")
            self._refresh()

    def _end(self, title: str, mark: str, started: float) -> None:
        with self._lock:
            self._running.remove(title)
            self._console.print(f"{mark} {escape(title)} [dim]({time.monotonic() - started:.1f} s)[/]")
            self._refresh()

    def _refresh(self) -> None:
        if not self._console.is_terminal:
            return
        if self._status is None:
            self._status = self._console.status("")
        if not self._running:
            self._status.stop()
            return
        self._status.update(escape(" · ".join(self._running)))
        self._status.start()
