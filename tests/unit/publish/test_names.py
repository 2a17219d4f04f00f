"""Any bytes become text, and back."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from c2d.publish import names

# A name as the kernel allows it: any bytes but a slash and a zero, and neither "." nor "..".
NAMES = (
    st.binary(min_size=1, max_size=255)
    .map(lambda raw: raw.replace(b"/", b"_").replace(b"\0", b"_"))
    .filter(lambda raw: raw not in (b".", b".."))
)
PATHS = st.lists(NAMES, min_size=1, max_size=5).map(b"/".join)


@pytest.mark.parametrize(
    ("path", "text"),
    [
        pytest.param(b"model.bin", "model.bin", id="a plain name stays"),
        pytest.param(b"a b/c", "a b/c", id="so does a space"),
        pytest.param("größe/图.png".encode(), "größe/图.png", id="and other scripts"),
        pytest.param(b"a\nb", "a%0Ab", id="a newline"),
        pytest.param(b"100%", "100%25", id="a percent sign, so that nothing is ambiguous"),
        pytest.param(b"a%0Ab", "a%250Ab", id="a name that looks encoded"),
        pytest.param(b"\xff\xfe", "%FF%FE", id="bytes that are no UTF-8"),
        pytest.param(b"ok\xc3", "ok%C3", id="half a character"),
        pytest.param(b"\x1b[31m", "%1B[31m", id="a terminal's escape"),
        pytest.param("\u202egnp.exe".encode(), "%E2%80%AEgnp.exe", id="a change of direction"),
        pytest.param("a\u2028b".encode(), "a%E2%80%A8b", id="a line separator"),
        pytest.param(b"..\\..\\x", "..%5C..%5Cx", id="a backslash"),
        pytest.param(b"...", "...", id="three dots are a name"),
        pytest.param(b"\xed\xa0\x80", "%ED%A0%80", id="a surrogate"),
    ],
)
def test_texts(path: bytes, text: str) -> None:
    assert names.encode(path) == text
    assert names.decode(text) == path


@given(PATHS)
def test_the_bytes_come_back(path: bytes) -> None:
    assert names.decode(names.encode(path)) == path


@given(PATHS, PATHS)
def test_two_names_never_have_one_text_or_one_key(one: bytes, other: bytes) -> None:
    same = one == other
    assert (names.encode(one) == names.encode(other)) is same
    assert (names.key(names.encode(one)) == names.key(names.encode(other))) is same


@given(PATHS)
def test_a_text_is_one_printable_line_of_as_many_parts(path: bytes) -> None:
    text = names.encode(path)
    assert text.isprintable()
    assert "\\" not in text
    assert text.count("/") == path.count(b"/")
    assert not {"", ".", ".."} & set(text.split("/"))


@given(PATHS)
def test_a_key_fits_every_store(path: bytes) -> None:
    key = names.key(names.encode(path))
    assert len(key.encode()) <= 700
    assert all(len(part.encode()) <= 255 for part in key.split("/"))
    assert key.split("/")[0] in ("outputs", "long")


def test_a_long_name_of_plain_letters_keeps_its_name() -> None:
    assert names.key("x" * 255) == "outputs/" + "x" * 255


def test_a_file_can_not_take_the_key_of_a_long_one() -> None:
    long = names.key(names.encode(b"\xff" * 255))
    assert long.startswith("long/")
    assert names.key(long) == f"outputs/{long}"


def test_what_is_only_listed_is_cut() -> None:
    assert names.shortened("x" * 5000) == "x" * 1024 + "…"
