"""A file on its way: what survives a kill, and what may be added to."""

import hashlib
from pathlib import Path

from c2d.configure.partial import Origin, Partial

ORIGIN = Origin(boot="boot", url_sha256="url", validator='"v"', total=6)


def begun(path: Path, *chunks: bytes, origin: Origin | None = ORIGIN) -> Partial:
    partial = Partial(path)
    partial.begin(origin)
    for chunk in chunks:
        partial.append(chunk)
    return partial


def test_chunks_are_counted_and_hashed(tmp_path: Path) -> None:
    partial = begun(tmp_path / "f.part", b"abc", b"def")
    assert partial.size == 6
    assert partial.sha256 == hashlib.sha256(b"abcdef").hexdigest()
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
    partial.append(b"def")
    assert partial.sha256 == hashlib.sha256(b"abcdef").hexdigest()


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


def test_a_note_that_can_not_be_read_counts_as_none(tmp_path: Path) -> None:
    begun(tmp_path / "f.part", b"abc").close()
    (tmp_path / "f.json").write_text('{"boot": "boot"')
    partial = Partial(tmp_path / "f.part")
    partial.recover("boot", "url")
    assert partial.size == 0


def test_a_new_beginning_forgets_everything(tmp_path: Path) -> None:
    partial = begun(tmp_path / "f.part", b"abc")
    partial.begin(None)
    partial.append(b"x")
    assert partial.sha256 == hashlib.sha256(b"x").hexdigest()
    assert not (tmp_path / "f.json").exists()
