"""What is kept stays within its room; what is being made is made once."""

import asyncio
from collections.abc import Awaitable, Callable

import pytest

from c2d.storage.cache import Cache


class Maker:
    def __init__(self) -> None:
        self.made: list[str] = []
        self.go = asyncio.Event()
        self.go.set()

    def __call__(self, key: str, size: int = 40) -> Callable[[], Awaitable[tuple[str, int]]]:
        async def make() -> tuple[str, int]:
            await self.go.wait()
            self.made.append(key)
            return key, size

        return make


async def test_what_was_used_last_is_kept() -> None:
    cache, maker = Cache(100), Maker()
    for key in ("a", "b", "a", "c", "a", "b"):
        assert await cache.get(key, maker(key)) == key
    assert maker.made == ["a", "b", "c", "b"]
    assert cache.taken == 80


async def test_what_is_too_large_is_not_kept() -> None:
    cache, maker = Cache(100), Maker()
    await cache.get("a", maker("a"))
    assert await cache.get("large", maker("large", 101)) == "large"
    assert await cache.get("large", maker("large", 101)) == "large"
    await cache.get("a", maker("a"))
    assert maker.made == ["a", "large", "large"]


async def test_one_who_goes_away_takes_nothing_from_the_others() -> None:
    cache, maker = Cache(100), Maker()
    maker.go.clear()
    waiting = [asyncio.create_task(cache.get("a", maker("a"))) for _ in range(3)]
    await asyncio.sleep(0)
    waiting.pop(0).cancel()
    maker.go.set()
    assert await asyncio.gather(*waiting) == ["a", "a"]
    assert maker.made == ["a"]


async def test_failures_are_not_kept() -> None:
    cache, maker = Cache(100), Maker()

    async def fail() -> tuple[str, int]:
        raise OSError

    for _ in range(2):
        with pytest.raises(OSError):
            await cache.get("a", fail)
    assert await cache.get("a", maker("a")) == "a"


async def test_closing_stops_what_is_being_made() -> None:
    cache, maker = Cache(100), Maker()
    maker.go.clear()
    waiting = asyncio.create_task(cache.get("a", maker("a")))
    await asyncio.sleep(0)
    await cache.close()
    with pytest.raises(asyncio.CancelledError):
        await waiting
