"""Lines for a human, whatever they are about."""

import os
from datetime import UTC, datetime
from pathlib import Path

import pytest

from c2d.inpod.log import Log, open_log


def clock() -> datetime:
    return datetime(2026, 1, 2, 3, 4, 5, 678, tzinfo=UTC)


def test_a_line_has_its_time_and_goes_everywhere(tmp_path: Path) -> None:
    files = [tmp_path / "one", tmp_path / "two"]
    log = Log(clock, *(os.open(path, os.O_CREAT | os.O_WRONLY) for path in files))
    log.say("größer")
    assert [path.read_text() for path in files] == ["2026-01-02T03:04:05Z größer\n"] * 2


def test_no_text_forges_a_second_line(tmp_path: Path) -> None:
    log = Log(clock, os.open(tmp_path / "log", os.O_CREAT | os.O_WRONLY))
    log.say("a\n2026-01-02T03:04:05Z done\x1b[2J\udcff")
    assert (tmp_path / "log").read_text().count("\n") == 1
    assert "\x1b" not in (tmp_path / "log").read_text()


def test_a_full_disk_breaks_nothing(tmp_path: Path) -> None:
    full = os.open("/dev/full", os.O_WRONLY)
    log = Log(clock, full, os.open(tmp_path / "log", os.O_CREAT | os.O_WRONLY))
    log.say("one")
    log.say("two")
    assert (tmp_path / "log").read_text().count("\n") == 2


def test_a_later_run_adds_to_the_file(tmp_path: Path) -> None:
    for text in ("first run", "second run"):
        open_log(clock, tmp_path / "log").say(text)
    assert (tmp_path / "log").read_text().splitlines() == [
        "2026-01-02T03:04:05Z first run",
        "2026-01-02T03:04:05Z second run",
    ]


def test_a_file_that_can_not_be_opened_is_told_on_standard_output(
    tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    open_log(clock, tmp_path / "missing/log").say("hello")
    assert capfd.readouterr().out.splitlines() == [
        "2026-01-02T03:04:05Z log can't be written (No such file or directory); the log has no file",
        "2026-01-02T03:04:05Z hello",
    ]
