"""A signed text has one purpose, whichever replica it comes to."""

import asyncio
from datetime import timedelta

from c2d.archive.archive import Archive
from tests.archive.build import NOON
from tests.kit.postgres import Database

KEY = bytes(range(32))
LATER = NOON + timedelta(minutes=10)


async def test_the_first_purpose_stays(archive: Archive, replica: Archive) -> None:
    assert await archive.claim(KEY, "first", LATER, NOON) == "first"
    assert await archive.claim(KEY, "second", LATER, NOON) == "first"
    assert await replica.claim(KEY, "third", LATER, NOON) == "first"
    assert await replica.claim(KEY, "first", LATER, NOON) == "first"
    assert await archive.claim(KEY[::-1], "second", LATER, NOON) == "second"


async def test_a_race_has_one_winner(archive: Archive, replica: Archive) -> None:
    for round_ in range(5):
        key = bytes([round_]) * 32
        racers = [(archive, replica)[n % 2].claim(key, f"purpose {n}", LATER, NOON) for n in range(20)]
        (winner,) = set(await asyncio.gather(*racers))
        assert await archive.claim(key, "too late", LATER, NOON) == winner


async def test_a_race_for_what_has_expired(archive: Archive, replica: Archive) -> None:
    await archive.claim(KEY, "old", NOON, NOON - timedelta(minutes=1))
    racers = [(archive, replica)[n % 2].claim(KEY, f"purpose {n}", LATER, NOON) for n in range(20)]
    (winner,) = set(await asyncio.gather(*racers))
    assert winner != "old"


async def test_a_claim_lasts_until_it_expires(archive: Archive) -> None:
    just_before = LATER - timedelta(microseconds=1)
    assert await archive.claim(KEY, "first", LATER, NOON) == "first"
    assert await archive.claim(KEY, "second", just_before, just_before) == "first"
    assert await archive.claim(KEY, "second", LATER + timedelta(hours=1), LATER) == "second"
    assert await archive.claim(KEY, "first", LATER, LATER) == "second"


async def test_what_has_expired_is_forgotten(archive: Archive) -> None:
    for minute in range(4):
        await archive.claim(bytes([minute]) * 32, "p", NOON + timedelta(minutes=minute), NOON - timedelta(minutes=1))
    assert await archive.forget_expired(NOON + timedelta(minutes=1)) == 2
    assert await archive.forget_expired(NOON + timedelta(minutes=1)) == 0
    assert await archive.claim(bytes([2]) * 32, "q", LATER, NOON) == "p"
    assert await archive.claim(bytes([1]) * 32, "q", LATER, NOON) == "q"


async def test_many_are_forgotten_in_parts(archive: Archive, replica: Archive, database: Database) -> None:
    await archive.migrate()
    with database.connect() as connection:
        connection.execute(
            "INSERT INTO c2d.claim SELECT sha256(n::text::bytea), 'p', %s FROM generate_series(1, 12000) AS n", (NOON,)
        )
    counts = await asyncio.gather(archive.forget_expired(NOON), replica.forget_expired(NOON))
    assert sum(counts) + await archive.forget_expired(NOON) == 12_000
