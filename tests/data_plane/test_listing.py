"""Questions about manifests: right, verified, in bounded memory, and each manifest is fetched once."""

import asyncio
import hashlib
import tracemalloc
from collections.abc import AsyncIterator
from datetime import UTC, datetime
from pathlib import Path

import pytest

from c2d.api.manifest import Kind, Manifest, Result, Skipped
from c2d.publish import contents
from c2d.storage.errors import Corrupt, Missing
from c2d.storage.listing import Listed, Manifests
from c2d.storage.stream import Reader
from tests.data_plane.faults import proxied
from tests.data_plane.s3server import BUCKET, S3Server
from tests.data_plane.test_stream import mount, target

MIB = 1024 * 1024
MANY = 200_000
HEAD = Manifest(
    job="ns/job",
    uid="uid",
    published_at=datetime(2026, 1, 2, tzinfo=UTC),
    outputs=True,
    skipped=[Skipped(filename='a"},{"index":9,"results":[', reason="a link")],
    skipped_count=1,
    results=[],
)


def result(index: int, filename: str = "") -> Result:
    name = filename or f"folder/part-{index:07}.csv"
    return Result(
        index=index, type=Kind.OUTPUT, filename=name, key=f"outputs/{name}", filesize=index, sha256=f"{index:064x}"
    )


def put(s3: S3Server, prefix: str, content: bytes) -> str:
    s3.client.put_object(Bucket=BUCKET, Key=f"{prefix}/manifest.json", Body=content)
    return hashlib.sha256(content).hexdigest()


@pytest.fixture
async def manifests(tmp_path: Path) -> AsyncIterator[Manifests]:
    async with Reader(mount(tmp_path)) as reader:
        opened = Manifests(reader)
        yield opened
        await opened.close()


@pytest.fixture(scope="module")
def large(s3: S3Server) -> str:
    content = b"".join(contents.render(HEAD, (result(index) for index in range(MANY))))
    assert len(content) > 30 * MIB
    return put(s3, "large", content)


async def test_a_small_manifest(s3: S3Server, manifests: Manifests) -> None:
    sha256 = put(s3, "small", b"".join(contents.render(HEAD, [result(0, "a"), result(1, "b")])))
    async with proxied(s3.endpoint) as proxy:
        where = target(s3, proxy.endpoint)
        listing = await manifests.listing(where, "small", sha256)
        entry = await manifests.lookup(where, "small", sha256, 1)
        assert len(proxy.requests) == 1
    assert listing.results == (
        Listed("a", 0, Kind.OUTPUT, "outputs/a"),
        Listed("b", 1, Kind.OUTPUT, "outputs/b"),
    )
    assert (listing.total, listing.outputs, listing.skipped, listing.skipped_count) == (2, True, tuple(HEAD.skipped), 1)
    assert (entry.result, entry.count) == (result(1, "b"), 2)


async def test_an_index_that_is_not_there(s3: S3Server, manifests: Manifests) -> None:
    sha256 = put(s3, "none", b"".join(contents.render(HEAD, [])))
    for index in (-1, 0, 10**30):
        assert (await manifests.lookup(target(s3), "none", sha256, index)).result is None
    assert (await manifests.listing(target(s3), "none", sha256)).total == 0


async def test_any_result_of_a_large_manifest(s3: S3Server, manifests: Manifests, large: str) -> None:
    for index in (0, 1, 777, MANY // 2, MANY - 1):
        entry = await manifests.lookup(target(s3), "large", large, index)
        assert (entry.result, entry.count) == (result(index), MANY)


async def test_a_large_manifest_is_read_as_a_whole_once(s3: S3Server, manifests: Manifests, large: str) -> None:
    async with proxied(s3.endpoint) as proxy:
        where = target(s3, proxy.endpoint)
        await manifests.listing(where, "large", large)
        first = await manifests.listing(where, "large", large)
        assert len(proxy.requests) == 1
        for index in range(MANY - 100, MANY):
            await manifests.lookup(where, "large", large, index)
        assert len(proxy.requests) == 2
    assert (len(first.results), first.total) == (10_000, MANY)
    assert [one.filesize for one in first.results] == list(range(10_000))


async def test_a_large_manifest_takes_little_memory(s3: S3Server, tmp_path: Path, large: str) -> None:
    async with Reader(mount(tmp_path)) as reader:
        manifests = Manifests(reader, room=8 * MIB)
        tracemalloc.start()
        try:
            entry = await manifests.lookup(target(s3), "large", large, MANY - 1)
            _, peak = tracemalloc.get_traced_memory()
        finally:
            tracemalloc.stop()
        await manifests.close()
    assert entry.result == result(MANY - 1)
    assert peak < 30 * MIB


async def test_the_loop_goes_on_while_a_large_manifest_is_read(s3: S3Server, manifests: Manifests, large: str) -> None:
    turns = 0
    asking = asyncio.create_task(manifests.lookup(target(s3), "large", large, MANY - 1))
    while not asking.done():
        await asyncio.sleep(0)
        turns += 1
    assert (await asking).result
    # Were it parsed on the loop, there would be a turn for each piece that came and no more.
    assert turns > 1000


async def test_fifty_ask_at_once_and_one_fetches(s3: S3Server, manifests: Manifests, large: str) -> None:
    async with proxied(s3.endpoint) as proxy:
        where = target(s3, proxy.endpoint)
        asking = [asyncio.create_task(manifests.listing(where, "large", large)) for _ in range(50)]
        await asyncio.sleep(0)
        asking.pop().cancel()
        listings = await asyncio.gather(*asking)
        assert len(proxy.requests) == 1
    assert all(listing is listings[0] for listing in listings)


@pytest.mark.parametrize(
    "content",
    [
        pytest.param(b"".join(contents.render(HEAD, [result(0, "b")])), id="another name"),
        pytest.param(b"", id="nothing"),
        pytest.param(b"x" * 20_000_000, id="something else"),
    ],
)
async def test_a_manifest_that_was_tampered_with(s3: S3Server, manifests: Manifests, content: bytes) -> None:
    sha256 = hashlib.sha256(b"".join(contents.render(HEAD, [result(0, "a")]))).hexdigest()
    put(s3, "tampered", content)
    with pytest.raises(Corrupt):
        await manifests.listing(target(s3), "tampered", sha256)
    with pytest.raises(Corrupt):
        await manifests.lookup(target(s3), "tampered", sha256, 0)


async def test_a_manifest_that_is_tampered_with_later(s3: S3Server, manifests: Manifests) -> None:
    results = [result(index) for index in range(60_000)]
    content = b"".join(contents.render(HEAD, results))
    sha256 = put(s3, "later", content)
    await manifests.listing(target(s3), "later", sha256, 10)
    put(s3, "later", content.replace(b"part-0059999", b"part-9999999"))
    with pytest.raises(Corrupt):
        await manifests.lookup(target(s3), "later", sha256, 59_999)


async def test_no_manifest(s3: S3Server, manifests: Manifests) -> None:
    with pytest.raises(Missing):
        await manifests.listing(target(s3), "nowhere", "0" * 64)
