"""How a program ends: what it tells, and what it keeps to itself."""

import errno
import json
import os
from datetime import UTC, datetime
from pathlib import Path

import pytest

from c2d.api.report import ConfigureReport
from c2d.inpod.ending import may_pass, where, write_report
from c2d.inpod.log import Log


def log_to(path: Path) -> Log:
    return Log(lambda: datetime(2026, 1, 2, tzinfo=UTC), os.open(path, os.O_CREAT | os.O_WRONLY))


def test_a_report_replaces_what_an_earlier_run_wrote(tmp_path: Path) -> None:
    path = tmp_path / "report"
    path.write_text("x" * 5000)
    write_report(path, ConfigureReport(files=3), log_to(tmp_path / "log"))
    assert json.loads(path.read_text()) == {"message": "", "files": 3, "bytes": 0}


def test_without_a_place_for_it_the_log_says_so(tmp_path: Path) -> None:
    write_report(tmp_path / "missing/report", ConfigureReport(), log_to(tmp_path / "log"))
    assert "the report can't be written" in (tmp_path / "log").read_text()


@pytest.mark.parametrize(
    ("error", "words"),
    [
        (ValueError("https://geheim"), "ValueError at test_ending.py:"),
        (OSError(28, "geheim", "/geheim"), "OSError (No space left on device) at test_ending.py:"),
    ],
)
def test_an_error_is_told_by_its_class_and_place(error: Exception, words: str) -> None:
    try:
        raise error
    except (ValueError, OSError) as caught:
        told = where(caught)
    assert told.startswith(words)
    assert "geheim" not in told


def test_an_error_that_was_never_raised_has_no_place() -> None:
    assert where(KeyError("geheim")) == "KeyError"


@pytest.mark.parametrize(
    ("error", "passes"),
    [
        (OSError(errno.EIO, ""), True),
        (OSError(errno.ESTALE, ""), True),
        (OSError(errno.ENOENT, ""), False),
        (ValueError(""), False),
    ],
)
def test_trouble_of_a_node_may_pass_on_another(error: Exception, passes: bool) -> None:
    assert may_pass(error) is passes
