"""Stores files, several at once, and says what was really sent: a file may change while it is read."""

import hashlib
from collections import deque
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import Executor, Future
from dataclasses import dataclass, field
from typing import TypeVar

from c2d.api.manifest import Kind
from c2d.inpod.tally import Tally
from c2d.publish import hostile, names
from c2d.publish.errors import Unreadable
from c2d.storage.errors import Refused
from c2d.storage.kept import KeptStore
from c2d.storage.store import Reader, Store

A = TypeVar("A")
B = TypeVar("B")


LOGS = "logs"
_PIECE = 1024 * 1024


@dataclass(frozen=True, slots=True)
class Sent:
    """What the storage has now. There may be a million of them in memory, so what can be computed is not kept."""

    kind: Kind
    filename: str
    size: int
    digest: bytes

    @property
    def key(self) -> str:
        return names.key(self.filename) if self.kind is Kind.OUTPUT else f"{LOGS}/{self.filename}"

    @property
    def sha256(self) -> str:
        return self.digest.hex()


@dataclass(frozen=True, slots=True)
class NotSent:
    """What it hasn't, and why."""

    filename: str
    reason: str


@dataclass(frozen=True, slots=True)
class OpenFile:
    """A regular file, judged and open."""

    filename: str
    descriptor: int
    size: int


class Hashing:
    """A reader that knows what went through it."""

    def __init__(self, source: Reader) -> None:
        self._source = source
        self._digest = hashlib.sha256()
        self.size = 0

    def read(self, count: int) -> bytes:
        data = self._source.read(count)
        self._digest.update(data)
        self.size += len(data)
        return data

    @property
    def digest(self) -> bytes:
        return self._digest.digest()


class Counted:
    """A reader that tells the tally what went through it."""

    def __init__(self, source: Reader, tally: Tally) -> None:
        self._source = source
        self._tally = tally

    def read(self, count: int) -> bytes:
        data = self._source.read(count)
        self._tally.passed(len(data))
        return data


@dataclass(frozen=True)
class Uploader:
    """Stores below a prefix. Results, but for the papers about them, are in the tally."""

    store: Store
    prefix: str
    tally: Tally = field(default_factory=Tally)

    def put(self, key: str, source: Reader, size: int) -> Hashing:
        """Stores an object; gives what went there. Raises StorageError, and Unreadable where the source breaks."""
        hashing = Hashing(source)
        try:
            self.store.put(f"{self.prefix}/{key}", hashing, size)
        except OSError as error:
            raise Unreadable(f"{key} can't be read: {error.strerror}") from error
        return hashing

    def send(self, kind: Kind, filename: str, source: Reader, size: int) -> Sent:
        """Stores a result. Raises like `put`."""
        # Its size and digest are not known yet, its key is.
        hashing = self.put(Sent(kind, filename, 0, b"").key, Counted(source, self.tally), size)
        self.tally.finished()
        return Sent(kind, filename, hashing.size, hashing.digest)

    def send_file(self, file: OpenFile) -> Sent | NotSent:
        """Sends an output and closes it. A file that the storage refuses doesn't stop the others."""
        with hostile.closing(file.descriptor):
            try:
                source = hostile.Slice(file.descriptor, 0, file.size)
                if isinstance(self.store, KeptStore):
                    return self._link(self.store, file, source)
                return self.send(Kind.OUTPUT, file.filename, source, file.size)
            except Refused as error:
                return NotSent(file.filename, f"the storage refused it: {error}")

    def _link(self, store: KeptStore, file: OpenFile, source: Reader) -> Sent:
        hashing = Hashing(Counted(source, self.tally))
        try:
            while hashing.read(_PIECE):
                pass
        except OSError as error:
            raise Unreadable(f"{file.filename} can't be read: {error.strerror}") from error
        sent = Sent(Kind.OUTPUT, file.filename, hashing.size, hashing.digest)
        store.link(f"{self.prefix}/{sent.key}", file.descriptor)
        self.tally.finished()
        return sent


def in_order(pool: Executor, work: Callable[[A], B], items: Iterable[A], window: int) -> Iterator[B]:
    """The results of the work, in the order of the items, with at most `window` items taken and not yet given.

    `Executor.map` would take all items at once, which are open files here.
    """
    waiting: deque[Future[B]] = deque()
    try:
        for item in items:
            waiting.append(pool.submit(work, item))
            if len(waiting) >= window:
                yield waiting.popleft().result()
        while waiting:
            yield waiting.popleft().result()
    finally:
        for future in waiting:
            future.cancel()
