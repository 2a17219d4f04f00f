"""A client's Range header either means one range for every server, or is left out."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from c2d.storage import ranges
from c2d.storage.errors import Unsatisfiable
from c2d.storage.ranges import Span

LARGEST = 2**63 - 1


@pytest.mark.parametrize(
    ("header", "expected"),
    [
        ("bytes=0-0", "bytes=0-0"),
        ("Bytes= 5-9 ", "bytes=5-9"),
        ("bytes=007-", "bytes=7-"),
        ("bytes=-5", "bytes=-5"),
        (f"bytes=0-{'9' * 5000}", f"bytes=0-{LARGEST}"),
        (f"bytes={'0' * 5000}5-", "bytes=5-"),
        ("bytes=5-4", None),
        ("bytes=-", None),
        ("bytes=0-1,3-4", None),
        ("bytes=1-2\n", None),
        ("bytes=٣-٤", None),
        ("items=0-1", None),
        ("", None),
        (None, None),
    ],
)
def test_one_range_or_none(header: str | None, expected: str | None) -> None:
    assert ranges.single(header) == expected


def test_the_last_no_bytes() -> None:
    with pytest.raises(Unsatisfiable):
        ranges.single("bytes=-000")


@given(st.text())
def test_any_text(text: str) -> None:
    assert ranges.single(text) is None or text.lower().startswith("bytes=")


@pytest.mark.parametrize(
    ("header", "expected"),
    [
        ("bytes 0-4/9", Span(0, 5)),
        ("bytes 3-3/*", Span(3, 4)),
        ("bytes 4-3/9", None),
        ("bytes */9", None),
        (None, None),
    ],
)
def test_what_an_answer_says_to_have(header: str | None, expected: Span | None) -> None:
    assert ranges.content_range(header) == expected
    assert expected is None or expected.header.startswith(f"bytes={expected.begin}-{expected.end - 1}")


@given(st.binary(max_size=40), st.integers(0, 50), st.integers(0, 50))
def test_a_range_means_what_slicing_means(content: bytes, first: int, count: int) -> None:
    texts = {
        f"bytes={first}-{first + count}": content[first : first + count + 1],
        f"bytes={first}-": content[first:],
        f"bytes=-{count + 1}": content[-count - 1 :],
    }
    for asked, expected in texts.items():
        if expected:
            span = ranges.resolve(asked, len(content))
            assert content[span.begin : span.end] == expected
        else:
            with pytest.raises(Unsatisfiable):
                ranges.resolve(asked, len(content))
