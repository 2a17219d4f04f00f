"""Results that stay on the job's volume: what publish leaves there, and the real reader that hands them out."""

import asyncio
import contextlib
import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import AsyncIterator, Iterator
from dataclasses import dataclass, field
from pathlib import Path

import aiohttp
import pytest

from c2d.api import reading
from c2d.api.environment import VolumeTarget
from c2d.storage.errors import Denied, Missing, Unavailable, Unsatisfiable
from c2d.storage.listing import Manifests
from c2d.storage.stream import Limits, Reader
from tests.data_plane.benches import KeptBench
from tests.data_plane.programs import eventually
from tests.data_plane.s3server import free_port
from tests.data_plane.volumes import CLAIM
from tests.kit.tokens import Authority, claims_of

MIB = 1024 * 1024
ACCOUNT = "ns:c2d-service"
AUTHORITY, STRANGER = Authority(), Authority()
TARGET = VolumeTarget()
QUICK = Limits(connect=10, volume=30, read=5, patience=60)
DEADLINE = 120  # seconds; for what would otherwise hang


def token(account: str = ACCOUNT, audience: str = reading.AUDIENCE, signer: Authority = AUTHORITY, age: int = 0) -> str:
    now = int(time.time()) - age
    subject = f"system:serviceaccount:{account}"
    return signer.token(claims_of("ns", "pod", "uid", aud=[audience], sub=subject, exp=now + 600, iat=now, nbf=now))


@dataclass
class Served:
    """A reader's process on a volume, and what the service would know of it."""

    results: Path
    port: int = field(default_factory=free_port)
    process: subprocess.Popen[bytes] | None = None
    lost_count: int = 0
    proof: str = field(default_factory=token)

    def start(self) -> None:
        environment = {
            **os.environ,
            reading.KEYS: AUTHORITY.trusted().text,
            reading.SUBJECTS: f"ns:other,{ACCOUNT}",
        }
        command = [sys.executable, "-m", "c2d.reader.main", "--results", self.results, "--port", str(self.port)]
        self.process = subprocess.Popen(command, env=environment, stderr=subprocess.DEVNULL)

    def end(self, number: signal.Signals = signal.SIGTERM) -> int:
        assert self.process is not None
        self.process.send_signal(number)
        return self.process.wait(DEADLINE)

    async def ready(self) -> None:
        async with aiohttp.ClientSession() as session, asyncio.timeout(DEADLINE):
            while True:
                with contextlib.suppress(aiohttp.ClientError):
                    async with session.get(f"http://127.0.0.1:{self.port}{reading.READY}") as answer:
                        assert answer.status == 200
                        return
                await asyncio.sleep(0.05)

    async def address(self, target: VolumeTarget, prefix: str) -> str:
        assert prefix == f"{CLAIM}/uid"
        return f"http://127.0.0.1:{self.port}"

    async def token(self) -> str:
        return self.proof

    def lost(self, prefix: str) -> None:
        self.lost_count += 1


@pytest.fixture
def served(kept: KeptBench) -> Iterator[Served]:
    made = Served(kept.volume.path("results"))
    try:
        yield made
    finally:
        if made.process is not None and made.process.poll() is None:
            made.process.kill()
            made.process.wait()


@pytest.fixture
async def reader(served: Served) -> AsyncIterator[Reader]:
    async with Reader(Path("/nowhere"), QUICK, readers=served) as opened:
        yield opened


async def read(reader: Reader, key: str, span: str | None = None) -> bytes:
    async with asyncio.timeout(DEADLINE), await reader.open(TARGET, f"{CLAIM}/uid/{key}", span) as opened:
        return b"".join([chunk async for chunk in opened.chunks()])


def test_outputs_stay_and_the_data_of_others_goes(kept: KeptBench) -> None:
    output = kept.output("model.bin", b"weights")
    for name in ("inputs/7f3a/0", "inputs/algoCustomData.json", "transformations/algorithm", "ddos/7f3a"):
        path = kept.volume.path(name)
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(b"private")
    run = kept.publish()
    assert run.code == 0
    assert not any(b"private" in path.read_bytes() for path in kept.volume.data.rglob("*") if path.is_file())
    assert (kept.folder / "outputs/model.bin").stat().st_ino == output.stat().st_ino, "no room for it twice"
    assert kept.stored()["outputs/model.bin"] == b"weights"


def test_a_pod_that_died_after_the_cleaning_began_loses_nothing(kept: KeptBench) -> None:
    kept.output("a", b"a")
    kept.volume.path("inputs/7f3a").mkdir(parents=True)
    first = kept.publish()
    kept.volume.path("inputs/7f3a").mkdir(parents=True)
    kept.volume.path("inputs/7f3a/0").write_bytes(b"private")
    second = kept.publish()
    assert first.code == second.code == 0
    assert kept.stored()["outputs/a"] == b"a"
    kept.assert_nothing_else()
    assert not kept.volume.path("inputs/7f3a").exists()


def test_a_pod_killed_in_the_middle_is_followed_by_one_that_completes(kept: KeptBench) -> None:
    for number in range(300):
        kept.output(f"{number:03}", bytes([number % 256]) * (MIB // 4))
    running = kept.volume.start_publish(kept.target, {})
    eventually(
        lambda: len(list(kept.folder.rglob("outputs/*"))) > 10 or running.process.poll() is not None,
        "some outputs are linked",
    )
    running.kill()
    assert kept.publish().code == 0
    assert len(kept.stored()) == 300 + len([key for key in kept.names() if key.startswith("logs/")])
    kept.assert_nothing_else()


async def test_results_are_read_as_from_any_storage(kept: KeptBench, served: Served, reader: Reader) -> None:
    content = os.urandom(3 * MIB + 1)
    kept.output("sub/größe %41 & ?.bin", content)
    kept.output("empty", b"")
    run = await asyncio.to_thread(kept.publish)
    served.start()
    await served.ready()
    manifests = Manifests(reader)
    listing = await manifests.listing(TARGET, f"{CLAIM}/uid", run.report["manifestSha256"])
    await manifests.close()
    by_name = {result.filename: result.key for result in listing.results}
    (key,) = [key for name, key in by_name.items() if name.startswith("sub/")]
    assert await read(reader, key) == content
    assert await read(reader, key, "bytes=5-9") == content[5:10]
    assert await read(reader, key, "bytes=-3") == content[-3:]
    assert await read(reader, by_name["empty"]) == b""
    with pytest.raises(Unsatisfiable):
        await read(reader, key, f"bytes={len(content)}-")
    with pytest.raises(Missing):
        await read(reader, "outputs/nothing")


async def test_a_packed_sibling_is_not_taken_for_the_file(kept: KeptBench, served: Served, reader: Reader) -> None:
    kept.output("table.csv", b"plain")
    kept.output("table.csv.gz", b"packed")
    kept.output("table.csv.br", b"packed")
    await asyncio.to_thread(kept.publish)
    served.start()
    await served.ready()
    assert await read(reader, "outputs/table.csv") == b"plain"


async def test_a_stream_outlives_its_reader(kept: KeptBench, served: Served, reader: Reader) -> None:
    content = os.urandom(64 * MIB)
    kept.output("large", content)
    await asyncio.to_thread(kept.publish)
    served.start()
    await served.ready()
    found: list[bytes] = []
    async with asyncio.timeout(DEADLINE), await reader.open(TARGET, f"{CLAIM}/uid/outputs/large") as opened:
        async for chunk in opened.chunks():
            found.append(chunk)
            if len(found) == 3:
                served.end(signal.SIGKILL)
                served.port = free_port()
                served.start()
    assert b"".join(found) == content
    assert served.lost_count > 0, "it was asked where the reader is now"


@pytest.mark.parametrize(
    "proof",
    [
        pytest.param("", id="none"),
        pytest.param("a.b.c", id="garbage"),
        pytest.param(token("ns:default"), id="another account"),
        pytest.param(token("evil:c2d-service"), id="of another namespace"),
        pytest.param(token(audience="c2d-signer"), id="for somebody else"),
        pytest.param(token(signer=STRANGER), id="of another cluster"),
        pytest.param(token(age=7200), id="expired"),
    ],
)
async def test_who_is_no_reader_gets_nothing(kept: KeptBench, served: Served, reader: Reader, proof: str) -> None:
    kept.output("a", b"secret")
    await asyncio.to_thread(kept.publish)
    served.start()
    await served.ready()
    served.proof = proof
    with pytest.raises(Denied):
        await read(reader, "outputs/a")
    # Nor is anybody told whether a file is there.
    with pytest.raises(Denied):
        await read(reader, "outputs/nothing")


@pytest.mark.parametrize(
    "path",
    [
        "/../adminlogs/publish.log",
        "/%2e%2e/adminlogs/publish.log",
        "/x/%2e%2e/%2e%2e/adminlogs/publish.log",
        "//etc/passwd",
    ],
)
async def test_no_path_leads_out_of_the_results(kept: KeptBench, served: Served, path: str) -> None:
    kept.output("a", b"1")
    await asyncio.to_thread(kept.publish)
    served.start()
    await served.ready()
    stream_reader, writer = await asyncio.open_connection("127.0.0.1", served.port)
    writer.write(
        f"GET {path} HTTP/1.1\r\nHost: x\r\n{reading.TOKEN_HEADER}: {token()}\r\nConnection: close\r\n\r\n".encode()
    )
    answer = await asyncio.wait_for(stream_reader.read(), DEADLINE)
    writer.close()
    assert answer.split(b" ", 2)[1] == b"404"


async def test_a_reader_that_does_not_answer_is_told_of(served: Served) -> None:
    async with Reader(Path("/nowhere"), Limits(volume=1), readers=served) as reader:
        with pytest.raises(Unavailable, match="reading the job's volume"):
            await read(reader, "outputs/a")


async def test_where_no_volume_can_be_read_that_is_said() -> None:
    async with Reader(Path("/nowhere"), Limits(volume=1)) as reader:
        with pytest.raises(Unavailable):
            await read(reader, "outputs/a")


def test_it_ends_when_it_is_told_to(served: Served) -> None:
    served.start()
    asyncio.run(served.ready())
    assert served.end() == 0


@pytest.mark.parametrize("keys", ["", "{}", "[]", "nonsense", json.dumps({"issuer": "x"})])
def test_without_keys_it_does_not_start(tmp_path: Path, keys: str) -> None:
    run = subprocess.run(
        [sys.executable, "-m", "c2d.reader.main", "--results", tmp_path],
        env={**os.environ, reading.KEYS: keys},
        capture_output=True,
        text=True,
        timeout=DEADLINE,
        check=False,
    )
    assert run.returncode == 1
    assert reading.KEYS in run.stderr
