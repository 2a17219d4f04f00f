"""How long a job waits for whoever drives it, read from the audit log. Pure; all times in seconds."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from bench.audit import Request
from c2d.api.phases import TERMINAL

_TERMINAL = {phase.value for phase in TERMINAL}
PODS_OF_A_JOB = 3


@dataclass(frozen=True)
class Times:
    """One job: when its pods were asked for, when each of them was seen to have succeeded, and its own moments."""

    created: tuple[float, ...]
    succeeded: tuple[float, ...]
    submitted: float | None = None  # the answer to the create of the job itself
    done: float | None = None  # the answer to the status write that ends it

    @property
    def between(self) -> list[float]:
        """From a pod's success to the request for the next one."""
        return [after - before for before, after in zip(self.succeeded, self.created[1:], strict=False)]


def times(requests: Sequence[Request]) -> dict[str, Times]:
    """By job. Names of pods begin with their job's, which holds no dash."""
    pods = [request for request in requests if request.kind == "create pods" and request.code == 201]
    succeeded = _succeeded(requests)
    submitted = {item.name: item.answered for item in requests if item.kind == "create computejobs"}
    done = {item.name: item.answered for item in requests if item.phase in _TERMINAL and item.code == 200}
    found: dict[str, list[Request]] = {}
    for pod in sorted(pods, key=lambda request: request.received):
        found.setdefault(job_of(pod.name), []).append(pod)
    return {
        job: Times(
            created=tuple(pod.received for pod in made),
            succeeded=tuple(succeeded[pod.name] for pod in made if pod.name in succeeded),
            submitted=submitted.get(job),
            done=done.get(job),
        )
        for job, made in found.items()
    }


def job_of(pod: str) -> str:
    return pod.partition("-")[0]


def _succeeded(requests: Iterable[Request]) -> Mapping[str, float]:
    """kwok writes twice into a pod's status, and then it has succeeded."""
    writes: dict[str, list[float]] = {}
    for request in requests:
        if request.agent == "kwok" and request.kind == "patch pods/status" and request.code == 200:
            writes.setdefault(request.name, []).append(request.answered)
    return {name: max(answered) for name, answered in writes.items() if len(answered) > 1}


def percentile(values: Sequence[float], percent: int) -> float:
    """The nearest-rank percentile. NaN of nothing."""
    ordered = sorted(values)
    rank = -(-len(ordered) * percent // 100)
    return ordered[max(rank, 1) - 1] if ordered else float("nan")
