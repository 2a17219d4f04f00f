"""Fetches one file over HTTP: streamed, resumed after a cut or a kill, tried again where that may help.

The bytes are stored as the server sends them: no content encoding is asked for and none is undone, so that sizes,
ranges and checksums are those of the file itself.
"""

import asyncio
import hashlib

import aiohttp

from c2d.api.progress import in_words
from c2d.configure.body import Chunk, chunks_of
from c2d.configure.exchange import Exchange, Wanted
from c2d.configure.lanes import PROGRESS, Context, Lanes
from c2d.configure.partial import Origin, Partial
from c2d.configure.progress import Progress
from c2d.configure.response import Answer, Interrupted, may_be_parted, read_answer
from c2d.configure.retry import Fault
from c2d.configure.settings import Settings, World
from c2d.configure.sink import Sink
from c2d.configure.sources import Source
from c2d.configure.transport import read_at_most
from c2d.configure.waiting import Waiting

# A file up to this size waits in memory until it is complete: a kill loses no more of a large one either.
SMALL = 1024 * 1024


class Download:
    """One file on its way into a partial file."""

    def __init__(
        self,
        session: aiohttp.ClientSession,
        settings: Settings,
        world: World,
        name: str,
        source: Source,
        places: asyncio.Semaphore,  # one for each connection; this download has one already
        limit: int | None = None,  # bytes
    ) -> None:
        self._exchange = Exchange(session, world, source)
        self._settings = settings
        self._world = world
        self._name = name
        self._source = source
        self._limit = limit
        self._progress = Progress(name, world.now, world.say, world.tally)
        self._lanes = settings.lanes if source.parallel else 1
        self._context = Context(self._exchange, self._progress, self._waiting, self._say_of_server, places, settings)

    @property
    def identity(self) -> str:
        return hashlib.sha256(self._source.identity.encode()).hexdigest()

    async def run(self, partial: Partial) -> None:
        """Completes the partial file, whatever it holds. Raises DownloadFailed; an OSError is the volume's."""
        if partial.is_left:
            await asyncio.to_thread(partial.recover, self._world.boot, self.identity)
            if partial.size:
                self._world.say(f"{self._name}: an earlier run left {partial.size} bytes")
        if not partial.is_complete:
            await self._try_until_complete(partial)
        await self._hash_rest(partial)

    async def run_from_start(self, partial: Partial) -> None:
        """Like `run`, in one piece, and trusts nothing that is there."""
        self._lanes = 1
        await asyncio.to_thread(partial.begin, None)
        await self._try_until_complete(partial)
        await self._hash_rest(partial)

    async def _try_until_complete(self, partial: Partial) -> None:
        waiting = self._waiting()
        while True:
            before = partial.size
            try:
                await self._try_once(partial)
            except Interrupted as interruption:
                if interruption.fault in (Fault.CHANGED, Fault.RANGE):
                    self._lanes = 1
                    await asyncio.to_thread(partial.begin, None)
                progressed = partial.size - before >= PROGRESS and partial.origin is not None
                await waiting.after(interruption, progressed)
            else:
                return

    async def _try_once(self, partial: Partial) -> None:
        origin = partial.origin
        if origin is not None and origin.total is not None and self._needs_lanes(partial, origin, origin.total):
            self._require_room(origin.total)
            await self._in_lanes(partial, origin, origin.total)
            return
        wanted = Wanted(origin.validator, partial.size) if origin and partial.size else None
        async with self._exchange.response(wanted) as response:
            answer = read_answer(response.status, response.headers, wanted.begin if wanted else None)
            self._require_room(answer.total or 0)
            begun = await self._begin_of_small(response, answer)
            if begun is not None and len(begun) <= SMALL:
                self._hold(partial, begun, answer)
                return
            parted = may_be_parted(response.status, response.headers)
            await asyncio.to_thread(self._prepare, partial, answer, parted)
            if partial.origin and parted and answer.total and self._is_large(answer.total - answer.start):
                await self._in_lanes(partial, partial.origin, answer.total, response)
            else:
                await self._stream(partial, answer, response, begun or b"")

    def _needs_lanes(self, partial: Partial, origin: Origin, total: int) -> bool:
        """Whether parts are to be asked for from the first request on."""
        has_holes = partial.prefix < partial.size
        return has_holes or (origin.parted and self._is_large(total - partial.size))

    def _is_large(self, size: int) -> bool:
        return self._lanes > 1 and size > self._settings.large

    async def _in_lanes(
        self, partial: Partial, origin: Origin, total: int, opened: aiohttp.ClientResponse | None = None
    ) -> None:
        lanes = Lanes(self._context, partial, origin, total, self._lanes)
        partial.resumed = True
        try:
            await lanes.run(opened, partial.prefix)
        finally:
            self._lanes = lanes.wise

    async def _begin_of_small(self, response: aiohttp.ClientResponse, answer: Answer) -> bytes | None:
        """The body of a file that may be small: all of it, if it is; None where it is known to be larger."""
        if answer.start or (answer.total or 0) > SMALL:
            return None
        return await read_at_most(response, SMALL)

    def _hold(self, partial: Partial, content: bytes, answer: Answer) -> None:
        self._require_room(len(content))
        self._require_total(len(content), answer)
        partial.hold(content)

    async def _stream(self, partial: Partial, answer: Answer, response: aiohttp.ClientResponse, begun: bytes) -> None:
        at = answer.start
        async with Sink(partial) as sink:
            if begun:
                at += len(begun)
                self._require_room(at)
                await sink.put(0, Chunk(memoryview(begun)))
            async for chunk in chunks_of(response, self._settings.stall_timeout):
                begin, at = at, at + len(chunk.content)
                self._require_room(at)
                await sink.put(begin, chunk)
                self._progress.reached(at, answer.total)
        self._require_total(at, answer)

    def _prepare(self, partial: Partial, answer: Answer, parted: bool) -> None:
        """Makes the partial file end where the answer's body begins."""
        if answer.start > 0:
            if partial.origin is None or answer.contradicts(partial.origin):
                raise Interrupted(Fault.CHANGED)
            partial.resumed = True
            return
        origin = None
        if answer.validator and self._source.resumable:
            origin = Origin(self._world.boot, self.identity, answer.validator, answer.total, parted)
        partial.begin(origin)
        size = f"{in_words(answer.total)} " if answer.total else ""
        self._world.say(f"{self._name}: fetching {size}from {self._source.shown}")

    def _require_room(self, size: int) -> None:
        if self._limit is not None and size > self._limit:
            raise Interrupted(Fault.TOO_LARGE, f"a file may have {self._limit} bytes")

    def _require_total(self, size: int, answer: Answer) -> None:
        if answer.total not in (None, size):
            raise Interrupted(Fault.CUT, f"after {size} of {answer.total} bytes")

    async def _hash_rest(self, partial: Partial) -> None:
        if not partial.is_hashed:
            await asyncio.to_thread(partial.hash_rest)

    def _waiting(self) -> Waiting:
        return Waiting(self._settings, self._world, self._name, self._source.shown)

    def _say_of_server(self, text: str) -> None:
        self._world.say(f"{self._name}: {self._source.shown} {text}")
