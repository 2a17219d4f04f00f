"""Headers for a URL: what may be sent along."""

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from c2d.configure import headers
from c2d.configure.errors import DownloadFailed

SHOWN = "the headers in Secret key a/b"


def test_texts_are_taken_as_they_are() -> None:
    given_ = {"Authorization": "Bearer x", "X-API-KEY": "a b\tc", "content-type": "application/json"}
    assert headers.parse(json.dumps(given_), SHOWN) == given_


@pytest.mark.parametrize(
    "text",
    [
        "",
        "geheim",
        "[]",
        "null",
        '{"X": 5}',
        '{"X": null}',
        '{"X": "geheim\\r\\nHost: evil"}',
        '{"X": "geheim\\u0000"}',
        '{"X\\r\\nY": "geheim"}',
        '{"X Y": "geheim"}',
        '{"": "geheim"}',
        '{"X:": "geheim"}',
        '{"x": "geheim", "X": "geheim"}',
        json.dumps({f"x{number}": "geheim" for number in range(33)}),
        json.dumps({"x": "geheim" * 2000}),
        "[" * 100_000,
    ],
)
def test_what_is_none_is_refused_and_not_repeated(text: str) -> None:
    with pytest.raises(DownloadFailed) as caught:
        headers.parse(text, SHOWN)
    assert SHOWN in str(caught.value)
    assert "geheim" not in f"{caught.value!r} {caught.value.__cause__!r}"


@pytest.mark.parametrize(
    "name",
    ["Host", "host", "Content-Length", "Range", "If-Range", "Transfer-Encoding", "Connection", "Upgrade", "TE",
     "Accept-Encoding", "Proxy-Authorization"],
)  # fmt: skip
def test_the_transfers_own_are_refused(name: str) -> None:
    with pytest.raises(DownloadFailed, match="the transfer's own"):
        headers.parse(json.dumps({name: "x"}), SHOWN)


@given(st.dictionaries(st.text(), st.text()))
def test_what_is_taken_is_one_line_each(pairs: dict[str, str]) -> None:
    try:
        found = headers.parse(json.dumps(pairs), SHOWN)
    except DownloadFailed:
        return
    assert not any(char in f"{name}{value}" for name, value in found.items() for char in "\r\n\0")
