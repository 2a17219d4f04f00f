"""The RPC of an IPFS node, as far as results need it.

Plain requests over urllib3, which botocore brings anyway. The client aioipfs 0.7 was tried and left: it takes answers
401, 429, 502 and 503 for success, gives None for a connection that broke, knows no headers, wants what it uploads in
memory or by a path, and brings setuptools and trio into every pod. A publisher of results can't be built on that.

Source: https://docs.ipfs.tech/reference/kubo/rpc/, and kubo 0.42 itself.
"""

import contextlib
import json
import secrets
import time
import urllib.parse
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, TypeVar

import urllib3
from urllib3.exceptions import HTTPError, LocationParseError, LocationValueError, ReadTimeoutError

from c2d.storage import ipfs_errors
from c2d.storage.errors import Refused, Unavailable

PAUSES = (0.2, 0.5, 1.0, 2.0, 4.0)  # seconds before another try
LONGEST_PAUSE = 30.0  # seconds that a node may ask us to wait
CONNECT = 10.0  # seconds
SILENCE = 60.0  # seconds that a node may need for the next bytes of its answer
CONNECTIONS = 16
_ERROR_BODY = 16 * 1024
_PIECE = 256 * 1024

T = TypeVar("T")
Headers = Callable[[], Mapping[str, str]]


class _Busy(Unavailable):
    """Worth another try at once, or when the node says."""

    def __init__(self, message: str, pause: float | None = None) -> None:
        super().__init__(message)
        self.pause = pause  # seconds


@dataclass(frozen=True)
class _Request:
    command: str
    url: str
    contents: Sequence[bytes]
    silence: float


class Rpc:
    """Commands for a node. Thread-safe. What breaks is sent again: all commands that we use may be."""

    def __init__(self, url: str, headers: Headers, sleep: Callable[[float], None] = time.sleep) -> None:
        """`headers` is asked before each request. Nothing is sent yet."""
        self._url = url.rstrip("/")
        self._headers = headers
        self._sleep = sleep
        self._pool = urllib3.PoolManager(maxsize=CONNECTIONS, retries=False)

    def call(self, command: str, *arguments: str, silence: float = SILENCE, **options: object) -> bytes:
        """The whole answer. Raises StorageError, Unavailable only after more tries."""
        return self._whole(_Request(command, self._address(command, arguments, options), (), silence))

    def json(self, command: str, *arguments: str, silence: float = SILENCE, **options: object) -> dict[str, Any]:
        """The last object of the answer. Raises as `call` does; Unavailable too where there is none."""
        answer = self._whole(_Request(command, self._address(command, arguments, options), (), silence))
        return _object(command, answer.strip().rpartition(b"\n")[2])

    def objects(self, command: str, contents: Sequence[bytes], **options: object) -> list[dict[str, Any]]:
        """The answer's object for each of the contents, in their order. Raises as `json` does."""
        answer = self._whole(_Request(command, self._address(command, (), options), contents, SILENCE))
        found = [_object(command, line) for line in answer.splitlines() if line.strip()]
        if len(found) != len(contents):
            raise Unavailable(f"{command} on the IPFS node was not answered for all that was sent")
        return found

    def stream(self, command: str, *arguments: str, **options: object) -> Iterator[bytes]:
        """The answer piece by piece. Raises StorageError as `call` does, and in the middle without another try."""
        request = _Request(command, self._address(command, arguments, options), (), SILENCE)
        response = self._patiently(lambda: self._open(request))
        with _translated(command):
            try:
                yield from response.stream(_PIECE)
            finally:
                response.close()

    def lines(self, command: str, *arguments: str, **options: object) -> Iterator[dict[str, Any]]:
        """The objects of the answer. Raises as `stream` does."""
        rest = b""
        for piece in self.stream(command, *arguments, **options):
            *whole, rest = (rest + piece).split(b"\n")
            yield from (_object(command, line) for line in whole if line.strip())
        if rest.strip():
            yield _object(command, rest)

    def _address(self, command: str, arguments: tuple[str, ...], options: Mapping[str, object]) -> str:
        pairs = [("arg", argument) for argument in arguments]
        pairs += [(name.replace("_", "-"), _text(value)) for name, value in options.items()]
        return f"{self._url}/api/v0/{command}?{urllib.parse.urlencode(pairs)}"

    def _whole(self, request: _Request) -> bytes:
        return self._patiently(lambda: self._fetch(request))

    def _patiently(self, work: Callable[[], T]) -> T:
        for pause in PAUSES:
            try:
                return work()
            except _Busy as busy:
                self._sleep(pause if busy.pause is None else busy.pause)
        return work()

    def _open(self, request: _Request) -> urllib3.BaseHTTPResponse:
        with _translated(request.command):
            return self._send(request)

    def _fetch(self, request: _Request) -> bytes:
        with _translated(request.command):
            response = self._send(request)
            answer: bytes = response.read()
            response.release_conn()
            return answer

    def _send(self, request: _Request) -> urllib3.BaseHTTPResponse:
        """An answer that is good so far."""
        form = _Form(request.contents)
        response = self._pool.request(
            "POST",
            request.url,
            body=form.body,
            headers={**self._headers(), **form.headers},
            timeout=urllib3.Timeout(connect=CONNECT, read=request.silence),
            # A redirect would take the headers to who knows where.
            redirect=False,
            preload_content=False,
        )
        if response.status == 200:
            return response
        body = response.read(_ERROR_BODY)
        response.close()
        error = ipfs_errors.error(request.command, response.status, body)
        raise _Busy(str(error), _pause(response.headers.get("Retry-After"))) if error.may_pass else error


class _Form:
    """What is uploaded, as a form with a file for each content; what is large is not copied."""

    def __init__(self, contents: Sequence[bytes]) -> None:
        self.body: list[bytes] | None = None
        self.headers = {"Content-Length": "0"}
        if contents:
            mark = secrets.token_hex(16)
            self.body = list(_in_pieces([*_lines(mark, contents), f"--{mark}--\r\n".encode()]))
            self.headers = {
                "Content-Type": f"multipart/form-data; boundary={mark}",
                "Content-Length": str(sum(map(len, self.body))),
            }


def _lines(mark: str, contents: Sequence[bytes]) -> Iterator[bytes]:
    """The names are numbers, so nothing of what is sent has to be escaped."""
    kind = "Content-Type: application/octet-stream\r\n\r\n"
    for number, content in enumerate(contents):
        head = f'--{mark}\r\nContent-Disposition: form-data; name="file"; filename="{number}"\r\n'
        yield from ((head + kind).encode(), content, b"\r\n")


def _in_pieces(lines: Iterable[bytes]) -> Iterator[bytes]:
    """The same bytes in pieces that are worth a packet each."""
    small = bytearray()
    for line in lines:
        if len(line) < _PIECE:
            small += line
        if small and (len(small) >= _PIECE or len(line) >= _PIECE):
            yield bytes(small)
            small.clear()
        if len(line) >= _PIECE:
            yield line
    yield bytes(small)


def _text(value: object) -> str:
    return str(value).lower() if isinstance(value, bool) else str(value)


def _pause(header: str | None) -> float | None:
    """The seconds of a Retry-After header; one with a date is not worth a clock."""
    return min(float(header), LONGEST_PAUSE) if header is not None and header.isdecimal() else None


def _object(command: str, text: bytes) -> dict[str, Any]:
    """An answer without its object is one that was cut: kubo's status comes before its work is done."""
    with contextlib.suppress(ValueError):
        found = json.loads(text)
        if isinstance(found, dict):
            return found
    raise Unavailable(f"{command} on the IPFS node was not answered as it should be")


@contextlib.contextmanager
def _translated(command: str) -> Iterator[None]:
    """Turns urllib3's errors into this package's. A node that was silent for so long is not asked again."""
    where = f"{command} on the IPFS node"
    try:
        yield
    except (LocationParseError, LocationValueError) as error:
        raise Refused(f"{where} has no usable address") from error
    except ReadTimeoutError as error:
        raise Unavailable(f"{where} was not answered in time") from error
    except (HTTPError, OSError) as error:
        raise _Busy(f"{where} failed with {type(error).__name__}") from error
