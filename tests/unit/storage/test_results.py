"""Names in a manifest never lead out of the folder."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from c2d.api.manifest import Kind, Result
from c2d.publish import names
from c2d.storage.errors import Corrupt
from c2d.storage.results import place
from tests.unit.publish.test_names import PATHS


def result(filename: str, kind: Kind = Kind.OUTPUT) -> Result:
    return Result(index=0, type=kind, filename=filename, key="k", filesize=0, sha256="0" * 64)


@pytest.mark.parametrize(
    ("filename", "kind", "path"),
    [
        ("a/b.txt", Kind.OUTPUT, "outputs/a/b.txt"),
        ("...", Kind.OUTPUT, "outputs/..."),
        ("publish.log", Kind.PUBLISH_LOG, "logs/publish.log"),
    ],
)
def test_places(filename: str, kind: Kind, path: str) -> None:
    assert str(place(result(filename, kind))) == path


@pytest.mark.parametrize(
    "filename", ["", ".", "..", "/etc/passwd", "a/../../x", "a//b", "a/", "..\\x", "a\nb", "a\0b", "\ud800"]
)
def test_names_that_publish_never_gives_are_refused(filename: str) -> None:
    with pytest.raises(Corrupt):
        place(result(filename))


@given(st.text())
def test_no_text_leads_out(filename: str) -> None:
    try:
        path = place(result(filename))
    except Corrupt:
        return
    assert path.parts[0] in ("outputs", "long")
    assert not {"..", "/"} & set(path.parts)
    assert not path.is_absolute()


@given(PATHS)
def test_every_name_that_publish_gives_has_a_place_that_file_systems_take(path: bytes) -> None:
    found = place(result(names.encode(path)))
    assert all(len(part.encode()) <= 255 for part in found.parts)
    assert len(bytes(found)) < 2000


def test_long_names_stay_apart() -> None:
    one, other = (place(result(names.encode(b"\xff" * 200 + end))) for end in (b"a", b"b"))
    assert one != other
