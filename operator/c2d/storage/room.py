"""A bound on the memory that uploads take together."""

import threading


class Room:
    """So many bytes; who wants more than are free waits until others gave theirs back."""

    def __init__(self, total: int) -> None:
        self._total = total
        self._free = total
        self._changed = threading.Condition()

    def take(self, count: int) -> int:
        """Waits for the bytes and gives how many to give back; more than there are in all means all."""
        count = min(count, self._total)
        with self._changed:
            self._changed.wait_for(lambda: self._free >= count)
            self._free -= count
        return count

    def give(self, count: int) -> None:
        with self._changed:
            self._free += count
            self._changed.notify_all()
