"""Results on a node of IPFS: a folder for each job, and its CID once all is there.

The folder is one of the node's Mutable File System (MFS): it is filled file by file in bounded memory, survives this
program and its node, and is never collected as garbage; a request `add` for the whole tree would have to begin anew
after each cut, and would list nothing afterwards. In the end the folder's CID is the address, and its pin keeps the
files even if someone tidies up the MFS.

A file goes to the node in parts of some MiB, each of which can be sent again, and a node that links to them makes one
file of them. Half a file can't appear: what the folder gets is a finished CID.

The pin of a folder that is about to change is removed first. So there is never a pin of anything but what the folder
holds, whatever is killed when, and nobody has to remember which pins there were.
"""

import contextlib
import hashlib
import math
import threading
from collections.abc import Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from c2d.api.environment import IpfsTarget
from c2d.storage import ipfs_headers, unixfs
from c2d.storage.errors import Missing, Unavailable
from c2d.storage.ipfs_rpc import Rpc
from c2d.storage.room import Room
from c2d.storage.store import Finished, Reader
from c2d.storage.unixfs import Part

MIB = 1024 * 1024
PART_SIZE = 8 * MIB
MEMORY = 48 * MIB
MAX_PARTS = 10_000
PINNING = 900.0  # seconds; a node walks through a million files in about one minute
# Files between two flushes. A node refuses to hold more than 256 for all of its clients together.
UNFLUSHED = 50
FOLDERS = 4096  # that are known to be there
ROOT = "/c2d"
UNFINISHED = f"{ROOT}/.unfinished"
_FOLDER = 1  # the type of an entry
# Said rather than left to the node's configuration, so that the same files have the same CID on every node.
_LAYOUT: dict[str, Any] = {
    "cid_version": 1,
    "raw_leaves": True,
    "chunker": "size-262144",
    "hash": "sha2-256",
    "inline": False,
}


class Published:
    """What IPFS has, by CID: keys are `<CID>/<path>`. Every method raises StorageError."""

    def __init__(self, rpc: Rpc) -> None:
        self._rpc = rpc

    def get(self, key: str) -> Iterator[bytes]:
        return self._rpc.stream("cat", f"/ipfs/{key}")


class IpfsStore:
    """The folders of jobs; keys are `<folder>/<path>`. Parts under way take at most `memory` bytes together."""

    def __init__(self, rpc: Rpc, part_size: int = PART_SIZE, memory: int = MEMORY) -> None:
        self._rpc = rpc
        self._part_size = part_size
        self._room = Room(memory)
        self._made: set[str] = set()
        self._counting = threading.Lock()
        self._stored = 0  # files since the folder was begun; each key is stored once
        self._unflushed = 0

    def put(self, key: str, source: Reader, size: int) -> None:
        part_size = max(self._part_size, math.ceil(size / MAX_PARTS))
        first = self._send(source, part_size, min(size, part_size))
        parts = [first]
        # Only a part that is not full is surely the last one.
        while parts[-1].size == part_size:
            self._keep(key, len(parts), parts[-1])
            parts.append(self._send(source, part_size, part_size))
        self._copy(self._join([part for part in parts if part.size] or [first]), f"{ROOT}/{key}")
        with self._counting:
            self._stored += 1
        if len(parts) > 1:
            self._remove(_unfinished(key))

    def get(self, key: str) -> Iterator[bytes]:
        yield from Published(self._rpc).get(self._cid(f"{ROOT}/{key}"))

    def keys(self, prefix: str) -> Iterator[str]:
        folders = [prefix.rpartition("/")[0]]
        while folders:
            folder = folders.pop()
            for name, is_folder in self._entries(f"{ROOT}/{folder}"):
                key = f"{folder}/{name}"
                if is_folder:
                    folders.append(key)
                elif key.startswith(prefix):
                    yield key

    def delete(self, keys: Iterable[str]) -> None:
        for key in keys:
            self._remove(f"{ROOT}/{key}")
            with self._counting:
                self._stored -= 1

    def discard_unfinished(self, prefix: str) -> None:
        """Removes the folder as well, and its pin: to fill it anew costs no more than to find out what is right."""
        name = prefix.strip("/")
        with contextlib.suppress(Missing):
            self._unpin(self._cid(f"{ROOT}/{name}"), name)
        self._remove(f"{ROOT}/{name}")
        self._remove(f"{UNFINISHED}/{name}")
        self._made.clear()
        self._stored = 0

    def finish(self, prefix: str) -> Finished:
        """Raises Unavailable, among others, where the node lost something: it may have been started anew meanwhile."""
        self._remove(f"{UNFINISHED}/{prefix}")
        self._rpc.call("files/flush", f"{ROOT}/{prefix}", silence=PINNING)
        if sum(1 for _ in self.keys(f"{prefix}/")) < self._stored:
            raise Unavailable("the IPFS node lost files that it had taken")
        cid = self._cid(f"{ROOT}/{prefix}")
        self._rpc.json("pin/add", f"/ipfs/{cid}", recursive=True, name=prefix, progress=False, silence=PINNING)
        return Finished(location=f"ipfs://{cid}", prefix=cid)

    def _send(self, source: Reader, count: int, room: int) -> Part:
        """Reads only once there is room."""
        taken = self._room.take(room)
        try:
            content = source.read(count)
            answer = self._rpc.json("add", content=content, pin=False, progress=False, **_LAYOUT)
            return Part(_text(answer, "Hash"), len(content), _count(answer, "Size"))
        finally:
            self._room.give(taken)

    def _keep(self, key: str, number: int, part: Part) -> None:
        """Saves a part from being collected as garbage before its file is complete."""
        self._copy(part, f"{_unfinished(key)}/{number}")

    def _join(self, parts: Sequence[Part]) -> Part:
        """One file of all parts: nodes over them, and nodes over those where they are many."""
        while len(parts) > 1:
            parts = [self._link(group) for group in unixfs.groups(parts)]
        return parts[0]

    def _link(self, parts: Sequence[Part]) -> Part:
        node = unixfs.node(parts)
        answer = self._rpc.json("block/put", content=node, cid_codec="dag-pb", mhtype="sha2-256", pin=False)
        total = len(node) + sum(part.total for part in parts)
        return Part(_text(answer, "Key"), sum(part.size for part in parts), total)

    def _copy(self, part: Part, path: str) -> None:
        """Gives a file its place; copies no bytes.

        A flush writes the file's folder anew, which takes the longer the more it holds, so many files have one
        together: with one for each, twelve thousand files in one folder took more than six minutes.
        """
        self._make(path.rpartition("/")[0])
        with self._counting:
            self._unflushed += 1
            flush = self._unflushed >= UNFLUSHED
            self._unflushed = 0 if flush else self._unflushed
        self._rpc.call("files/cp", f"/ipfs/{part.cid}", path, force=True, flush=False)
        if flush:
            self._rpc.call("files/flush", ROOT)

    def _make(self, folder: str) -> None:
        """The folder and those above. Those that `files/cp` makes would have CIDs of version 0."""
        if folder in self._made:
            return
        self._rpc.call("files/mkdir", folder, parents=True, cid_version=1)
        if len(self._made) >= FOLDERS:
            self._made.clear()
        self._made.add(folder)

    def _entries(self, folder: str) -> Iterator[tuple[str, bool]]:
        """Names, and whether they are folders; none where there is no such folder."""
        try:
            for answer in self._rpc.lines("files/ls", folder, long=True, stream=True, U=True):
                for entry in answer.get("Entries") or ():
                    yield _text(entry, "Name"), entry.get("Type") == _FOLDER
        except Missing:
            return

    def _cid(self, path: str) -> str:
        return _text(self._rpc.json("files/stat", path), "Hash")

    def _remove(self, path: str) -> None:
        self._rpc.call("files/rm", path, recursive=True, force=True)

    def _unpin(self, cid: str, name: str) -> None:
        """Only our own pin: somebody else's may be of the same CID."""
        with contextlib.suppress(Missing):
            found = self._rpc.json("pin/ls", cid, type="recursive", names=True).get("Keys", {})
            if found.get(cid, {}).get("Name") == name:
                self._rpc.call("pin/rm", cid)


def _unfinished(key: str) -> str:
    """Where the parts of a file are until it is complete."""
    folder, _, path = key.partition("/")
    return f"{UNFINISHED}/{folder}/{hashlib.sha256(path.encode()).hexdigest()}"


def _text(answer: Mapping[str, Any], name: str) -> str:
    value = answer.get(name)
    if not isinstance(value, str):
        raise Unavailable(f"the IPFS node answered without {name}")
    return value


def _count(answer: Mapping[str, Any], name: str) -> int:
    value = _text(answer, name)
    if not value.isdecimal():
        raise Unavailable(f"the IPFS node answered without {name}")
    return int(value)


def open_store(target: IpfsTarget, secrets: Path) -> IpfsStore:
    """The target's node, to write to; `secrets` has a folder with headers for each Secret. Nothing is sent yet."""
    return IpfsStore(_rpc(target, secrets))


def open_published(target: IpfsTarget, secrets: Path) -> Published:
    """The target's node, to read from."""
    return Published(_rpc(target, secrets))


def _rpc(target: IpfsTarget, secrets: Path) -> Rpc:
    return Rpc(target.api_url, lambda: ipfs_headers.read(secrets, target))
