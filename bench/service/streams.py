"""How fast results come: getResult against a plain download of the same object, by the same client, curl."""

from __future__ import annotations

import io
import os
import shutil
import statistics
import subprocess
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import boto3
from botocore.config import Config

from bench import plane
from bench.machine import Meter
from bench.plane import Plane
from bench.service import known, objects, servers, wire
from bench.service.objects import OWNER
from bench.service.servers import Server
from cluster.settings import ClusterError

if TYPE_CHECKING:
    from types_boto3_s3.client import S3Client

AT_ONCE = 8
_MIB = 1024 * 1024
_PREFIX, _FILENAME = "bench/large", "large.bin"
_DEADLINE = 120  # seconds for one download


@dataclass(frozen=True)
class Download:
    """One that came in full; times in seconds, of the monotonic clock."""

    begin: float
    end: float
    size: int  # bytes
    cpu: float


@dataclass(frozen=True)
class Round:
    """Some downloads at the same time; the service's and the S3 server's CPU in seconds for a GB."""

    rate: float  # MB/s, together
    service_cpu: float
    s3_cpu: float
    curl_cpu: float
    foreign: float


@dataclass(frozen=True)
class Compared:
    """Rounds in turn, the plain one first; `peak` is the most memory that the service had meanwhile, in bytes."""

    streams: int
    plain: list[Round]
    ours: list[Round]
    peak: int

    @property
    def plain_rate(self) -> float:
        return statistics.median(item.rate for item in self.plain)

    @property
    def our_rate(self) -> float:
        return statistics.median(item.rate for item in self.ours)


class Zeros(io.RawIOBase):
    """So many bytes of nothing, as a file. What they are makes no difference to anybody on the way."""

    def __init__(self, size: int) -> None:
        self._left = size

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: Any) -> int:
        count = min(self._left, len(buffer))
        buffer[:count] = bytes(count)
        self._left -= count
        return count


@dataclass(frozen=True)
class Large:
    """An object that a finished job has published."""

    client: S3Client
    job_id: str
    size: int

    def plain(self) -> str:
        """A URL at the S3 server itself."""
        place = {"Bucket": plane.NAMESPACE, "Key": f"{_PREFIX}/{_FILENAME}"}
        return self.client.generate_presigned_url("get_object", Params=place)

    def ours(self, server: Server) -> str:
        path = wire.result(servers.KEY, time.time_ns(), OWNER, self.job_id, 0)
        return f"http://127.0.0.1:{server.port}{path}"


def publish(running: Plane, s3: Server, size: int) -> Large:
    endpoint = f"http://127.0.0.1:{s3.port}"
    config = Config(s3={"addressing_style": "path"}, signature_version="s3v4", proxies={})
    session = boto3.session.Session(servers.S3_KEY, servers.S3_SECRET, region_name="us-east-1")
    client = session.client("s3", endpoint_url=endpoint, config=config)
    client.create_bucket(Bucket=plane.NAMESPACE)
    client.upload_fileobj(io.BufferedReader(Zeros(size)), plane.NAMESPACE, f"{_PREFIX}/{_FILENAME}")
    manifest, results = objects.published(plane.NAMESPACE, _PREFIX, _FILENAME, size)
    client.put_object(Bucket=plane.NAMESPACE, Key=f"{_PREFIX}/manifest.json", Body=manifest)
    status = objects.finished(known.environment(endpoint, servers.S3_SECRET_NAME), results)
    (job_id,) = known.fill(running, [objects.job(-1)], [status])
    return Large(client, job_id, size)


def compare(running: Plane, server: Server, large: Large, streams: int, rounds: int) -> Compared:
    plain, ours = [], []
    _download(large.plain(), large.size)
    _download(large.ours(server), large.size)
    server.forget_peak()
    for _ in range(rounds):
        plain.append(_round(running, large.plain, large.size, streams))
        ours.append(_round(running, lambda: large.ours(server), large.size, streams))
    return Compared(streams, plain, ours, server.peak)


def _round(running: Plane, url: Callable[[], str], size: int, streams: int) -> Round:
    urls = [url() for _ in range(streams)]
    meter = Meter(servers.pids(running))
    with ThreadPoolExecutor(streams) as pool:
        done = list(pool.map(lambda address: _download(address, size), urls))
    curl = sum(item.cpu for item in done)
    usage = meter.usage({"curl": curl})
    gigabytes = size * streams / 1e9
    return Round(
        together(done),
        usage.cpu[servers.SERVICE] / gigabytes,
        usage.cpu[servers.S3] / gigabytes,
        curl / gigabytes,
        usage.foreign,
    )


def together(done: list[Download]) -> float:
    """MB/s of downloads that overlap, from the first one's begin to the last one's end."""
    seconds = max(item.end for item in done) - min(item.begin for item in done)
    return sum(item.size for item in done) / seconds / 1e6


def _download(url: str, size: int) -> Download:
    """Into nothing. Raises ClusterError when less came, or an error."""
    curl = shutil.which("curl")
    if curl is None:
        raise ClusterError("curl is needed to measure downloads")
    command = [curl, "--silent", "--noproxy", "*", "--max-time", str(_DEADLINE), "--output", "/dev/null"]
    begin = time.monotonic()
    process = subprocess.Popen(
        [*command, "--write-out", "%{http_code} %{size_download}", url], stdout=subprocess.PIPE, text=True
    )
    with process:
        told = process.stdout.read() if process.stdout is not None else ""
        _, code, usage = os.wait4(process.pid, 0)
        process.returncode = os.waitstatus_to_exitcode(code)
    end = time.monotonic()
    if told.split() != ["200", str(size)] or process.returncode:
        raise ClusterError(f"a download failed: curl said {process.returncode}, {told}")
    return Download(begin, end, size, usage.ru_utime + usage.ru_stime)
