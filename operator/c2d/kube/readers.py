"""Readers of results on volumes, as those see them who ask for one: a note on the job, and then a pod that is ready."""

import asyncio
from datetime import UTC, datetime

from c2d.api import reading
from c2d.kube import names
from c2d.kube.client import Client
from c2d.kube.resources import JOBS, PODS, Object, owner_uid

_LOOK = 0.3  # seconds between two looks at a pod that starts


async def ask(client: Client, namespace: str, job: str, uid: str, now: datetime) -> None:
    """Says on the job that its results are wanted. Raises KubeError: NotFound, or Conflict, where the job is gone."""
    moment = now.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
    body = {"metadata": {"uid": uid, "annotations": {reading.ASKED: moment}}}
    await client.patch(JOBS, namespace, job, body)


async def ready(client: Client, namespace: str, uid: str) -> Object | None:
    """The job's reader, if there is one that answers. Raises KubeError."""
    selector = f"{names.JOB_UID}={uid},{names.STEP}={names.READER}"
    pods: list[Object] = (await client.list(PODS, namespace, labelSelector=selector))["items"]
    return next((pod for pod in pods if owner_uid(pod) == uid and _is_ready(pod)), None)


async def until_ready(client: Client, namespace: str, uid: str) -> Object:
    """The same, however long it takes."""
    while True:
        pod = await ready(client, namespace, uid)
        if pod is not None:
            return pod
        await asyncio.sleep(_LOOK)


def _is_ready(pod: Object) -> bool:
    status = pod.get("status", {})
    if not status.get("podIP") or "deletionTimestamp" in pod["metadata"]:
        return False
    return any(item["type"] == "Ready" and item["status"] == "True" for item in status.get("conditions", []))
