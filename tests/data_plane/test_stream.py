"""Private objects come as streams: whole or a range, complete or with an error, whatever the network does."""

import asyncio
import json
import os
import subprocess
import sys
import threading
import time
from collections.abc import AsyncIterator, Iterator
from dataclasses import replace
from pathlib import Path

import aiohttp
import pytest

from c2d.api.environment import S3Target
from c2d.storage.errors import Corrupt, Denied, Missing, Refused, Unavailable, Unsatisfiable
from c2d.storage.presign import Clients
from c2d.storage.stream import Limits, Reader
from tests.data_plane import s3server
from tests.data_plane.faults import Fault, proxied, until
from tests.data_plane.s3server import BUCKET, KEY, SECRET, S3Server

MIB = 1024 * 1024
CONTENT = bytes(range(256)) * 20_000  # 5 MB, every part of it in its place only
SECRET_NAME = "s3-keys"  # noqa: S105
QUICK = Limits(connect=10, first_byte=30, read=0.5, patience=3)
DEADLINE = 120  # seconds; for what would otherwise hang


def mount(folder: Path, access: str = KEY, password: str = SECRET, name: str = SECRET_NAME) -> Path:
    """A Secret as the kubelet mounts it: a link to the present state, which is replaced as a whole."""
    volume = folder / name
    state = volume / f"..{time.monotonic_ns()}"
    state.mkdir(parents=True)
    (state / "AWS_ACCESS_KEY_ID").write_text(f"{access}\n")
    (state / "AWS_SECRET_ACCESS_KEY").write_text(password)
    (volume / "..new").symlink_to(state.name)
    (volume / "..new").replace(volume / "..data")
    for file in state.iterdir():
        link = volume / file.name
        if not link.is_symlink():
            link.symlink_to(f"..data/{file.name}")
    return folder


def target(s3: S3Server, endpoint: str | None = None, secret_name: str | None = SECRET_NAME) -> S3Target:
    return s3.target(endpoint=endpoint).model_copy(update={"credentials_secret_name": secret_name})


@pytest.fixture
def credentials(tmp_path: Path) -> Path:
    return mount(tmp_path / "credentials")


@pytest.fixture
async def reader(credentials: Path) -> AsyncIterator[Reader]:
    async with Reader(credentials, QUICK) as opened:
        yield opened


@pytest.fixture(scope="module")
def key(s3: S3Server) -> str:
    s3.client.put_object(Bucket=BUCKET, Key="stream/o.bin", Body=CONTENT)
    return "stream/o.bin"


@pytest.fixture
def own(tmp_path: Path) -> Iterator["Own"]:
    binary = s3server.find()
    if binary is None:
        pytest.skip(f"versitygw, an S3 server, is not here: {s3server.WHERE}")
    server = Own(binary, tmp_path / "buckets")
    try:
        yield server
    finally:
        server.kill()


class Own:
    """A server that a test may kill, and start again with its objects."""

    def __init__(self, binary: Path, folder: Path) -> None:
        self._binary = binary
        self.folder = folder
        folder.mkdir()
        self.port = s3server.free_port()
        self.process = s3server.start(binary, folder, self.port)
        self.s3 = S3Server(f"http://127.0.0.1:{self.port}")
        self.s3.client.create_bucket(Bucket=BUCKET)

    def kill(self) -> None:
        self.process.kill()
        self.process.wait(10)

    def start(self, secret: str = SECRET) -> None:
        self.process = s3server.start(self._binary, self.folder, self.port, secret)


async def read(reader: Reader, where: S3Target, key: str, range: str | None = None) -> bytes:
    async with await reader.open(where, key, range) as opened:
        content = b"".join([chunk async for chunk in opened.chunks()])
        assert len(content) == opened.length
        return content


async def test_a_whole_object(s3: S3Server, reader: Reader, key: str) -> None:
    async with await reader.open(target(s3), key) as opened:
        assert (opened.status, opened.length, opened.content_range) == (200, len(CONTENT), None)
        assert opened.etag
        assert b"".join([chunk async for chunk in opened.chunks()]) == CONTENT


SIZE = len(CONTENT)


@pytest.mark.parametrize(
    ("asked", "begin", "end"),
    [
        pytest.param("bytes=0-99", 0, 100, id="the beginning"),
        pytest.param("bytes=1000-1000", 1000, 1001, id="one byte in the middle"),
        pytest.param("bytes=-7", SIZE - 7, SIZE, id="the end"),
        pytest.param(f"bytes=-{SIZE * 2}", 0, SIZE, id="a longer end than there is"),
        pytest.param(f"bytes={SIZE - 5}-", SIZE - 5, SIZE, id="from somewhere on"),
        pytest.param(f"bytes={SIZE - 5}-{10**30}", SIZE - 5, SIZE, id="to far behind the end"),
    ],
)
async def test_a_range(s3: S3Server, reader: Reader, key: str, asked: str, begin: int, end: int) -> None:
    async with await reader.open(target(s3), key, asked) as opened:
        assert (opened.status, opened.length) == (206, end - begin)
        assert opened.content_range == f"bytes {begin}-{end - 1}/{SIZE}"
        assert b"".join([chunk async for chunk in opened.chunks()]) == CONTENT[begin:end]


@pytest.mark.parametrize("asked", [f"bytes={SIZE}-", f"bytes={10**30}-", f"bytes={SIZE}-{SIZE + 9}", "bytes=-0"])
async def test_a_range_behind_the_end(s3: S3Server, reader: Reader, key: str, asked: str) -> None:
    with pytest.raises(Unsatisfiable):
        await reader.open(target(s3), key, asked)


@pytest.mark.parametrize(
    "asked", ["bytes=0-1,5-6", "bytes=9-2", "lines=1-2", "bytes=a-b", "bytes=-", "", "bytes=0-1\r\nX: y"]
)
async def test_what_is_no_single_range_gives_everything(s3: S3Server, reader: Reader, key: str, asked: str) -> None:
    async with await reader.open(target(s3), key, asked) as opened:
        assert (opened.status, opened.length) == (200, SIZE)


async def test_an_empty_object(s3: S3Server, reader: Reader) -> None:
    s3.client.put_object(Bucket=BUCKET, Key="stream/empty", Body=b"")
    assert await read(reader, target(s3), "stream/empty") == b""
    with pytest.raises(Unsatisfiable):
        await reader.open(target(s3), "stream/empty", "bytes=0-")


@pytest.mark.parametrize("name", ["a b+c", "100%25", "%0A", "ü/é", "a&b=c?d#e", "~'()!*;:@,$", "..a", 'quote"d'])
async def test_any_key(s3: S3Server, reader: Reader, name: str) -> None:
    s3.client.put_object(Bucket=BUCKET, Key=f"stream/keys/{name}", Body=name.encode())
    assert await read(reader, target(s3), f"stream/keys/{name}") == name.encode()


async def test_nobody_reads_without_credentials(s3: S3Server, key: str) -> None:
    async with aiohttp.ClientSession() as session, session.get(f"{s3.endpoint}/{BUCKET}/{key}") as response:
        assert response.status == 403


async def test_what_is_not_there(s3: S3Server, reader: Reader) -> None:
    with pytest.raises(Missing):
        await reader.open(target(s3), "stream/nothing")
    with pytest.raises(Missing):
        await reader.open(target(s3).model_copy(update={"bucket": "no-such-bucket"}), "o")


@pytest.mark.parametrize(("access", "secret"), [(KEY, "wrong"), ("nobody", SECRET)])
async def test_wrong_credentials(s3: S3Server, tmp_path: Path, key: str, access: str, secret: str) -> None:
    async with Reader(mount(tmp_path, access, secret), QUICK) as reader:
        with pytest.raises(Denied) as raised:
            await reader.open(target(s3), key)
    assert secret not in str(raised.value)


async def test_a_secret_that_is_not_mounted(s3: S3Server, reader: Reader, key: str) -> None:
    with pytest.raises(Denied, match=r"'another'.*service\.credentialsSecrets"):
        await reader.open(target(s3, secret_name="another"), key)  # noqa: S106


async def test_the_default_chain(s3: S3Server, reader: Reader, key: str, monkeypatch: pytest.MonkeyPatch) -> None:
    for name, value in s3.environment.items():
        monkeypatch.setenv(name, value)
    assert await read(reader, target(s3, secret_name=None), key) == CONTENT


async def test_credentials_that_were_rotated(own: Own, credentials: Path, reader: Reader) -> None:
    own.s3.client.put_object(Bucket=BUCKET, Key="o", Body=b"x")
    assert await read(reader, target(own.s3), "o") == b"x"
    own.kill()
    own.start("rotated")
    with pytest.raises(Denied):
        await reader.open(target(own.s3), "o")
    mount(credentials, KEY, "rotated")
    assert await read(reader, target(own.s3), "o") == b"x"


async def test_credentials_that_were_rotated_unseen(own: Own, credentials: Path, reader: Reader) -> None:
    """Same file, size and time of change: only what is in it tells."""
    own.s3.client.put_object(Bucket=BUCKET, Key="o", Body=b"x")
    file = credentials / SECRET_NAME / "AWS_SECRET_ACCESS_KEY"
    changed = file.stat().st_mtime_ns
    file.write_text("wrong-pass!")
    os.utime(file, ns=(changed, changed))
    with pytest.raises(Denied):
        await reader.open(target(own.s3), "o")
    file.write_text(SECRET)
    os.utime(file, ns=(changed, changed))
    assert await read(reader, target(own.s3), "o") == b"x"


def test_credentials_never_show(credentials: Path, s3: S3Server) -> None:
    signed = Clients(credentials).sign(target(s3), "o")
    assert SECRET not in repr(signed)
    assert KEY not in repr(signed)


@pytest.mark.parametrize(
    ("bucket", "region", "url"),
    [
        ("bucket", "eu-central-1", "https://bucket.s3.eu-central-1.amazonaws.com/a/b?"),
        ("dot.ted", "eu-central-1", "https://s3.eu-central-1.amazonaws.com/dot.ted/a/b?"),
    ],
)
def test_on_aws_the_host_is_the_one_of_the_region(credentials: Path, bucket: str, region: str, url: str) -> None:
    place = S3Target(bucket=bucket, region=region, credentials_secret_name=SECRET_NAME)
    assert Clients(credentials).sign(place, "a/b").url.startswith(url)


async def test_connections_that_break_in_the_middle(s3: S3Server, reader: Reader, key: str) -> None:
    async with proxied(s3.endpoint, Fault(1_000_000), Fault(700), Fault(0), Fault(1_500_000)) as proxy:
        assert await read(reader, target(s3, proxy.endpoint), key) == CONTENT
        assert proxy.connections == 5
        assert b"if-match" in proxy.requests[-1].lower()


async def test_a_range_that_breaks(s3: S3Server, reader: Reader, key: str) -> None:
    async with proxied(s3.endpoint, Fault(300_000), Fault(200_000)) as proxy:
        assert await read(reader, target(s3, proxy.endpoint), key, "bytes=1000-999999") == CONTENT[1000:1_000_000]
        assert proxy.connections == 3


async def test_a_server_that_is_killed_and_comes_back(own: Own, credentials: Path) -> None:
    content = os.urandom(40 * MIB)
    own.s3.client.put_object(Bucket=BUCKET, Key="o", Body=content)
    received = bytearray()
    async with Reader(credentials, replace(QUICK, patience=20)) as reader, await reader.open(target(own.s3), "o") as o:
        async for chunk in o.chunks():
            if not received:
                own.kill()
                asyncio.get_running_loop().call_later(0.5, own.start)
            received += chunk
    assert received == content


async def test_a_server_that_stays_away(own: Own, credentials: Path) -> None:
    own.s3.client.put_object(Bucket=BUCKET, Key="o", Body=os.urandom(40 * MIB))
    async with Reader(credentials, replace(QUICK, patience=1)) as reader, await reader.open(target(own.s3), "o") as o:
        with pytest.raises(Unavailable, match="could not be resumed"):
            async for _ in o.chunks():
                own.kill()


async def test_an_object_that_is_replaced_while_it_is_read(s3: S3Server, reader: Reader) -> None:
    s3.client.put_object(Bucket=BUCKET, Key="stream/changes", Body=b"a" * 5_000_000)
    async with (
        proxied(s3.endpoint, Fault(1_000_000, stalls=True)) as proxy,
        await reader.open(target(s3, proxy.endpoint), "stream/changes") as opened,
    ):
        s3.client.put_object(Bucket=BUCKET, Key="stream/changes", Body=b"b" * 5_000_000)
        with pytest.raises(Corrupt, match="replaced"):
            async for chunk in opened.chunks():
                assert set(chunk) == {ord("a")}


async def test_a_server_that_stalls_once(s3: S3Server, reader: Reader, key: str) -> None:
    async with proxied(s3.endpoint, Fault(1_000_000, stalls=True)) as proxy:
        assert await read(reader, target(s3, proxy.endpoint), key) == CONTENT


async def test_a_server_that_stalls_for_good(s3: S3Server, reader: Reader, key: str) -> None:
    """Also with headers that come each time, and nothing behind them."""
    stalls = [Fault(1_000_000, stalls=True)] * 1 + [Fault(300, stalls=True)] * 50
    async with proxied(s3.endpoint, *stalls) as proxy, await reader.open(target(s3, proxy.endpoint), key) as opened:
        with pytest.raises(Unavailable):
            async with asyncio.timeout(DEADLINE):
                async for _ in opened.chunks():
                    pass


async def test_no_answer_at_all(s3: S3Server, key: str, credentials: Path) -> None:
    async with (
        asyncio.timeout(DEADLINE),
        Reader(credentials, replace(QUICK, first_byte=1, read=10)) as reader,
        proxied(s3.endpoint, *[Fault(0, stalls=True)] * 9) as proxy,
    ):
        with pytest.raises(Unavailable, match="no answer within 1 s"):
            await reader.open(target(s3, proxy.endpoint), key)


async def test_nobody_listens(s3: S3Server, reader: Reader, key: str) -> None:
    with pytest.raises(Unavailable):
        await reader.open(target(s3, f"http://127.0.0.1:{s3server.free_port()}"), key)
    with pytest.raises(Refused):
        await reader.open(target(s3, "http://:::"), key)


async def test_a_reader_slower_than_the_deadline(s3: S3Server, reader: Reader, key: str) -> None:
    """Only the server's pauses count."""
    async with proxied(s3.endpoint) as proxy, await reader.open(target(s3, proxy.endpoint), key) as opened:
        content = bytearray()
        async for chunk in opened.chunks():
            content += chunk
            if len(content) == len(chunk):
                await asyncio.sleep(3 * QUICK.read)
        assert content == CONTENT
        assert proxy.connections == 1


async def test_closing_early_frees_the_connection(s3: S3Server, reader: Reader, key: str) -> None:
    async with proxied(s3.endpoint) as proxy:
        async with await reader.open(target(s3, proxy.endpoint), key) as opened:
            async for _ in opened.chunks():
                break
            assert proxy.open == 1
        await until(lambda: proxy.open == 0, 1)


async def test_many_streams_need_no_threads(s3: S3Server, credentials: Path, key: str) -> None:
    async with Reader(credentials, replace(QUICK, first_byte=10, patience=20, read=10)) as reader:
        await asyncio.gather(*(read(reader, target(s3), key, "bytes=0-99") for _ in range(10)))
        before = threading.active_count()
        opened = await asyncio.gather(*(reader.open(target(s3), key) for _ in range(100)))
        # Those that sign may only start now; a thread for each stream would be a hundred.
        assert threading.active_count() < before + 20
        for one in opened:
            one.close()


def test_a_large_object_takes_little_memory(own: Own) -> None:
    own.s3.client.put_object(Bucket=BUCKET, Key="large", Body=b"x")
    os.truncate(own.folder / BUCKET / "large", 1 << 30)
    command = [sys.executable, "-m", "tests.data_plane.streaming", own.s3.endpoint, BUCKET, "large"]
    variables = {**os.environ, **own.s3.environment, "PYTHONPATH": "operator"}
    root = Path(__file__).parents[2]
    done = subprocess.run(command, env=variables, cwd=root, capture_output=True, text=True, check=True)
    told = json.loads(done.stdout)
    assert told["size"] == 1 << 30
    assert told["growth"] < 50 * MIB
