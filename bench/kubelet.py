"""The same gaps where a real kubelet runs the pods, as a watch tells of them."""

from __future__ import annotations

import asyncio
import time
import uuid
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from rich.console import Console
from rich.table import Table

from bench.gaps import percentile
from c2d.api.phases import Phase
from c2d.kube import errors, names
from c2d.kube.client import Client
from c2d.kube.resources import JOBS, PODS, Object
from cluster.progress import Progress

JOBS_TO_RUN = 5
_NEEDED = ("KUBECONFIG", "C2D_NAMESPACE", "C2D_ENVIRONMENT", "C2D_ALGORITHM_IMAGE")
_DEADLINE = 300.0  # seconds for one job
_STEPS = ("configure", "algorithm", "publish")


@dataclass
class Pod:
    """When the watch told of it, in seconds since 1970."""

    created: float
    ended: float | None = None
    ran: float | None = None  # seconds that its container took; the kubelet tells whole ones


@dataclass
class Story:
    """One job, by step."""

    submitted: float
    pods: dict[str, Pod] = field(default_factory=dict)
    done: float | None = None
    phase: str = ""


async def measure(console: Console, progress: Progress, environ: Mapping[str, str]) -> list[dict[str, Any]] | None:
    """None, with a word about it, where there is no cluster."""
    missing = [name for name in _NEEDED if not environ.get(name)]
    if missing:
        progress.warn(f'no real kubelet: {", ".join(missing)} not set; eval "$(make -s env)" after make up')
        return None
    stories = []
    async with await Client.connect("c2d-bench") as client:
        for number in range(JOBS_TO_RUN):
            with progress.step(f"real kubelet, job {number + 1} of {JOBS_TO_RUN}"):
                stories.append(await _run(client, environ))
    rows = {
        name: [value for story in stories if (value := _row(story).get(name)) is not None] for name in _row(stories[0])
    }
    _show(console, rows)
    for story in stories:
        if story.phase != Phase.SUCCEEDED:
            progress.warn(f"a job ended as {story.phase}")
    return [{"phase": story.phase, "seconds": _row(story)} for story in stories]


async def _run(client: Client, environ: Mapping[str, str]) -> Story:
    namespace, name = environ["C2D_NAMESPACE"], f"bench-{uuid.uuid4().hex[:8]}"
    version = (await client.list(JOBS, namespace, limit="1"))["metadata"]["resourceVersion"]
    pods = (await client.list(PODS, namespace, limit="1"))["metadata"]["resourceVersion"]
    try:
        async with asyncio.timeout(_DEADLINE), asyncio.TaskGroup() as group:
            story = Story(submitted=0)
            following = group.create_task(_follow_pods(client, namespace, name, pods, story))
            ending = group.create_task(_follow_job(client, namespace, name, version, story))
            await client.create(JOBS, _job(name, environ))
            story.submitted = time.time()
            await ending
            following.cancel()
        return story
    finally:
        await client.delete(JOBS, namespace, name)


async def _follow_pods(client: Client, namespace: str, job: str, version: str, story: Story) -> None:
    async for _, item in client.watch(PODS, namespace, version, labelSelector=f"{names.JOB_NAME}={job}"):
        now = time.time()
        pod = story.pods.setdefault(item["metadata"]["labels"][names.STEP], Pod(now))
        terminated = _terminated(item.get("status", {}))
        if terminated is not None and pod.ended is None:
            pod.ended, pod.ran = now, _ran(terminated)


async def _follow_job(client: Client, namespace: str, job: str, version: str, story: Story) -> None:
    async for _, item in client.watch(JOBS, namespace, version, fieldSelector=f"metadata.name={job}"):
        status = item.get("status", {})
        if "dateFinished" in status:
            story.done, story.phase = time.time(), status["phase"]
            return
    raise errors.Unavailable("the watch ended before the job did")


def _terminated(status: Object) -> Object | None:
    """Its container's last state, once the pod is told to have ended."""
    if status.get("phase") not in ("Succeeded", "Failed"):
        return None
    container: Object = next(iter(status.get("containerStatuses", [])), {})
    found: Object | None = container.get("state", {}).get("terminated")
    return found


def _ran(terminated: Object) -> float:
    begin, end = (datetime.fromisoformat(terminated[key]) for key in ("startedAt", "finishedAt"))
    return (end - begin).total_seconds()


def _job(name: str, environ: Mapping[str, str]) -> Object:
    image, _, tag = environ["C2D_ALGORITHM_IMAGE"].rpartition(":")
    algorithm = {
        "source": {"inline": "pass\n"},
        "container": {"image": image, "tag": tag, "entrypoint": "python3 $ALGO"},
    }
    return {
        "apiVersion": JOBS.api_version,
        "kind": JOBS.kind,
        "metadata": {"name": name, "namespace": environ["C2D_NAMESPACE"]},
        "spec": {"environment": environ["C2D_ENVIRONMENT"], "algorithm": algorithm},
    }


def _row(story: Story) -> dict[str, float | None]:
    """Seconds, by what they were spent on, in the order of a job's life."""
    row: dict[str, float | None] = {}
    before: float | None = story.submitted
    for step, word in zip(_STEPS, ("submit", "pod ended", "pod ended"), strict=True):
        pod = story.pods.get(step)
        created, ended = (pod.created, pod.ended) if pod else (None, None)
        row[f"engine: {word} → {step} pod created"] = _minus(created, before)
        row[f"cluster: {step} pod created → ended"] = _minus(ended, created)
        row[f"  of which its container ran, ± 1 s: {step}"] = pod.ran if pod else None
        before = ended
    row["engine: last pod ended → job done"] = _minus(story.done, before)
    row["whole job"] = _minus(story.done, story.submitted)
    return row


def _minus(end: float | None, begin: float | None) -> float | None:
    return end - begin if end is not None and begin is not None else None


def _show(console: Console, rows: Mapping[str, list[float]]) -> None:
    table = Table(title=f"On a real kubelet, {JOBS_TO_RUN} jobs one at a time, milliseconds", title_justify="left")
    table.add_column("from → to, as a watch tells")
    for column in ("p50", "least", "most"):
        table.add_column(column, justify="right")
    for name, seconds in rows.items():
        values = (percentile(seconds, 50), min(seconds, default=0), max(seconds, default=0))
        table.add_row(name, *(f"{value * 1000:.0f}" for value in values))
    console.print(table)
