"""The protocol of a storage: objects with keys, and no more than the product needs."""

from collections.abc import Iterable, Iterator
from typing import Protocol


class Reader(Protocol):
    """Bytes to be stored."""

    def read(self, count: int) -> bytes:
        """The next `count` bytes; fewer only at the end."""


class Store(Protocol):
    """A place for objects. Every method raises `errors.StorageError` and nothing foreign; all are thread-safe."""

    def put(self, key: str, source: Reader, size: int) -> None:
        """Stores what the source holds, about `size` bytes, in the place of what was there.

        The object appears as a whole or not at all. Errors of the source itself pass through.
        """

    def get(self, key: str) -> Iterator[bytes]:
        """The object's bytes, piece by piece."""

    def keys(self, prefix: str) -> Iterator[str]:
        """The keys that begin with the prefix."""

    def delete(self, keys: Iterable[str]) -> None:
        """Deletes objects; one that isn't there counts as deleted."""

    def discard_unfinished(self, prefix: str) -> None:
        """Frees what uploads below the prefix left behind that were begun and never completed."""
