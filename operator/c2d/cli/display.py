"""How a job is shown while it is followed: live on a terminal, line by line elsewhere."""

import sys
import time
from collections.abc import Callable
from typing import Protocol, TextIO

import rich.console
import rich.live
import rich.spinner
import rich.table
import rich.text

from c2d.cli import wording
from c2d.cli.job import Job
from c2d.cli.timeline import Row, State, Timeline

Clock = Callable[[], float]

_MARKS = {State.DONE: ("✓", "green"), State.BROKEN: ("✗", "red")}
_FRAMES_PER_SECOND = 10


class Display(Protocol):
    """Told of everything that happens to a job."""

    def job(self, job: Job) -> None:
        """The job's state; the same one may come twice."""

    def log(self, line: str) -> None:
        """A line of the algorithm's log."""

    def note(self, text: str) -> None:
        """Something worth knowing that is not the job's."""

    def close(self) -> None:
        """Nothing more will come."""


class Lines:
    """One line per phase, and one for each new reason to wait; for files, pipes and continuous integration."""

    def __init__(self, console: rich.console.Console, log: TextIO, clock: Clock = time.monotonic) -> None:
        self._console, self._log, self._clock = console, log, clock
        self._begin = clock()
        self._timeline = Timeline()
        self._told: set[tuple[str, str]] = set()

    def job(self, job: Job) -> None:
        self._timeline = self._timeline.seen(job.status, self._clock())
        for row in self._timeline.rows(self._clock()):
            if row.note and (row.phase, row.note) not in self._told:
                self._told.add((row.phase, row.note))
                self.note(f"{row.phase:<12} {row.note}")

    def log(self, line: str) -> None:
        self._log.write(line + "\n")
        self._log.flush()

    def note(self, text: str) -> None:
        moment = f"{self._clock() - self._begin:7.1f} s  "
        self._console.print(rich.text.Text(moment + wording.plain(text)), soft_wrap=True)

    def close(self) -> None:
        pass


class Live:
    """A line per phase that is alive, with the algorithm's log running above."""

    def __init__(self, console: rich.console.Console, log: TextIO, clock: Clock = time.monotonic) -> None:
        self._console, self._log, self._clock = console, log, clock
        self._timeline = Timeline()
        self._spinner = rich.spinner.Spinner("dots", style="cyan")
        self._live = rich.live.Live(
            console=console, get_renderable=self._render, refresh_per_second=_FRAMES_PER_SECOND, redirect_stdout=False
        )
        self._live.start()

    def job(self, job: Job) -> None:
        self._timeline = self._timeline.seen(job.status, self._clock())

    def log(self, line: str) -> None:
        if self._log.isatty():
            # The log and the phases share the terminal: the console keeps the one above the other.
            self._console.print(rich.text.Text(f"  │ {wording.plain(line)}", style="dim"), soft_wrap=True)
        else:
            self._log.write(line + "\n")
            self._log.flush()

    def note(self, text: str) -> None:
        self._console.print(rich.text.Text(f"  {wording.plain(text)}", style="yellow"))

    def close(self) -> None:
        self._live.stop()

    def _render(self) -> rich.console.RenderableType:
        return table(self._timeline.rows(self._clock()), self._spinner)


def table(rows: list[Row], spinner: rich.console.RenderableType) -> rich.table.Table:
    """The phases, the active one behind the spinner."""
    grid = rich.table.Table.grid(padding=(0, 1))
    for _ in range(2):
        grid.add_column(no_wrap=True)
    grid.add_column(no_wrap=True, justify="right", min_width=8)
    grid.add_column(overflow="fold")
    for row in rows:
        mark = spinner if row.state is State.ACTIVE else rich.text.Text(*_MARKS[row.state])
        style = "bold" if row.state is State.ACTIVE else ""
        note = rich.text.Text(wording.plain(row.note), style="red" if row.state is State.BROKEN else "dim")
        grid.add_row(mark, rich.text.Text(row.phase, style=style), wording.duration(row.seconds), note)
    return grid


def choose(console: rich.console.Console) -> Display:
    """Live where there is a terminal for it."""
    return Live(console, sys.stdout) if console.is_terminal else Lines(console, sys.stdout)
