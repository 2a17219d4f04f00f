"""From the event loop to a partial file: one thread writes, another one hashes what is there without a hole.

So receiving, writing and hashing go on at the same time, and none of them waits for a single chunk of another: these
three take about as long as each other where the network is fast. What comes in its order is hashed from memory; only
what came before its turn is read from the file again.
"""

import asyncio
import queue
import threading
import time
from collections.abc import Callable
from types import TracebackType
from typing import ParamSpec

from c2d.configure.body import BUFFER, BUFFERS, Chunk
from c2d.configure.partial import Partial

P = ParamSpec("P")

ROOM = BUFFERS * BUFFER  # bytes on their way to the file and the hash


class Sink:
    """What has been put is written when the block has been left, unless it was left because of a cancellation."""

    def __init__(self, partial: Partial) -> None:
        self._partial = partial
        self._loop = asyncio.get_running_loop()
        self._to_write: queue.SimpleQueue[tuple[int, Chunk] | None] = queue.SimpleQueue()
        self._to_hash: queue.SimpleQueue[tuple[int, Chunk] | None] = queue.SimpleQueue()
        self._turn = threading.Lock()  # of the three that follow
        self._waiting = 0  # bytes
        self._wanted: asyncio.Event | None = None  # set when there is room again
        self._error: BaseException | None = None
        self._seconds = {self._write: 0.0, self._hash: 0.0}
        self._threads = [
            threading.Thread(target=work, name=f"{work.__name__} {id(partial)}", daemon=True)
            for work in (self._write, self._hash)
        ]

    @property
    def busy(self) -> float:
        """Seconds that the busier of both threads has worked."""
        return max(self._seconds.values())

    async def __aenter__(self) -> "Sink":
        for thread in self._threads:
            thread.start()
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if kind is not None and issubclass(kind, asyncio.CancelledError):
            self._fail(error or asyncio.CancelledError())
        self._to_write.put(None)
        await asyncio.to_thread(self._join)
        if self._error is not None and self._error is not error:
            raise self._error

    async def put(self, offset: int, chunk: Chunk) -> None:
        """Returns when there is room for more. Raises what writing or hashing has raised."""
        with self._turn:
            self._waiting += len(chunk.content)
            full = asyncio.Event() if self._waiting > ROOM else None
            if full is not None:
                self._wanted = self._wanted or full
                full = self._wanted
        self._to_write.put((offset, chunk))
        if full is not None:
            await full.wait()
        if self._error is not None:
            raise self._error

    def _write(self) -> None:
        while (item := self._to_write.get()) is not None:
            offset, chunk = item
            self._do(self._write, self._partial.write, offset, chunk.content)
            if offset < self._partial.prefix:
                self._to_hash.put(item)
            else:
                self._let_go(chunk)
        self._do(self._write, self._partial.note)
        self._to_hash.put(None)

    def _hash(self) -> None:
        while (item := self._to_hash.get()) is not None:
            offset, chunk = item
            self._do(self._hash, self._partial.hash_written, offset, chunk.content)
            self._let_go(chunk)
        self._do(self._hash, self._partial.hash_rest)

    def _do(self, thread: Callable[[], None], work: Callable[P, None], *arguments: P.args, **named: P.kwargs) -> None:
        """Nothing more once something has failed."""
        if self._error is not None:
            return
        begin = time.monotonic()
        try:
            work(*arguments, **named)
        except Exception as error:
            self._fail(error)
        self._seconds[thread] += time.monotonic() - begin

    def _let_go(self, chunk: Chunk) -> None:
        with self._turn:
            self._waiting -= len(chunk.content)
            if self._waiting <= ROOM // 2 and self._wanted is not None:
                self._loop.call_soon_threadsafe(self._wanted.set)
                self._wanted = None
        chunk.done()

    def _fail(self, error: BaseException) -> None:
        with self._turn:
            self._error = self._error or error

    def _join(self) -> None:
        for thread in self._threads:
            thread.join()
