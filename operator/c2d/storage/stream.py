"""Reads private objects as streams, for a service that passes them on to many clients at a time.

botocore signs, which is arithmetic, a node of IPFS is asked by its RPC, and one aiohttp session fetches: a stream
costs a connection and a bounded buffer, and no thread. A connection that breaks in the middle is made again from the
byte where it broke, as long as the object is the same; whoever reads doesn't notice. A stream ends complete or with
an error, never short.
"""

import asyncio
import contextlib
import functools
import re
import ssl
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import ParamSpec, Self, TypeVar

import aiohttp
import yarl

from c2d.api.environment import IpfsTarget, S3Target, VolumeTarget
from c2d.storage import ranges, volume_stream
from c2d.storage.errors import Corrupt, Denied, Refused, StorageError, Unavailable, Unsatisfiable
from c2d.storage.ipfs_stream import Answer, Node
from c2d.storage.presign import Clients, Signed
from c2d.storage.ranges import Span
from c2d.storage.s3_errors import Told
from c2d.storage.targets import Target
from c2d.storage.volume_stream import Nobody, Readers

OPERATION = "GetObject"
BUFFER = 128 * 1024  # bytes; a stream holds at most about three of these
SIGNERS = 4  # threads, for all streams together
PAUSES = (0.1, 0.5)  # seconds before another try to open
LONGEST_PAUSE = 5.0  # seconds before another try to resume
_ERROR_BODY = 16 * 1024
_CODE = re.compile(rb"<Code>([A-Za-z0-9.]{1,64})</Code>")

P = ParamSpec("P")
T = TypeVar("T")
Get = Callable[[Mapping[str, str]], Awaitable[Answer]]


@dataclass(frozen=True)
class Limits:
    """How long a reader waits, in seconds, and how many streams it has at a time."""

    connect: float = 5
    first_byte: float = 10  # from `open` to its answer, other tries included
    volume: float = 90  # the same, where a pod has to start first
    read: float = 20  # between two pieces of a body
    patience: float = 60  # without a byte, after a connection broke
    connections: int = 500  # who comes when all are taken waits as for the first byte


class Reader:
    """Reads objects. Made inside of a running event loop, once per process; to be closed."""

    def __init__(
        self,
        credentials: Path,
        limits: Limits | None = None,
        tls: ssl.SSLContext | None = None,
        readers: Readers | None = None,
    ) -> None:
        """`credentials` is a folder with a folder of files for each Secret, see c2d/storage/presign.py."""
        self.clients = Clients(credentials)
        self._limits = limits or Limits()
        self._signers = ThreadPoolExecutor(SIGNERS, thread_name_prefix="sign")
        self._readers = readers or Nobody()
        # A proxy of the environment counts for storages as it does for botocore, and never for pods.
        self._session = _session(self._limits, tls, proxied=True)
        self._near = _session(self._limits, None, proxied=False)
        self._node = Node(self._session, credentials, self._in_thread)

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self.close()

    async def close(self) -> None:
        """Breaks off what is open."""
        await self._session.close()
        await self._near.close()
        self._signers.shutdown(wait=False, cancel_futures=True)

    async def open(self, target: Target, key: str, range: str | None = None) -> "Opened":
        """Begins to read an object, or a range of it as a client's Range header asks for.

        To be closed, best with `async with`. Raises StorageError: Missing, Denied, Unavailable, Refused,
        or Unsatisfiable for a range behind the end.
        """
        asked = ranges.single(range)
        get = functools.partial(self._get, target, key)
        where, seconds = _where(target), self._patience(target)
        with _translated(where, seconds):
            async with asyncio.timeout(seconds):
                response = await _patiently(get, {"Range": asked} if asked else {})
        return Opened(response, get, where, self._limits)

    async def _get(self, target: Target, key: str, headers: Mapping[str, str]) -> Answer:
        """The answer, if it is a good one."""
        if isinstance(target, S3Target):
            return await self._get_signed(target, key, headers)
        with _translated(_where(target), self._patience(target)):
            async with asyncio.timeout(self._patience(target)):
                if isinstance(target, VolumeTarget):
                    return await volume_stream.get(self._near, self._readers, target, key, headers)
                return await self._node.get(target, key, headers.get("Range"))

    def _patience(self, target: Target) -> float:
        return self._limits.volume if isinstance(target, VolumeTarget) else self._limits.first_byte

    async def _get_signed(self, target: S3Target, key: str, headers: Mapping[str, str]) -> Answer:
        """Credentials that were rotated meanwhile get another try."""
        signed = await self._in_thread(self.clients.sign, target, key)
        try:
            return await self._send(target, signed, headers)
        except Denied:
            if not await self._in_thread(self.clients.renewed, target, signed.keys):
                raise
        return await self._send(target, await self._in_thread(self.clients.sign, target, key), headers)

    async def _send(self, target: S3Target, signed: Signed, headers: Mapping[str, str]) -> Answer:
        with _translated(_where(target), self._limits.first_byte):
            async with asyncio.timeout(self._limits.first_byte):
                # The signature is over the URL as it is, and a redirect would lead to who knows where.
                url = yarl.URL(signed.url, encoded=True)
                response = await self._session.get(url, headers=headers, allow_redirects=False)
                if response.status in (200, 206):
                    return response
                async with response:
                    body = await response.content.read(_ERROR_BODY)
        raise _error(Told(OPERATION, target.bucket), response.status, body)

    async def _in_thread(self, call: Callable[P, T], *arguments: P.args, **named: P.kwargs) -> T:
        work = functools.partial(call, *arguments, **named)
        return await asyncio.get_running_loop().run_in_executor(self._signers, work)


class Opened:
    """An object, or a range of it, that is being read."""

    def __init__(self, response: Answer, get: Get, where: str, limits: Limits) -> None:
        self._response = response
        self._get = get
        self._where = where
        self._limits = limits
        self._trouble: _Trouble | None = None
        self.status = response.status
        self.etag = response.headers.get("ETag")
        self.content_range = response.headers.get("Content-Range") if response.status == 206 else None
        try:
            span = _span(response, where)
        except StorageError:
            self.close()
            raise
        self.length = span.end - span.begin  # bytes
        self._position, self._end = span.begin, span.end

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def close(self) -> None:
        """Frees the connection at once; one whose answer was read to its end is kept for others."""
        self._response.close()

    async def chunks(self) -> AsyncIterator[bytes]:
        """All of the bytes, as they come, once. Raises StorageError where they can't be had complete:

        Unavailable after `patience`, Corrupt where the object is another one now, or what `Reader.open` raises.
        """
        while self._position < self._end:
            chunk = await self._read()
            if not chunk:
                await self._resume()
                continue
            self._trouble = None
            self._position += len(chunk)
            yield chunk

    async def _read(self) -> bytes:
        """What has come; nothing where the connection is broken or the server stalls."""
        try:
            return await self._response.content.readany()
        except (aiohttp.ClientError, TimeoutError, OSError):
            return b""

    async def _resume(self) -> None:
        self._response.close()
        rest = Span(self._position, self._end)
        self._trouble = self._trouble or _Trouble(asyncio.get_running_loop().time() + self._limits.patience)
        while True:
            await self._wait(self._trouble)
            # Without the condition, the rest of another object could follow the beginning of this one.
            with contextlib.suppress(Unavailable):
                response = await self._get({"Range": rest.header, "If-Match": self.etag or ""})
                break
        self._response = response
        if response.headers.get("ETag") != self.etag:
            raise Corrupt(f"{self._where} gives another object than before: it was replaced while it was read")
        if _span(response, self._where) != rest:
            raise Refused(f"{self._where} was answered with another range")

    async def _wait(self, trouble: "_Trouble") -> None:
        loop = asyncio.get_running_loop()
        resumable = self.etag and not self.etag.startswith("W/")
        if not resumable or loop.time() + trouble.pause >= trouble.deadline:
            raise Unavailable(f"{self._where} broke off and could not be resumed")
        await asyncio.sleep(trouble.pause)
        trouble.pause = min(2 * trouble.pause, LONGEST_PAUSE) or PAUSES[0]


@dataclass
class _Trouble:
    """Since the last byte: when to give up (seconds of the loop's clock), and how long to wait before another try."""

    deadline: float
    pause: float = 0


async def _patiently(get: Get, headers: Mapping[str, str]) -> Answer:
    for pause in PAUSES:
        with contextlib.suppress(Unavailable):
            return await get(headers)
        await asyncio.sleep(pause)
    return await get(headers)


def _where(target: Target) -> str:
    """For errors."""
    match target:
        case IpfsTarget():
            return "cat on the IPFS node"
        case VolumeTarget():
            return "reading the job's volume"
        case S3Target():
            return f"{OPERATION} on bucket {target.bucket!r}"


def _session(limits: Limits, tls: ssl.SSLContext | None, *, proxied: bool) -> aiohttp.ClientSession:
    return aiohttp.ClientSession(
        connector=aiohttp.TCPConnector(limit=limits.connections, ssl=tls or True),
        timeout=aiohttp.ClientTimeout(None, sock_connect=limits.connect, sock_read=limits.read),
        cookie_jar=aiohttp.DummyCookieJar(),
        trust_env=proxied,
        # What is passed on is what is stored, byte for byte.
        auto_decompress=False,
        headers={"Accept-Encoding": "identity"},
        read_bufsize=BUFFER,
    )


def _span(response: Answer, where: str) -> Span:
    """The bytes that the answer has. Raises Refused where it doesn't say: a cut could not be told from the end."""
    length = response.content_length
    whole = Span(0, length or 0)
    span = whole if response.status == 200 else ranges.content_range(response.headers.get("Content-Range"))
    if length is None or span is None or span.end - span.begin != length:
        raise Refused(f"{where} was answered without a usable length")
    return span


def _error(told: Told, status: int, body: bytes) -> StorageError:
    if status == 416:
        return Unsatisfiable("the range begins behind the object's end")
    if status == 412:
        return Corrupt(f"an object in bucket {told.bucket!r} was replaced while it was read")
    found = _CODE.search(body)
    return told.error(found[1].decode() if found else str(status), status)


@contextlib.contextmanager
def _translated(where: str, seconds: float) -> Iterator[None]:
    """Turns errors of aiohttp and the clock into this package's. Only their kind is passed on: a URL is signed."""
    try:
        yield
    except TimeoutError as error:
        raise Unavailable(f"{where} had no answer within {seconds:g} s") from error
    except (aiohttp.InvalidURL, ValueError) as error:
        raise Refused(f"{where} has no usable address") from error
    except (aiohttp.ClientError, OSError) as error:
        raise Unavailable(f"{where} failed with {type(error).__name__}") from error
