"""Readers of what isn't a file: bytes, pieces of bytes, and several readers in a row."""

from collections.abc import Iterable

from c2d.storage.store import Reader


class Pieces:
    """Reads pieces that are made while it is read."""

    def __init__(self, pieces: Iterable[bytes]) -> None:
        self._pieces = iter(pieces)
        self._rest = b""

    def read(self, count: int) -> bytes:
        found, size = [self._rest], len(self._rest)
        while size < count and (piece := next(self._pieces, None)) is not None:
            found.append(piece)
            size += len(piece)
        joined = b"".join(found)
        self._rest = joined[count:]
        return joined[:count]


class Joined:
    """Reads one reader after the other."""

    def __init__(self, *sources: Reader) -> None:
        self._sources = list(sources)

    def read(self, count: int) -> bytes:
        found, missing = [], count
        while missing and self._sources:
            piece = self._sources[0].read(missing)
            found.append(piece)
            missing -= len(piece)
            if not piece:
                self._sources.pop(0)
        return b"".join(found)
