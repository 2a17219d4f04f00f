"""A cache of things that never change, bounded by their bytes."""

import asyncio
from collections import OrderedDict
from collections.abc import Awaitable, Callable, Hashable
from typing import Any, TypeVar

T = TypeVar("T")


class Cache:
    """Keeps what was used last. Whoever asks for something that is being made waits for that one."""

    def __init__(self, room: int) -> None:
        self._room = room  # bytes
        self._taken = 0
        self._held: OrderedDict[Hashable, tuple[Any, int]] = OrderedDict()
        self._making: dict[Hashable, asyncio.Task[Any]] = {}

    @property
    def taken(self) -> int:
        return self._taken

    async def get(self, key: Hashable, make: Callable[[], Awaitable[tuple[T, int]]]) -> T:
        """What is kept, or what `make` gives, with its size in bytes. Raises what `make` raises, which isn't kept."""
        value: T
        if key in self._held:
            self._held.move_to_end(key)
            value = self._held[key][0]
            return value
        if key not in self._making:
            self._making[key] = asyncio.create_task(self._make(key, make))
        # One who goes away takes nothing from the others.
        value = await asyncio.shield(self._making[key])
        return value

    def put(self, key: Hashable, value: object, size: int) -> None:
        if size > self._room:
            return
        self._taken += size - self._held.pop(key, (None, 0))[1]
        self._held[key] = (value, size)
        while self._taken > self._room:
            self._taken -= self._held.popitem(last=False)[1][1]

    async def close(self) -> None:
        """Stops what is being made."""
        tasks = list(self._making.values())
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)

    async def _make(self, key: Hashable, make: Callable[[], Awaitable[tuple[T, int]]]) -> T:
        try:
            value, size = await make()
        finally:
            del self._making[key]
        self.put(key, value, size)
        return value
