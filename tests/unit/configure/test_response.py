"""What the head of a response says about its body."""

import pytest

from c2d.configure.partial import Origin
from c2d.configure.response import Answer, Interrupted, may_be_parted, read_answer, validator

ORIGIN = Origin(boot="b", url_sha256="u", validator='"v1"', total=100)


@pytest.mark.parametrize(
    ("status", "headers", "asked", "answer"),
    [
        pytest.param(200, {"Content-Length": "100"}, None, Answer(0, 100, "", 100), id="a whole file"),
        pytest.param(200, {}, None, Answer(0, None, ""), id="a file of unknown length"),
        pytest.param(200, {"Content-Length": "100"}, 40, Answer(0, 100, "", 100), id="a server that ignores ranges"),
        pytest.param(206, {"Content-Range": "bytes 40-99/100"}, 40, Answer(40, 100, "", 100), id="the rest"),
        pytest.param(206, {"Content-Range": "bytes 0-9/100"}, 0, Answer(0, 100, "", 10), id="the first part"),
        pytest.param(
            206, {"Content-Range": "bytes 40-99/*"}, 40, Answer(40, None, "", 100), id="the rest of something"
        ),
    ],
)
def test_answers(status: int, headers: dict[str, str], asked: int | None, answer: Answer) -> None:
    assert read_answer(status, headers, asked) == answer


@pytest.mark.parametrize(
    ("headers", "asked"),
    [
        pytest.param({}, 40, id="a range without saying which"),
        pytest.param({"Content-Range": "bytes 30-99/100"}, 40, id="another range"),
        pytest.param({"Content-Range": "bytes 0-99/100"}, None, id="a range that nobody asked for"),
        pytest.param({"Content-Range": "bytes 40-39/100"}, 40, id="a range without a byte"),
        pytest.param({"Content-Range": "lines 40-99/100"}, 40, id="another unit"),
        pytest.param({"Content-Range": f"bytes {'9' * 50}-99/100"}, 40, id="a huge number"),
    ],
)
def test_ranges_that_were_not_asked_for(headers: dict[str, str], asked: int | None) -> None:
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


DATE = "Fri, 02 Jan 2026 03:04:05 GMT"
SECOND_LATER = "Fri, 02 Jan 2026 03:04:06 GMT"


@pytest.mark.parametrize(
    ("status", "headers", "expected"),
    [
        pytest.param(200, {"Accept-Ranges": "bytes", "ETag": '"x"'}, True, id="it says so"),
        pytest.param(206, {"ETag": '"x"'}, True, id="it has just done so"),
        pytest.param(200, {"ETag": '"x"'}, False, id="it says nothing"),
        pytest.param(200, {"Accept-Ranges": "none", "ETag": '"x"'}, False, id="it says no"),
        pytest.param(206, {}, False, id="nothing names the version"),
        pytest.param(206, {"ETag": 'W/"x"'}, False, id="a weak ETag"),
        pytest.param(206, {"Last-Modified": DATE, "Date": SECOND_LATER}, True, id="a date that is sure"),
        pytest.param(206, {"Last-Modified": DATE, "Date": DATE}, False, id="it may change again in that second"),
        pytest.param(206, {"Last-Modified": DATE}, False, id="a date without a clock"),
        pytest.param(206, {"Last-Modified": "then", "Date": DATE}, False, id="a date that is none"),
    ],
)
def test_when_parts_may_be_fetched_at_the_same_time(status: int, headers: dict[str, str], expected: bool) -> None:
    assert may_be_parted(status, headers) is expected
