"""A store in memory, which behaves as the protocol says."""

from collections.abc import Callable, Iterable, Iterator

from c2d.storage.errors import Missing
from c2d.storage.store import Finished, Reader

PART = 1024 * 1024


class MemoryStore:
    """`before_part` is called before each part is read; it may change the file, or raise a StorageError."""

    def __init__(self, before_part: Callable[[str, int], None] = lambda key, part: None) -> None:
        self.objects: dict[str, bytes] = {}
        self.puts: list[str] = []
        self._before_part = before_part

    def put(self, key: str, source: Reader, size: int) -> None:
        del size
        parts: list[bytes] = []
        while True:
            self._before_part(key, len(parts))
            part = source.read(PART)
            if not part:
                break
            parts.append(part)
        self.objects[key] = b"".join(parts)
        self.puts.append(key)

    def get(self, key: str) -> Iterator[bytes]:
        if key not in self.objects:
            raise Missing(key)
        yield self.objects[key]

    def keys(self, prefix: str) -> Iterator[str]:
        return iter([key for key in self.objects if key.startswith(prefix)])

    def delete(self, keys: Iterable[str]) -> None:
        for key in list(keys):
            self.objects.pop(key, None)

    def discard_unfinished(self, prefix: str) -> None:
        pass

    def finish(self, prefix: str) -> Finished:
        return Finished(f"memory://{prefix}", prefix)
