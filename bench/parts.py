"""The parts of the benchmark that run on the plane: the chain first, then ours, under the same conditions."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from bench import engine
from bench.chain import Chain
from bench.measure import Run, measure
from bench.plane import Plane
from bench.subject import Jobs
from c2d.kube.client import Client
from cluster.progress import Progress

AGENT = "c2d-bench"


@dataclass(frozen=True)
class Pair:
    """Ours and what it is compared with; `volume` is the chain whose jobs have a volume, where it was measured."""

    chain: Run
    ours: Run
    volume: Run | None = None


async def latency(plane: Plane, progress: Progress, jobs: int) -> Pair:
    """One job at a time."""
    async with await plane.connect(AGENT) as client:
        with progress.step(f"chain, {jobs} jobs one at a time"):
            await _warm(plane, client)
            chain = await measure(plane, Chain(client), _names(jobs), at_once=False)
        async with engine.running(plane, client):
            with progress.step(f"engine, {jobs} jobs one at a time"):
                return Pair(chain, await measure(plane, Jobs(client), _names(jobs), at_once=False))


async def throughput(plane: Plane, progress: Progress, jobs: int) -> Pair:
    """All submitted at once."""
    async with await plane.connect(AGENT) as client:
        with progress.step(f"chain, {jobs} jobs at once"):
            await _warm(plane, client)
            chain = await measure(plane, Chain(client), _names(jobs), at_once=True)
        with progress.step(f"chain with a volume, {jobs} jobs at once"):
            volume = await measure(plane, Chain(client, volume=True), _names(jobs), at_once=True)
        async with engine.running(plane, client):
            with progress.step(f"engine, {jobs} jobs at once"):
                ours = await measure(plane, Jobs(client), _names(jobs), at_once=True)
    return Pair(chain, ours, volume)


async def _warm(plane: Plane, client: Client) -> None:
    """Connections, caches and whatever else a first time takes."""
    await measure(plane, Chain(client), _names(2), at_once=True)


def _names(jobs: int) -> Sequence[str]:
    return [f"job{number:04}" for number in range(jobs)]
