"""A file on its way: what survives a kill, and what may be added to."""

import hashlib
from pathlib import Path

import pytest

from c2d.configure.partial import Origin, Partial
from c2d.configure.parts import Part

ORIGIN = Origin(boot="boot", url_sha256="url", validator='"v"', total=6)


def begun(path: Path, *chunks: bytes, origin: Origin | None = ORIGIN) -> Partial:
    partial = Partial(path)
    partial.begin(origin)
    for chunk in chunks:
        append(partial, chunk)
    return partial


def append(partial: Partial, chunk: bytes) -> None:
    partial.write(partial.size, chunk)
    partial.note()


def sha256(partial: Partial) -> str:
    partial.hash_rest()
    assert partial.is_hashed
    return partial.sha256


def test_chunks_are_counted_and_hashed(tmp_path: Path) -> None:
    partial = begun(tmp_path / "f.part", b"abc", b"def")
    assert partial.size == 6
    assert sha256(partial) == hashlib.sha256(b"abcdef").hexdigest()
    assert not partial.resumed


def test_a_complete_file_moves_with_its_mode_and_leaves_nothing(tmp_path: Path) -> None:
    begun(tmp_path / "f.part", b"abcdef").become(tmp_path / "final", 0o755)
    assert (tmp_path / "final").read_bytes() == b"abcdef"
    assert (tmp_path / "final").stat().st_mode & 0o777 == 0o755
    assert [path.name for path in tmp_path.iterdir()] == ["final"]


def test_an_earlier_process_is_taken_over(tmp_path: Path) -> None:
    begun(tmp_path / "f.part", b"abc").close()
    partial = Partial(tmp_path / "f.part")
    partial.recover("boot", "url")
    assert (partial.size, partial.origin, partial.resumed) == (3, ORIGIN, True)
    append(partial, b"def")
    assert sha256(partial) == hashlib.sha256(b"abcdef").hexdigest()


def test_bytes_of_another_boot_may_be_zeros_and_are_dropped(tmp_path: Path) -> None:
    begun(tmp_path / "f.part", b"abc").close()
    partial = Partial(tmp_path / "f.part")
    partial.recover("another boot", "url")
    assert (partial.size, partial.origin) == (0, None)
    assert (tmp_path / "f.part").read_bytes() == b""


def test_bytes_of_another_url_are_dropped(tmp_path: Path) -> None:
    begun(tmp_path / "f.part", b"abc").close()
    partial = Partial(tmp_path / "f.part")
    partial.recover("boot", "another url")
    assert partial.size == 0


def test_bytes_without_an_origin_do_not_outlive_their_process(tmp_path: Path) -> None:
    begun(tmp_path / "f.part", b"abc", origin=None).close()
    partial = Partial(tmp_path / "f.part")
    partial.recover("boot", "url")
    assert partial.size == 0


@pytest.mark.parametrize("note", ["", '{"boot": "boot"', "{}\n", "[]\n", "null\n", "\xff"])
def test_a_note_that_can_not_be_read_counts_as_none(tmp_path: Path, note: str) -> None:
    begun(tmp_path / "f.part", b"abc").close()
    (tmp_path / "f.note").write_text(note)
    partial = Partial(tmp_path / "f.part")
    partial.recover("boot", "url")
    assert partial.size == 0


def test_a_new_beginning_forgets_everything(tmp_path: Path) -> None:
    partial = begun(tmp_path / "f.part", b"abc")
    partial.begin(None)
    append(partial, b"x")
    assert sha256(partial) == hashlib.sha256(b"x").hexdigest()
    assert not (tmp_path / "f.note").exists()


def test_half_a_line_of_a_note_is_passed_over_and_nothing_is_added_to_it(tmp_path: Path) -> None:
    begun(tmp_path / "f.part", b"abcdef").close()
    text = (tmp_path / "f.note").read_text()
    (tmp_path / "f.note").write_text(text.replace("0 6\n", "0 2\n2 5"))
    partial = Partial(tmp_path / "f.part")
    partial.recover("boot", "url")
    assert partial.size == 2
    partial.write(2, b"c")
    partial.close()
    assert (tmp_path / "f.note").read_text().endswith("}\n0 2\n")


def test_parts_beyond_the_files_end_were_never_written(tmp_path: Path) -> None:
    begun(tmp_path / "f.part", b"abc").close()
    with (tmp_path / "f.note").open("a") as note:
        note.write("2 6\n100 200\n")
    partial = Partial(tmp_path / "f.part")
    partial.recover("boot", "url")
    assert (partial.size, partial.prefix) == (3, 3)


def test_holes_are_known_and_only_what_is_before_the_first_one_is_hashed(tmp_path: Path) -> None:
    partial = begun(tmp_path / "f.part")
    partial.write(4, b"ef")
    partial.write(0, b"ab")
    assert (partial.size, partial.prefix, list(partial.missing(6))) == (4, 2, [Part(2, 4)])
    partial.hash_rest()
    assert not partial.is_hashed
    partial.write(2, b"cd")
    assert partial.is_complete
    assert sha256(partial) == hashlib.sha256(b"abcdef").hexdigest()


def test_a_small_file_is_held_in_memory_until_it_has_its_place(tmp_path: Path) -> None:
    partial = Partial(tmp_path / "f.part")
    partial.hold(b"small")
    assert list(tmp_path.iterdir()) == []
    assert (partial.size, sha256(partial)) == (5, hashlib.sha256(b"small").hexdigest())
    partial.become(tmp_path / "deep" / "final", 0o644)
    assert (tmp_path / "deep" / "final").read_bytes() == b"small"
    assert [path.name for path in tmp_path.iterdir()] == ["deep"]


def test_a_small_file_takes_the_place_of_what_an_earlier_process_left(tmp_path: Path) -> None:
    """The note must be gone before the data is written over."""
    begun(tmp_path / "f.part", b"abcdef").close()
    partial = Partial(tmp_path / "f.part")
    partial.recover("boot", "url")
    partial.hold(b"xy")
    assert not partial.is_left
    partial.become(tmp_path / "final", 0o644)
    assert (tmp_path / "final").read_bytes() == b"xy"


def test_what_is_written_after_it_was_closed_is_an_error(tmp_path: Path) -> None:
    partial = begun(tmp_path / "f.part")
    partial.close()
    with pytest.raises(ValueError, match="closed"):
        partial.write(0, b"x")


def test_what_comes_before_its_turn_is_hashed_from_the_file(tmp_path: Path) -> None:
    partial = Partial(tmp_path / "f.part")
    partial.begin(Origin("boot", "url", '"v"', 6))
    for offset, chunk in ((2, b"cd"), (0, b"ab"), (4, b"ef")):
        partial.write(offset, chunk)
        partial.hash_written(offset, memoryview(chunk))
    assert partial.is_hashed
    assert partial.sha256 == hashlib.sha256(b"abcdef").hexdigest()
