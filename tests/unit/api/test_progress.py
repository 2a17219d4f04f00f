"""What is told of a transfer, and how it reads."""

import json
from typing import Any

import pydantic
import pytest
from hypothesis import given
from hypothesis import strategies as some

from c2d.api.progress import LIMIT, Progress, in_words, text

GIB = 1024**3
COUNT = some.integers(0, LIMIT)


@pytest.mark.parametrize(
    ("size", "words"), [(0, "0 B"), (1023, "1023 B"), (1024, "1.0 KiB"), (1536 * 1024, "1.5 MiB"), (2**45, "32.0 TiB")]
)
def test_sizes_in_words(size: int, words: str) -> None:
    assert in_words(size) == words


@pytest.mark.parametrize(
    ("told", "shown"),
    [
        pytest.param(
            Progress(done=GIB, total=4 * GIB, files=1, total_files=9), "1.0 GiB/4.0 GiB 25 %", id="of a total"
        ),
        pytest.param(Progress(done=4 * GIB - 1, total=4 * GIB), "4.0 GiB/4.0 GiB 99 %", id="not quite there"),
        pytest.param(Progress(done=GIB, files=3, total_files=100), "1.0 GiB, 3/100 files", id="of sizes unknown"),
        pytest.param(Progress(done=GIB, total_files=1), "1.0 GiB", id="one file of a size unknown"),
        pytest.param(Progress(done=0, total=0, files=2, total_files=3), "0 B, 2/3 files", id="empty files"),
    ],
)
def test_it_reads(told: Progress, shown: str) -> None:
    assert text(told) == shown


@given(COUNT, some.none() | COUNT, COUNT, COUNT)
def test_whatever_is_taken_reads(done: int, total: int | None, files: int, total_files: int) -> None:
    if total is not None:
        done, total = sorted((done, total))
    shown = text(Progress(done=done, total=total, files=files, total_files=total_files))
    assert shown.isascii()
    assert len(shown) < 60


@pytest.mark.parametrize("wrong", [-1, LIMIT + 1, 1.0, "1", True, None, [1]])
@pytest.mark.parametrize("field", ["done", "total", "files", "totalFiles"])
def test_what_is_no_count_is_refused(field: str, wrong: Any) -> None:
    if (field, wrong) == ("total", None):
        return
    with pytest.raises(pydantic.ValidationError, match=field):
        Progress.model_validate_json(json.dumps({"done": 0, field: wrong}))
