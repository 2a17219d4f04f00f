"""One measured run of one subject on the plane."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property

from bench import audit, engine, gaps
from bench.audit import Request
from bench.gaps import Times
from bench.machine import Meter, Usage
from bench.plane import COMPONENTS, Plane
from bench.subject import Jobs, Span, Subject
from cluster import processes

_PAUSE = 0.5  # seconds between two jobs that run one at a time: the first one's cleaning is not the second one's load
_LOGGED = 0.5  # seconds until the audit log has what was answered


@dataclass(frozen=True)
class Run:
    """All that is known of a run; percentiles and ratios are made of it."""

    ours: bool
    spans: Sequence[Span]
    requests: Sequence[Request]
    usage: Usage

    @property
    def jobs(self) -> int:
        return len(self.spans)

    @property
    def rate(self) -> float:
        """Jobs a second, from the first submission to the last end."""
        return self.jobs / (max(span.end for span in self.spans) - min(span.begin for span in self.spans))

    @property
    def cpu(self) -> Mapping[str, float]:
        """CPU seconds a job by process. It is this process that drives a chain; the engine's jobs it only submits."""
        used = {name: seconds / self.jobs for name, seconds in self.usage.cpu.items()}
        driver = used.pop("bench")
        return used if self.ours else {**used, "chain": driver}

    @property
    def cpu_total(self) -> float:
        return sum(self.cpu.values())

    @cached_property
    def times(self) -> Mapping[str, Times]:
        return gaps.times(self.requests)

    @property
    def between(self) -> list[float]:
        return [gap for times in self.times.values() for gap in times.between]

    @property
    def to_first_pod(self) -> list[float]:
        return [times.created[0] - times.submitted for times in self.times.values() if times.submitted is not None]

    @property
    def to_done(self) -> list[float]:
        """After the last pod's success: an engine's status write is answered, a chain's watcher has been told."""
        last = {job: times.succeeded[-1] for job, times in self.times.items() if times.succeeded}
        if self.ours:
            ends = {job: times.done for job, times in self.times.items()}
        else:
            ends = {span.name: span.end for span in self.spans}
        return [end - last[job] for job, end in ends.items() if end is not None and job in last]

    @property
    def driven(self) -> list[Request]:
        """The requests of whoever drives the jobs."""
        if self.ours:
            return audit.by_engine(self.requests)
        return [item for item in self.requests if item.agent == "c2d-bench" and item.resource in _OF_A_CHAIN]


_OF_A_CHAIN = ("pods", "persistentvolumeclaims")


async def measure(plane: Plane, subject: Subject, names: Sequence[str], *, at_once: bool) -> Run:
    """Leaves nothing behind. The CPU that the subject's own cleaning takes is counted, ours is not."""
    async with subject.watching():
        meter, start = Meter(_pids(plane)), audit.mark(plane.audit_log)
        spans = await (subject.at_once(names) if at_once else _one_by_one(subject, names))
        await subject.settled()
        usage = meter.usage()
    await asyncio.sleep(_LOGGED)
    requests = audit.since(plane.audit_log, start)
    await subject.clean()
    return Run(isinstance(subject, Jobs), spans, requests, usage)


async def _one_by_one(subject: Subject, names: Sequence[str]) -> list[Span]:
    spans = []
    for name in names:
        spans.append(await subject.one(name))
        await asyncio.sleep(_PAUSE)
    return spans


def _pids(plane: Plane) -> dict[str, int]:
    found = {name: processes.find(plane.places, name) for name in (*COMPONENTS, engine.NAME)}
    return {name: identity.pid for name, identity in found.items() if identity is not None}
