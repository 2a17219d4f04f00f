"""Install the operator's Helm chart and see that it comes up."""

from __future__ import annotations

import json
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from cluster import controlplane, kubernetes, s3
from cluster.progress import Progress
from cluster.settings import (
    ENVIRONMENT,
    NAMESPACE,
    REGION,
    RELEASE,
    REPOSITORY,
    RESULTS_BUCKET,
    RESULTS_SECRET,
    ClusterError,
    Places,
)
from cluster.shell import CommandFailed, run

CHART = REPOSITORY / "charts" / "c2d"
CRDS = REPOSITORY / "crds"
READY_SECONDS = 120.0
HOPELESS_CRASHES = 3
SELECTOR = f"--selector=app.kubernetes.io/instance={RELEASE}"
LOG_LINES = 20


@dataclass(frozen=True)
class Traits:
    """What differs between clusters, as far as the chart's values are concerned. Empty: leave it out."""

    runtime_class: str = ""
    storage_class: str = ""


def values(image: str, store: s3.Store, traits: Traits) -> dict[str, object]:
    repository, _, tag = image.rpartition(":")
    spec: dict[str, object] = {
        "description": "The environment of a development cluster",
        "resources": {"cpu": "1", "memory": "1Gi", "disk": "1Gi"},
        "maxJobs": 10,
        "maxJobDurationSeconds": 3600,
        "results": {
            "s3": {
                "endpoint": store.endpoint_in_cluster,
                "region": REGION,
                "bucket": RESULTS_BUCKET,
                "credentialsSecretName": RESULTS_SECRET,
            }
        },
    }
    if traits.runtime_class:
        spec["pod"] = {"runtimeClassName": traits.runtime_class}
    if traits.storage_class:
        spec["volume"] = {"storageClassName": traits.storage_class}
    return {
        "image": {"repository": repository, "tag": tag},
        "environments": [{"name": ENVIRONMENT, "spec": spec}],
    }


def install(
    api: kubernetes.Client, helm: Path, places: Places, chart_values: dict[str, object], progress: Progress
) -> None:
    """Apply the CRDs, install or upgrade the release. Does not wait."""
    file = places.config / "values.json"
    controlplane.write(file, json.dumps(chart_values, indent=2))
    with progress.step("install the operator"):
        # Helm installs CRDs once and never changes them again.
        api("apply", "--server-side", "--force-conflicts", "-f", CRDS)
        flags = [f"--kubeconfig={api.kubeconfig}"] if api.kubeconfig else []
        run(helm, *flags, "upgrade", "--install", RELEASE, CHART, "--namespace", NAMESPACE, "--values", file)


def chart_exists() -> bool:
    return (CHART / "Chart.yaml").exists() and any(CRDS.glob("*.yaml"))


def wait(api: kubernetes.Client) -> None:
    """Until every Deployment of the release is ready. Says what a person needs to know when one isn't."""
    deadline = time.monotonic() + READY_SECONDS
    before = _restarts(api)
    while unready := _unready(api):
        crashes = max((count - before.get(pod, 0) for pod, count in _restarts(api).items()), default=0)
        if time.monotonic() > deadline or crashes >= HOPELESS_CRASHES:
            raise ClusterError(f"not ready: {', '.join(unready)}\n{_report(api)}")
        time.sleep(0.5)


def _unready(api: kubernetes.Client) -> list[str]:
    return [item["metadata"]["name"] for item in _ours(api, "deployments") if not is_ready(item)]


def _restarts(api: kubernetes.Client) -> dict[str, int]:
    """How often the containers of each pod have been started again."""
    return {
        pod["metadata"]["name"]: sum(state["restartCount"] for state in pod["status"].get("containerStatuses", ()))
        for pod in _ours(api, "pods")
    }


def _ours(api: kubernetes.Client, kind: str) -> list[dict[str, Any]]:
    found = json.loads(api("get", kind, f"--namespace={NAMESPACE}", SELECTOR, "--output=json"))
    items: list[dict[str, Any]] = found["items"]
    return items


def is_ready(deployment: dict[str, Any]) -> bool:
    """Whether the latest specification, and nothing else, runs with all its replicas."""
    status, wanted = deployment.get("status", {}), deployment["spec"].get("replicas", 1)
    seen = status.get("observedGeneration", 0) >= deployment["metadata"]["generation"]
    counts = [status.get(key, 0) for key in ("replicas", "updatedReplicas", "readyReplicas")]
    return seen and counts == [wanted] * 3


def _report(api: kubernetes.Client) -> str:
    """What a person would look at first: the pods, their latest events, their last words."""
    where = f"--namespace={NAMESPACE}"
    questions = (
        ("get", "pods", where, "--output=wide"),
        ("get", "events", where, "--field-selector=type=Warning", "--sort-by=.lastTimestamp"),
        ("logs", where, SELECTOR, "--all-containers", "--prefix", f"--tail={LOG_LINES}"),
    )
    return "\n".join(_answer(api, *question) for question in questions)


def _answer(api: kubernetes.Client, *words: str) -> str:
    try:
        return api(*words)
    except CommandFailed as error:
        return str(error)
