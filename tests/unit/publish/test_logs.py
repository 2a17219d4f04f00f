"""The algorithm's log is the algorithm's: it may be anything."""

import os
from pathlib import Path

import pytest

from c2d.api.manifest import Kind
from c2d.publish import logs
from c2d.publish.upload import Sent, Uploader
from tests.unit.publish.stores import MemoryStore


@pytest.fixture
def data(tmp_path: Path) -> Path:
    (tmp_path / "logs").mkdir()
    return tmp_path


def publish(data: Path, limit: int = logs.LIMIT) -> tuple[Sent | None, bytes]:
    store = MemoryStore()
    sent = logs.publish(data, Kind.ALGORITHM_LOG, Uploader(store, "p"), limit)
    return sent, store.objects.get("p/logs/algorithm.log", b"")


def test_a_log_is_published(data: Path) -> None:
    (data / "logs/algorithm.log").write_text("hello\n")
    sent, content = publish(data)
    assert sent is not None
    assert (sent.filename, sent.size, content) == ("algorithm.log", 6, b"hello\n")


def test_none_is_none(data: Path) -> None:
    assert publish(data) == (None, b"")


def test_a_long_one_keeps_its_beginning_and_its_end(data: Path) -> None:
    (data / "logs/algorithm.log").write_bytes(b"a" * 500 + b"b" * 1000 + b"c" * 500)
    _, content = publish(data, limit=1000)
    mark = b"\n[c2d: 1000 bytes are left out here, the log is longer than 1000 bytes]\n"
    assert content == b"a" * 500 + mark + b"c" * 500


def test_a_sparse_terabyte_is_cut_like_any_other(data: Path) -> None:
    with (data / "logs/algorithm.log").open("wb") as file:
        file.truncate(1024**4)
    sent, _ = publish(data, limit=10_000)
    assert sent is not None
    assert sent.size < 11_000


def test_a_link_is_not_followed(data: Path) -> None:
    (data / "logs/algorithm.log").symlink_to("/etc/passwd")
    with pytest.raises(OSError, match="symbolic links"):
        publish(data)


def test_a_fifo_blocks_nobody(data: Path) -> None:
    os.mkfifo(data / "logs/algorithm.log")
    with pytest.raises(OSError, match="not a regular file"):
        publish(data)


def test_nor_does_a_folder(data: Path) -> None:
    (data / "logs/algorithm.log").mkdir()
    with pytest.raises(OSError, match="not a regular file"):
        publish(data)
