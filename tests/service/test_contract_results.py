"""GET /getResult: the order of the checks, the headers, ranges, and what happens when the storage fails."""

import asyncio
from typing import Any

import pytest

from c2d.service import archiving, records
from tests.kit.service import (
    OWNER,
    FakeArchive,
    Provider,
    Service,
    Storage,
    job,
    job_uid,
    merged,
    running,
    until,
)

OTHER_OWNER = "0x" + "12" * 20
CONTENT = b"the quick brown fox"
FILES = [
    ("output", "o.txt", CONTENT),
    ("output", "sub/noextension", b"\0\1"),
    ("output", "empty.csv", b""),
    ("algorithmLog", "algorithm.log", b"said\n"),
]
JOB = job_uid(0).replace("-", "")
REQUIRED = ("owner", "providerSignature", "nonce", "index", "jobId")


def asked(index: object = 0, **more: Any) -> dict[str, str]:
    return Provider().query(**{"jobId": JOB, "index": index, **more})


@pytest.fixture
async def done(stored: Service, storage: Storage) -> Service:
    """A replica that knows a finished job with results."""
    await stored.sees(storage.publish(job("Succeeded"), *FILES))
    return stored


async def test_a_result(done: Service) -> None:
    answer = await done.result(asked())
    assert (answer.status, answer.body) == (200, CONTENT)
    assert answer.headers["Content-Type"] == "text/plain"
    assert answer.headers["Content-Disposition"] == "attachment;filename=o.txt"
    assert answer.headers["Access-Control-Expose-Headers"] == "Content-Disposition"
    assert answer.headers["Access-Control-Allow-Origin"] == "*"
    assert answer.headers["Content-Length"] == str(len(CONTENT))
    assert answer.headers["X-Content-Type-Options"] == "nosniff"


@pytest.mark.parametrize(("index", "name"), list(enumerate(["o.txt", "noextension.bin", "empty.csv", "algorithm.log"])))
async def test_every_result_that_is_listed_can_be_fetched(done: Service, index: int, name: str) -> None:
    answer = await done.result(asked(index, consumerSignature="ignored"))
    assert (answer.status, answer.body) == (200, FILES[index][2])
    assert answer.headers["Content-Disposition"] == f"attachment;filename={name}"


async def test_parameters_in_a_body(done: Service) -> None:
    answer = await done.ask("GET", "getResult", json={**asked(), "index": 0})
    assert answer.body == CONTENT


@pytest.mark.parametrize("name", REQUIRED)
async def test_what_is_required(done: Service, name: str) -> None:
    given = asked()
    for value in (None, ""):
        changed = {key: text for key, text in given.items() if key != name} | ({} if value is None else {name: value})
        answer = await done.result(changed)
        assert (answer.status, answer.error) == (400, f'"{name}" is required in the call to GET:/getResult')


async def test_the_first_missing_is_named(done: Service) -> None:
    given = {"unknown": "1"}
    for name in REQUIRED:
        assert (await done.result(given)).error == f'"{name}" is required in the call to GET:/getResult'
        given[name] = "x"
    assert (await done.ask("GET", "getResult")).error == "payload seems empty."


NUMBERS = {
    "abc": (400, "Error getResult: invalid literal for int() with base 10: 'abc'"),
    "1.5": (400, "Error getResult: invalid literal for int() with base 10: '1.5'"),
    "-1": (404, "Negative index -1"),
    "4": (404, "No such index 4 in this compute job"),
    "9" * 4000: (404, f"No such index {'9' * 4000} in this compute job"),
}


@pytest.mark.parametrize(("index", "expected"), NUMBERS.items(), ids=[text[:5] for text in NUMBERS])
async def test_an_index_that_is_none(done: Service, index: str, expected: tuple[int, str]) -> None:
    answer = await done.result(asked(index))
    assert (answer.status, answer.error) == expected


async def test_an_index_of_too_many_digits(done: Service) -> None:
    answer = await done.ask("GET", "getResult", json={**asked(), "index": "9" * 5000})
    assert answer.status == 400
    assert answer.error.startswith("Error getResult: ")


async def test_the_checks_come_in_their_order(done: Service) -> None:
    """Parameters, signature, index, owner, results, and the index among them."""
    wrong = {"index": "abc", "owner": OTHER_OWNER}
    assert (await done.result({**asked(**wrong), "providerSignature": "x"})).error == "Failed to recover address"
    assert (await done.result(asked(**wrong))).error.startswith("Error getResult: invalid literal")
    assert (await done.result(asked(-1, owner=OTHER_OWNER))).error == f"Owner {OTHER_OWNER} mismatch for job {JOB}"


@pytest.mark.parametrize("given", [{"owner": OTHER_OWNER}, {"jobId": "0" * 32}], ids=["another owner", "no such job"])
async def test_who_has_no_such_job(done: Service, given: dict[str, str]) -> None:
    full = {"owner": OWNER, "jobId": JOB, **given}
    answer = await done.result(asked(**given))
    assert (answer.status, answer.error) == (404, f"Owner {full['owner']} mismatch for job {full['jobId']}")


@pytest.mark.parametrize("phase", ["Pending", "Running", "Publishing"])
async def test_before_there_are_results(stored: Service, storage: Storage, phase: str) -> None:
    await stored.sees(storage.publish(job(phase), *FILES))
    answer = await stored.result(asked())
    assert (answer.status, answer.error) == (404, f"Owner {OWNER} mismatch for job {JOB}")


async def test_a_job_without_results(stored: Service, storage: Storage) -> None:
    await stored.sees(job("Failed"))
    answer = await stored.result(asked())
    assert (answer.status, answer.error) == (404, f"No results for job {JOB}")


async def test_results_that_were_removed(stored: Service, storage: Storage) -> None:
    await stored.sees(merged(storage.publish(job("Succeeded"), *FILES), {"spec": {"remove": True}}))
    answer = await stored.result(asked())
    assert (answer.status, answer.error) == (404, f"No results for job {JOB}")


RANGES = {
    "the beginning": ("bytes=0-3", 206, CONTENT[:4], f"bytes 0-3/{len(CONTENT)}"),
    "the rest": ("bytes=4-", 206, CONTENT[4:], f"bytes 4-18/{len(CONTENT)}"),
    "the end": ("bytes=-3", 206, CONTENT[-3:], f"bytes 16-18/{len(CONTENT)}"),
    "more than there is": ("bytes=4-1000", 206, CONTENT[4:], f"bytes 4-18/{len(CONTENT)}"),
    "two of them": ("bytes=0-1,3-4", 200, CONTENT, None),
    "garbage": ("lines=1", 200, CONTENT, None),
}


@pytest.mark.parametrize(("span", "status", "content", "told"), RANGES.values(), ids=RANGES)
async def test_a_range(done: Service, span: str, status: int, content: bytes, told: str | None) -> None:
    answer = await done.result(asked(), Range=span)
    assert (answer.status, answer.body) == (status, content)
    assert answer.headers.get("Content-Range") == told


async def test_a_range_behind_the_end(done: Service) -> None:
    answer = await done.result(asked(), Range="bytes=1000-")
    assert answer.status == 416
    assert answer.error.startswith("Error getResult: ")


async def test_a_part_of_another_version_is_the_whole(done: Service) -> None:
    whole = await done.result(asked())
    part = await done.result(asked(), **{"Range": "bytes=4-", "If-Range": whole.headers["ETag"]})
    assert (part.status, part.body) == (206, CONTENT[4:])
    other = await done.result(asked(), **{"Range": "bytes=4-", "If-Range": '"another"'})
    assert (other.status, other.body) == (200, CONTENT)


async def test_the_storages_trouble_is_told(done: Service, storage: Storage) -> None:
    storage.objects = {key: content for key, content in storage.objects.items() if "files" not in key}
    answer = await done.result(asked())
    assert answer.status == 400
    assert answer.error.startswith("Error getResult: ")
    assert "of-tests" not in answer.error


async def test_a_manifest_that_is_another_one(done: Service, storage: Storage) -> None:
    for key in storage.objects:
        storage.objects[key] += b" "
    answer = await done.result(asked())
    assert answer.status == 400
    assert answer.error.startswith("Error getResult: ")


async def test_a_result_that_is_not_what_was_published(done: Service, storage: Storage) -> None:
    storage.objects = {key: content + b"x" * ("files" in key) for key, content in storage.objects.items()}
    assert (await done.result(asked())).status == 400


async def test_all_streams_are_taken(storage: Storage, tmp_path: Any) -> None:
    async with running(C2D_S3_CREDENTIALS=str(tmp_path / "credentials"), C2D_MAX_STREAMS="1") as service:
        await service.sees(storage.publish(job("Succeeded"), *FILES))
        storage.gate.clear()
        first = asyncio.create_task(service.result(asked()))
        await until(lambda: service.context.streams.now == 1)
        second = await service.result(asked())
        assert second.status == 503
        assert "try again" in second.error
        storage.gate.set()
        assert (await first).body == CONTENT
        assert (await service.result(asked())).status == 200


async def test_a_client_that_leaves_frees_its_stream(done: Service, storage: Storage) -> None:
    storage.gate.clear()
    asking = asyncio.create_task(done.result(asked()))
    await until(lambda: done.context.streams.now == 1)
    asking.cancel()
    await until(lambda: done.context.streams.now == 0)


async def test_results_of_an_archived_job(storage: Storage, archive: FakeArchive, tmp_path: Any) -> None:
    async with running(archive=archive, C2D_S3_CREDENTIALS=str(tmp_path / "credentials")) as service:
        item = storage.publish(job("Succeeded"), *FILES)
        archive.entries[item["metadata"]["uid"]] = archiving.entry(records.read(merged(item, {})))
        assert (await service.result(asked())).body == CONTENT
        archive.down = True
        assert (await service.result(asked())).status == 503
