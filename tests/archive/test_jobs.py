"""What is saved is found again: the newest facts, for every filter, page after page."""

import asyncio
import json
from dataclasses import replace
from datetime import timedelta, timezone

import pytest

from c2d.archive import statements
from c2d.archive.archive import Archive
from c2d.archive.entry import Cursor, Entry
from tests.archive import build
from tests.archive.build import NOON, entry, finished
from tests.kit.postgres import Database


async def one(archive: Archive) -> Entry:
    (found,) = await archive.find(job_id=entry().job_id, limit=2)
    return found


async def test_what_is_saved_comes_back(archive: Archive) -> None:
    status = {"z": 1, "a": {"y": [None, "1.5", 2**70], "b": "\ud800 \0 ü"}, "removed": 0}
    saved = finished(status=status, location={"bucket": "b", "keys": ["k"]}, chain_id=None)
    await archive.save([saved])
    (found,) = await archive.find(job_id=saved.job_id, limit=2)
    assert found == saved
    assert json.dumps(found.status) == json.dumps(status), "clients see the order of the keys"


async def test_times_come_back_in_utc(archive: Archive) -> None:
    elsewhere = build.NOON.replace(microsecond=123456).astimezone(timezone(timedelta(hours=5)))
    await archive.save([entry(created=elsewhere)])
    (found,) = await archive.find(owner=build.OWNER, limit=1)
    assert (found.created, found.created.utcoffset()) == (elsewhere, timedelta(0))


async def test_nothing_to_save(archive: Archive) -> None:
    await archive.save([])


async def test_newer_facts_win(archive: Archive) -> None:
    await archive.save([entry(phase="Queued")])
    await archive.save([entry(phase="Running", status={"status": 40, "removed": 0})])
    assert await one(archive) == entry(phase="Running", status={"status": 40, "removed": 0})
    await archive.save([finished()])
    assert await one(archive) == finished()


async def test_an_end_stays_an_end_when_an_older_state_comes_late(archive: Archive) -> None:
    await archive.save([finished()])
    await archive.save([entry()])
    assert await one(archive) == finished()


async def test_the_location_of_results_is_kept(archive: Archive) -> None:
    await archive.save([finished()])
    await archive.save([finished(location=None)])
    assert await one(archive) == finished()
    await archive.save([finished(location={"prefix": "moved"})])
    assert await one(archive) == finished(location={"prefix": "moved"})


async def test_results_that_are_due(archive: Archive) -> None:
    """Their time is over, or their removal was asked for; until it is known that they are deleted."""
    places = [{"expires": "2026-01-02T11:59:59Z"}, {"expires": "2026-01-02T12:00:01Z"}, {"expires": None}, {}, None]
    jobs = [replace(entry(number), finished=NOON, location=place) for number, place in enumerate(places)]
    await archive.save(jobs)
    for number in (3, 4):
        await archive.mark_removed(entry(number).uid)
    assert {job.uid for job in await archive.due(NOON, 10)} == {entry(0).uid, entry(3).uid}
    assert len(await archive.due(NOON, 1)) == 1
    await archive.forget_results(entry(0).uid)
    assert [job.uid for job in await archive.due(NOON, 10)] == [entry(3).uid]


async def test_removed_never_goes_back(archive: Archive) -> None:
    await archive.save([finished()])
    removed = replace(finished(), removed=True, status={**finished().status, "removed": 1})
    assert await archive.mark_removed(entry().uid) == removed
    assert await archive.mark_removed(entry().uid) == removed
    await archive.save([finished(), entry()])
    assert await one(archive) == removed


async def test_marking_a_job_that_is_not_here(archive: Archive) -> None:
    assert await archive.mark_removed("no\0body") is None


async def test_the_same_job_twice_in_one_batch(archive: Archive) -> None:
    await archive.save([entry(), finished()])
    assert await one(archive) == finished()


async def test_replicas_that_save_the_same_jobs_at_once(archive: Archive, replica: Archive) -> None:
    entries = [finished(number) for number in range(300)]
    await asyncio.gather(
        *(one.save(batch) for one in (archive, replica) for batch in (entries, entries[::-1], entries[::2]))
    )
    assert await archive.find(owner=build.OWNER, limit=1000) == entries


async def test_texts_that_the_database_can_not_hold(archive: Archive) -> None:
    await archive.save([entry(owner="a\0b", agreement_id="\ud800")])
    (found,) = await archive.find(owner="A\0B", limit=1)
    assert (found.owner, found.agreement_id) == ("a\ufffdb", "?")
    assert await archive.find(owner="\udfff\0", limit=1) == []


@pytest.mark.parametrize(
    ("filters", "numbers"),
    [
        pytest.param({"owner": "0xaa"}, [1, 2, 3], id="an owner"),
        pytest.param({"owner": "0XaA"}, [1, 2, 3], id="an owner in other letters"),
        pytest.param({"agreement_id": "0XCAFE"}, [2, 4], id="an agreement in other letters"),
        pytest.param({"job_id": entry(3).job_id}, [3], id="a job"),
        pytest.param({"chain_id": 1}, [3, 4], id="a chain"),
        pytest.param({"owner": "0xaa", "chain_id": 1}, [3], id="an owner on a chain"),
        pytest.param({"owner": "0xaa", "agreement_id": "0xcafe", "job_id": entry(2).job_id}, [2], id="all together"),
        pytest.param({"owner": "0xbb", "job_id": entry(3).job_id}, [], id="another's job"),
        pytest.param({"owner": ""}, [], id="an empty owner is one that nobody is"),
        pytest.param({"owner": "0xa%"}, [], id="no patterns"),
        pytest.param({"chain_id": 10**30}, [], id="a chain that is no number of the database's"),
    ],
)
async def test_filters(archive: Archive, filters: dict[str, str | int], numbers: list[int]) -> None:
    jobs = [
        entry(4, owner="0xBB", agreement_id="0xCafe", chain_id=1),
        entry(2, owner="0xAA", agreement_id="0xcafE"),
        entry(3, owner="0xaA", chain_id=1),
        entry(1, owner="0xaa", chain_id=None),
    ]
    await archive.save(jobs)
    found = await archive.find(**filters, limit=10)  # type: ignore[arg-type]
    assert [job.uid for job in found] == [entry(number).uid for number in numbers]


async def test_find_needs_a_filter(archive: Archive) -> None:
    with pytest.raises(ValueError, match="filter"):
        await archive.find(limit=1)


async def test_find_gives_the_newest_and_goes_back_from_there(archive: Archive) -> None:
    # Numbers 2 to 4 were created in the same second: then the UID decides.
    jobs = [entry(n, created=build.NOON if n in (2, 3, 4) else entry(n).created) for n in (0, 2, 3, 4, 5, 6)]
    jobs.sort(key=lambda job: (job.created, job.uid))
    await archive.save(jobs)
    newest = await archive.find(owner=build.OWNER, limit=3)
    older = await archive.find(owner=build.OWNER, limit=3, before=newest[0].cursor)
    assert older + newest == jobs


async def test_the_list_of_all_page_by_page(archive: Archive) -> None:
    jobs = [entry(number) for number in range(7)]
    await archive.save(jobs)
    first, cursor = await archive.page(limit=3)
    await archive.save([entry(100), entry(101), replace(jobs[2], phase="Failed")])
    second, cursor = await archive.page(limit=3, after=cursor)
    third, end = await archive.page(limit=3, after=Cursor.read(str(cursor)))
    assert [job.uid for job in first + second + third] == [job.uid for job in reversed(jobs)]
    assert end is None


async def test_a_full_last_page_has_no_next(archive: Archive) -> None:
    await archive.save([entry(1), entry(2)])
    assert await archive.page(limit=2) == ([entry(2), entry(1)], None)


async def test_a_page_of_some(archive: Archive) -> None:
    await archive.save([entry(1, environment="gpu"), finished(2), entry(3, owner="0xAA"), entry(4, environment="gpu")])
    for filters, numbers in (
        ({"phase": "Succeeded"}, [2]),
        ({"environment": "gpu"}, [4, 1]),
        ({"owner": "0xaa"}, [3]),
        ({"environment": "gpu", "phase": "Succeeded"}, []),
    ):
        found, _ = await archive.page(limit=5, **filters)  # type: ignore[arg-type]
        assert [job.uid for job in found] == [entry(number).uid for number in numbers]


async def test_known_are_those_with_their_end(archive: Archive) -> None:
    await archive.save([entry(1), finished(2), finished(3)])
    assert await archive.known([entry(n).uid for n in (1, 2, 4)]) == {entry(2).uid}
    assert await archive.known([]) == set()


async def test_a_first_sync_of_ten_thousand(archive: Archive) -> None:
    jobs = [finished(number, owner=f"0xOwner{number % 100}") for number in range(10_000)]
    await archive.save(jobs)
    mine = await archive.find(owner="0xowner42", limit=1000)
    assert mine == [job for job in jobs if job.owner == "0xOwner42"]
    assert len(await archive.known({job.uid for job in jobs})) == 10_000


@pytest.mark.parametrize("filters", ["owner", "agreement_id", "job_id"])
async def test_a_filter_finds_its_index(archive: Archive, database: Database, filters: str) -> None:
    await archive.save([entry(number, owner=f"0x{number}") for number in range(2000)])
    asked = statements.filters(None, 50, **{filters: getattr(entry(7), filters)})
    with database.connect() as connection:
        connection.execute("ANALYZE c2d.job")
        plan = connection.execute("EXPLAIN " + statements.FIND, asked, prepare=False).fetchall()
    assert f"job_{filters}" in str(plan)


@pytest.mark.parametrize("text", ["", "/", "yesterday/u", "2026-01-01T00:00:00/u", "2026-01-01T00:00:00+00:00"])
def test_a_text_that_is_no_cursor(text: str) -> None:
    with pytest.raises(ValueError, match=r"."):
        Cursor.read(text)
