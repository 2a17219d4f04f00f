"""Opens files and folders that an enemy may have made, and may still be changing.

Nothing is looked up by more than one name at a time, relative to an open folder, and never through a symbolic link;
what was opened is then judged by its descriptor. So there is no moment between a check and a use.

A hard link can't be told from a file, and need not: the algorithm's mounts are separate, and the kernel makes no
hard link from one mount to another (EXDEV), so what a link in outputs leads to was made in outputs.
"""

import contextlib
import errno
import os
import stat
from collections.abc import Iterator
from pathlib import Path

from c2d.publish.errors import Unreadable

_FOLDER = os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC
# Not blocking: a fifo could replace a file, and opening it would wait for ever.
_FILE = os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_NOCTTY | os.O_CLOEXEC


# By permissions, by renaming, and by putting links, fifos, sockets and devices where files were.
_CAN_BE_CAUSED = frozenset(
    (
        errno.EACCES,
        errno.EPERM,
        errno.ENOENT,
        errno.ENOTDIR,
        errno.EISDIR,
        errno.ELOOP,
        errno.ENXIO,
        errno.ENODEV,
        errno.ENAMETOOLONG,
    )
)


class NotRegular(OSError):
    """What was opened is not a regular file."""


def explain(error: OSError) -> str:
    """Why the algorithm's file can't be opened. Raises Unreadable for what is no algorithm's doing."""
    if isinstance(error, NotRegular):
        return str(error)
    if error.errno in _CAN_BE_CAUSED:
        return error.strerror or type(error).__name__
    raise Unreadable(f"the volume can't be read: {error.strerror}") from error


def open_root(path: os.PathLike[str]) -> int:
    """A folder of the volume that the algorithm can't have replaced, because it is the root of a mount."""
    return os.open(path, _FOLDER)


def open_folder(root: int, path: bytes) -> int:
    """A folder below the root; `path` may be empty. The caller closes it. Raises OSError."""
    current = os.dup(root)
    try:
        for name in path.split(b"/") if path else ():
            below = _open(name, _FOLDER, current)
            os.close(current)
            current = below
        _let_us_search(current)
    except BaseException:
        os.close(current)
        raise
    return current


def open_file(root: int, path: bytes) -> int:
    """A regular file below the root. The caller closes it. Raises OSError; NotRegular for anything else."""
    folder, _, name = path.rpartition(b"/")
    with closing(open_folder(root, folder)) as parent:
        descriptor = _open(name, _FILE, parent)
    if not stat.S_ISREG(os.fstat(descriptor).st_mode):
        os.close(descriptor)
        raise NotRegular("it is not a regular file")
    return descriptor


@contextlib.contextmanager
def closing(descriptor: int) -> Iterator[int]:
    try:
        yield descriptor
    finally:
        os.close(descriptor)


def _open(name: bytes, flags: int, folder: int) -> int:
    try:
        return os.open(name, flags, dir_fd=folder)
    except PermissionError:
        if not _let_us_read(name, folder):
            raise
        return os.open(name, flags, dir_fd=folder)


def _let_us_read(name: bytes, folder: int) -> bool:
    """Gives its owner, if that is us, the right to read. Only a path descriptor opens without that right."""
    with closing(os.open(name, os.O_PATH | os.O_NOFOLLOW | os.O_CLOEXEC, dir_fd=folder)) as descriptor:
        status = os.fstat(descriptor)
        if status.st_uid != os.geteuid() or not (stat.S_ISREG(status.st_mode) or stat.S_ISDIR(status.st_mode)):
            return False
        Path(f"/proc/self/fd/{descriptor}").chmod(0o700)
    return True


def _let_us_search(folder: int) -> None:
    status = os.fstat(folder)
    if status.st_uid == os.geteuid() and status.st_mode & 0o500 != 0o500:
        os.fchmod(folder, 0o700)


def data_bytes(descriptor: int, size: int) -> int:
    """How many of the file's bytes are no hole.

    A filesystem that knows no holes says that everything is data, and one that compresses says so of what it
    compressed; the number of blocks would take both for holes.
    """
    found, position = 0, 0
    try:
        while position < size:
            begin = os.lseek(descriptor, position, os.SEEK_DATA)
            position = min(os.lseek(descriptor, begin, os.SEEK_HOLE), size)
            found += max(0, position - begin)
    except OSError as error:
        return found if error.errno == errno.ENXIO else size
    return found


class Slice:
    """A reader of a part of a file, by descriptor. It never reads past its end, however much a file grows."""

    def __init__(self, descriptor: int, start: int, size: int) -> None:
        self._descriptor = descriptor
        self._position = start
        self._end = start + size

    def read(self, count: int) -> bytes:
        """The next `count` bytes; fewer only at the end. Raises OSError."""
        pieces = []
        missing = min(count, self._end - self._position)
        while missing and (piece := os.pread(self._descriptor, missing, self._position)):
            pieces.append(piece)
            self._position += len(piece)
            missing -= len(piece)
        return pieces[0] if len(pieces) == 1 else b"".join(pieces)
