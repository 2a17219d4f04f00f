"""Brings contents to a node, those of many callers in one request.

Whoever adds waits until its content is there. What comes while requests are under way waits together and goes with
the next one: a lone file at once, and thousands of small ones by the hundred. An answer counts only if it names the
CIDs that the contents have.
"""

import threading
from collections import deque
from collections.abc import Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass, field
from typing import Any

from c2d.storage import unixfs
from c2d.storage.errors import Corrupt, Refused
from c2d.storage.ipfs_rpc import Rpc
from c2d.storage.room import Room
from c2d.storage.store import Reader
from c2d.storage.unixfs import Part

AT_ONCE = 4  # requests
MOST = 1_000  # files of a request
MOST_BYTES = 8 * 1024 * 1024  # of a request with more than one file
# Said rather than left to the node's configuration, so that the same files have the same CID on every node.
_LAYOUT: dict[str, Any] = {
    "cid_version": 1,
    "raw_leaves": True,
    "chunker": f"size-{unixfs.CHUNK}",
    "hash": "sha2-256",
    "inline": False,
}


@dataclass(frozen=True)
class _Waiting:
    source: Reader
    count: int
    expected: int
    part: "Future[Part]" = field(default_factory=Future)


class Adding:
    """Thread-safe. What is read and not yet sent takes at most the room."""

    def __init__(self, rpc: Rpc, room: Room) -> None:
        self._rpc = rpc
        self._room = room
        self._lock = threading.Lock()
        self._waiting: deque[_Waiting] = deque()
        self._threads = ThreadPoolExecutor(AT_ONCE, thread_name_prefix="add")

    def add(self, source: Reader, count: int, expected: int) -> Part:
        """The next `count` bytes of the source, fewer only at its end; about as many as expected.

        Returns once the node has them, not saved from being collected as garbage. Raises StorageError; errors of the
        source pass through.
        """
        waiting = _Waiting(source, count, expected)
        with self._lock:
            self._waiting.append(waiting)
        self._threads.submit(self._next)
        return waiting.part.result()

    def _next(self) -> None:
        """Reads and sends what waits, if another thread hasn't.

        Few threads read, as each keeps memory for itself, for its next content.
        """
        batch = self._take()
        taken = self._room.take(sum(one.expected for one in batch))
        try:
            sources = [(one.part, content) for one in batch if (content := _read(one)) is not None]
            told = self._sent_each([content for _, content in sources])
            parts = [part for part, _ in sources]
            del sources
        finally:
            self._room.give(taken)
        for part, outcome in zip(parts, told, strict=True):
            if isinstance(outcome, Part):
                part.set_result(outcome)
            else:
                part.set_exception(outcome)

    def _take(self) -> list[_Waiting]:
        taken: list[_Waiting] = []
        with self._lock:
            room = MOST_BYTES
            while self._waiting and len(taken) < MOST and (not taken or self._waiting[0].expected <= room):
                taken.append(self._waiting.popleft())
                room -= taken[-1].expected
        return taken

    def _sent_each(self, contents: Sequence[bytes]) -> Sequence[Part | Exception]:
        """What became of each."""
        try:
            return self._sent(contents)
        except Refused as error:
            if len(contents) == 1:
                return [error]
            # Together they may be too large for a proxy, and one that is refused doesn't stop the others.
            return [outcome for content in contents for outcome in self._sent_each([content])]
        except Exception as error:
            return [error] * len(contents)

    def _sent(self, contents: Sequence[bytes]) -> list[Part]:
        if not contents:
            return []
        answers = self._rpc.objects("add", contents, pin=False, progress=False, **_LAYOUT)
        parts = [unixfs.part(content) for content in contents]
        if [answer.get("Hash") for answer in answers] != [part.cid for part in parts]:
            raise Corrupt("the IPFS node named other CIDs than those of what it was sent")
        return parts


def _read(waiting: _Waiting) -> bytes | None:
    """None where whoever waits is told of an error."""
    try:
        return waiting.source.read(waiting.count)
    except Exception as error:
        waiting.part.set_exception(error)
        return None


class Blocks:
    """Brings blocks to a node, many in one request; those that link come after those that are linked to."""

    def __init__(self, rpc: Rpc) -> None:
        self._rpc = rpc
        self._kept: list[bytes] = []
        self._size = 0

    def keep(self, block: bytes) -> None:
        self._kept.append(block)
        self._size += len(block)
        if len(self._kept) >= MOST or self._size >= MOST_BYTES:
            self.send()

    def send(self) -> None:
        """Raises StorageError."""
        if self._kept:
            answers = self._rpc.objects("block/put", self._kept, cid_codec="dag-pb", mhtype="sha2-256", pin=False)
            expected = [unixfs.cid_text(unixfs.block_cid(block)) for block in self._kept]
            if [answer.get("Key") for answer in answers] != expected:
                raise Corrupt("the IPFS node named other CIDs than those of what it was sent")
        self._kept, self._size = [], 0
