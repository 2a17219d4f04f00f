"""How a followed job looks."""

import io

import rich.console

from c2d.cli import display
from c2d.cli.timeline import Row, State
from tests.unit.cli.fake import outcome, seen


class Terminal(io.StringIO):
    def isatty(self) -> bool:
        return True


def console(terminal: bool = False) -> rich.console.Console:
    return rich.console.Console(
        file=io.StringIO(), width=100, force_terminal=terminal, color_system=None, highlight=False
    )


def test_lines_tell_each_thing_once():
    shown, log = console(), io.StringIO()
    lines = display.Lines(shown, log, clock=lambda: 0.0)
    for job in (
        seen(),
        seen(),
        seen("Running"),
        seen("Failed", outcome=outcome("Failed", "AlgorithmFailed", "exit 3")),
    ):
        lines.job(job)
    assert shown.file.getvalue().splitlines() == [
        "    0.0 s  Pending      waits for a place in its environment",
        "    0.0 s  Running      the algorithm pod runs, behind its gate",
        "    0.0 s  Running      AlgorithmFailed: exit 3",
    ]


def test_lines_tell_of_progress_each_time_that_it_changed():
    shown = console()
    lines = display.Lines(shown, io.StringIO(), clock=lambda: 0.0)
    for progress in (None, "1.0 GiB/4.0 GiB 25 %", "1.0 GiB/4.0 GiB 25 %", "2.0 GiB/4.0 GiB 50 %"):
        lines.job(seen("Configuring", progress=progress))
    assert shown.file.getvalue().splitlines()[1:] == [
        "    0.0 s  Configuring  1.0 GiB/4.0 GiB 25 %",
        "    0.0 s  Configuring  2.0 GiB/4.0 GiB 50 %",
    ]


def test_live_shows_how_far_a_transfer_is():
    shown = console(terminal=True)
    live = display.Live(shown, Terminal(), clock=lambda: 0.0)
    live.job(seen("Publishing", progress="2.0 GiB/4.0 GiB 50 %"))
    live.close()
    assert "2.0 GiB/4.0 GiB 50 %" in shown.file.getvalue()


def test_the_log_is_passed_on_as_it_is_when_it_goes_to_a_file():
    log = io.StringIO()
    display.Lines(console(), log).log("\x1b[31mred")
    assert log.getvalue() == "\x1b[31mred\n"


def test_on_a_terminal_the_log_can_not_act():
    shown = console(terminal=True)
    live = display.Live(shown, Terminal())
    live.log("\x1b[2J[bold]gone\a")
    live.close()
    assert "│ �[2J[bold]gone�" in shown.file.getvalue()


def test_beside_a_terminal_the_log_goes_to_its_file():
    shown, log = console(terminal=True), io.StringIO()
    live = display.Live(shown, log)
    live.log("one")
    live.close()
    assert log.getvalue() == "one\n"
    assert "one" not in shown.file.getvalue()


def test_live_leaves_the_phases_behind():
    shown = console(terminal=True)
    live = display.Live(shown, Terminal(), clock=lambda: 0.0)
    for job in (seen(), seen("Running"), seen("Publishing"), seen("Succeeded")):
        live.job(job)
    live.close()
    assert shown.file.getvalue().count("✓ Publishing") == 1
    assert "✓ Pending" in shown.file.getvalue()


def test_the_table_marks_what_is_done_what_broke_and_what_runs():
    shown = console()
    rows = [
        Row("Configuring", State.DONE, 3.04, "configured: 1 files"),
        Row("Running", State.BROKEN, 61, "AlgorithmFailed: exit [3]"),
        Row("Publishing", State.ACTIVE, 0.5, "uploads"),
    ]
    shown.print(display.table(rows, "*"))
    assert [line.rstrip() for line in shown.file.getvalue().splitlines()] == [
        "✓ Configuring     3.0 s configured: 1 files",
        "✗ Running     1 min 1 s AlgorithmFailed: exit [3]",
        "* Publishing      0.5 s uploads",
    ]
