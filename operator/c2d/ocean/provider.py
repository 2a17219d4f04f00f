"""How a Provider is asked for an asset's files, and what its answers mean. Pure.

The forms are those of Ocean's Provider (Python), and of ocean.py and ocean.js, which ask it.
"""

import json
import re
import urllib.parse
from dataclasses import dataclass, field
from typing import Any

from c2d.ocean import values
from c2d.ocean.errors import AssetInvalid

ANSWER_LIMIT = 1_000_000  # bytes; of discovery and of fileinfo
REFUSAL_LIMIT = 4096  # bytes of a refusal that are read
REASON_LIMIT = 300  # characters of it that are told
FILES_LIMIT = 256  # of one service

# Where the services are, if a Provider's discovery doesn't say.
_FILEINFO = "/api/services/fileinfo"
_DOWNLOAD = "/api/services/download"
# The end of endpoints that were published with more than the Provider's own address.
_API = re.compile(r"/api(/v[0-9]+)?(/services(/[^/]*)?)?/*$")
_PATH = re.compile(r"/?[A-Za-z0-9._~-]+(/[A-Za-z0-9._~-]+)*/?")
# Words that may hold an address of the data, a server's or a file's name, a path, a key or a person.
_TELLING = re.compile(r"\S*[/?@=\\]\S*|\S*\w\.\w\S*|\S{100,}")


@dataclass(frozen=True)
class Endpoints:
    """The URLs of the two services that a download needs."""

    fileinfo: str
    download: str


@dataclass(frozen=True)
class Order:
    """What was paid for. `user_data` is None, a text that is sent as it is, or a value that is sent as JSON."""

    did: str
    service_id: str
    transfer_tx_id: str
    user_data: Any = field(default=None, repr=False)


@dataclass(frozen=True)
class Signed:
    """A permission for one download."""

    nonce: str
    signature: str = field(repr=False)
    consumer_address: str


@dataclass(frozen=True)
class Refusal:
    """Why a Provider gave no file, in words that may be shown."""

    reason: str
    nonce: bool = False  # it says that the nonce was used or overtaken
    signature: bool = False  # it didn't take the signature; an overtaken nonce reads the same


def root(service_endpoint: str) -> str:
    """The Provider's own URL, without a slash at its end.

    A path before the API stays, as in https://example.org/provider; ocean.py cuts at the API, ocean.js at nothing.
    """
    parts = urllib.parse.urlsplit(service_endpoint)
    path = _API.sub("", parts.path).rstrip("/")
    return urllib.parse.urlunsplit((parts.scheme, parts.netloc, path, "", ""))


def standard_endpoints(base: str) -> Endpoints:
    return Endpoints(base + _FILEINFO, base + _DOWNLOAD)


def endpoints(base: str, discovery: bytes) -> Endpoints:
    """What the Provider says about itself; what it doesn't say is where it is by default."""
    listed = _object(discovery).get("serviceEndpoints")
    listed = listed if isinstance(listed, dict) else {}
    return Endpoints(base + _path(listed.get("fileinfo"), _FILEINFO), base + _path(listed.get("download"), _DOWNLOAD))


def fileinfo_body(order: Order) -> bytes:
    return json.dumps({"did": order.did, "serviceId": order.service_id}).encode()


def count_files(fileinfo: bytes) -> int:
    """How many files the service has. Raises AssetInvalid for an error, and for none: that is no input."""
    listed = _decoded(fileinfo)
    if not isinstance(listed, list):
        raise AssetInvalid("its Provider did not list the files")
    if not listed:
        raise AssetInvalid("its Provider says that it has no files")
    if len(listed) > FILES_LIMIT:
        raise AssetInvalid(f"it has more than {FILES_LIMIT} files")
    return len(listed)


def download_url(endpoint: str, order: Order, index: int, signed: Signed) -> str:
    """The URL of one file, good for one request."""
    query = {
        "fileIndex": str(index),
        "documentId": order.did,
        "transferTxId": order.transfer_tx_id,
        "serviceId": order.service_id,
        "consumerAddress": signed.consumer_address,
        "nonce": signed.nonce,
        "signature": signed.signature,
    }
    pairs = [f"{name}={urllib.parse.quote(value, safe=':')}" for name, value in query.items()]
    if order.user_data is not None:
        pairs.append(f"userdata={urllib.parse.quote(_user_data(order.user_data), safe='')}")
    return f"{endpoint}?{'&'.join(pairs)}"


def refusal(status: int, body: bytes) -> Refusal:
    """What an answer other than the file says. Providers write {"error": …} or {"errors": {…}}, of any shape."""
    document = _object(body)
    told = [document[name] for name in ("error", "errors", "message") if document.get(name)]
    words = " ".join(_words(told))
    lower = words.lower()
    errors = document.get("errors")
    of_signature = isinstance(errors, dict) and "signature" in errors
    return Refusal(
        reason=sanitised(words),
        nonce="nonce" in lower and status in (400, 401, 409, 503),
        signature=status in (400, 401) and (of_signature or "invalid signature" in lower),
    )


def sanitised(text: str) -> str:
    """A server's words without what could be secret in them, on one line, not long."""
    line = " ".join("".join(char if char.isprintable() else " " for char in text[: 4 * REASON_LIMIT]).split())
    shown = _TELLING.sub("…", line)
    return shown if len(shown) <= REASON_LIMIT else shown[:REASON_LIMIT] + "…"


def _user_data(given: Any) -> str:
    return given if isinstance(given, str) else json.dumps(given, ensure_ascii=False, separators=(",", ":"))


def _path(listed: object, standard: str) -> str:
    """The path in an entry such as ["POST", "/api/services/fileinfo"]; never another host."""
    path = listed[1] if isinstance(listed, list) and len(listed) == 2 else None
    if not isinstance(path, str) or len(path) > 256 or not _PATH.fullmatch(path) or ".." in path:
        return standard
    return "/" + path.lstrip("/")


def _words(given: object, depth: int = 4) -> list[str]:
    """The texts in an error, with their names."""
    match given:
        case str():
            return [given]
        case list() if depth:
            return [word for part in given[:16] for word in _words(part, depth - 1)]
        case dict() if depth:
            pairs = list(given.items())[:16]
            return [f"{name}: {' '.join(_words(part, depth - 1))}" for name, part in pairs]
        case _:
            return []


def _object(content: bytes) -> dict[str, Any]:
    document = _decoded(content)
    return document if isinstance(document, dict) else {}


def _decoded(content: bytes) -> object:
    try:
        return values.decode(content.decode())
    except (ValueError, values.NotKept):
        return None
