"""Fetches one large file through several connections at once, each of which asks for one piece after another.

Pieces are handed out from the front, so that the file grows nearly in order and can be hashed while it does.
"""

import asyncio
import contextlib
from collections.abc import Callable, Iterator
from dataclasses import dataclass

import aiohttp

from c2d.configure.body import Chunk, chunks_of
from c2d.configure.exchange import Exchange, Wanted
from c2d.configure.partial import Origin, Partial
from c2d.configure.parts import Part
from c2d.configure.progress import Progress
from c2d.configure.response import Interrupted, read_answer
from c2d.configure.retry import Fault
from c2d.configure.settings import Settings
from c2d.configure.sink import Sink
from c2d.configure.transport import foreign_errors
from c2d.configure.waiting import Waiting

# A try that brought as much as this is no failure in a row with the one before it.
PROGRESS = 64 * 1024
# The share of its time that a thread of the sink works where one more connection doesn't help it.
BUSY = 0.2
# What befalls connections that had been fine; it says nothing about how many the server likes.
_MISHAPS = (Fault.CUT, Fault.STALLED)


@dataclass
class _Work:
    """What one lane is fetching."""

    at: int  # up to where it has
    end: int
    brought: int = 0  # bytes, by this response


@dataclass(frozen=True)
class Context:
    """What a download has at hand, whether it needs one lane or several."""

    exchange: Exchange
    progress: Progress
    waiting: Callable[[], Waiting]
    say: Callable[[str], None]
    places: asyncio.Semaphore  # one for each connection; the download itself has one already
    settings: Settings


class Lanes:
    """A lane that meets trouble leaves the rest of its piece to the others and ends; the last one's trouble is told.

    Where the trouble may be that there are too many lanes, `wise` is lowered: so many went well.
    """

    def __init__(self, context: Context, partial: Partial, origin: Origin, total: int, lanes: int) -> None:
        self.wise = lanes
        self._context = context
        self._partial = partial
        self._origin = origin
        self._total = total
        self._lanes = lanes
        self._open = partial.missing(total)
        self._left = self._open.size
        self._at_work = 0
        self._opening = asyncio.Lock()  # one after another
        self._returned = asyncio.Event()  # something is to be fetched again
        self._complete = asyncio.Event()

    async def run(self, opened: aiohttp.ClientResponse | None = None, at: int = 0) -> None:
        """Fetches what is missing; `opened` brings the bytes from `at` on. Raises Interrupted, OSError."""
        try:
            async with Sink(self._partial) as self._sink, asyncio.TaskGroup() as group:
                lanes = [group.create_task(self._lane(opened, at))]
                for _ in range(1, min(self._lanes, -(-self._left // self._context.settings.piece))):
                    lanes.append(group.create_task(self._further_lane()))
                await self._complete.wait()
                for lane in lanes:
                    lane.cancel()
        except ExceptionGroup as failures:
            raise _telling(failures) from failures

    async def _further_lane(self) -> None:
        async with self._opening:
            await self._until_the_volume_waits()
        async with self._context.places:
            await self._lane(None, 0)

    async def _until_the_volume_waits(self) -> None:
        """Another connection brings nothing where the ones that are there keep writing and hashing busy."""
        interval = self._context.settings.look
        while True:
            before = self._sink.busy
            await asyncio.sleep(interval)
            if self._sink.busy - before <= interval * BUSY:
                return

    async def _lane(self, opened: aiohttp.ClientResponse | None, at: int) -> None:
        waiting = self._context.waiting()
        self._at_work += 1
        while True:
            work = _Work(0, 0)
            try:
                if opened is None:
                    await self._fetch_piece(work)
                else:
                    await self._follow(opened, work, at)
            except Interrupted as interruption:
                if self._is_over(interruption, work):
                    return
                await waiting.after(interruption, progressed=True)
            opened = None

    async def _fetch_piece(self, work: _Work) -> None:
        with self._taken(work, await self._next()):
            wanted = Wanted(self._origin.validator, work.at, work.end)
            async with self._context.exchange.response(wanted) as response:
                end = self._end(response, work)
                async for chunk in response.content.iter_any():
                    await self._put(work, Chunk(memoryview(chunk)[: end - work.at]))
                    if work.at == end:
                        break
        if work.at < end:
            raise Interrupted(Fault.CUT)
        if work.at < work.end and work.brought < PROGRESS:
            raise Interrupted(Fault.RANGE)

    async def _follow(self, response: aiohttp.ClientResponse, work: _Work, at: int) -> None:
        """Takes an open response for one piece after another, until it gets to where another lane has been."""
        with contextlib.closing(response), foreign_errors(), self._taken(work, self._open.take(self._piece, at)):
            stall_timeout = self._context.settings.stall_timeout
            async for chunk in chunks_of(response, stall_timeout):
                while work.end - work.at < len(chunk.content) and self._goes_on(work):
                    pass
                await self._put(work, Chunk(chunk.content[: work.end - work.at], chunk.done))
                if work.at == work.end and not self._goes_on(work):
                    return
            if work.at < work.end:
                raise Interrupted(Fault.CUT)

    def _goes_on(self, work: _Work) -> bool:
        """Whether nobody else has taken what comes after this piece: it is the lane's now."""
        further = self._open.take(self._piece, work.end)
        if further is not None:
            work.end = further.end
        return further is not None

    async def _next(self) -> Part:
        while (part := self._open.take(self._piece)) is None:
            self._returned.clear()
            await self._returned.wait()
        return part

    @contextlib.contextmanager
    def _taken(self, work: _Work, part: Part | None) -> Iterator[None]:
        """What the block doesn't bring of it goes back."""
        if part is not None:
            work.at, work.end = part.begin, part.end
        try:
            yield
        finally:
            if work.at < work.end:
                self._open.add(Part(work.at, work.end))
                self._returned.set()

    async def _put(self, work: _Work, chunk: Chunk) -> None:
        begin, size = work.at, len(chunk.content)
        work.at += size
        work.brought += size
        self._left -= size
        await self._sink.put(begin, chunk)
        self._context.progress.reached(self._total - self._left, self._total)
        if not self._left:
            self._complete.set()

    def _end(self, response: aiohttp.ClientResponse, work: _Work) -> int:
        """Up to where the response brings the piece. Raises Interrupted where it is no part of this very file."""
        answer = read_answer(response.status, response.headers, work.at)
        if answer.contradicts(self._origin):
            raise Interrupted(Fault.CHANGED)
        if response.status != 206:
            raise Interrupted(Fault.RANGE)
        return min(work.end, answer.end or work.end)

    def _is_over(self, interruption: Interrupted, work: _Work) -> bool:
        """Whether the lane ends, for the others to go on; raises the interruption where nobody else would."""
        fault = interruption.fault
        if fault is Fault.CHANGED:
            raise interruption
        if fault in _MISHAPS and work.brought >= PROGRESS:
            return False
        if self._at_work == 1:
            raise interruption
        self._at_work -= 1
        if fault not in _MISHAPS:
            self.wise = min(self.wise, self._at_work)
        self._context.say(f"{interruption}; {self._at_work} other connections go on")
        return True

    @property
    def _piece(self) -> int:
        return self._context.settings.piece


def _telling(failures: ExceptionGroup[Exception]) -> Exception:
    """The error that decides: trouble of a server may pass."""
    return min(failures.exceptions, key=lambda error: isinstance(error, Interrupted))
