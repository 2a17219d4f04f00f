"""Which jobs to look at, and when: each key is worked on by one worker at a time, and wakes are never lost."""

import asyncio
import collections
from collections.abc import Hashable
from typing import Generic, TypeVar

K = TypeVar("K", bound=Hashable)


class WorkQueue(Generic[K]):
    """Keys to work on. A key that is woken while it is worked on is handed out again afterwards."""

    def __init__(self) -> None:
        self._ready: collections.OrderedDict[K, None] = collections.OrderedDict()
        self._working: set[K] = set()
        self._again: set[K] = set()
        self._timers: dict[K, asyncio.TimerHandle] = {}
        self._some = asyncio.Event()

    def __len__(self) -> int:
        return len(self._ready) + len(self._working)

    def wake(self, key: K) -> None:
        """Look at this key soon."""
        if key in self._working:
            self._again.add(key)
        else:
            self._ready[key] = None
            self._some.set()

    def wake_after(self, key: K, seconds: float) -> None:
        """Look at this key after so long at the latest; replaces an earlier such wish."""
        self.cancel(key)
        if seconds <= 0:
            self.wake(key)
            return
        self._timers[key] = asyncio.get_running_loop().call_later(seconds, self._due, key)

    def cancel(self, key: K) -> None:
        timer = self._timers.pop(key, None)
        if timer is not None:
            timer.cancel()

    async def get(self) -> K:
        """The next key; it must be given back with `done`."""
        while not self._ready:
            self._some.clear()
            await self._some.wait()
        key, _ = self._ready.popitem(last=False)
        self._working.add(key)
        return key

    def done(self, key: K) -> None:
        self._working.discard(key)
        if key in self._again:
            self._again.discard(key)
            self.wake(key)

    def _due(self, key: K) -> None:
        self._timers.pop(key, None)
        self.wake(key)
