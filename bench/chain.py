"""The measure of all figures: three pods a job, each created as soon as the one before has succeeded, and no more.

Nobody can run three pods one after another for less. With `volume`, each job also has a claim that its pods mount, and
claim and pods are removed at its end: what Kubernetes takes for the volume, whoever asks for it.
"""

from __future__ import annotations

import asyncio
from collections.abc import Coroutine
from typing import Any

from bench import plane
from bench.gaps import PODS_OF_A_JOB, job_of
from bench.subject import LABEL, VOLUMES, Subject, gone
from c2d.kube.client import Client
from c2d.kube.resources import CLAIMS, PODS, Object

_JOB = "bench-job"
_IMAGE = "example.com/algorithm:1"


class Chain(Subject):
    """A tiny watcher: the number of a job's pod is all that it remembers."""

    resource = PODS
    selector = f"{LABEL}=chain"

    def __init__(self, client: Client, *, volume: bool = False) -> None:
        super().__init__(client)
        self._volume = volume
        self._number: dict[str, int] = {}
        self._tasks: set[asyncio.Task[None]] = set()

    async def begin(self, name: str) -> None:
        self._number[name] = 0
        if self._volume:
            await self.client.create(CLAIMS, claim(name))
        await self._pod(name, 0)

    def saw(self, item: Object) -> None:
        name, number = job_of(item["metadata"]["name"]), int(item["metadata"]["name"].rpartition("-")[2])
        if item["status"].get("phase") != "Succeeded" or self._number.get(name) != number:
            return
        self._number[name] = number + 1
        if number + 1 < PODS_OF_A_JOB:
            self._go(self._pod(name, number + 1))
            return
        self.ended(name)
        if self._volume:
            self._go(self._remove(name))

    async def settled(self) -> None:
        if self._volume:
            await gone(self.client, (PODS, self.selector), (CLAIMS, self.selector), (VOLUMES, ""))

    async def clean(self) -> None:
        await self.client.delete_all(PODS, plane.NAMESPACE, self.selector)
        await gone(self.client, (PODS, self.selector))

    async def _pod(self, name: str, number: int) -> None:
        await self.client.create(PODS, pod(name, number, volume=self._volume))

    async def _remove(self, name: str) -> None:
        await self.client.delete(CLAIMS, plane.NAMESPACE, name)
        await self.client.delete_all(PODS, plane.NAMESPACE, f"{_JOB}={name}")

    def _go(self, work: Coroutine[Any, Any, None]) -> None:
        """Beside the watch, which must not wait for an answer."""
        task = asyncio.create_task(work)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)


def pod(name: str, number: int, *, volume: bool) -> Object:
    container: Object = {"name": "main", "image": _IMAGE}
    spec: Object = {"restartPolicy": "Never", "automountServiceAccountToken": False, "containers": [container]}
    if volume:
        container["volumeMounts"] = [{"name": "data", "mountPath": "/data"}]
        spec["volumes"] = [{"name": "data", "persistentVolumeClaim": {"claimName": name}}]
    return {
        "apiVersion": PODS.api_version,
        "kind": PODS.kind,
        "metadata": _metadata(f"{name}-{number}", name),
        "spec": spec,
    }


def claim(name: str) -> Object:
    spec = {
        "accessModes": ["ReadWriteOnce"],
        "storageClassName": plane.STORAGE_CLASS,
        "resources": {"requests": {"storage": "1Gi"}},
    }
    return {"apiVersion": CLAIMS.api_version, "kind": CLAIMS.kind, "metadata": _metadata(name, name), "spec": spec}


def _metadata(name: str, job: str) -> Object:
    return {"name": name, "namespace": plane.NAMESPACE, "labels": {LABEL: "chain", _JOB: job}}
