"""From the event loop to a partial file: one thread writes, another one hashes what is there without a hole.

So receiving, writing and hashing go on at the same time, and none of them waits for a single chunk of another: these
three take about as long as each other where the network is fast.
"""

import asyncio
import contextlib
import queue
import threading
from collections.abc import Iterator
from types import TracebackType

from c2d.configure.partial import BLOCK, Partial

ROOM = 4 * 1024 * 1024  # bytes on their way to the writing thread


class Sink:
    """What has been put is written when the block has been left, unless it was left because of a cancellation."""

    def __init__(self, partial: Partial) -> None:
        self._partial = partial
        self._loop = asyncio.get_running_loop()
        self._queue: queue.SimpleQueue[tuple[int, bytes | memoryview] | None] = queue.SimpleQueue()
        self._turn = threading.Condition()  # of all that follows
        self._waiting = 0  # bytes
        self._wanted: asyncio.Event | None = None  # set when there is room again
        self._written = False  # all that there will be
        self._error: BaseException | None = None
        self._threads = [
            threading.Thread(target=work, name=f"{work.__name__} {id(partial)}", daemon=True)
            for work in (self._write, self._hash)
        ]

    async def __aenter__(self) -> "Sink":
        for thread in self._threads:
            thread.start()
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if kind is not None and issubclass(kind, asyncio.CancelledError):
            self._fail(error or asyncio.CancelledError())
        self._queue.put(None)
        await asyncio.to_thread(self._join)
        if self._error is not None and self._error is not error:
            raise self._error

    async def put(self, offset: int, chunk: bytes | memoryview) -> None:
        """Returns when there is room for more. Raises what writing or hashing has raised."""
        with self._turn:
            self._waiting += len(chunk)
            full = asyncio.Event() if self._waiting > ROOM else None
            if full is not None:
                self._wanted = self._wanted or full
                full = self._wanted
        self._queue.put((offset, chunk))
        if full is not None:
            await full.wait()
        if self._error is not None:
            raise self._error

    def _write(self) -> None:
        while (item := self._queue.get()) is not None:
            if self._error is None:
                with self._errors():
                    self._partial.write(*item)
            with self._turn:
                self._waiting -= len(item[1])
                self._turn.notify_all()
                if self._waiting <= ROOM // 2 and self._wanted is not None:
                    self._loop.call_soon_threadsafe(self._wanted.set)
                    self._wanted = None
        with self._errors():
            self._partial.note()
        with self._turn:
            self._written = True
            self._turn.notify_all()

    def _hash(self) -> None:
        buffer = memoryview(bytearray(BLOCK))
        with self._errors():
            while self._error is None:
                if self._partial.hash_next(buffer):
                    continue
                with self._turn:
                    if self._written:
                        break
                    self._turn.wait()
            while self._error is None and self._partial.hash_next(buffer):
                pass

    @contextlib.contextmanager
    def _errors(self) -> Iterator[None]:
        try:
            yield
        except Exception as error:
            self._fail(error)

    def _fail(self, error: BaseException) -> None:
        with self._turn:
            self._error = self._error or error
            self._turn.notify_all()

    def _join(self) -> None:
        for thread in self._threads:
            thread.join()
