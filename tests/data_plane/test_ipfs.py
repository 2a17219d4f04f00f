"""The same promises on IPFS as in a bucket: published whole, read as streams, removed with nothing of a neighbour."""

import hashlib
import io
import json
import os
import time
from collections.abc import AsyncIterator, Sequence
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import pytest

from c2d.api.manifest import Manifest
from c2d.api.report import EXIT_FAILED, EXIT_OK, EXIT_RETRY
from c2d.storage import ipfs as product
from c2d.storage import ipfs_adding, ipfs_tree, results, unixfs, unixfs_folder
from c2d.storage.errors import Corrupt, Denied, Missing, Refused, StorageError, Unavailable, Unsatisfiable
from c2d.storage.ipfs_rpc import Rpc
from c2d.storage.listing import Manifests
from c2d.storage.opening import open_published
from c2d.storage.presign import Clients
from c2d.storage.removal import Remover
from c2d.storage.stream import Limits, Reader
from tests.data_plane import faults
from tests.data_plane.benches import IpfsBench
from tests.data_plane.ipfs_server import Fault, IpfsServer
from tests.data_plane.tap import Tap
from tests.data_plane.unixfs import Blocks
from tests.data_plane.volumes import Volume

MIB = 1024 * 1024
LARGE = os.urandom(30 * MIB + 1)
CONTENT = bytes(range(256)) * 20_000  # 5 MB, every part of it in its place only
FOX = b"The quick brown fox jumps over the lazy dog"
FOLDERS = {
    5_000: "bafybeieszqhd2vxmwow4o3oo3uhqe7h2k6gb252isxsdoe52mhl77tx5te",
    6_500: "bafybeiel7pow7naeds7jf5uvcvxco3qd4yplfszq5dysz3wgwfk64ev43e",
    20_000: "bafybeigzujif36d67gbnt5ljepwqy4s2dsbdkqxirfftayyhswkv26fuyq",
}
UID = "6b0e0f5e-4f0c-4a43-9c0e-1f2d3c4b5a69"
QUICK = Limits(connect=1, first_byte=2, read=0.5, patience=3)


class TestAddresses:
    """The stand-in's CIDs are those of a real node, which the vectors are from."""

    @pytest.mark.parametrize(
        ("content", "cid"),
        [
            (b"", "bafkreihdwdcefgh4dqkjv67uzcmw7ojee6xedzdetojuzjevtenxquvyku"),
            (b"hello world", "bafkreifzjut3te2nhyekklss27nh3k72ysco7y32koao5eei66wof36n5e"),
        ],
    )
    def test_of_a_small_file(self, content: bytes, cid: str) -> None:
        assert Blocks().add(content).cid == cid

    def test_of_an_empty_folder(self) -> None:
        assert Blocks().directory({}).cid == "bafybeiczsscdsbs7ffqz55asqdf3smv6klcw3gofszvwlyarci47bgf354"

    @pytest.mark.parametrize("size", [1, 262_144, 262_145, 3 * MIB, 174 * 262_144, 174 * 262_144 + 1])
    def test_of_larger_files(self, ipfs: IpfsServer, size: int) -> None:
        content = (b"0123456789abcdef" * (size // 16 + 1))[:size]
        said = Rpc(ipfs.api, dict).objects("add", [content], pin=False, progress=False, **ipfs_adding._LAYOUT)[0]
        made = Blocks().add(content)
        assert (said["Hash"], said["Size"]) == (made.cid, str(made.total))

    def test_a_file_of_parts_is_those_parts_in_a_row(self) -> None:
        blocks = Blocks()
        texts = [CONTENT[:MIB], CONTENT[MIB : MIB + 5], CONTENT[MIB + 5 :]]
        links = [blocks.add(text) for text in texts]
        parts = [unixfs.Part(link.cid, len(text), link.total) for link, text in zip(links, texts, strict=True)]
        cid = blocks.keep(0x70, unixfs.node(parts))
        assert b"".join(blocks.read(cid)) == CONTENT
        assert blocks.total(cid) == len(unixfs.node(parts)) + sum(link.total for link in links)


def test_names_and_folders_of_all_kinds(on_ipfs: IpfsBench) -> None:
    names = ["a b?c#d&e=f+g", " lead", "trail ", "ünï/…/x", "d/e/f/g/h", "..x", "-x", "%2F", "*", "'\"", "y" * 255]
    for filename in names:
        on_ipfs.output(filename, filename.encode())
    done = on_ipfs.publish()
    assert done.code == EXIT_OK, done.output
    stored = on_ipfs.stored()
    assert sorted(content for key, content in stored.items() if key.startswith("outputs")) == sorted(
        text.encode() for text in names
    )
    on_ipfs.assert_nothing_else()
    assert all(cid.startswith("b") for cid in _cids(on_ipfs.ipfs, on_ipfs.cid)), "a folder has a CID of version 0"


def _cids(ipfs: IpfsServer, cid: str) -> set[str]:
    links = json.loads(ipfs.ask("ls", f"/ipfs/{cid}")[1])["Objects"][0]["Links"]
    folders = [link["Hash"] for link in links if link["Type"] == 1]
    return {cid, *(found for folder in folders for found in _cids(ipfs, folder))}


def test_sizes_around_those_of_parts(on_ipfs: IpfsBench) -> None:
    part = product.PART_SIZE
    files = {f"{size}": os.urandom(size) for size in (part - 1, part, part + 1, 2 * part)}
    for filename, content in files.items():
        on_ipfs.output(filename, content)
    assert on_ipfs.publish().code == EXIT_OK
    stored = on_ipfs.stored()
    assert {filename: stored[f"outputs/{filename}"] == content for filename, content in files.items()} == dict.fromkeys(
        files, True
    )
    on_ipfs.assert_nothing_else()


def test_a_node_that_lost_files_is_told(ipfs: IpfsServer, tmp_path: Path) -> None:
    store = product.IpfsStore(Rpc(ipfs.api, dict, sleep=lambda _: None))
    (tmp_path / "o").write_bytes(b"what a node loses")
    for key in ("lost/a", "lost/b"):
        with (tmp_path / "o").open("rb") as file:
            store.put(key, file, 1)
    ipfs.ask("block/rm", Blocks().add(b"what a node loses").cid, force="true")
    with pytest.raises(Unavailable, match="pin/add"):
        store.finish("lost")
    store.discard_unfinished("lost/")
    assert ipfs.pins() == {cid: name for cid, name in ipfs.pins().items() if name != "lost"}


def put(store: product.IpfsStore, key: str, content: bytes) -> None:
    store.put(key, io.BytesIO(content), len(content))


def test_a_folder_is_what_the_node_would_make_of_the_files() -> None:
    """The vectors are what kubo 0.42 told for `ipfs add -r --cid-version=1 --raw-leaves`."""
    for count, cid in FOLDERS.items():
        tree = ipfs_tree.Tree()
        for number in range(count):
            tree.add(f"{number:06}", unixfs.part(b"%d" % number))
        blocks: list[bytes] = []
        assert unixfs.cid_text(tree.make(blocks.append).cid) == cid
        assert (len(blocks) > 1) == (count > 6_000)
        assert unixfs.cid_text(unixfs.block_cid(blocks[-1])) == cid


@pytest.mark.parametrize(
    ("name", "value"),
    [(b"", 0), (b"hello", 0xCBD8A7B341BD9B02), (b"hello, world", 0x342FAC623A5EBC8E), (FOX, 0xE34BBC7BBC071B6C)],
)
def test_hashes_are_those_of_murmur3(name: bytes, value: int) -> None:
    assert int.from_bytes(unixfs_folder.name_hash(name), "big") == value


def test_names_that_have_the_same_hash_are_told(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(unixfs_folder, "name_hash", lambda _: bytes(8))
    links = [unixfs_folder.Link(b"%d" % number, bytes(36), 1) for number in range(10_000)]
    with pytest.raises(Refused, match="same hash"):
        unixfs_folder.make(links, lambda _: None)


class TestDrafts:
    """A folder that is being filled."""

    def test_is_listed_read_and_changed(self, ipfs: IpfsServer, tmp_path: Path) -> None:
        store = product.open_store(ipfs.target(), tmp_path)
        store.discard_unfinished("draft/")
        for key in ("draft/a", "draft/b/c", "draft/b/d", "draft/a"):
            put(store, key, key.encode())
        store.delete(["draft/b/c", "draft/b/d"])
        assert list(store.keys("draft/")) == ["draft/a"]
        assert b"".join(store.get("draft/a")) == b"draft/a"
        assert ipfs.cid("/c2d/draft") is None
        first = store.finish("draft").prefix
        assert ipfs.names(first) == {"a"}

        put(store, "draft/e", b"e")
        second = store.finish("draft").prefix
        assert ipfs.names(second) == {"a", "e"}
        assert [cid for cid, name in ipfs.pins().items() if name == "draft"] == [second]
        store.discard_unfinished("draft/")

    def test_a_file_can_not_be_a_folder(self, ipfs: IpfsServer, tmp_path: Path) -> None:
        store = product.open_store(ipfs.target(), tmp_path)
        put(store, "clash/a", b"1")
        put(store, "clash/a/b", b"1")
        with pytest.raises(Refused, match="both"):
            store.finish("clash")

    def test_what_was_sent_is_saved_from_being_collected(self, ipfs: IpfsServer, tmp_path: Path) -> None:
        store = product.open_store(ipfs.target(), tmp_path)
        for number in range(product.SAVED):
            put(store, f"saved/{number}", b"saved %d" % number)
        saved = ipfs.cid("/c2d/.unfinished/saved/1")
        assert saved is not None
        assert len(ipfs.read(saved)) == sum(len(b"saved %d" % number) for number in range(product.SAVED))
        store.discard_unfinished("saved/")
        assert ipfs.cid("/c2d/.unfinished/saved") is None


class TestManySmallFiles:
    COUNT = 12_000

    def outputs(self, bench: IpfsBench) -> None:
        for number in range(self.COUNT):
            bench.output(f"{number:05}", b"%d" % number * 200)

    def test_in_one_folder(self, on_ipfs: IpfsBench) -> None:
        self.outputs(on_ipfs)
        done = on_ipfs.publish()
        assert done.code == EXIT_OK, done.output
        on_ipfs.assert_nothing_else()
        assert len(on_ipfs.manifest().results) == self.COUNT + 1
        for number in range(0, self.COUNT, 997):
            assert on_ipfs.read(f"outputs/{number:05}") == b"%d" % number * 200
        assert sum(on_ipfs.ipfs.commands.values()) < self.COUNT / 2

    @pytest.mark.parametrize("done", [False, True], ids=["before", "after it was done"])
    def test_cut_in_the_middle_of_a_batch(self, on_ipfs: IpfsBench, done: bool) -> None:
        for number in range(1_500):
            on_ipfs.output(f"{number % 5}/{number}", b"%d" % number)
        on_ipfs.ipfs.faults[:] = [Fault(command, done=done) for command in ("add", "block/put", "files/cp")] * 3
        published = on_ipfs.publish()
        assert published.code == EXIT_OK, published.output
        assert len(on_ipfs.stored()) == 1_501
        on_ipfs.assert_nothing_else()

    @pytest.mark.parametrize("limit", [100_000, 4 * MIB])
    def test_killed_and_published_by_the_next_attempt(self, on_ipfs: IpfsBench, limit: int) -> None:
        self.outputs(on_ipfs)
        address = urlsplit(on_ipfs.ipfs.behind)
        with Tap(address.hostname or "", address.port or 0, limit).running() as tap:
            program = on_ipfs.volume.start_publish(on_ipfs.target.model_copy(update={"api_url": tap.endpoint}), {})
            assert tap.closed.wait(60)
            program.kill()
        done = on_ipfs.publish("--attempt", 1)
        assert done.code == EXIT_OK, done.output
        assert on_ipfs.ipfs.cid(f"/c2d/.unfinished/{on_ipfs.folder}") is None
        assert on_ipfs.folder not in on_ipfs.ipfs.pins().values()
        on_ipfs.folder += "-1"
        assert len(on_ipfs.manifest().results) == self.COUNT + 1
        on_ipfs.assert_nothing_else()

    def test_that_are_too_much_for_a_proxy_together_go_alone(self, on_ipfs: IpfsBench) -> None:
        for number in range(300):
            on_ipfs.output(f"{number}", b"%d" % number)
        on_ipfs.ipfs.faults[:] = [Fault("add", 413)]
        published = on_ipfs.publish()
        assert published.code == EXIT_OK, published.output
        # The first request may have had one file only.
        assert len(on_ipfs.stored()) >= 300

    def test_an_answer_with_other_cids_counts_for_nothing(self, ipfs: IpfsServer) -> None:
        class Wrong(Rpc):
            def objects(self, command: str, contents: Sequence[bytes], **options: object) -> list[dict[str, Any]]:
                return [{"Hash": "b", "Key": "b"} for _ in contents]

        store = product.IpfsStore(Wrong(ipfs.api, dict))
        with pytest.raises(Corrupt, match="other CIDs"):
            put(store, "wrong/a", b"1")
        with pytest.raises(Corrupt, match="other CIDs"):
            store.finish("empty")


def test_many_files(on_ipfs: IpfsBench) -> None:
    for number in range(400):
        on_ipfs.output(f"{number % 7}/{number}", b"%d" % number)
    assert on_ipfs.publish().code == EXIT_OK
    assert len(on_ipfs.stored()) == 401


@pytest.mark.parametrize(
    "command", ["add", "block/put", "files/mkdir", "files/cp", "files/flush", "files/stat", "pin/add", "files/rm"]
)
@pytest.mark.parametrize(
    "fault",
    [
        pytest.param(Fault("", 429, headers=(("Retry-After", "0"),)), id="asks for patience"),
        pytest.param(Fault("", 503), id="a proxy without its node"),
        pytest.param(Fault("", 0), id="a cut before"),
        pytest.param(Fault("", 0, done=True), id="a cut after it was done"),
    ],
)
def test_what_passes_is_outlived(on_ipfs: IpfsBench, command: str, fault: Fault) -> None:
    on_ipfs.output("large", LARGE[: 9 * MIB])
    on_ipfs.output("small", b"small")
    on_ipfs.ipfs.faults[:] = [Fault(command, fault.status, fault.done, fault.headers)] * 2
    done = on_ipfs.publish()
    assert done.code == EXIT_OK, done.output
    assert on_ipfs.ipfs.faults == []
    assert on_ipfs.stored()["outputs/large"] == LARGE[: 9 * MIB]
    on_ipfs.assert_nothing_else()


@pytest.mark.parametrize(
    ("status", "words", "code"),
    [(503, "failed with status 503", EXIT_RETRY), (403, "denied", EXIT_FAILED), (401, "denied", EXIT_FAILED)]
    + [(status, f"refused with status {status}", EXIT_FAILED) for status in (404, 302, 413)],
)
def test_what_does_not_pass_is_told(on_ipfs: IpfsBench, status: int, words: str, code: int) -> None:
    on_ipfs.ipfs.faults[:] = [Fault("add", status)] * 100 + [Fault("files/stat", status)] * 6
    done = on_ipfs.publish()
    assert (done.report["reason"], done.code) == ("PublishFailed", code)
    assert words in str(done.report["message"])
    assert not any(pin == on_ipfs.folder for pin in on_ipfs.ipfs.pins().values())


@pytest.mark.parametrize(
    ("api", "words", "code"),
    [
        ("http://127.0.0.1:9", "failed with NewConnectionError", EXIT_RETRY),
        ("http://", "no usable address", EXIT_FAILED),
    ],
)
def test_a_node_that_is_not_there(on_ipfs: IpfsBench, api: str, words: str, code: int) -> None:
    done = on_ipfs.publish(target=on_ipfs.ipfs.target(api=api))
    assert (done.code, words in str(done.report["message"])) == (code, True), done.report


class TestHeaders:
    def mounted(self, volume: Volume, **headers: str) -> None:
        folder = volume.folder / "secrets/keys"
        (folder / "..state").mkdir(parents=True)
        (folder / "..data").symlink_to("..state")
        for header, value in headers.items():
            (folder / "..state" / header.replace("_", "-")).write_text(value)
            (folder / header.replace("_", "-")).symlink_to(f"..data/{header.replace('_', '-')}")

    def test_go_with_every_request_and_are_never_shown(self, on_ipfs: IpfsBench) -> None:
        self.mounted(on_ipfs.volume, X_API_KEY="geheim\n", CLIENT_ID="us")
        done = on_ipfs.publish(target=on_ipfs.ipfs.target(prefix="h-", secret="keys"))  # noqa: S106
        assert done.code == EXIT_OK, done.output
        assert {(seen.get("X-API-KEY"), seen.get("CLIENT-ID")) for seen in on_ipfs.ipfs.seen_headers} == {
            ("geheim", "us")
        }
        assert "geheim" not in done.output + json.dumps(done.report)

    @pytest.mark.parametrize("headers", [{}, {"X_KEY": "two\nlines"}, {"X_KEY": ""}])
    def test_that_can_not_be_sent(self, on_ipfs: IpfsBench, headers: dict[str, str]) -> None:
        self.mounted(on_ipfs.volume, **headers)
        done = on_ipfs.publish(target=on_ipfs.ipfs.target(secret="keys"))  # noqa: S106
        assert done.code == EXIT_FAILED
        assert "Secret 'keys'" in str(done.report["message"])


class TestKilled:
    @pytest.mark.parametrize("limit", [20_000, 3 * MIB, 20 * MIB, 32_300_000])
    def test_in_the_middle_of_an_upload(self, on_ipfs: IpfsBench, limit: int) -> None:
        on_ipfs.output("a/large", LARGE)
        for number in range(10):
            on_ipfs.output(f"small {number}", b"x" * 100_000)
        address = urlsplit(on_ipfs.ipfs.behind)
        with Tap(address.hostname or "", address.port or 0, limit).running() as tap:
            target = on_ipfs.target.model_copy(update={"api_url": tap.endpoint})
            program = on_ipfs.volume.start_publish(target, {})
            assert tap.closed.wait(60)
            program.kill()
        for number in range(5):
            on_ipfs.volume.path(f"outputs/small {number}").unlink()
        assert on_ipfs.publish().code == EXIT_OK
        assert on_ipfs.stored()["outputs/a/large"] == LARGE
        on_ipfs.assert_nothing_else()

    def test_after_it_was_done_leaves_one_pin(self, on_ipfs: IpfsBench) -> None:
        on_ipfs.output("a")
        on_ipfs.publish()
        first = on_ipfs.cid
        on_ipfs.output("b")
        on_ipfs.publish()
        assert first not in on_ipfs.ipfs.pins()
        on_ipfs.assert_nothing_else()

    def test_somebody_else_s_pin_stays(self, on_ipfs: IpfsBench) -> None:
        on_ipfs.output("a")
        on_ipfs.publish()
        first = on_ipfs.cid
        on_ipfs.ipfs.ask("pin/rm", first)
        on_ipfs.ipfs.ask("pin/add", f"/ipfs/{first}", name="theirs")
        on_ipfs.publish()
        assert on_ipfs.ipfs.pins()[first] == "theirs"
        on_ipfs.ipfs.ask("pin/rm", first)


def test_memory_is_bounded(on_ipfs: IpfsBench) -> None:
    for number in range(10):
        on_ipfs.output(f"{number}", b"").write_bytes(os.urandom(MIB) * 24)
    program = on_ipfs.volume.start_publish(on_ipfs.target, {})
    status, peak = Path(f"/proc/{program.process.pid}/status"), 0
    while program.process.poll() is None:
        found = [line for line in status.read_text().splitlines() if line.startswith("VmHWM")]
        peak = max(peak, int(found[0].split()[1])) if found else peak
        time.sleep(0.02)
    assert program.wait().code == EXIT_OK
    assert peak < 150 * 1024, f"{peak} KiB"


class Stored:
    """One object on a node."""

    def __init__(self, ipfs: IpfsServer, tmp_path: Path) -> None:
        self.ipfs = ipfs
        store = product.open_store(ipfs.target(), tmp_path)
        store.discard_unfinished("streamed/")
        (tmp_path / "o").write_bytes(CONTENT)
        with (tmp_path / "o").open("rb") as file:
            store.put("streamed/outputs/o", file, len(CONTENT))
        (tmp_path / "empty").touch()
        with (tmp_path / "empty").open("rb") as file:
            store.put("streamed/empty", file, 0)
        self.cid = store.finish("streamed").prefix
        self.key = f"{self.cid}/outputs/o"


@pytest.fixture
def stored(ipfs: IpfsServer, tmp_path: Path) -> Stored:
    return Stored(ipfs, tmp_path)


@pytest.fixture
async def reader(tmp_path: Path) -> AsyncIterator[Reader]:
    async with Reader(tmp_path / "credentials", QUICK) as opened:
        yield opened


async def read(reader: Reader, stored: Stored, range: str | None = None, api: str | None = None) -> bytes:
    async with await reader.open(stored.ipfs.target(api=api), stored.key, range) as opened:
        content = b"".join([chunk async for chunk in opened.chunks()])
        assert len(content) == opened.length
        return content


class TestStreams:
    async def test_a_whole_object(self, stored: Stored, reader: Reader) -> None:
        async with await reader.open(stored.ipfs.target(), stored.key) as opened:
            assert (opened.status, opened.length, opened.content_range) == (200, len(CONTENT), None)
            assert opened.etag is not None
            assert opened.etag.startswith('"b')
            assert b"".join([chunk async for chunk in opened.chunks()]) == CONTENT

    @pytest.mark.parametrize(
        ("asked", "begin", "end"),
        [
            ("bytes=0-0", 0, 1),
            ("bytes=5-9", 5, 10),
            ("bytes=300000-", 300_000, len(CONTENT)),
            ("bytes=-7", len(CONTENT) - 7, len(CONTENT)),
            ("bytes=-99999999999", 0, len(CONTENT)),
            ("bytes=262143-262144", 262_143, 262_145),
            (f"bytes=1-{10**12}", 1, len(CONTENT)),
        ],
    )
    async def test_a_range(self, stored: Stored, reader: Reader, asked: str, begin: int, end: int) -> None:
        async with await reader.open(stored.ipfs.target(), stored.key, asked) as opened:
            assert (opened.status, opened.content_range) == (206, f"bytes {begin}-{end - 1}/{len(CONTENT)}")
            assert b"".join([chunk async for chunk in opened.chunks()]) == CONTENT[begin:end]

    @pytest.mark.parametrize("asked", [f"bytes={len(CONTENT)}-", "bytes=-0"])
    async def test_a_range_behind_the_end(self, stored: Stored, reader: Reader, asked: str) -> None:
        with pytest.raises(Unsatisfiable):
            await reader.open(stored.ipfs.target(), stored.key, asked)

    async def test_an_empty_object(self, stored: Stored, reader: Reader) -> None:
        async with await reader.open(stored.ipfs.target(), f"{stored.cid}/empty") as opened:
            assert [chunk async for chunk in opened.chunks()] == []
        with pytest.raises(Unsatisfiable):
            await reader.open(stored.ipfs.target(), f"{stored.cid}/empty", "bytes=0-")

    @pytest.mark.parametrize("after", [0, 1000, 300_000, 3_000_000])
    @pytest.mark.parametrize("stalls", [False, True], ids=["cut", "stalled"])
    async def test_a_break_goes_unnoticed(self, stored: Stored, reader: Reader, after: int, stalls: bool) -> None:
        # The first connection is the question for the size.
        broken = faults.Fault(after, stalls)
        async with faults.proxied(stored.ipfs.behind, broken, broken) as proxy:
            assert await read(reader, stored, "bytes=10-", proxy.endpoint) == CONTENT[10:]

    @pytest.mark.parametrize(("status", "error"), [(403, Denied), (503, Unavailable), (404, Refused), (302, Refused)])
    async def test_what_a_node_says(
        self, stored: Stored, reader: Reader, status: int, error: type[StorageError]
    ) -> None:
        stored.ipfs.faults[:] = [Fault("files/stat", status)] * 9
        with pytest.raises(error):
            await read(reader, stored)

    async def test_what_is_not_there(self, stored: Stored, reader: Reader) -> None:
        with pytest.raises(Missing):
            await reader.open(stored.ipfs.target(), f"{stored.cid}/nothing")

    async def test_without_the_secret(self, stored: Stored, reader: Reader) -> None:
        with pytest.raises(Denied, match="'keys'"):
            await reader.open(stored.ipfs.target(secret="keys"), stored.key)  # noqa: S106


class TestPublished:
    """What publish wrote, as the service and the command line read it."""

    async def test_the_service_lists_and_looks_up(self, on_ipfs: IpfsBench, reader: Reader) -> None:
        on_ipfs.output("a", b"1")
        on_ipfs.output("b/c", b"22")
        done = on_ipfs.publish()
        place = on_ipfs.ipfs.target(), on_ipfs.cid, str(done.report["manifestSha256"])
        manifests = Manifests(reader)
        listing = await manifests.listing(*place)
        assert [(item.filename, item.filesize) for item in listing.results[:2]] == [("a", 1), ("b/c", 2)]
        entry = await manifests.lookup(*place, 1)
        assert entry.result is not None
        assert entry.result.key == "outputs/b/c"
        await manifests.close()

    def test_a_person_fetches_everything(self, on_ipfs: IpfsBench, tmp_path: Path) -> None:
        on_ipfs.output("a/large", LARGE)
        done = on_ipfs.publish()
        sha256 = str(done.report["manifestSha256"])
        store = open_published(on_ipfs.ipfs.target(secret="known-to-the-cluster-only"))  # noqa: S106
        manifest = results.fetch_all(store, on_ipfs.cid, tmp_path / "back", lambda *_: None, sha256)
        assert isinstance(manifest, Manifest)
        assert (
            hashlib.sha256((tmp_path / "back/outputs/a/large").read_bytes()).digest() == hashlib.sha256(LARGE).digest()
        )


class TestRemoval:
    def publish(self, ipfs: IpfsServer, uid: str, tmp_path: Path) -> str:
        store = product.open_store(ipfs.target(prefix="r-"), tmp_path)
        (tmp_path / "o").write_bytes(uid.encode())
        with (tmp_path / "o").open("rb") as file:
            store.put(f"r-{uid}/outputs/o", file, len(uid))
        return store.finish(f"r-{uid}").prefix

    async def test_the_job_s_own_only(self, ipfs: IpfsServer, tmp_path: Path) -> None:
        other = self.publish(ipfs, f"{UID}x", tmp_path)
        cid = self.publish(ipfs, UID, tmp_path)
        remover = Remover(Clients(tmp_path))
        assert await remover.remove(ipfs.target(prefix="r-"), cid, UID) == 1
        pins = ipfs.pins()
        assert (cid in pins, other in pins) == (False, True)
        assert ipfs.cid(f"/c2d/r-{UID}") is None
        assert await remover.remove(ipfs.target(prefix="r-"), cid, UID) == 0
        remover.close()

    async def test_another_s_cid_in_the_status_changes_nothing(self, ipfs: IpfsServer, tmp_path: Path) -> None:
        other = self.publish(ipfs, f"{UID}y", tmp_path)
        remover = Remover(Clients(tmp_path))
        assert await remover.remove(ipfs.target(prefix="r-"), other, UID) == 0
        assert other in ipfs.pins()
        with pytest.raises(Refused):
            await remover.remove(ipfs.target(prefix="r-"), other, "")
        remover.close()
