"""Where a file comes from, in two forms: the URL, which may be a secret, and what may be shown of it."""

import re
import urllib.parse
from dataclasses import dataclass, field
from pathlib import Path, PurePosixPath

from c2d.api import plan
from c2d.configure.errors import DownloadFailed
from c2d.configure.tasks import Url, UrlFile

_LIMIT = 65_536  # characters; far above what servers accept


@dataclass(frozen=True)
class Address:
    """`url` is for the request alone; `shown` is for messages."""

    url: str = field(repr=False)
    shown: str


def resolve(source: Url | UrlFile) -> Address:
    """The address that a task names. Raises DownloadFailed where it isn't an http or https URL."""
    if isinstance(source, Url):
        return of_server(source.value, "the URL")
    text = read_secret(source.path, "the URL")
    shown = secret_name(source.path, "the URL")
    return _checked(text, _origin(text) and shown, shown)


def of_server(url: str, what: str) -> Address:
    """The address of a server whose URL is no secret. Raises DownloadFailed."""
    return _checked(url, _origin(url), what)


def _checked(url: str, shown: str | None, what: str) -> Address:
    if shown is None:
        raise DownloadFailed(f"{what} is not an http or https URL")
    return Address(url, shown)


def _origin(url: str) -> str | None:
    """Scheme, host and port of a URL, without user, path and query; None where it isn't an http one."""
    try:
        parts = urllib.parse.urlsplit(url)
        host, port = parts.hostname, parts.port
    except ValueError:
        return None
    if parts.scheme not in ("http", "https") or not host or re.search(r"[\s\x00-\x1f\x7f]", url):
        return None
    host = f"[{host}]" if ":" in host else host
    return f"{parts.scheme}://{host}" + (f":{port}" if port is not None else "")


def secret_name(path: PurePosixPath, what: str) -> str:
    """How a message names what is in a Secret's file."""
    name = path.relative_to(plan.SECRETS) if path.is_relative_to(plan.SECRETS) else PurePosixPath(path.name)
    return f"{what} in Secret key {name}"


def read_secret(path: PurePosixPath, what: str, limit: int = _LIMIT) -> str:
    """What the file holds, without the newline that most editors and `echo` end it with. Raises DownloadFailed."""
    try:
        with Path(path).open(encoding="utf-8") as file:
            return file.read(limit).strip()
    except OSError as error:
        raise DownloadFailed(f"{secret_name(path, what)} can't be read: {error.strerror}") from error
    except UnicodeDecodeError:
        # Without `from`: the error holds the content.
        raise DownloadFailed(f"{secret_name(path, what)} is not in UTF-8") from None
