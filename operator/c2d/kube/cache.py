"""What we last saw of the cluster's objects, with our own writes put in at once.

A watch tells of our own writes some milliseconds late. Were they not seen before, a pass in between would create what
it has just created; so the answer of every write goes in here too, and the newer version of an object wins.
"""

import collections
from collections.abc import Iterator

from c2d.kube.resources import Object, key_of, uid_of

Key = tuple[str, str]

_REMEMBERED = 10_000  # deleted objects; an answer is late by seconds, not by this many deletions


def _version(item: Object) -> int:
    # Versions of one object can be compared as numbers (KEP-5504).
    return int(item["metadata"]["resourceVersion"])


class Store:
    """Objects of one kind, by (namespace, name)."""

    def __init__(self) -> None:
        self._items: dict[Key, Object] = {}
        # UIDs of deleted objects: an answer that comes late must not bring them back.
        self._gone: collections.deque[str] = collections.deque(maxlen=_REMEMBERED)

    def __len__(self) -> int:
        return len(self._items)

    def __iter__(self) -> Iterator[Object]:
        return iter(list(self._items.values()))

    def get(self, key: Key) -> Object | None:
        return self._items.get(key)

    def put(self, item: Object) -> bool:
        """Take it in, unless what is there is as new; says whether it was taken."""
        known = self._items.get(key_of(item))
        if known is not None and uid_of(known) == uid_of(item):
            if _version(known) >= _version(item):
                return False
        elif uid_of(item) in self._gone:
            return False
        self._items[key_of(item)] = item
        return True

    def remove(self, item: Object) -> None:
        """The object is gone; one of the same name that came after it stays."""
        known = self._items.get(key_of(item))
        if known is not None and uid_of(known) == uid_of(item):
            del self._items[key_of(item)]
        self._gone.append(uid_of(item))


class Children(Store):
    """Objects that belong to a job, also found by the job's UID."""

    def __init__(self, label: str) -> None:
        super().__init__()
        self._label = label
        self._by_owner: dict[str, set[Key]] = {}

    def owner(self, item: Object) -> str:
        return str(item["metadata"].get("labels", {}).get(self._label, ""))

    def of(self, owner: str) -> list[Object]:
        return [self._items[key] for key in sorted(self._by_owner.get(owner, ())) if key in self._items]

    def put(self, item: Object) -> bool:
        taken = super().put(item)
        if taken:
            self._by_owner.setdefault(self.owner(item), set()).add(key_of(item))
        return taken

    def remove(self, item: Object) -> None:
        super().remove(item)
        keys = self._by_owner.get(self.owner(item), set())
        if self.get(key_of(item)) is None:
            keys.discard(key_of(item))
        if not keys:
            self._by_owner.pop(self.owner(item), None)
