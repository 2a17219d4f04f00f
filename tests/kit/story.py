"""A job's life with a kubelet that the test plays: engines come and go, the cluster stays."""

import json
from collections.abc import Callable
from datetime import datetime, timedelta
from typing import Any, cast

from c2d.api.model import format_time
from c2d.api.phases import TERMINAL, Phase
from c2d.api.progress import Progress
from c2d.engine.observe import World
from c2d.engine.reconcile import Reconciler
from c2d.engine.state import Settings
from c2d.kube import names
from c2d.kube.client import Client
from c2d.kube.resources import ENVIRONMENTS, JOBS, PODS, Object
from tests.kit import build
from tests.kit.world import Cluster, Died, FakeClient

KEY = ("ns", "branin")


def job_manifest(name: str = "branin", **spec: Any) -> Object:
    return {
        "apiVersion": JOBS.api_version,
        "kind": JOBS.kind,
        "metadata": {"name": name, "namespace": "ns", "generation": 1, "uid": f"{name}-uid"},
        "spec": build.spec(**spec).model_dump(mode="json", by_alias=True, exclude_none=True),
    }


def environment_manifest(**spec: Any) -> Object:
    return {
        "apiVersion": ENVIRONMENTS.api_version,
        "kind": ENVIRONMENTS.kind,
        "metadata": {"name": "default", "namespace": "ns", "generation": 1},
        "spec": build.environment(**spec).model_dump(mode="json", by_alias=True, exclude_none=True),
    }


class Story:
    """One cluster, one clock, and the engine that lives at the moment."""

    def __init__(self) -> None:
        self.cluster = Cluster()
        self.now: datetime = build.NOW
        self.settings: Settings = build.SETTINGS
        self.deaths = 0
        self.told: dict[str, Progress] = {}  # what running pods tell every engine, by their step

    def given(self, *, job: Object | None = None, environment: Object | None = None) -> "Story":
        self.cluster.put(ENVIRONMENTS, environment or environment_manifest())
        self.cluster.put(JOBS, job or job_manifest())
        return self

    def pass_time(self, seconds: float) -> None:
        self.now += timedelta(seconds=seconds)

    async def engine_works(
        self,
        key: tuple[str, str] = KEY,
        before: Callable[[str], None] = lambda _: None,
        after: Callable[[str], None] = lambda _: None,
    ) -> None:
        """A fresh engine sees the cluster and works until it has nothing to do, or dies."""
        world, client = World(), cast(Client, FakeClient(self.cluster, before, after))
        reconciler = Reconciler(client, world, self.settings, lambda: self.now)
        try:
            while True:
                count = len(self.cluster.requests)
                self._tell(world)
                await reconciler.reconcile(key)
                if len(self.cluster.requests) == count:
                    return
        except Died:
            self.deaths += 1

    def _tell(self, world: World) -> None:
        for item in self.cluster.all(ENVIRONMENTS):
            world.environments.put(item)
        for item in self.cluster.all(JOBS):
            world.saw_job(item)
        # The engine's watch selects by this label.
        there = [pod for pod in self.cluster.all(PODS) if names.STEP in pod["metadata"].get("labels", {})]
        for item in world.pods:
            if item["metadata"]["uid"] not in [pod["metadata"]["uid"] for pod in there]:
                world.lost_pod(item)
        for item in there:
            world.saw_pod(item)
            told = self.told.get(item["metadata"]["labels"][names.STEP])
            if told is not None and item["status"]["phase"] == "Running":
                world.progress.take(item["metadata"]["uid"], told)

    def kubelet_runs(self) -> None:
        """Every pod that waits starts; every pod that ran succeeds."""
        for pod in self.cluster.all(PODS):
            phase = pod["status"]["phase"]
            if phase == "Pending":
                self.pod_runs(pod)
            elif phase == "Running":
                self.pod_ends(pod)

    def pod_runs(self, pod: Object) -> None:
        state = {"running": {"startedAt": format_time(self.now)}}
        self._status(pod, {"phase": "Running", "containerStatuses": [{"state": state}]})

    def pod_ends(self, pod: Object, exit_code: int = 0, said: str | None = None, reason: str = "") -> None:
        ended = {
            "startedAt": format_time(self.now),
            "finishedAt": format_time(self.now),
            "exitCode": exit_code,
            "reason": reason or ("Error" if exit_code else "Completed"),
            "message": said if said is not None else _report(pod),
        }
        phase = "Failed" if exit_code else "Succeeded"
        self._status(pod, {"phase": phase, "containerStatuses": [{"state": {"terminated": ended}}]})

    def _status(self, pod: Object, status: Object) -> None:
        self.cluster.change(PODS, pod["metadata"]["name"], lambda item: item.update(status=status))

    def pod(self, step: str, attempt: int = 0) -> Object:
        labels = {names.STEP: step, names.ATTEMPT: str(attempt)}
        found = [pod for pod in self.cluster.all(PODS) if labels.items() <= pod["metadata"]["labels"].items()]
        assert found, f"there is no {step} pod of attempt {attempt}"
        return found[0]

    @property
    def status(self) -> Object:
        return cast(Object, self.cluster.job().get("status", {}))

    @property
    def phase(self) -> Phase:
        return Phase(self.status.get("phase", "Pending"))

    async def runs_to_the_end(self, **engine: Any) -> None:
        """Engine and kubelet take turns until the job is terminal."""
        for _ in range(60):
            await self.engine_works(**engine)
            if self.phase in TERMINAL:
                await self.engine_works()
                return
            self.kubelet_runs()
            self.pass_time(1)
        raise AssertionError(f"the job hangs in {self.phase}: {self.status}")


def _report(pod: Object) -> str:
    said = {"algorithm": build.ISOLATED, "publish": build.PUBLISHED, "configure": {"files": 1, "bytes": 7}}
    return json.dumps(said[pod["metadata"]["labels"][names.STEP]])
