"""The protocol of a storage: objects with keys, and no more than the product needs."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Protocol


class Reader(Protocol):
    """Bytes to be stored."""

    def read(self, count: int) -> bytes:
        """The next `count` bytes; fewer only at the end."""


@dataclass(frozen=True)
class Finished:
    """Where what was stored can be read from now on: as a job's status tells it, and what all keys there begin with."""

    location: str
    prefix: str


class Objects(Protocol):
    """Objects to be read. Every method raises `errors.StorageError` and nothing foreign; all are thread-safe."""

    def get(self, key: str) -> Iterator[bytes]:
        """The object's bytes, piece by piece."""


class Store(Objects, Protocol):
    """A place for objects. Every method raises `errors.StorageError` and nothing foreign; all are thread-safe."""

    def put(self, key: str, source: Reader, size: int) -> None:
        """Stores what the source holds, about `size` bytes, in the place of what was there.

        The object appears as a whole or not at all. Errors of the source itself pass through.
        """

    def keys(self, prefix: str) -> Iterator[str]:
        """The keys that begin with the prefix."""

    def delete(self, keys: Iterable[str]) -> None:
        """Deletes objects; one that isn't there counts as deleted."""

    def discard_unfinished(self, prefix: str) -> None:
        """Frees what uploads below the prefix left behind that were begun and never completed."""

    def finish(self, prefix: str) -> Finished:
        """Makes what is below the prefix final. Whatever is stored there afterwards needs another `finish`."""
