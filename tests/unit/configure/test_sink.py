"""What goes to a partial file through threads."""

import asyncio
import errno
import hashlib
import os
from pathlib import Path

import pytest

from c2d.configure import sink
from c2d.configure.body import Chunk
from c2d.configure.partial import Origin, Partial
from c2d.configure.sink import Sink

CONTENT = os.urandom(3_000_000)
PIECE = 70_000


class Full(Partial):
    """A partial file on a volume that becomes full."""

    def write(self, offset: int, chunk: bytes | memoryview) -> None:
        if offset >= 1_000_000:
            raise OSError(errno.ENOSPC, "full")
        super().write(offset, chunk)


def begun(partial: Partial) -> Partial:
    partial.begin(Origin("boot", "url", '"v"', len(CONTENT)))
    return partial


@pytest.mark.parametrize("room", [sink.ROOM, 1], ids=["much room", "hardly any"])
async def test_what_was_put_is_there_and_hashed_in_whatever_order_it_came(
    tmp_path: Path, room: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sink, "ROOM", room)
    partial = begun(Partial(tmp_path / "f.part"))
    offsets = range(0, len(CONTENT), PIECE)
    async with Sink(partial) as target:
        for offset in (*offsets[1::2], *reversed(offsets[::2])):
            await target.put(offset, Chunk(memoryview(CONTENT[offset : offset + PIECE])))
    assert partial.is_complete
    assert partial.is_hashed
    assert partial.sha256 == hashlib.sha256(CONTENT).hexdigest()
    assert (tmp_path / "f.part").read_bytes() == CONTENT


async def test_an_error_of_the_volume_reaches_whoever_puts(tmp_path: Path) -> None:
    partial = begun(Full(tmp_path / "f.part"))
    with pytest.raises(OSError, match="full"):
        async with Sink(partial) as target:
            for offset in range(0, len(CONTENT), PIECE):
                await target.put(offset, Chunk(memoryview(CONTENT[offset : offset + PIECE])))
    assert partial.prefix <= 1_000_000 + PIECE


async def test_an_error_of_the_last_write_is_not_lost(tmp_path: Path) -> None:
    partial = begun(Full(tmp_path / "f.part"))
    with pytest.raises(OSError, match="full"):
        async with Sink(partial) as target:
            await target.put(1_000_000, Chunk(memoryview(b"x")))


async def test_after_an_interruption_what_had_arrived_is_kept(tmp_path: Path) -> None:
    partial = begun(Partial(tmp_path / "f.part"))
    with pytest.raises(ConnectionError):
        async with Sink(partial) as target:
            await target.put(0, Chunk(memoryview(CONTENT[:PIECE])))
            raise ConnectionError
    assert partial.prefix == PIECE


async def test_a_cancelled_one_has_no_thread_left(tmp_path: Path) -> None:
    partial = begun(Partial(tmp_path / "f.part"))
    entered = asyncio.Event()

    async def work() -> None:
        async with Sink(partial) as target:
            await target.put(0, Chunk(memoryview(CONTENT)))
            entered.set()
            await asyncio.Event().wait()

    task = asyncio.create_task(work())
    await entered.wait()
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    partial.close()
