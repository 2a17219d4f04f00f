"""Results on a node of IPFS: a folder for each job, and its CID once all is there.

Files go to the node many at a time, and what comes back are their CIDs. The folder is made by us, block for block as
the node would: to link files one by one into a folder of the node's Mutable File System (MFS) writes that folder anew
again and again, which takes the longer the more it holds. In the end the finished folder gets its place in the MFS,
which is how it is found again, and a pin, which keeps it even if someone tidies up the MFS.

A file goes to the node in parts of some MiB, each of which can be sent again, and a node that links to them makes one
file of them. Until the folder is there, nodes in the MFS that link to what was sent save it from being collected as
garbage.

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
from c2d.storage.errors import Missing, Refused, Unavailable
from c2d.storage.ipfs_adding import Adding, Blocks
from c2d.storage.ipfs_rpc import Rpc
from c2d.storage.ipfs_tree import Tree
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
SAVED = 500  # files that one node in the MFS links to
FOLDERS = 4096  # that are known to be there
ROOT = "/c2d"
UNFINISHED = f"{ROOT}/.unfinished"
_FOLDER = 1  # the type of an entry


class Published:
    """What IPFS has, by CID: keys are `<CID>/<path>`. Every method raises StorageError."""

    def __init__(self, rpc: Rpc) -> None:
        self._rpc = rpc

    def get(self, key: str) -> Iterator[bytes]:
        return self._rpc.stream("cat", f"/ipfs/{key}")


class _Draft:
    """A folder that is being filled, and what of it has to be saved from being collected as garbage."""

    def __init__(self) -> None:
        self.tree = Tree()
        self._lock = threading.Lock()
        self._unsaved: list[Part] = []
        self._saved = 0

    def add(self, path: str, part: Part) -> tuple[int, list[Part]]:
        """Gives what is to be saved by now, and the number that it goes by."""
        self.tree.add(path, part)
        with self._lock:
            self._unsaved.append(part)
            if len(self._unsaved) < SAVED:
                return self._saved, []
            due, self._unsaved = self._unsaved, []
            self._saved += 1
            return self._saved, due


class IpfsStore:
    """The folders of jobs; keys are `<folder>/<path>`. Parts under way take at most `memory` bytes together.

    What is stored is in its folder only after `finish`, in the place of what the folder held before.
    """

    def __init__(self, rpc: Rpc, part_size: int = PART_SIZE, memory: int = MEMORY) -> None:
        self._rpc = rpc
        self._part_size = part_size
        self._adding = Adding(rpc, Room(memory))
        self._made: set[str] = set()
        self._counting = threading.Lock()
        self._unflushed = 0
        self._drafts: dict[str, _Draft] = {}

    def put(self, key: str, source: Reader, size: int) -> None:
        part_size = max(self._part_size, math.ceil(size / MAX_PARTS))
        first = self._adding.add(source, part_size, min(size, part_size))
        parts = [first]
        # Only a part that is not full is surely the last one.
        while parts[-1].size == part_size:
            self._copy(parts[-1], f"{_unfinished(key)}/{len(parts)}")
            parts.append(self._adding.add(source, part_size, part_size))
        self._add(key, self._join([part for part in parts if part.size] or [first]))

    def get(self, key: str) -> Iterator[bytes]:
        folder, _, path = key.partition("/")
        draft = self._drafts.get(folder)
        cid = draft.tree.cid(path) if draft else None
        yield from Published(self._rpc).get(cid or self._cid(f"{ROOT}/{key}"))

    def keys(self, prefix: str) -> Iterator[str]:
        """Of a folder that is being filled, those that it will have."""
        folder = prefix.partition("/")[0]
        draft = self._drafts.get(folder)
        found = (f"{folder}/{path}" for path in draft.tree.paths()) if draft else self._listed(prefix)
        return (key for key in found if key.startswith(prefix))

    def delete(self, keys: Iterable[str]) -> None:
        for key in keys:
            folder, _, path = key.partition("/")
            if draft := self._drafts.get(folder):
                draft.tree.remove(path)
            else:
                self._remove(f"{ROOT}/{key}")

    def discard_unfinished(self, prefix: str) -> None:
        """Removes the folder as well, and its pin: to fill it anew costs no more than to find out what is right."""
        name = prefix.strip("/")
        self._drafts.pop(name, None)
        self._withdraw(name)
        self._remove(f"{UNFINISHED}/{name}")
        self._made.clear()

    def finish(self, prefix: str) -> Finished:
        """Raises Unavailable, among others, where the node lost something of it meanwhile."""
        cid = self._written(self._draft(prefix).tree)
        self._withdraw(prefix)
        self._place(cid, prefix)
        self._remove(f"{UNFINISHED}/{prefix}")
        self._made.clear()
        self._rpc.call("files/flush", f"{ROOT}/{prefix}", silence=PINNING)
        self._rpc.json("pin/add", f"/ipfs/{cid}", recursive=True, name=prefix, progress=False, silence=PINNING)
        return Finished(location=f"ipfs://{cid}", prefix=cid)

    def _join(self, parts: Sequence[Part]) -> Part:
        """One file of all parts: nodes over them, and nodes over those where they are many."""
        while len(parts) > 1:
            parts = [self._link(group) for group in unixfs.groups(parts)]
        return parts[0]

    def _link(self, parts: Sequence[Part]) -> Part:
        blocks = Blocks(self._rpc)
        blocks.keep(unixfs.node(parts))
        blocks.send()
        return unixfs.joined(parts)

    def _add(self, key: str, part: Part) -> None:
        folder, _, path = key.partition("/")
        number, due = self._draft(folder).add(path, part)
        if due:
            # As a file, though nobody will read it: the MFS replaces files, when a request is repeated, but no folders.
            self._copy(self._link(due), f"{UNFINISHED}/{folder}/{number}")

    def _draft(self, folder: str) -> _Draft:
        with self._counting:
            return self._drafts.setdefault(folder, _Draft())

    def _written(self, tree: Tree) -> str:
        """The CID of the folder, with all of its blocks on the node."""
        blocks = Blocks(self._rpc)
        folder = tree.make(blocks.keep)
        blocks.send()
        return unixfs.cid_text(folder.cid)

    def _place(self, cid: str, name: str) -> None:
        """Puts the folder where there is none; one that is there already was put by a request whose answer was lost."""
        self._make(ROOT)
        try:
            self._rpc.call("files/cp", f"/ipfs/{cid}", f"{ROOT}/{name}")
        except Refused:
            if self._cid(f"{ROOT}/{name}") != cid:
                raise

    def _withdraw(self, name: str) -> None:
        """The folder and its pin."""
        with contextlib.suppress(Missing):
            self._unpin(self._cid(f"{ROOT}/{name}"), name)
        self._remove(f"{ROOT}/{name}")

    def _listed(self, prefix: str) -> Iterator[str]:
        folders = [prefix.rpartition("/")[0]]
        while folders:
            folder = folders.pop()
            for name, is_folder in self._entries(f"{ROOT}/{folder}"):
                key = f"{folder}/{name}"
                if is_folder:
                    folders.append(key)
                else:
                    yield key

    def _copy(self, part: Part, path: str) -> None:
        """Gives a file its place; copies no bytes. A flush writes the file's folder anew, so many have one together."""
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


def open_store(target: IpfsTarget, secrets: Path) -> IpfsStore:
    """The target's node, to write to; `secrets` has a folder with headers for each Secret. Nothing is sent yet."""
    return IpfsStore(_rpc(target, secrets))


def open_published(target: IpfsTarget, secrets: Path) -> Published:
    """The target's node, to read from."""
    return Published(_rpc(target, secrets))


def _rpc(target: IpfsTarget, secrets: Path) -> Rpc:
    return Rpc(target.api_url, lambda: ipfs_headers.read(secrets, target))
