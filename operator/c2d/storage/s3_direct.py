"""PUTs to a bucket with little between the bytes and the socket.

botocore spends two milliseconds of CPU on a request, more than a server needs for a small object. Here a request is
signed, sent and answered, and nothing else: whatever is not answered with 200 is left to botocore, which repeats,
follows and explains. A server that refuses is not asked in this way again.

The signature is version 4: https://docs.aws.amazon.com/AmazonS3/latest/API/sig-v4-header-based-auth.html
"""

import base64
import collections
import hashlib
import hmac
import http.client
import ssl
import time
import urllib.parse
import zlib
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Protocol

CONNECT_TIMEOUT = 10  # seconds
READ_TIMEOUT = 60
_ALGORITHM = "AWS4-HMAC-SHA256"
_CRC32 = "x-amz-checksum-crc32"
_UNSIGNED = "UNSIGNED-PAYLOAD"
_PATIENCE = (http.client.REQUEST_TIMEOUT, http.client.TOO_MANY_REQUESTS)
_TOGETHER = 1 << 18  # bytes of a body that is sent in one piece with its head
_HEAD = 1 << 16  # bytes of an answer's
_END = b"\r\n\r\n"


class Keys(Protocol):
    """As botocore's frozen credentials."""

    @property
    def access_key(self) -> str | None: ...

    @property
    def secret_key(self) -> str | None: ...

    @property
    def token(self) -> str | None: ...


@dataclass(frozen=True)
class Place:
    """Where a bucket is: the URL that keys are put behind, and the region to sign for."""

    url: str
    region: str


@dataclass(frozen=True)
class Answer:
    """The server's 200. `crc32` is what it says of the bytes, if it knows checksums."""

    etag: str
    crc32: str | None


def crc32(body: bytes) -> str:
    """As S3 writes it."""
    return base64.b64encode(zlib.crc32(body).to_bytes(4, "big")).decode()


class Direct:
    """Thread-safe. `keys` gives the credentials of now, or None."""

    def __init__(self, place: Place, keys: Callable[[], Keys | None], tls: ssl.SSLContext | None) -> None:
        self._place = urllib.parse.urlsplit(place.url)
        self._region = place.region
        self._keys = keys
        self._tls = tls
        self._idle: collections.deque[_Connection] = collections.deque()
        self._refused = False
        self._knows_crc32 = False

    def put(self, key: str, body: bytes, headers: Mapping[str, str], query: str = "") -> Answer | None:
        """None where another way has to be found. `query` is in canonical form."""
        keys = None if self._refused else self._keys()
        if keys is None:
            return None
        checksum = crc32(body)
        head = self._head(keys, key, query, body, {**headers, _CRC32: checksum})
        try:
            connection = self._idle.pop() if self._idle else self._connect()
            status, said = connection.exchange(head, body)
        except (OSError, ValueError, IndexError, http.client.HTTPException):
            return None
        if status == http.client.OK and said.get("content-length") == "0" and connection.stays_open:
            self._idle.append(connection)
        else:
            connection.close()
        if status != http.client.OK:
            self._refused |= status < 500 and status not in _PATIENCE
            return None
        if said.get(_CRC32, checksum) != checksum or "etag" not in said:
            return None
        # From now on its own check does; a hash of every byte for the signature would be the second one.
        self._knows_crc32 |= _CRC32 in said
        return Answer(said["etag"], said.get(_CRC32))

    def _connect(self) -> "_Connection":
        return _Connection(self._place.hostname or "", self._place.port, self._tls)

    def _head(self, keys: Keys, key: str, query: str, body: bytes, headers: Mapping[str, str]) -> bytes:
        path = self._place.path + urllib.parse.quote(key, safe="/-._~")
        moment = time.strftime("%Y%m%dT%H%M%SZ", time.gmtime())
        signed = {
            **headers,
            "host": self._place.netloc,
            "x-amz-content-sha256": _UNSIGNED if self._knows_crc32 else hashlib.sha256(body).hexdigest(),
            "x-amz-date": moment,
        }
        if keys.token:
            signed["x-amz-security-token"] = keys.token
        authorization = signature(keys, self._region, "PUT", path, query, signed)
        lines = [f"PUT {path}{'?' if query else ''}{query} HTTP/1.1", f"authorization: {authorization}"]
        lines += [f"{name}: {value}" for name, value in signed.items()]
        return "\r\n".join([*lines, f"content-length: {len(body)}", "\r\n"]).encode()


def signature(keys: Keys, region: str, method: str, path: str, query: str, headers: Mapping[str, str]) -> str:
    """The header Authorization. Path and query are in canonical form, headers in lower case and all signed."""
    names = sorted(headers)
    listed = "".join(f"{name}:{headers[name]}\n" for name in names)
    asked = "\n".join((method, path, query, listed, ";".join(names), headers["x-amz-content-sha256"]))
    moment = headers["x-amz-date"]
    scope = f"{moment[:8]}/{region}/s3/aws4_request"
    text = "\n".join((_ALGORITHM, moment, scope, hashlib.sha256(asked.encode()).hexdigest()))
    key = f"AWS4{keys.secret_key}".encode()
    for part in scope.split("/"):
        key = hmac.digest(key, part.encode(), "sha256")
    signed = hmac.digest(key, text.encode(), "sha256").hex()
    return f"{_ALGORITHM} Credential={keys.access_key}/{scope}, SignedHeaders={';'.join(names)}, Signature={signed}"


class _Connection:
    """One that is kept open between requests. Its methods raise OSError, ValueError and HTTPException."""

    def __init__(self, host: str, port: int | None, tls: ssl.SSLContext | None) -> None:
        kind = http.client.HTTPConnection(host, port, timeout=CONNECT_TIMEOUT)
        if tls is not None:
            kind = http.client.HTTPSConnection(host, port, timeout=CONNECT_TIMEOUT, context=tls)
        kind.connect()
        kind.sock.settimeout(READ_TIMEOUT)
        self._connection = kind
        self.stays_open = True

    def exchange(self, head: bytes, body: bytes) -> tuple[int, dict[str, str]]:
        """The answer's status and headers."""
        try:
            if len(body) <= _TOGETHER:
                self._connection.sock.sendall(head + body)
            else:
                self._connection.sock.sendall(head)
                self._connection.sock.sendall(body)
            return self._answer()
        except BaseException:
            self.close()
            raise

    def close(self) -> None:
        self._connection.close()

    def _answer(self) -> tuple[int, dict[str, str]]:
        head = b""
        while _END not in head:
            piece = self._connection.sock.recv(_HEAD)
            head += piece
            if not piece or len(head) > _HEAD:
                raise http.client.HTTPException("the answer has no whole head")
        first, *lines = head.partition(_END)[0].decode("latin-1").split("\r\n")
        fields = (line.partition(":") for line in lines)
        said = {name.lower(): value.strip() for name, _, value in fields}
        self.stays_open = first.startswith("HTTP/1.1 ") and said.get("connection", "").lower() != "close"
        return int(first.split(" ", 2)[1]), said
