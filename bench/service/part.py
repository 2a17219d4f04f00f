"""The part of the benchmark that measures the operator-service: everything once, in one run."""

from __future__ import annotations

import dataclasses
import os
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

from rich.console import Console

from bench import plane, report
from bench.figures import Figure
from bench.plane import Plane
from bench.service import known, objects, reads, servers, starts, streams, tables
from bench.service.load import Exchange
from bench.service.measured import Measured, Memory
from bench.service.servers import Server
from cluster import tools
from cluster.progress import Progress
from cluster.settings import Places


@dataclass(frozen=True)
class Scale:
    """How much of everything."""

    jobs: Sequence[int] = (100, 10_000)
    seconds: float = 5  # of each measurement of reads
    starts: int = 300
    object_bytes: int = 1 << 30
    rounds: int = 5  # of single downloads
    rounds_at_once: int = 2


def measure(console: Console, progress: Progress, scale: Scale) -> dict[str, Any]:
    found = Measured()
    with plane.api_server(progress) as running:
        part = _Part(running, progress, scale, found)
        part.memory_without_jobs()
        for jobs in scale.jobs[:-1]:
            part.with_jobs(jobs)
        part.with_all_jobs(scale.jobs[-1])
        part.without_signatures()
        part.streams()
    judged = list(figures(found))
    tables.show(console, found)
    report.goals(console, judged, "bare")
    return {
        **dataclasses.asdict(found),
        "figures": [{**vars(figure), "ratio": figure.ratio, "met": figure.met} for figure in judged],
    }


def figures(found: Measured) -> Iterator[Figure]:
    """Those that have a goal."""
    for read in found.lookups:
        name = f"requests/s by jobId, {read.ours.jobs} jobs, {read.ours.connections} connections"
        ours, bare = read.ours.load.rate, read.bare.load.rate
        yield Figure(name, ours, bare, 0.5, of_ratio=True, at_least=True)
    for start in found.started:
        yield Figure(f"starts/s, {start.ours.connections} connections", start.ours.rate, start.bare.rate)
    for pair in found.downloads:
        goal = 0.8 if pair.streams == 1 else None
        name = f"result MB/s, {pair.streams} at a time"
        yield Figure(name, pair.our_rate, pair.plain_rate, goal, of_ratio=True, at_least=True)


class _Part:
    """The steps, in their order: each needs the jobs that those before it have made."""

    def __init__(self, running: Plane, progress: Progress, scale: Scale, found: Measured) -> None:
        self._plane = running
        self._progress = progress
        self._scale = scale
        self._found = found
        self._ids: list[str] = []

    def memory_without_jobs(self) -> None:
        with self._progress.step("service without jobs"), servers.service(self._plane) as server:
            self._remember(server)

    def with_jobs(self, jobs: int) -> None:
        self._make(jobs)
        with servers.service(self._plane) as server:
            self._lookups(server)

    def with_all_jobs(self, jobs: int) -> None:
        """The same, and what needs many of them; a replica that comes up with so many takes seconds."""
        self._make(jobs)
        known.fill(self._plane, [objects.job(-2, objects.OTHER_OWNER)], [objects.finished(known.environment())])
        with servers.service(self._plane) as server:
            self._lookups(server)
            with self._progress.step("service, reads by owner"):
                for owner, count in ((objects.OTHER_OWNER, 1), (objects.OWNER, jobs)):
                    self._more(server, reads.of_owner(server, owner), f"by owner of {count}")
            with self._progress.step("service, starts"):
                self._found.started += starts.compare(self._plane, server, self._scale.starts)

    def without_signatures(self) -> None:
        with (
            self._progress.step("service, reads without signatures"),
            servers.service(self._plane, signatures=False) as server,
        ):
            self._more(server, reads.exchanges(server, self._ids), "by jobId, SIGNATURE_REQUIRED=0")

    def streams(self) -> None:
        scale = self._scale
        binary = tools.path("versitygw", Places.from_environment(os.environ), self._progress)
        with self._progress.step("service, results"), servers.s3(self._plane, binary) as s3:
            large = streams.publish(self._plane, s3, scale.object_bytes)
            with servers.service(self._plane) as server:
                for count, rounds in ((1, scale.rounds), (streams.AT_ONCE, scale.rounds_at_once)):
                    self._found.downloads.append(streams.compare(self._plane, server, large, count, rounds))

    def _make(self, jobs: int) -> None:
        with self._progress.step(f"make {jobs} jobs"):
            made = known.fill(self._plane, *known.finished(jobs - len(self._ids), first=len(self._ids)))
            self._ids.extend(made)

    def _lookups(self, server: Server) -> None:
        jobs = len(self._ids)
        with self._progress.step(f"service, reads, {jobs} jobs"):
            self._remember(server)
            prepared = reads.exchanges(server, self._ids)
            self._found.lookups += reads.compare(self._plane, server, prepared, jobs, self._scale.seconds)

    def _remember(self, server: Server) -> None:
        settled = server.settled_memory()
        self._found.memory.append(Memory(len(self._ids), settled, server.peak, server.start))

    def _more(self, server: Server, prepared: list[Exchange], what: str) -> None:
        row = reads.measure(
            self._plane, servers.SERVICE, server, prepared, what, len(self._ids), 16, self._scale.seconds
        )
        self._found.more_lookups.append(row)
