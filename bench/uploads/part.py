"""The part of the benchmark that measures publishing to a bucket: the same outputs by each program, in turns."""

from __future__ import annotations

import dataclasses
import os
import statistics
import subprocess
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import boto3
from botocore.config import Config
from botocore.exceptions import HTTPClientError
from rich.console import Console

from bench import report
from bench.figures import Figure
from bench.plane import free_port
from bench.report import shown, titled
from bench.uploads import programs
from bench.uploads.programs import Bucket, Outputs, Run
from cluster import tools
from cluster.progress import Progress
from cluster.settings import ClusterError, Places

_KEY, _SECRET = "bench-key", "bench-secret"
_READY_SECONDS = 30.0
_MB = 1e6
_SMALL = 10_000  # bytes


@dataclass(frozen=True)
class Scale:
    """How much of everything."""

    large: int = 2_000_000_000  # bytes
    small: int = 10_000  # files
    rounds: int = 3
    starts: int = 11


@dataclass(frozen=True)
class Compared:
    """Runs of each program, in turns."""

    what: str
    files: int
    bytes: int
    runs: dict[str, list[Run]]

    def seconds(self, program: str) -> float:
        return statistics.median(run.seconds for run in self.runs[program])


def measure(console: Console, progress: Progress, scale: Scale) -> dict[str, Any]:
    binary = tools.path("versitygw", Places.from_environment(os.environ), progress)
    with programs.scratch() as folder, _server(binary, folder / "s3") as bucket:
        with progress.step("make outputs"):
            start = programs.outputs(folder / "one", 1, 1)
            large = programs.outputs(folder / "large", 1, scale.large)
            small = programs.outputs(folder / "small", scale.small, _SMALL)
        found = [
            _compare(progress, bucket, "one large file", large, scale.rounds),
            _compare(progress, bucket, f"{scale.small} small files", small, scale.rounds),
        ]
        with progress.step("publish one byte"):
            programs.upload(programs.OURS, bucket, start)
            starts = [programs.upload(programs.OURS, bucket, start) for _ in range(scale.starts)]
    judged = list(figures(found, starts))
    _show(console, found)
    report.goals(console, judged, "s5cmd")
    return {
        "uploads": [dataclasses.asdict(compared) for compared in found],
        "starts": [dataclasses.asdict(run) for run in starts],
        "figures": [{**vars(figure), "ratio": figure.ratio, "met": figure.met} for figure in judged],
    }


def figures(found: Sequence[Compared], starts: Sequence[Run]) -> Iterator[Figure]:
    """Those that have a goal."""
    for compared in found:
        rates = {name: compared.bytes / _MB / compared.seconds(name) for name in compared.runs}
        goal = 0.9 if compared.files == 1 else 1.0
        name = f"MB/s, {compared.what}"
        yield Figure(name, rates[programs.OURS], rates.get(programs.S5CMD), goal, of_ratio=True, at_least=True)
    peak = max(run.memory for compared in found for run in compared.runs[programs.OURS])
    yield Figure("memory at most, MB", peak / _MB, None, 150)
    yield Figure("publish one byte, ms", statistics.median(run.seconds for run in starts) * 1000, None, 300)


def _compare(progress: Progress, bucket: Bucket, what: str, outputs: Outputs, rounds: int) -> Compared:
    with progress.step(f"upload {what}"):
        runs: dict[str, list[Run]] = {name: [] for name in programs.found()}
        for _ in range(rounds):
            for name, known in runs.items():
                known.append(programs.upload(name, bucket, outputs))
    return Compared(what, outputs.files, outputs.bytes, runs)


def _show(console: Console, found: Sequence[Compared]) -> None:
    table = titled("Uploads", "outputs", "by", "s", "least", "most", "MB/s", "CPU, s", "memory, MB")
    for compared in found:
        for name, runs in compared.runs.items():
            seconds = [run.seconds for run in runs]
            middle = compared.seconds(name)
            cpu, memory = statistics.median(run.cpu for run in runs), max(run.memory for run in runs)
            numbers = (middle, min(seconds), max(seconds), compared.bytes / _MB / middle, cpu, memory / _MB)
            table.add_row(compared.what, name, *map(shown, numbers))
    console.print(table)
    for name in (programs.S5CMD, programs.AWS):
        if name not in found[0].runs:
            console.print(f"[yellow]! not compared with {name}, which is not on PATH[/]")


@contextmanager
def _server(binary: Path, folder: Path) -> Iterator[Bucket]:
    """With connections that stay open, as those of most servers do; versitygw needs to be told."""
    folder.mkdir()
    port = free_port()
    address = ["--port", f"127.0.0.1:{port}", "--region", "us-east-1"]
    variables = {**os.environ, "ROOT_ACCESS_KEY": _KEY, "ROOT_SECRET_KEY": _SECRET}
    process = subprocess.Popen(
        [f"{binary}", *address, "--quiet", "--keep-alive", "posix", f"{folder}"],
        env=variables,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    try:
        bucket = Bucket(f"http://127.0.0.1:{port}", folder / programs.BUCKET, _KEY, _SECRET)
        _make(bucket, process)
        yield bucket
    finally:
        process.kill()
        process.wait()


def _make(bucket: Bucket, server: subprocess.Popen[bytes]) -> None:
    config = Config(region_name="us-east-1", s3={"addressing_style": "path"}, proxies={})
    client = boto3.session.Session(bucket.key, bucket.secret).client("s3", endpoint_url=bucket.endpoint, config=config)
    deadline = time.monotonic() + _READY_SECONDS
    while True:
        try:
            client.create_bucket(Bucket=programs.BUCKET)
        except HTTPClientError as error:
            if server.poll() is not None or time.monotonic() > deadline:
                raise ClusterError("the S3 server doesn't answer") from error
            time.sleep(0.05)
        else:
            return
