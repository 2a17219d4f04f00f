"""The journal of files that are at their place."""

from pathlib import Path

import pytest

from c2d.configure.finished import Finished, Record, source_key

RECORD = Record("inputs/a/0", 3, "ab" * 32, source_key("http://example.com/geheim"))


def written(path: Path, *records: Record) -> Finished:
    journal = Finished(path)
    for record in records:
        journal.add(record)
    journal.close()
    return Finished(path)


def test_a_file_is_known_by_its_path_and_its_source(tmp_path: Path) -> None:
    journal = written(tmp_path / "finished", RECORD)
    assert journal.find(RECORD.path, RECORD.source) == RECORD
    assert journal.find("inputs/a/1", RECORD.source) is None
    assert journal.find(RECORD.path, source_key("http://example.com/other")) is None


def test_no_url_is_in_it(tmp_path: Path) -> None:
    written(tmp_path / "finished", RECORD)
    assert "geheim" not in (tmp_path / "finished").read_text()


def test_the_last_line_of_a_file_counts(tmp_path: Path) -> None:
    again = Record(RECORD.path, 4, "cd" * 32, RECORD.source)
    assert written(tmp_path / "finished", RECORD, again).find(RECORD.path, RECORD.source) == again


@pytest.mark.parametrize("lost", range(1, 40, 3))
def test_half_a_line_is_passed_over_and_spoils_no_other(tmp_path: Path, lost: int) -> None:
    path = tmp_path / "finished"
    other = Record("inputs/b/0", 5, "ef" * 32, RECORD.source)
    written(path, other, RECORD)
    path.write_bytes(path.read_bytes()[: -1 - lost])
    assert Finished(path).find(RECORD.path, RECORD.source) is None
    journal = written(path, RECORD)
    assert journal.find(RECORD.path, RECORD.source) == RECORD
    assert journal.find(other.path, other.source) == other


@pytest.mark.parametrize("content", [b"\0" * 100, b"[]\n", b'{"path": 1}\n', b"\xff\n", b"null\n"])
def test_what_a_crash_may_leave_counts_as_nothing(tmp_path: Path, content: bytes) -> None:
    path = tmp_path / "finished"
    path.write_bytes(content)
    assert written(path, RECORD).find(RECORD.path, RECORD.source) == RECORD


def test_one_that_can_not_be_written_breaks_nothing(tmp_path: Path) -> None:
    journal = Finished(tmp_path / "missing" / "finished")
    journal.add(RECORD)
    journal.close()
