"""What is to be in a folder on IPFS, until it is written: paths and CIDs.

There may be a million, so they are kept as bytes, some fifty and the name for each, in the order in which they came.
"""

import struct
import threading
from collections.abc import Iterator

from c2d.storage import unixfs, unixfs_folder
from c2d.storage.errors import Refused
from c2d.storage.unixfs import Part
from c2d.storage.unixfs_folder import Keep, Link

_HEAD = struct.Struct("<HBQ")  # lengths of name and CID, bytes of the tree


class Tree:
    """Files by their paths. Thread-safe."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._folders: dict[str, bytearray] = {"": bytearray()}

    def add(self, path: str, part: Part) -> None:
        """In the place of what had the path."""
        self._record(path, unixfs.cid_bytes(part.cid), part.total)

    def remove(self, path: str) -> None:
        self._record(path, b"", 0)

    def paths(self) -> Iterator[str]:
        for folder in list(self._folders):
            prefix = f"{folder}/" if folder else ""
            yield from (prefix + name.decode() for name in self._files(folder))

    def cid(self, path: str) -> str | None:
        folder, _, name = path.rpartition("/")
        found = self._files(folder).get(name.encode()) if folder in self._folders else None
        return unixfs.cid_text(found.cid) if found else None

    def make(self, keep: Keep) -> Link:
        """The folder of everything; blocks go to `keep`, the folder's own last. Raises Refused."""
        below: dict[str, list[Link]] = {}
        for folder in sorted(self._folders, key=_depth, reverse=True):
            files, folders = self._files(folder), below.pop(folder, [])
            if any(one.name in files for one in folders):
                raise Refused("something can't be both a file and a folder")
            made = unixfs_folder.make([*files.values(), *folders], keep)
            parent, _, name = folder.rpartition("/")
            # A folder of which all was removed is none.
            if folder and (files or folders):
                below.setdefault(parent, []).append(Link(name.encode(), made.cid, made.total))
        return made

    def _record(self, path: str, cid: bytes, total: int) -> None:
        folder, _, text = path.rpartition("/")
        name = text.encode()
        with self._lock:
            self._know(folder)
            self._folders[folder] += _HEAD.pack(len(name), len(cid), total) + name + cid

    def _know(self, folder: str) -> None:
        while folder not in self._folders:
            self._folders[folder] = bytearray()
            folder = folder.rpartition("/")[0]

    def _files(self, folder: str) -> dict[bytes, Link]:
        """The last record of each name counts."""
        with self._lock:
            records = bytes(self._folders[folder])
        found: dict[bytes, Link] = {}
        position = 0
        while position < len(records):
            names, cids, total = _HEAD.unpack_from(records, position)
            begin = position + _HEAD.size
            position = begin + names + cids
            name = records[begin : begin + names]
            found[name] = Link(name, records[begin + names : position], total)
        return {name: link for name, link in found.items() if link.cid}


def _depth(folder: str) -> int:
    return folder.count("/") + 1 if folder else 0
