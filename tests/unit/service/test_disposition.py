"""A result's name becomes headers: readable where it can be, and never more than one header."""

import re

import aiohttp.multipart
import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from c2d.service import disposition


@pytest.mark.parametrize(
    ("filename", "expected"),
    [
        ("o.txt", "attachment;filename=o.txt"),
        ("sub/folder/o.txt", "attachment;filename=o.txt"),
        ("result", "attachment;filename=result.bin"),
        ("model.pkl", "attachment;filename=model.pkl"),
        ("data.tar.gz", "attachment;filename=data.tar.gz"),
        ("algorithm.log", "attachment;filename=algorithm.log"),
        (".env", "attachment;filename=.env.bin"),
        ("", "attachment;filename=result.bin"),
        ("folder/..", "attachment;filename=result.bin"),
        ("my file.txt", "attachment;filename=\"my file.txt\";filename*=UTF-8''my%20file.txt"),
        ('a"b;c.txt', "attachment;filename=\"a_b_c.txt\";filename*=UTF-8''a%22b%3Bc.txt"),
        ("übung.csv", "attachment;filename=\"_bung.csv\";filename*=UTF-8''%C3%BCbung.csv"),
        ("new%0Aline", "attachment;filename=\"new_0Aline.bin\";filename*=UTF-8''new%250Aline.bin"),
        ("a\r\nX: y.txt", "attachment;filename=\"a__X: y.txt\";filename*=UTF-8''a%0D%0AX%3A%20y.txt"),
        ("it's.txt", "attachment;filename=\"it's.txt\";filename*=UTF-8''it%27s.txt"),
    ],
)
def test_disposition(filename: str, expected: str) -> None:
    assert disposition.disposition(filename) == expected


@pytest.mark.parametrize(
    ("filename", "expected"),
    [
        ("o.txt", "text/plain"),
        ("algorithm.log", "text/plain"),
        ("a/table.CSV", "text/csv"),
        ("plot.png", "image/png"),
        ("o.json", "application/json"),
        ("data.tar.gz", "application/gzip"),
        ("result", "application/octet-stream"),
        ("x.unknown", "application/octet-stream"),
        (".txt", "application/octet-stream"),
        ("data:text/html,x", "application/octet-stream"),
    ],
)
def test_content_type(filename: str, expected: str) -> None:
    assert disposition.content_type(filename) == expected


names = st.text(st.characters(), max_size=400) | st.text(st.sampled_from("a./\\\"';%\r\n\0 =*ü\ud800"), max_size=30)


@given(names)
@example("a" * 5000 + ".txt")
@example("a." + "b" * 5000)
@example("ü" * 5000 + ".txt")
def test_no_name_makes_another_header(filename: str) -> None:
    header = disposition.disposition(filename)
    assert re.fullmatch("[ -~]+", header)
    assert len(header) < 1000
    assert re.fullmatch(
        r"attachment;filename=([A-Za-z0-9!#$&+.^_`|~-]+|"
        r"\"[^\"\\%/]+\";filename\*=UTF-8''([A-Za-z0-9!#$&+.^_`|~-]|%[0-9A-F]{2})+)",
        header,
    )
    assert re.fullmatch(r"[a-z0-9.+-]+/[A-Za-z0-9.+-]+", disposition.content_type(filename))


@example(";;")
@given(
    st.text(
        st.characters(categories=["L", "N", "P", "S", "Zs"], exclude_characters="/"), min_size=1, max_size=40
    ).filter(lambda stem: stem.strip("."))
)
def test_a_client_saves_it_under_its_name(stem: str) -> None:
    header = disposition.disposition(f"folder/{stem}.txt")
    kind, parameters = aiohttp.multipart.parse_content_disposition(header)
    assert kind == "attachment"
    assert aiohttp.multipart.content_disposition_filename(parameters) == f"{stem}.txt"
