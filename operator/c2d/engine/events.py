"""The few events of a job: for people who `kubectl describe` it. Pure."""

from datetime import datetime

from c2d.api.job import JobStatus
from c2d.api.model import format_time
from c2d.api.phases import TERMINAL, Phase
from c2d.engine.state import Job
from c2d.kube import names
from c2d.kube.resources import EVENTS, JOBS, Object


def of_transition(job: Job, after: JobStatus, now: datetime) -> list[Object]:
    """What is worth telling about going from the job's status to the one after it."""
    before = job.status
    if before.phase != after.phase and after.phase in TERMINAL:
        good = after.phase is Phase.SUCCEEDED
        told = after.message or f"after {after.duration}"
        return [_event(job, "Normal" if good else "Warning", str(after.reason or after.phase), told, now)]
    if before.phase != after.phase and after.phase is Phase.RUNNING:
        node = after.steps.algorithm.node if after.steps.algorithm else ""
        return [_event(job, "Normal", "AlgorithmStarted", f"on node {node}", now)]
    if before.reason != after.reason and after.reason is not None:
        return [_event(job, "Warning", after.reason, after.message, now)]
    return []


def _event(job: Job, kind: str, reason: str, message: str, now: datetime) -> Object:
    return {
        "apiVersion": EVENTS.api_version,
        "kind": EVENTS.kind,
        "metadata": {"generateName": names.child(job.name, job.uid, "event-"), "namespace": job.namespace},
        "involvedObject": {
            "apiVersion": JOBS.api_version,
            "kind": JOBS.kind,
            "namespace": job.namespace,
            "name": job.name,
            "uid": job.uid,
        },
        "type": kind,
        "reason": reason,
        "message": message,
        "firstTimestamp": format_time(now),
        "lastTimestamp": format_time(now),
        "count": 1,
        "source": {"component": names.MANAGER},
        "reportingComponent": names.MANAGER,
    }
