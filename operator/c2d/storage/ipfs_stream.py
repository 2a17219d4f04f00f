"""Objects on IPFS as S3 would answer for them, so that streams of both are read by the same code.

A CID never changes its content: the object's own CID is its ETag, and a stream that broke goes on where it broke.
"""

import functools
import json
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

import aiohttp
import yarl

from c2d.api.environment import IpfsTarget
from c2d.storage import ipfs_errors, ipfs_headers, ranges
from c2d.storage.errors import Refused
from c2d.storage.ranges import Span

_LIMIT = 16 * 1024  # bytes of an answer that is no content

InThread = Callable[[Callable[[], dict[str, str]]], Awaitable[dict[str, str]]]


class Content(Protocol):
    """Bytes that come."""

    async def readany(self) -> bytes:
        """What has come; nothing at the end."""


class Answer(Protocol):
    """What a stream needs of an answer, which may be one of aiohttp's."""

    @property
    def status(self) -> int: ...
    @property
    def headers(self) -> Mapping[str, str]: ...
    @property
    def content_length(self) -> int | None: ...
    @property
    def content(self) -> Content: ...
    def close(self) -> None:
        """Frees the connection."""


class _Exactly:
    """So many bytes and not one more, whatever a node sends: it names no length that HTTP would hold it to."""

    def __init__(self, content: Content, count: int) -> None:
        self._content = content
        self._left = count

    async def readany(self) -> bytes:
        found = (await self._content.readany())[: self._left] if self._left else b""
        self._left -= len(found)
        return found


@dataclass(frozen=True)
class _Served:
    status: int
    headers: Mapping[str, str]
    content_length: int
    content: _Exactly
    response: aiohttp.ClientResponse

    def close(self) -> None:
        self.response.close()


@dataclass(frozen=True)
class Node:
    """Asks nodes through a session; headers are files below `credentials`, which a thread reads."""

    session: aiohttp.ClientSession
    credentials: Path
    in_thread: InThread

    async def get(self, target: IpfsTarget, key: str, asked: str | None) -> Answer:
        """A good answer for the object or a range of it. Raises StorageError, and errors of aiohttp."""
        headers = await self.in_thread(functools.partial(ipfs_headers.read, self.credentials, target))
        cid, size = await self._stat(target, key, headers)
        span = ranges.resolve(asked, size) if asked else Span(0, size)
        count = span.end - span.begin
        response = await self._post(target, headers, "cat", f"/ipfs/{cid}", offset=span.begin, length=count)
        told = {"ETag": f'"{cid}"'}
        if asked:
            told["Content-Range"] = f"bytes {span.begin}-{span.end - 1}/{size}"
        return _Served(206 if asked else 200, told, count, _Exactly(response.content, count), response)

    async def _stat(self, target: IpfsTarget, key: str, headers: Mapping[str, str]) -> tuple[str, int]:
        async with await self._post(target, headers, "files/stat", f"/ipfs/{key}") as response:
            body = await response.content.read(_LIMIT)
        try:
            said = json.loads(body)
            return str(said["Hash"]), int(said["Size"])
        except (ValueError, KeyError, TypeError) as error:
            raise Refused("files/stat on the IPFS node was not answered as it should be") from error

    async def _post(
        self, target: IpfsTarget, headers: Mapping[str, str], command: str, path: str, **options: int
    ) -> aiohttp.ClientResponse:
        url = yarl.URL(f"{target.api_url.rstrip('/')}/api/v0/{command}").with_query(
            {"arg": path, **{name: str(value) for name, value in options.items()}}
        )
        response = await self.session.post(url, headers=headers, allow_redirects=False)
        if response.status == 200:
            return response
        async with response:
            body = await response.content.read(_LIMIT)
        raise ipfs_errors.error(command, response.status, body)
