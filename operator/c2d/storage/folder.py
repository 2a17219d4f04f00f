"""Objects as files of a folder, for results that stay on this machine.

A key is the path below the folder. A file gets its name only once it is complete; until then it is in `UNFINISHED`,
below the same path. Keys that would lead out of the folder, or into `UNFINISHED`, are refused.
"""

import contextlib
import errno
import os
import shutil
from collections.abc import Iterable, Iterator
from io import FileIO
from pathlib import Path

from c2d.storage.errors import Denied, Missing, Refused, StorageError, Unavailable
from c2d.storage.store import Finished, Reader

UNFINISHED = ".c2d-unfinished"
_PIECE = 1024 * 1024
_ERRORS: dict[int, type[StorageError]] = {
    errno.EACCES: Denied,
    errno.EPERM: Denied,
    errno.EROFS: Denied,
    errno.ENOENT: Missing,
    errno.ENAMETOOLONG: Refused,
    errno.EILSEQ: Refused,
    errno.EINVAL: Refused,
    errno.EISDIR: Refused,
    errno.ENOTDIR: Refused,
}


class FolderStore:
    """A `Store` that is a folder; made with the first object."""

    def __init__(self, root: Path) -> None:
        self._root = root

    def put(self, key: str, source: Reader, size: int) -> None:
        del size  # a file grows
        path, draft = self.path(key), self._root / UNFINISHED / key
        with told("written"):
            draft.parent.mkdir(parents=True, exist_ok=True)
            file = draft.open("wb", buffering=0)
        try:
            with file:
                _write(file, source)
            with told("written"):
                path.parent.mkdir(parents=True, exist_ok=True)
                draft.replace(path)
        finally:
            draft.unlink(missing_ok=True)

    def get(self, key: str) -> Iterator[bytes]:
        path = self.path(key)
        with told("read"), path.open("rb") as file:
            while piece := file.read(_PIECE):
                yield piece

    def keys(self, prefix: str) -> Iterator[str]:
        """Only the folder that the prefix is in, or is, is walked through."""
        begin = prefix.rpartition("/")[0]
        start = self.path(begin) if begin else self._root
        for folder, folders, files in os.walk(start):
            if Path(folder) == self._root and UNFINISHED in folders:
                folders.remove(UNFINISHED)
            keys = (str(Path(folder, name).relative_to(self._root)) for name in files)
            yield from (key for key in keys if key.startswith(prefix))

    def delete(self, keys: Iterable[str]) -> None:
        for key in keys:
            with told("deleted"):
                self.path(key).unlink(missing_ok=True)

    def discard_unfinished(self, prefix: str) -> None:
        self.path(prefix.rstrip("/"))
        shutil.rmtree(self._root / UNFINISHED / prefix, ignore_errors=True)

    def finish(self, prefix: str) -> Finished:
        """The location is the path, as `c2d verify` takes it."""
        self.discard_unfinished(prefix)
        _remove_empty(self._root / UNFINISHED, prefix)
        return Finished(location=str(self.path(prefix)), prefix=prefix)

    def path(self, key: str) -> Path:
        """Where the object is, or would be. Raises Refused for what is no key."""
        parts = key.split("/")
        if any(part in ("", ".", "..") or "\0" in part for part in parts) or parts[0] == UNFINISHED:
            raise Refused("a key that leads out of the folder is no key")
        return self._root.joinpath(*parts)


def _write(file: FileIO, source: Reader) -> None:
    """All that the source holds. The source's own errors pass through."""
    while piece := source.read(_PIECE):
        rest = memoryview(piece)
        with told("written"):
            while rest:
                rest = rest[file.write(rest) :]
    with told("written"):
        # What a manifest names has to be there even after a power cut.
        os.fsync(file.fileno())


def _remove_empty(drafts: Path, prefix: str) -> None:
    """The folders above the prefix, and `drafts` itself, unless another run has something there."""
    parents = [drafts / parent for parent in Path(prefix).parents]
    with contextlib.suppress(OSError):
        for folder in parents:
            folder.rmdir()


@contextlib.contextmanager
def told(what: str) -> Iterator[None]:
    """Errors of the file system as those of this package."""
    try:
        yield
    except OSError as error:
        kind = _ERRORS.get(error.errno or 0, Unavailable)
        raise kind(f"an object can't be {what} in the folder: {error.strerror}") from error
