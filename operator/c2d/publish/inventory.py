"""What is in the outputs folder: a list of names, and of what is left out and why.

A name in the list is no promise: the file is judged again, by its descriptor, when it is opened.
"""

import os
from collections.abc import Iterator
from dataclasses import dataclass

from c2d.inpod.tally import Tally
from c2d.publish import hostile, names
from c2d.publish.limits import Limits
from c2d.publish.skips import Skips


@dataclass(frozen=True)
class _Found:
    name: bytes
    folder: bool
    objection: str | None  # why it is neither a file nor a folder to us
    size: int  # of a file, in bytes, for the tally only


def take(root: int, limits: Limits, skips: Skips, tally: Tally) -> list[str]:
    """The texts (see names.py) of all regular files below the folder, sorted; the tally expects them."""
    walk = _Walk(root, limits, skips, tally)
    walk.run()
    walk.files.sort()
    return walk.files


class _Walk:
    """Goes through the folders, one open at a time, however deep they are."""

    def __init__(self, root: int, limits: Limits, skips: Skips, tally: Tally) -> None:
        self._root = root
        self._limits = limits
        self._skips = skips
        self._tally = tally
        self._folders = [b""]
        self._entries = 0
        self._names = 0  # characters
        self.files: list[str] = []

    def run(self) -> None:
        while self._folders:
            path = self._folders.pop()
            try:
                self._look_into(path)
            except OSError as error:
                self._skips.add(names.encode(path or b"."), f"the folder can't be read: {hostile.explain(error)}")

    def _look_into(self, folder: bytes) -> None:
        with hostile.closing(hostile.open_folder(self._root, folder)) as descriptor:
            for found in _entries(descriptor):
                self._entries += 1
                if self._entries > self._limits.entries:
                    self._stop()
                    return
                self._sort(folder + b"/" + found.name if folder else found.name, found)

    def _stop(self) -> None:
        self._skips.add(".", f"there are more than {self._limits.entries} entries; the others were not looked at")
        self._folders.clear()

    def _sort(self, path: bytes, found: _Found) -> None:
        text = names.encode(path)
        objection = found.objection or self._objection(path, text, found.folder)
        if objection:
            self._skips.add(text, objection)
            return
        self._names += len(text)
        if found.folder:
            self._folders.append(path)
        else:
            self.files.append(text)
            self._tally.expect(1, found.size)

    def _objection(self, path: bytes, text: str, folder: bool) -> str | None:
        limits = self._limits
        if folder and path.count(b"/") + 1 >= limits.depth:
            return f"folders are nested more than {limits.depth} deep"
        if len(self.files) >= limits.files and not folder:
            return f"there are more than {limits.files} files"
        if self._names + len(text) > limits.names:
            return f"the names together are longer than {limits.names} characters"
        return None


def _entries(folder: int) -> Iterator[_Found]:
    with os.scandir(folder) as entries:
        for entry in entries:
            yield _Found(os.fsencode(entry.name), entry.is_dir(follow_symlinks=False), _objection(entry), _size(entry))


def _size(entry: "os.DirEntry[str]") -> int:
    try:
        return entry.stat(follow_symlinks=False).st_size if entry.is_file(follow_symlinks=False) else 0
    except OSError:
        return 0


def _objection(entry: "os.DirEntry[str]") -> str | None:
    if entry.is_symlink():
        return "it is a symbolic link"
    if entry.is_dir(follow_symlinks=False) or entry.is_file(follow_symlinks=False):
        return None
    return "it is a fifo, a socket or a device"
