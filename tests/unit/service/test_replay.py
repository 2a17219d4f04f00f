"""What a signature was first used for is remembered, for as long as its nonce is fresh."""

import asyncio
import hashlib
from datetime import datetime

import pytest

from c2d.archive.errors import Unavailable
from c2d.service import replay
from c2d.service.auth import Provider
from c2d.service.errors import Unauthorized
from c2d.service.replay import Replay

WINDOW = 300
NOW = 1_700_000_000


class Clock:
    def __init__(self) -> None:
        self.now = float(NOW)

    def __call__(self) -> float:
        return self.now


class Shared:
    """The database's part, which gives every caller its turn before it answers."""

    def __init__(self) -> None:
        self.claims: dict[bytes, str] = {}
        self.down = False
        self.asked = 0

    async def claim(self, key: bytes, purpose: str, expires: datetime, now: datetime) -> str:
        self.asked += 1
        await asyncio.sleep(0)
        if self.down:
            raise Unavailable("no connection to the database in time")
        assert expires > now
        return self.claims.setdefault(key, purpose)


def signer(number: int = 0, expires: int = NOW + WINDOW + 1) -> Provider:
    return Provider("0x1", expires, hashlib.sha256(str(number).encode()).digest())


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def memory(clock: Clock) -> Replay:
    return Replay(WINDOW, None, clock)


async def test_the_same_again_is_fine(memory: Replay) -> None:
    for _ in range(3):
        await memory.write(signer(), "start a")


async def test_anything_else_is_not(memory: Replay) -> None:
    await memory.write(signer(), "start a")
    with pytest.raises(Unauthorized, match="new nonce"):
        await memory.write(signer(), "start b")
    await memory.write(signer(1), "start b")


async def test_reads_are_no_writes(memory: Replay) -> None:
    memory.read(signer())
    with pytest.raises(Unauthorized):
        await memory.write(signer(), "start a")
    memory.read(signer())


async def test_a_write_may_be_followed_by_a_read_and_repeated(memory: Replay) -> None:
    await memory.write(signer(), "start a")
    memory.read(signer())
    await memory.write(signer(), "start a")


async def test_without_signatures_there_is_nothing_to_remember(memory: Replay) -> None:
    for purpose in ("start a", "start b"):
        await memory.write(Provider(""), purpose)
        memory.read(Provider(""))


@pytest.mark.parametrize("ahead", [0, WINDOW], ids=["a nonce of now", "a nonce that is ahead"])
async def test_nothing_fresh_is_forgotten(memory: Replay, clock: Clock, ahead: int) -> None:
    """Whenever generations turn: a signature is fresh until its nonce and the window are over."""
    for begun in range(0, 4 * WINDOW, 37):
        clock.now = NOW + begun
        made = int(clock.now) + ahead
        read, written = signer(2 * begun + 1, made + WINDOW + 1), signer(2 * begun, made + WINDOW + 1)
        memory.read(read)
        await memory.write(written, "start a")
        for later in range(0, ahead + WINDOW + 1, 61):
            clock.now = NOW + begun + later
            for one in (read, written):
                with pytest.raises(Unauthorized):
                    await memory.write(one, "start b")
        clock.now = NOW + begun


async def test_what_is_stale_is_forgotten(memory: Replay, clock: Clock) -> None:
    for number in range(100):
        memory.read(signer(number))
        await memory.write(signer(1000 + number), "start a")
    for turn in range(1, 4):
        clock.now = NOW + turn * (2 * WINDOW + 1)
        await memory.write(signer(5000 + turn, int(clock.now) + WINDOW), "start a")
    assert len(memory._writes) == 1
    assert memory._reads == (set(), set())


async def test_a_flood_of_reads_does_not_fill_the_memory(clock: Clock, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(replay, "_READS", 100)
    memory = Replay(WINDOW, None, clock)
    for number in range(1000):
        memory.read(signer(number))
    assert sum(map(len, memory._reads)) <= 201
    with pytest.raises(Unauthorized):
        await memory.write(signer(999), "start a")


# --- shared


async def test_replicas_share_writes(clock: Clock) -> None:
    shared = Shared()
    one, other = Replay(WINDOW, shared, clock), Replay(WINDOW, shared, clock)
    await one.write(signer(), "start a")
    with pytest.raises(Unauthorized):
        await other.write(signer(), "start b")
    await other.write(signer(), "start a")


async def test_a_replica_asks_once(clock: Clock) -> None:
    shared = Shared()
    memory = Replay(WINDOW, shared, clock)
    for _ in range(3):
        await memory.write(signer(), "start a")
    assert shared.asked == 1


async def test_a_claim_of_another_is_remembered(clock: Clock) -> None:
    shared = Shared()
    shared.claims[signer().key] = "start a"
    memory = Replay(WINDOW, shared, clock)
    with pytest.raises(Unauthorized):
        await memory.write(signer(), "start b")
    shared.down = True
    with pytest.raises(Unauthorized):
        await memory.write(signer(), "start b")
    await memory.write(signer(), "start a")


async def test_without_the_database_each_replica_remembers_its_own(clock: Clock) -> None:
    shared = Shared()
    shared.down = True
    one, other = Replay(WINDOW, shared, clock), Replay(WINDOW, shared, clock)
    await one.write(signer(), "start a")
    with pytest.raises(Unauthorized):
        await one.write(signer(), "start b")
    # What can't be known is not refused.
    await other.write(signer(), "start b")


@pytest.mark.parametrize("down", [False, True], ids=["with the database", "without it"])
async def test_one_of_many_at_a_time_wins(clock: Clock, down: bool) -> None:
    shared = Shared()
    shared.down = down
    memory = Replay(WINDOW, shared, clock)
    outcomes = await asyncio.gather(
        *(memory.write(signer(), f"start {number}") for number in range(5)), return_exceptions=True
    )
    assert [type(outcome) for outcome in outcomes] == [type(None)] + [Unauthorized] * 4
