"""Where a file comes from, and what is shown of it."""

from pathlib import Path, PurePosixPath

import pytest
from hypothesis import given
from hypothesis import strategies as st

from c2d.api import plan
from c2d.configure import address
from c2d.configure.errors import DownloadFailed
from c2d.configure.tasks import Url, UrlFile


@pytest.mark.parametrize(
    ("url", "shown"),
    [
        ("https://example.org/a/b.csv?token=geheim", "https://example.org"),
        ("http://user:geheim@example.org:8080/geheim", "http://example.org:8080"),
        ("https://[2001:db8::1]:8443/geheim#geheim", "https://[2001:db8::1]:8443"),
        ("HTTPS://EXAMPLE.org/geheim", "https://example.org"),
    ],
)
def test_only_the_servers_name_is_shown(url: str, shown: str) -> None:
    found = address.resolve(Url(url))
    assert (found.url, found.shown) == (url, shown)
    assert "geheim" not in repr(found)


@pytest.mark.parametrize(
    "url",
    [
        "",
        "geheim",
        "ftp://example.org/geheim",
        "file:///etc/passwd",
        "http://",
        "http:///geheim",
        "http://exa mple.org/geheim",
        "http://example.org:geheim/",
        "http://example.org:99999999/geheim",
        "http://[geheim/",
        "http://example.org/\r\ngeheim: 1",
        "javascript:geheim",
    ],
)
def test_other_urls_are_refused_and_not_repeated(url: str) -> None:
    with pytest.raises(DownloadFailed) as caught:
        address.resolve(Url(url))
    assert "geheim" not in str(caught.value)
    assert not caught.value.may_pass


@given(st.text())
def test_no_text_breaks_it(text: str) -> None:
    try:
        shown = address.resolve(Url(text)).shown
    except DownloadFailed as error:
        shown = str(error)
    assert "?" not in shown
    assert "@" not in shown


def secret(folder: Path, content: bytes) -> UrlFile:
    path = folder / "key"
    path.write_bytes(content)
    return UrlFile(PurePosixPath(path))


def test_a_url_from_a_secret_loses_its_last_newline(tmp_path: Path) -> None:
    assert address.resolve(secret(tmp_path, b"https://example.org/x\n")).url == "https://example.org/x"


def test_a_secret_is_named_by_its_name_and_key_and_its_server_is_not(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(plan, "SECRETS", str(tmp_path))
    (tmp_path / "orders").mkdir()
    found = address.resolve(secret(tmp_path / "orders", b"https://example.org/x"))
    assert found.shown == "the URL in Secret key orders/key"


@pytest.mark.parametrize("content", [b"geheim", b"\xff\xfegeheim", b"", b"two http://a/ http://b/ geheim"])
def test_what_is_no_url_stays_secret(tmp_path: Path, content: bytes) -> None:
    with pytest.raises(DownloadFailed) as caught:
        address.resolve(secret(tmp_path, content))
    told = f"{caught.value!r} {caught.value.__cause__!r}"
    assert "geheim" not in told
    assert str(caught.value).endswith(("is not an http or https URL", "is not in UTF-8"))


def test_a_secret_that_is_not_there() -> None:
    with pytest.raises(DownloadFailed, match="can't be read: No such file"):
        address.resolve(UrlFile(PurePosixPath("/nonexistent/key")))
