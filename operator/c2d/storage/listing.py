"""Which results a job has: its manifest, read in bounded memory.

The first question about a manifest reads all of it, to verify its sha256 before anything of it is believed; what
stays is its outline and its beginning. Later questions fetch single blocks of it, if they need to fetch at all.
"""

import asyncio
import functools
from collections.abc import AsyncIterator
from dataclasses import dataclass

from c2d.api.manifest import Kind, Result, Skipped
from c2d.storage import outline, targets
from c2d.storage.cache import Cache
from c2d.storage.outline import Block, Outline, Outliner
from c2d.storage.ranges import Span
from c2d.storage.results import MANIFEST
from c2d.storage.stream import Reader
from c2d.storage.targets import Target

MIB = 1024 * 1024
LIMIT = 10_000  # results in a listing
ROOM = 64 * MIB
SCANS = 4  # manifests that are read as a whole at a time
_BLOCK_WEIGHT = 200  # bytes of a Block
_PARSED_WEIGHT = 2  # bytes of a parsed listing for each byte of its text


@dataclass(frozen=True)
class Entry:
    """A result, or None where the manifest has none with that index, and how many there are."""

    result: Result | None
    count: int


@dataclass(frozen=True, slots=True)
class Listed:
    """What clients see of a result, and its key below the job's location."""

    filename: str
    filesize: int  # bytes
    type: Kind
    key: str


@dataclass(frozen=True)
class Listing:
    """The first results of a job, and of how many."""

    results: tuple[Listed, ...]
    total: int
    outputs: bool  # False when only logs were published
    skipped: tuple[Skipped, ...]  # the first thousand
    skipped_count: int


@dataclass(frozen=True)
class _Source:
    target: Target
    key: str
    sha256: str

    @property
    def identity(self) -> tuple[str, ...]:
        return *targets.server(self.target), self.key, self.sha256


class Manifests:
    """Answers questions about manifests; `room` bounds what is kept, in bytes. To be closed before its reader.

    `prefix` is the job's: its manifest is at `<prefix>/manifest.json`. `sha256` is the manifest's, as the job's
    status has it. Every method raises StorageError: Missing where there is no manifest, Corrupt where it is
    not the one with that sha256, and what `Reader.open` raises.
    """

    def __init__(self, reader: Reader, room: int = ROOM) -> None:
        self._reader = reader
        self._cache = Cache(room)
        self._scans = asyncio.Semaphore(SCANS)

    async def close(self) -> None:
        await self._cache.close()

    async def lookup(self, target: Target, prefix: str, sha256: str, index: int) -> Entry:
        """The result with that index."""
        source = _Source(target, f"{prefix}/{MANIFEST}", sha256)
        found = await self._outline(source)
        if not 0 <= index < found.total:
            return Entry(None, found.total)
        block = found.blocks[found.number(index)]
        results = await self._results(source, block)
        return Entry(results[index - block.first], found.total)

    async def listing(self, target: Target, prefix: str, sha256: str, limit: int = LIMIT) -> Listing:
        """The first `limit` results, in the order of their index."""
        source = _Source(target, f"{prefix}/{MANIFEST}", sha256)
        make = functools.partial(self._list, source, limit)
        return await self._cache.get((source.identity, "listing", limit), make)

    async def _outline(self, source: _Source) -> Outline:
        return await self._cache.get((source.identity, "outline"), functools.partial(self._scan, source))

    async def _results(self, source: _Source, block: Block) -> list[Result]:
        key = (source.identity, "block", block.first)
        text = await self._cache.get(key, functools.partial(self._fetch, source, block))
        return await asyncio.to_thread(outline.parse, block, text)

    async def _list(self, source: _Source, limit: int) -> tuple[Listing, int]:
        found = await self._outline(source)
        results: list[Listed] = []
        size = 0
        for block in found.blocks:
            if len(results) >= limit:
                break
            results += map(_listed, await self._results(source, block))
            size += block.size
        head = found.head
        listing = Listing(tuple(results[:limit]), found.total, head.outputs, tuple(head.skipped), head.skipped_count)
        return listing, size * _PARSED_WEIGHT + _weight(found)

    async def _scan(self, source: _Source) -> tuple[Outline, int]:
        """Reads and verifies the whole manifest."""
        outliner = Outliner()
        async with self._scans, await self._reader.open(source.target, source.key) as opened:
            async for text in _gathered(opened.chunks()):
                # A thread, so that other streams go on meanwhile.
                await asyncio.to_thread(outliner.feed, text)
            found = await asyncio.to_thread(outliner.finish, source.sha256)
        for block, text in zip(found.blocks, outliner.first, strict=False):
            self._cache.put((source.identity, "block", block.first), text, len(text))
        return found, _weight(found)

    async def _fetch(self, source: _Source, block: Block) -> tuple[bytes, int]:
        span = Span(block.offset, block.offset + block.size)
        async with await self._reader.open(source.target, source.key, span.header) as opened:
            text = b"".join([chunk async for chunk in opened.chunks()])
        return text, len(text)


def _listed(result: Result) -> Listed:
    return Listed(result.filename, result.filesize, result.type, result.key)


def _weight(found: Outline) -> int:
    skipped = sum(2 * len(one.filename) + 1000 for one in found.head.skipped)
    return len(found.blocks) * _BLOCK_WEIGHT + skipped + 2000


async def _gathered(chunks: AsyncIterator[bytes]) -> AsyncIterator[bytes]:
    """The same bytes in fewer pieces, each of about a MiB."""
    pieces: list[bytes] = []
    size = 0
    async for chunk in chunks:
        pieces.append(chunk)
        size += len(chunk)
        if size >= MIB:
            yield b"".join(pieces)
            pieces, size = [], 0
    if pieces:
        yield b"".join(pieces)
