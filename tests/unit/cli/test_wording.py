"""Durations, sizes and foreign text."""

from datetime import UTC, datetime, timedelta

import pytest

from c2d.cli import wording

NOW = datetime(2026, 1, 2, tzinfo=UTC)


@pytest.mark.parametrize(
    ("seconds", "text"),
    [(-1, "0.0 s"), (0.44, "0.4 s"), (9.99, "10.0 s"), (10, "10 s"), (200, "3 min 20 s"), (7500, "2 h 5 min")],
)
def test_duration(seconds, text):
    assert wording.duration(seconds) == text


@pytest.mark.parametrize(
    ("count", "text"),
    [
        (0, "0 B"),
        (999, "999 B"),
        (1000, "1.0 kB"),
        (9_940, "9.9 kB"),
        (9_960, "10 kB"),
        (999_600, "1.0 MB"),
        (5e15, "5000 TB"),
    ],
)
def test_size(count, text):
    assert wording.size(int(count)) == text


@pytest.mark.parametrize(("seconds", "text"), [(-3, "0s"), (119, "119s"), (120, "2m"), (7200, "2h"), (172_800, "2d")])
def test_age(seconds, text):
    assert wording.age(NOW - timedelta(seconds=seconds), NOW) == text


def test_a_duration_needs_both_ends():
    assert wording.between(None, NOW) == wording.between(NOW, None) == ""
    assert wording.between(NOW, NOW + timedelta(seconds=3.7)) == "3 s"


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        pytest.param("tab\tand\nline", "tab\tand\nline", id="tabs and line ends stay"),
        pytest.param("windows\r\n", "windows\n", id="a line end of two characters is one"),
        pytest.param("\x1b]0;title\x07", "�]0;title�", id="no title is set, no bell rings"),
        pytest.param("over\rwritten", "over�written", id="nothing is written over"),
        pytest.param("\x9b2J", "�2J", id="C1 controls are controls too"),
        pytest.param("a\u202eb", "a�b", id="text does not run backwards"),
    ],
)
def test_what_a_terminal_would_obey_is_replaced(text, shown):
    assert wording.plain(text) == shown
