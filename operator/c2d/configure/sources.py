"""Where a file comes from, as the download sees it: a request for each try, and what a refusal means."""

import asyncio
import contextlib
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass, field
from typing import Protocol

import aiohttp

from c2d.configure import address, headers
from c2d.configure.address import Address
from c2d.configure.asking import refusal
from c2d.configure.bucket import Bucket
from c2d.configure.response import Interrupted
from c2d.configure.retry import Fault, fault_of_status, parse_retry_after
from c2d.configure.settings import World
from c2d.configure.signer import Signer
from c2d.configure.tasks import AssetFile, Url, UrlFile
from c2d.configure.transport import Request, read_at_most, status_text
from c2d.ocean import provider


class Source(Protocol):
    """`identity` tells one file from another; `shown` is for messages."""

    @property
    def identity(self) -> str: ...

    @property
    def shown(self) -> str: ...

    @property
    def resumable(self) -> bool:
        """Whether a part of the file may be asked for."""
        ...

    @property
    def parallel(self) -> bool:
        """Whether several parts may be asked for at the same time."""
        ...

    @property
    def turn(self) -> AbstractAsyncContextManager[object]:
        """Held from the making of a request to the head of its response."""
        ...

    async def request(self) -> Request:
        """The request of one try. Raises ConfigureError."""
        ...

    async def refusal(self, response: aiohttp.ClientResponse, world: World) -> Interrupted:
        """What a response that isn't the file means."""
        ...


async def _by_status(response: aiohttp.ClientResponse, world: World) -> Interrupted:
    fault = fault_of_status(response.status) or Fault.REFUSED
    retry_after = parse_retry_after(response.headers.get("Retry-After"), world.now())
    return Interrupted(fault, f"with {status_text(response.status)}", retry_after)


@dataclass(frozen=True)
class Plain:
    """A URL that somebody named, asked in the way that they named."""

    address: Address
    asked: Request
    turn: AbstractAsyncContextManager[object] = field(default_factory=contextlib.nullcontext)

    @property
    def identity(self) -> str:
        return self.address.url

    @property
    def shown(self) -> str:
        return self.address.shown

    @property
    def resumable(self) -> bool:
        return self.asked.method == "GET"  # of other methods the standard knows no ranges

    @property
    def parallel(self) -> bool:
        return self.resumable

    async def request(self) -> Request:
        return self.asked

    async def refusal(self, response: aiohttp.ClientResponse, world: World) -> Interrupted:
        return await _by_status(response, world)


def plain(source: Url | UrlFile) -> Plain:
    """Raises DownloadFailed where the URL or the headers can't be used."""
    found = address.resolve(source)
    given: dict[str, str] = {}
    if source.headers is not None:
        text = address.read_secret(source.headers, "the headers")
        given = headers.parse(text, address.secret_name(source.headers, "the headers"))
    return Plain(found, Request(found.url, source.method, given))


@dataclass(frozen=True)
class Presigned:
    """An object of a bucket; each try has a URL of its own, signed with the credentials that there are then."""

    bucket: Bucket
    key: str
    resumable: bool = True
    parallel: bool = True
    turn: AbstractAsyncContextManager[object] = field(default_factory=contextlib.nullcontext)

    @property
    def identity(self) -> str:
        return f"{self.bucket.url}\n{self.key}"

    @property
    def shown(self) -> str:
        return f"bucket {self.bucket.name!r}"

    async def request(self) -> Request:
        # It reads files, and the first one loads botocore.
        return Request(await asyncio.to_thread(self.bucket.sign, self.key))

    async def refusal(self, response: aiohttp.ClientResponse, world: World) -> Interrupted:
        return await _by_status(response, world)


@dataclass(frozen=True)
class Ordered:
    """A file of an asset; each try has a signature of its own, because a Provider takes none twice.

    The turn is the Provider's: it wants rising nonces, so no request of this pod may overtake another one.
    """

    file: AssetFile
    shown: str
    signer: Signer
    turn: asyncio.Lock
    resumable: bool = True
    # A part would need a signature each, asked for from the engine and taken in the order of the nonces, and the
    # Provider streams from a server of its own, answering ranges in ways of its own.
    parallel: bool = False

    @property
    def identity(self) -> str:
        """Without nonce and signature, which change."""
        order = self.file.order
        return f"{order.did}\n{order.service_id}\n{self.file.index}"

    async def request(self) -> Request:
        signed = await self.signer.sign(self.file.order.did)
        return Request(provider.download_url(self.file.endpoint, self.file.order, self.file.index, signed))

    async def refusal(self, response: aiohttp.ClientResponse, world: World) -> Interrupted:
        body = await read_at_most(response, provider.REFUSAL_LIMIT)
        told = provider.refusal(response.status, body[: provider.REFUSAL_LIMIT])
        fault = fault_of_status(response.status) or Fault.REFUSED
        if told.nonce:
            fault = Fault.NONCE
        elif told.signature:
            fault = Fault.SIGNATURE
        return refusal(fault, response, body, world)
