"""The body of a large response, without aiohttp's copies: its connection is taken over once the head has been read.

aiohttp makes the connection, with the guard, TLS and redirects, and ends it; the bytes go from the kernel into a few
buffers that are used again and again.
"""

import asyncio
import contextlib
from collections import deque
from collections.abc import AsyncGenerator, Callable
from dataclasses import dataclass

import aiohttp

BUFFER = 2 * 1024 * 1024  # bytes; where the network is fast, the kernel has about as much at once
BUFFERS = 4


def nothing() -> None:
    """For what needs no buffer back."""


@dataclass(frozen=True)
class Chunk:
    """`done` is to be called, from any thread, when nobody needs `content` any more: it may change then."""

    content: memoryview
    done: Callable[[], None] = nothing


async def chunks_of(response: aiohttp.ClientResponse, stall_timeout: float) -> AsyncGenerator[Chunk, None]:
    """The body. Raises what reading it with aiohttp would raise.

    aiohttp reads a body without a length of its own itself, and one of which nothing is left to receive.
    """
    body = _take_over(response, stall_timeout)
    if body is None:
        async for content in response.content.iter_any():
            yield Chunk(memoryview(content))
        return
    with contextlib.closing(response), contextlib.closing(body):
        while (chunk := await body.next()) is not None:
            yield chunk


def _take_over(response: aiohttp.ClientResponse, stall_timeout: float) -> "_Body | None":
    connection = response.connection
    if connection is None or connection.protocol is None or "Transfer-Encoding" in response.headers:
        return None
    transport = connection.transport
    if transport is None:
        return None
    left = (response.content_length or 0) - response.content.total_bytes
    if left <= 0 or response.content.exception() is not None:
        return None
    begun = []
    # Reading makes aiohttp's parser hand out what it had held back, so this ends when it has nothing any more.
    while content := response.content.read_nowait():
        begun.append(Chunk(memoryview(content)))
    left = (response.content_length or 0) - response.content.total_bytes
    return _Body(transport, connection.protocol, begun, left, stall_timeout)


class _Body(asyncio.BufferedProtocol):
    """Receives into whole buffers. While all of them are elsewhere, it leaves the rest to the kernel."""

    def __init__(
        self,
        transport: asyncio.Transport,
        before: asyncio.BaseProtocol,  # it is told when the connection is lost
        begun: list[Chunk],
        left: int,
        stall_timeout: float,
    ) -> None:
        self._loop = asyncio.get_running_loop()
        self._transport = transport
        self._before = before
        self._chunks = deque(begun)
        self._left = left  # bytes that are still to be received
        self._free = deque(bytearray(BUFFER) for _ in range(BUFFERS))
        self._paused = False
        self._error: Exception | None = None
        self._news: asyncio.Future[None] | None = None
        self._stall_timeout = stall_timeout
        self._heard = self._loop.time()
        self._timer = self._loop.call_later(stall_timeout, self._look_for_stall)
        transport.set_protocol(self)
        transport.resume_reading()

    async def next(self) -> Chunk | None:
        """None: that was all."""
        while not self._chunks:
            if self._left <= 0:
                return None
            if self._error is not None:
                raise self._error
            self._news = self._loop.create_future()
            await self._news
        return self._chunks.popleft()

    def close(self) -> None:
        self._timer.cancel()
        self._free.clear()

    # -- what the transport calls

    def get_buffer(self, sizehint: int) -> memoryview:  # noqa: ARG002 - a whole one is always enough
        """A view, because asyncio's TLS fills slices of it: those of a bytearray would be copies."""
        return memoryview(self._free[0])

    def buffer_updated(self, nbytes: int) -> None:
        self._heard = self._loop.time()
        buffer = self._free.popleft()
        size = min(nbytes, self._left)
        self._left -= size
        self._chunks.append(Chunk(memoryview(buffer)[:size], lambda: self._give_back(buffer)))
        if self._left <= 0 or not self._free:
            self._pause()
        self._tell()

    def eof_received(self) -> None:
        self._fail(aiohttp.ClientPayloadError("the body ended early"))

    def connection_lost(self, exc: Exception | None) -> None:
        self._fail(exc or aiohttp.ClientPayloadError("the connection was closed"))
        self._before.connection_lost(exc)

    # -- flow

    def _pause(self) -> None:
        self._paused = True
        self._transport.pause_reading()

    def _give_back(self, buffer: bytearray) -> None:
        self._free.append(buffer)
        if self._paused:
            with contextlib.suppress(RuntimeError):  # the loop is over
                self._loop.call_soon_threadsafe(self._resume)

    def _resume(self) -> None:
        if self._paused and self._left > 0 and self._free:
            self._paused = False
            self._heard = self._loop.time()
            self._transport.resume_reading()

    def _look_for_stall(self) -> None:
        rest = self._heard + self._stall_timeout - self._loop.time()
        if rest <= 0 and not self._paused:
            self._fail(TimeoutError())
        else:
            self._timer = self._loop.call_later(rest if rest > 0 else self._stall_timeout, self._look_for_stall)

    def _fail(self, error: Exception) -> None:
        self._error = self._error or error
        self._tell()

    def _tell(self) -> None:
        if self._news is not None and not self._news.done():
            self._news.set_result(None)
