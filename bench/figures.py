"""The figures that have a goal, and whether they meet it. Pure."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass

from bench import audit
from bench.gaps import percentile
from bench.measure import Run
from bench.parts import Pair


@dataclass(frozen=True)
class Figure:
    """A goal is set for our value, or for its ratio to the chain's; some figures have none and explain others."""

    name: str
    ours: float
    chain: float | None
    goal: float | None = None
    of_ratio: bool = False
    at_least: bool = False  # otherwise: at most

    @property
    def ratio(self) -> float | None:
        return self.ours / self.chain if self.chain else None

    @property
    def met(self) -> bool | None:
        judged = self.ratio if self.of_ratio else self.ours
        if judged is None or self.goal is None:
            return None
        return judged >= self.goal if self.at_least else judged <= self.goal


def of_latency(pair: Pair) -> Iterator[Figure]:
    chain, ours = pair.chain, pair.ours
    yield Figure("requests a job, without events", _requests(ours, _for_the_job), _requests(chain, _for_the_job), 12)
    yield Figure("events a job", _requests(ours, _is_event), None)
    yield Figure("writes of the environment's status, on a clock, a job", _requests(ours, _is_on_a_clock), None)
    yield _milliseconds("pod succeeded → next pod created, p50", ours.between, chain.between, 50, 20)
    yield _milliseconds("pod succeeded → next pod created, p95", ours.between, chain.between, 95, 60)
    yield _milliseconds("submit → first pod, p50", ours.to_first_pod, chain.to_first_pod, 50, 30)
    yield _milliseconds("last pod succeeded → job done, p50", ours.to_done, chain.to_done, 50, 50)
    yield _conflicts("one at a time", ours)


def of_throughput(pair: Pair) -> Iterator[Figure]:
    chain, ours = pair.chain, pair.ours
    yield Figure(f"jobs/s, {ours.jobs} at once", ours.rate, chain.rate, 0.5, of_ratio=True, at_least=True)
    yield Figure(
        f"CPU of everything a job, {ours.jobs} at once, ms",
        ours.cpu_total * 1000,
        chain.cpu_total * 1000,
        2.5,
        of_ratio=True,
    )
    yield _conflicts(f"{ours.jobs} at once", ours)


def per_job(run: Run) -> Mapping[str, float]:
    """Requests of whoever drives the jobs, by kind."""
    return {kind: count / run.jobs for kind, count in audit.counts(run.driven, lambda item: item.kind).items()}


def _for_the_job(kind: str) -> bool:
    return not (kind.startswith("watch ") or _is_event(kind) or _is_on_a_clock(kind))


def _is_event(kind: str) -> bool:
    return kind.endswith(" events")


def _is_on_a_clock(kind: str) -> bool:
    """Written at most once in so many seconds, however many jobs there are."""
    return kind == "patch computeenvironments/status"


def _requests(run: Run, wanted: Callable[[str], bool]) -> float:
    return sum(count for kind, count in per_job(run).items() if wanted(kind))


def _milliseconds(name: str, ours: list[float], chain: list[float], percent: int, goal: float) -> Figure:
    measured = percentile(chain, percent) * 1000 if chain else None
    return Figure(f"{name}, ms", percentile(ours, percent) * 1000, measured, goal)


def _conflicts(when: str, run: Run) -> Figure:
    return Figure(f"answers 409 to creates and patches, {when}", audit.conflicts(run.requests), None, 0)
