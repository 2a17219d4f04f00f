"""A file that is being fetched: what has arrived so far, and what is needed to go on after a cut or a kill."""

import hashlib
import json
import os
import threading
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Protocol

_CHUNK = 1024 * 1024


class Hash(Protocol):
    def update(self, data: bytes, /) -> None: ...
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


class Partial:
    """A data file and, beside it, its origin as JSON.

    The origin is written before the first byte that belongs to it, so that a kill in between leaves less than what
    the origin promises, never something else.

    Reading and writing happen in threads, and a thread goes on when the task that waits for it is cancelled. The
    lock lets `close` wait for it: otherwise it could write to whatever has the descriptor's number next.
    """

    def __init__(self, path: Path) -> None:
        self._path = path
        self._note = path.with_suffix(".json")
        self._lock = threading.Lock()
        self._file: int | None = os.open(path, os.O_RDWR | os.O_CREAT | os.O_APPEND | os.O_CLOEXEC, 0o600)
        self._hash: Hash = hashlib.sha256()
        self.size = 0
        self.resumed = False  # whether the bytes come from more than one response
        self.origin: Origin | None = None

    def recover(self, boot: str, url_sha256: str) -> None:
        """Takes over what an earlier process left, if it is of the same boot and URL; else begins anew."""
        origin = _read_origin(self._note)
        if origin is None or (origin.boot, origin.url_sha256) != (boot, url_sha256):
            self.begin(None)
            return
        self.origin = origin
        self.resumed = True
        while self._recover_chunk():
            pass

    def begin(self, origin: Origin | None) -> None:
        """Drops what has arrived. Without an origin, nothing of what follows outlives this process."""
        self._note.unlink(missing_ok=True)
        os.ftruncate(self._descriptor, 0)
        self._hash = hashlib.sha256()
        self.size = 0
        self.resumed = False
        self.origin = origin
        if origin is not None:
            draft = self._note.with_suffix(".new")
            draft.write_text(json.dumps(asdict(origin)), encoding="utf-8")
            draft.replace(self._note)

    def append(self, chunk: bytes) -> None:
        with self._lock:
            rest = memoryview(chunk)
            while rest:
                rest = rest[os.write(self._descriptor, rest) :]
            self._count(chunk)

    @property
    def sha256(self) -> str:
        return self._hash.hexdigest()

    def become(self, path: Path, mode: int) -> None:
        """Moves the complete file to its place, in one step."""
        os.fchmod(self._descriptor, mode)
        self._path.replace(path)
        self._note.unlink(missing_ok=True)

    def discard(self) -> None:
        self._path.unlink(missing_ok=True)
        self._note.unlink(missing_ok=True)

    def close(self) -> None:
        with self._lock:
            if self._file is not None:
                os.close(self._file)
                self._file = None

    @property
    def _descriptor(self) -> int:
        if self._file is None:
            raise ValueError("the partial file is closed")
        return self._file

    def _recover_chunk(self) -> bool:
        with self._lock:
            chunk = os.pread(self._descriptor, _CHUNK, self.size)
            self._count(chunk)
        return bool(chunk)

    def _count(self, chunk: bytes) -> None:
        self._hash.update(chunk)
        self.size += len(chunk)


def _read_origin(path: Path) -> Origin | None:
    try:
        return Origin(**json.loads(path.read_text(encoding="utf-8")))
    except (OSError, ValueError, TypeError):
        return None
