"""Publishes logs. The algorithm's own is hostile: it may be no file at all, or too long."""

import os
from pathlib import Path, PurePosixPath

from c2d.api import volume
from c2d.api.manifest import Kind
from c2d.publish import hostile
from c2d.publish.readers import Joined, Pieces
from c2d.publish.upload import Sent, Uploader
from c2d.storage.store import Reader

# Bytes of one log. The runner keeps 100 MiB of the algorithm's output and adds a few lines of its own.
LIMIT = 101 * 1024 * 1024

# In the order that results have.
PATHS = {
    Kind.ALGORITHM_LOG: PurePosixPath(volume.ALGORITHM_LOG),
    Kind.CONFIGURE_LOG: PurePosixPath(volume.CONFIGURE_LOG),
    Kind.PUBLISH_LOG: PurePosixPath(volume.PUBLISH_LOG),
}


def publish(data: Path, kind: Kind, uploader: Uploader, limit: int = LIMIT) -> Sent | None:
    """Stores one log; None where there is none. Raises StorageError, and OSError where it is no readable file."""
    path = PATHS[kind]
    try:
        with hostile.closing(_open(data / path.parent, path.name)) as descriptor:
            source, size = excerpt(descriptor, os.fstat(descriptor).st_size, limit)
            uploader.tally.expect(1, size)
            return uploader.send(kind, path.name, source, size)
    except FileNotFoundError:
        return None


def _open(folder: Path, name: str) -> int:
    with hostile.closing(hostile.open_root(folder)) as root:
        return hostile.open_file(root, name.encode())


def excerpt(descriptor: int, size: int, limit: int) -> tuple[Reader, int]:
    """The file if it is within the limit, else its first and its last part, with a line between that says so."""
    if size <= limit:
        return hostile.Slice(descriptor, 0, size), size
    half = limit // 2
    mark = f"\n[c2d: {size - 2 * half} bytes are left out here, the log is longer than {limit} bytes]\n".encode()
    head, tail = hostile.Slice(descriptor, 0, half), hostile.Slice(descriptor, size - half, half)
    return Joined(head, Pieces([mark]), tail), 2 * half + len(mark)
