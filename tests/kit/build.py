"""Builders: a valid object, and only what the test is about said at the call."""

import json
from datetime import UTC, datetime, timedelta
from typing import Any

from c2d.api.environment import EnvironmentSpec
from c2d.api.job import JobSpec, JobStatus
from c2d.engine.pods import PodView, Step
from c2d.engine.state import Job, Observed, Place, Settings

NOW = datetime(2026, 1, 2, 3, 4, 5, tzinfo=UTC)
UID = "6f1c0c9e-1111-2222-3333-444455556666"
PROBES = ("tcp://10.96.0.1:443",)
SETTINGS = Settings(image="c2d/operator:1", image_pull_policy="IfNotPresent", probes=PROBES)

ISOLATED = {"gate": {"verdict": "Isolated", "rounds": 2, "waitedSeconds": 0.5}, "started": True, "exitCode": 0}
PUBLISHED = {
    "location": "s3://results/ns/uid",
    "manifest": "ns/uid/manifest.json",
    "manifestSha256": "0" * 64,
    "count": 3,
    "bytes": 42,
}


def after(seconds: float) -> datetime:
    return NOW + timedelta(seconds=seconds)


def environment(**spec: Any) -> EnvironmentSpec:
    return EnvironmentSpec.model_validate({"results": {"s3": {"bucket": "results"}}, **spec})


def spec(**changes: Any) -> JobSpec:
    algorithm = {"source": {"inline": "print(1)"}, "container": {"image": "python", "entrypoint": "python3 $ALGO"}}
    return JobSpec.model_validate({"algorithm": algorithm, **changes})


def job(status: JobStatus | None = None, **changes: Any) -> Job:
    fields: dict[str, Any] = {
        "namespace": "ns",
        "name": "branin",
        "uid": UID,
        "generation": 1,
        "created": NOW,
        "deleting": False,
        "status": status or JobStatus(),
        "spec": spec(),
    }
    return Job(**{**fields, **changes})


def pod(step: Step, phase: str = "Running", attempt: int = 0, said: Any = None, **changes: Any) -> PodView:
    """A pod as it looks in that phase; `said` becomes the report in its termination message."""
    fields: dict[str, Any] = {
        "name": f"branin-{UID[:8]}-{step}-{attempt}",
        "uid": f"{step}-{attempt}",
        "step": step,
        "attempt": attempt,
        "created": NOW,
        "phase": phase,
        "node": "node-1",
        "report": json.dumps(said) if said is not None else "",
    }
    if phase != "Pending":
        fields["started"] = NOW
    if phase in ("Succeeded", "Failed"):
        fields |= {"finished": NOW, "exit_code": 0 if phase == "Succeeded" else 1}
    return PodView(**{**fields, **changes})


def observed(job: Job, *pods: PodView, admitted: bool = True, **changes: Any) -> Observed:
    fields: dict[str, Any] = {
        "job": job,
        "environment": environment(),
        "place": Place(admitted=admitted),
        "settings": SETTINGS,
        "pods": {(pod.step, pod.attempt): pod for pod in pods},
    }
    return Observed(**{**fields, **changes})
