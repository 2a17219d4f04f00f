"""Now and then a line about a large file."""

from datetime import UTC, datetime, timedelta

from c2d.api.progress import Progress as Numbers
from c2d.configure.progress import Progress
from c2d.inpod.tally import Tally


def test_it_speaks_once_in_an_interval() -> None:
    moment = datetime(2026, 1, 1, tzinfo=UTC)
    lines: list[str] = []
    seconds = iter(range(0, 100, 4))
    progress = Progress("inputs/a/0", lambda: moment + timedelta(seconds=next(seconds)), lines.append, Tally())
    for size in (1, 2, 3, 4):
        progress.reached(size * 1024**2, 8 * 1024**2)
    assert lines == ["inputs/a/0: 3.0 MiB of 8.0 MiB"]


def test_the_tally_is_told_each_time() -> None:
    tally = Tally()
    tally.expect(2)
    for name, size in (("inputs/a/0", 3), ("inputs/a/1", 4)):
        Progress(name, lambda: datetime(2026, 1, 1, tzinfo=UTC), str, tally).reached(size, 10)
    assert tally.now() == Numbers(done=7, total=20, files=0, total_files=2)
