"""A file that is being fetched: what has arrived so far, and what is needed to go on after a cut or a kill."""

import hashlib
import json
import os
import threading
from collections.abc import Iterable, Iterator
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Protocol

from c2d.configure.parts import Part, Parts

BLOCK = 256 * 1024  # bytes that are hashed at once: they stay in the cache of a core
# A kill loses up to so many bytes of what had arrived.
NOTED = 1024 * 1024


class Hash(Protocol):
    def update(self, data: bytes | memoryview, /) -> None: ...
    def hexdigest(self) -> str: ...


@dataclass(frozen=True)
class Origin:
    """What the bytes of a partial file belong to. They are only added to while all of this stays the same.

    `boot` is the kernel's boot ID: after a crash of the node, a file may hold zeros in the place of what was
    written last.
    """

    boot: str
    url_sha256: str
    validator: str  # an ETag or a date; what If-Range takes
    total: int | None  # bytes
    parted: bool = False  # whether the server gives several parts at the same time


class Partial:
    """A data file and, beside it, a note: a line of JSON for the origin, then a line for each part that is complete.

    The origin is written before the first byte that belongs to it, and a part's line after its last byte, so that a
    kill in between leaves less than what there is, never something else.

    A file that fits into memory has neither: it is held until it goes to its place.

    One thread may write while another one hashes; both go on when the task that waits for them is cancelled. The
    lock lets `close` wait for them: otherwise they could work on whatever has the descriptor's number next.
    """

    def __init__(self, path: Path) -> None:
        self._path = path
        self._note_path = path.with_suffix(".note")
        self._lock = threading.Lock()  # of the descriptors, for whoever writes
        self._reading = threading.Lock()
        self._file: int | None = None
        self._note: int | None = None
        self._closed = False
        self._held: bytes | None = None
        self._forget()

    def _forget(self) -> None:
        self._there = Parts()
        self.prefix = 0  # bytes that are there from the beginning on without a hole
        self._unnoted = Parts()
        self._hash: Hash | None = None
        self._hashed = 0
        self.resumed = False  # whether the bytes come from more than one response
        self.origin: Origin | None = None

    # -- from one run to the next

    @property
    def is_left(self) -> bool:
        """Whether an earlier process left something to recover."""
        return os.path.exists(self._note_path)  # noqa: PTH110 - for ten thousand small files it counts

    def recover(self, boot: str, url_sha256: str) -> None:
        """Takes over what an earlier process left, if it is of the same boot and URL; else begins anew."""
        origin, parts = _read_note(self._note_path)
        if origin is None or (origin.boot, origin.url_sha256) != (boot, url_sha256):
            self.begin(None)
            return
        size = os.fstat(self._descriptor).st_size
        self._there = Parts(Part(part.begin, min(part.end, size)) for part in parts)
        self.prefix = self._there.prefix
        self.origin = origin
        self.resumed = True
        # The last line may be half of one, to which nothing must be added.
        self._write_note(origin, self._there)

    def begin(self, origin: Origin | None) -> None:
        """Drops what has arrived. Without an origin, nothing of what follows outlives this process."""
        self._close_note()
        self._note_path.unlink(missing_ok=True)
        self._empty()
        self._forget()
        self.origin = origin
        if origin is not None:
            self._write_note(origin, ())

    def hold(self, content: bytes) -> None:
        """The whole file, in memory until it has its place."""
        if self._note is not None:
            self.begin(None)
        self._forget()
        self._held = content
        self._there = Parts([Part(0, len(content))])
        self.prefix = len(content)
        self._hash = hashlib.sha256(content)
        self._hashed = len(content)

    # -- what has arrived

    @property
    def size(self) -> int:
        """Bytes that are there, wherever."""
        return self._there.size

    @property
    def is_complete(self) -> bool:
        return self.origin is not None and self.origin.total == self.size

    def missing(self, total: int) -> Parts:
        return self._there.missing(total)

    def write(self, offset: int, chunk: bytes | memoryview) -> None:
        with self._lock:
            rest, at = memoryview(chunk), offset
            while rest:
                count = os.pwrite(self._descriptor, rest, at)
                rest, at = rest[count:], at + count
            self._there.add(Part(offset, at))
            self.prefix = self._there.prefix
            if self.origin is not None:
                self._unnoted.add(Part(offset, at))
            if self._unnoted.size >= NOTED:
                self._add_to_note()

    def note(self) -> None:
        """Makes sure that a kill loses nothing of what is there."""
        with self._lock:
            self._add_to_note()

    def hash_next(self, buffer: memoryview) -> bool:
        """Hashes a further block of what is there without a hole, up to the buffer's size; False: there is none."""
        with self._reading:
            size = min(self.prefix - self._hashed, len(buffer))
            if size <= 0:
                return False
            count = os.preadv(self._descriptor, [buffer[:size]], self._hashed)
            if count == 0:
                raise OSError("the partial file is shorter than what was written to it")
            self._add_to_hash(buffer[:count])
        return True

    def hash_written(self, offset: int, chunk: memoryview) -> None:
        """Hashes up to the end of a chunk that was written: the chunk from memory, what is before it from the file."""
        if self._hashed < offset <= self.prefix:
            buffer = memoryview(bytearray(BLOCK))
            while self._hashed < offset:
                self.hash_next(buffer[: offset - self._hashed])
        with self._reading:
            if self._hashed == offset:
                self._add_to_hash(chunk)

    def _add_to_hash(self, content: memoryview) -> None:
        self._hash = self._hash or hashlib.sha256()
        self._hash.update(content)
        self._hashed += len(content)

    @property
    def is_hashed(self) -> bool:
        return self._hashed == self.size

    def hash_rest(self) -> None:
        buffer = memoryview(bytearray(BLOCK))
        while self.hash_next(buffer):
            pass

    @property
    def sha256(self) -> str:
        return (self._hash or hashlib.sha256()).hexdigest()

    # -- the end

    def become(self, path: Path, mode: int) -> None:
        """Moves the complete file to its place, in one step."""
        if self._held is not None:
            self._keep(self._held)
        os.fchmod(self._descriptor, mode)
        try:
            self._path.replace(path)
        except FileNotFoundError:
            path.parent.mkdir(parents=True, exist_ok=True)
            self._path.replace(path)
        if self._note is not None:
            self._note_path.unlink(missing_ok=True)

    def discard(self) -> None:
        self._path.unlink(missing_ok=True)
        self._note_path.unlink(missing_ok=True)

    def close(self) -> None:
        with self._lock, self._reading:
            self._closed = True
            self._close_note()
            if self._file is not None:
                os.close(self._file)
                self._file = None

    def _keep(self, content: bytes) -> None:
        self._held = None
        self._empty()
        rest = memoryview(content)
        while rest:
            rest = rest[os.write(self._descriptor, rest) :]

    def _empty(self) -> None:
        """Leaves an empty file alone: ext4 would take the truncation for a wish to have it on the disk when closed."""
        if os.fstat(self._descriptor).st_size:
            os.ftruncate(self._descriptor, 0)

    @property
    def _descriptor(self) -> int:
        if self._file is None:
            if self._closed:
                raise ValueError("the partial file is closed")
            self._file = os.open(self._path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
        return self._file

    def _write_note(self, origin: Origin, parts: Iterable[Part]) -> None:
        self._close_note()
        draft = self._note_path.with_suffix(".new")
        draft.write_text(json.dumps(asdict(origin)) + "\n" + _lines(parts), encoding="utf-8")
        draft.replace(self._note_path)
        self._note = os.open(self._note_path, os.O_WRONLY | os.O_APPEND | os.O_CLOEXEC)

    def _add_to_note(self) -> None:
        if self._note is not None and self._unnoted.size:
            os.write(self._note, _lines(self._unnoted).encode())
            self._unnoted = Parts()

    def _close_note(self) -> None:
        if self._note is not None:
            os.close(self._note)
            self._note = None


def _lines(parts: Iterable[Part]) -> str:
    return "".join(f"{part.begin} {part.end}\n" for part in parts)


def _read_note(path: Path) -> tuple[Origin | None, list[Part]]:
    try:
        head, *lines = path.read_text(encoding="ascii").split("\n")
        return Origin(**json.loads(head)), list(_parts(lines[:-1]))
    except (OSError, ValueError, TypeError):
        return None, []


def _parts(lines: Iterable[str]) -> Iterator[Part]:
    for line in lines:
        begin, end = line.split(" ")
        yield Part(int(begin), int(end))
