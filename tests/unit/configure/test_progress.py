"""Now and then a line about a large file."""

from datetime import UTC, datetime, timedelta

import pytest

from c2d.configure.progress import Progress, in_words


def test_it_speaks_once_in_an_interval() -> None:
    moment = datetime(2026, 1, 1, tzinfo=UTC)
    lines: list[str] = []
    seconds = iter(range(0, 100, 4))
    progress = Progress("inputs/a/0", lambda: moment + timedelta(seconds=next(seconds)), lines.append)
    for size in (1, 2, 3, 4):
        progress.reached(size * 1024**2, 8 * 1024**2)
    assert lines == ["inputs/a/0: 3.0 MiB of 8.0 MiB"]


@pytest.mark.parametrize(
    ("size", "words"), [(0, "0 B"), (1023, "1023 B"), (1024, "1.0 KiB"), (1536 * 1024, "1.5 MiB"), (2**45, "32.0 TiB")]
)
def test_sizes_in_words(size: int, words: str) -> None:
    assert in_words(size) == words
