"""What the head of a response says about its body."""

import pytest

from c2d.configure.partial import Origin
from c2d.configure.response import Answer, Interrupted, read_answer, validator

ORIGIN = Origin(boot="b", url_sha256="u", validator='"v1"', total=100)


@pytest.mark.parametrize(
    ("status", "headers", "asked", "answer"),
    [
        pytest.param(200, {"Content-Length": "100"}, 0, Answer(0, 100, ""), id="a whole file"),
        pytest.param(200, {}, 0, Answer(0, None, ""), id="a file of unknown length"),
        pytest.param(200, {"Content-Length": "100"}, 40, Answer(0, 100, ""), id="a server that ignores ranges"),
        pytest.param(206, {"Content-Range": "bytes 40-99/100"}, 40, Answer(40, 100, ""), id="the rest"),
        pytest.param(206, {"Content-Range": "bytes 40-99/*"}, 40, Answer(40, None, ""), id="the rest of something"),
    ],
)
def test_answers(status: int, headers: dict[str, str], asked: int, answer: Answer) -> None:
    assert read_answer(status, headers, asked) == answer


@pytest.mark.parametrize(
    ("headers", "asked"),
    [
        pytest.param({}, 40, id="a range without saying which"),
        pytest.param({"Content-Range": "bytes 30-99/100"}, 40, id="another range"),
        pytest.param({"Content-Range": "bytes 0-99/100"}, 0, id="a range that nobody asked for"),
        pytest.param({"Content-Range": "lines 40-99/100"}, 40, id="another unit"),
        pytest.param({"Content-Range": f"bytes {'9' * 50}-99/100"}, 40, id="a huge number"),
    ],
)
def test_ranges_that_were_not_asked_for(headers: dict[str, str], asked: int) -> None:
    with pytest.raises(Interrupted):
        read_answer(206, headers, asked)


@pytest.mark.parametrize(
    ("headers", "expected"),
    [
        pytest.param({"ETag": '"x"', "Last-Modified": "then"}, '"x"', id="a strong ETag"),
        pytest.param({"ETag": 'W/"x"', "Last-Modified": "then"}, "then", id="a weak ETag says nothing about bytes"),
        pytest.param({"ETag": 'W/"x"'}, "", id="only a weak ETag"),
        pytest.param({}, "", id="neither"),
    ],
)
def test_validators(headers: dict[str, str], expected: str) -> None:
    assert validator(headers) == expected


@pytest.mark.parametrize(
    ("answer", "other"),
    [
        pytest.param(Answer(40, 100, '"v1"'), False, id="the same version"),
        pytest.param(Answer(40, None, ""), False, id="a server that says nothing"),
        pytest.param(Answer(40, 100, '"v2"'), True, id="another version, although If-Range was sent"),
        pytest.param(Answer(40, 101, '"v1"'), True, id="another size"),
    ],
)
def test_whether_bytes_belong_together(answer: Answer, other: bool) -> None:
    assert answer.contradicts(ORIGIN) is other
