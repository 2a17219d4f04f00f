import asyncio

import pytest

from c2d.engine.queue import WorkQueue

DEADLINE = 10.0  # seconds


async def get(queue: WorkQueue[str]) -> str:
    return await asyncio.wait_for(queue.get(), DEADLINE)


async def test_a_key_is_handed_out_once_however_often_it_is_woken() -> None:
    queue: WorkQueue[str] = WorkQueue()
    for _ in range(3):
        queue.wake("a")
    queue.wake("b")
    assert [await get(queue), await get(queue)] == ["a", "b"]
    assert len(queue) == 2


async def test_a_key_that_is_woken_while_it_is_worked_on_comes_again_afterwards() -> None:
    queue: WorkQueue[str] = WorkQueue()
    queue.wake("a")
    assert await get(queue) == "a"
    queue.wake("a")
    queue.wake("b")
    assert await get(queue) == "b", "nobody else may work on a"
    queue.done("a")
    assert await get(queue) == "a"


async def test_a_later_wish_replaces_an_earlier_one() -> None:
    queue: WorkQueue[str] = WorkQueue()
    queue.wake_after("a", 3600)
    queue.wake_after("a", 0.001)
    assert await get(queue) == "a"


async def test_a_cancelled_wish_does_not_come_true() -> None:
    queue: WorkQueue[str] = WorkQueue()
    queue.wake_after("a", 0.001)
    queue.cancel("a")
    queue.wake_after("b", 0.002)
    assert await get(queue) == "b"
    with pytest.raises(asyncio.TimeoutError):
        await asyncio.wait_for(queue.get(), 0.05)


async def test_a_wait_ends_when_something_is_woken_later() -> None:
    queue: WorkQueue[str] = WorkQueue()
    waiting = asyncio.create_task(queue.get())
    await asyncio.sleep(0)
    queue.wake("a")
    assert await asyncio.wait_for(waiting, DEADLINE) == "a"
