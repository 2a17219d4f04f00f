"""Fetches one file over HTTP: streamed, resumed after a cut or a kill, tried again where that may help.

The bytes are stored as the server sends them: no content encoding is asked for and none is undone, so that sizes,
ranges and checksums are those of the file itself.
"""

import asyncio
import contextlib
import hashlib
from collections.abc import AsyncIterator

import aiohttp

from c2d.configure.partial import Origin, Partial
from c2d.configure.progress import Progress
from c2d.configure.response import Answer, Interrupted, read_answer
from c2d.configure.retry import Fault, fault_of_status
from c2d.configure.settings import Settings, World
from c2d.configure.sources import Source
from c2d.configure.transport import foreign_errors, send
from c2d.configure.waiting import Waiting

CHUNK = 1024 * 1024
# A try that brought as much as this is no failure in a row with the one before it.
PROGRESS = 64 * 1024


class Download:
    """One file on its way into a partial file."""

    def __init__(
        self,
        session: aiohttp.ClientSession,
        settings: Settings,
        world: World,
        name: str,
        source: Source,
        limit: int | None = None,  # bytes
    ) -> None:
        self._session = session
        self._settings = settings
        self._world = world
        self._name = name
        self._source = source
        self._limit = limit
        self._progress = Progress(name, world.now, world.say, world.tally)
        self._identity = hashlib.sha256(source.identity.encode()).hexdigest()

    async def run(self, partial: Partial) -> None:
        """Completes the partial file, whatever it holds. Raises DownloadFailed; an OSError is the volume's."""
        await asyncio.to_thread(partial.recover, self._world.boot, self._identity)
        if partial.size:
            self._world.say(f"{self._name}: an earlier run left {partial.size} bytes")
        if partial.origin is None or partial.origin.total != partial.size:
            await self._try_until_complete(partial)

    async def run_from_start(self, partial: Partial) -> None:
        """Like `run`, and trusts nothing that is there."""
        partial.begin(None)
        await self._try_until_complete(partial)

    async def _try_until_complete(self, partial: Partial) -> None:
        waiting = Waiting(self._settings, self._world, self._name, self._source.shown)
        while True:
            before = partial.size
            try:
                return await self._try_once(partial)
            except Interrupted as interruption:
                progressed = partial.size - before >= PROGRESS and partial.origin is not None
                await waiting.after(interruption, progressed)

    async def _try_once(self, partial: Partial) -> None:
        asked = partial.size if partial.origin else 0
        async with self._response(asked, partial) as response:
            answer = self._read_answer(response, asked, partial)
            self._prepare(partial, answer)
            self._require_room(answer.total or 0)
            async for chunk in response.content.iter_chunked(CHUNK):
                self._require_room(partial.size + len(chunk))
                await asyncio.to_thread(partial.append, chunk)
                self._progress.reached(partial.size, answer.total)
        if answer.total is not None and partial.size != answer.total:
            raise Interrupted(Fault.CUT, f"after {partial.size} of {answer.total} bytes")

    @contextlib.asynccontextmanager
    async def _response(self, offset: int, partial: Partial) -> AsyncIterator[aiohttp.ClientResponse]:
        """The file from the offset on; foreign errors become Interrupted, here and in the block."""
        ranges = {}
        if offset and partial.origin:
            ranges = {"Range": f"bytes={offset}-", "If-Range": partial.origin.validator}
        with foreign_errors():
            async with self._source.turn:
                response = await send(self._session, await self._source.request(), ranges)
            async with response:
                await self._check_status(response, partial)
                yield response

    async def _check_status(self, response: aiohttp.ClientResponse, partial: Partial) -> None:
        if response.status == 416 and partial.size:
            partial.begin(None)
            raise Interrupted(Fault.CHANGED)
        if fault_of_status(response.status) is not None:
            raise await self._source.refusal(response, self._world)

    def _read_answer(self, response: aiohttp.ClientResponse, asked: int, partial: Partial) -> Answer:
        try:
            return read_answer(response.status, response.headers, asked)
        except Interrupted:
            # A server that answers ranges in a way of its own gets no more of them: Ocean's Provider says 206
            # without saying which bytes they are.
            partial.begin(None)
            raise

    def _require_room(self, size: int) -> None:
        if self._limit is not None and size > self._limit:
            raise Interrupted(Fault.TOO_LARGE, f"a file may have {self._limit} bytes")

    def _prepare(self, partial: Partial, answer: Answer) -> None:
        """Makes the partial file end where the answer's body begins."""
        if answer.start > 0:
            if partial.origin is None or answer.contradicts(partial.origin):
                partial.begin(None)
                raise Interrupted(Fault.CHANGED)
            partial.resumed = True
            return
        origin = None
        if answer.validator and self._source.resumable:
            origin = Origin(self._world.boot, self._identity, answer.validator, answer.total)
        partial.begin(origin)
