"""Install the operator's Helm chart and see that it comes up."""

from __future__ import annotations

import json
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from cluster import controlplane, keys, kubernetes, postgres, s3
from cluster.progress import Progress
from cluster.settings import (
    ADMINS_SECRET,
    ENVIRONMENT,
    NAMESPACE,
    OPERATOR_KEY_SECRET,
    POSTGRES_DATABASE,
    POSTGRES_PORT,
    POSTGRES_SECRET,
    POSTGRES_USER,
    REGION,
    RELEASE,
    REPOSITORY,
    RESULTS_BUCKET,
    RESULTS_SECRET,
    SERVICE_NODE_PORT,
    SERVICE_PORT,
    ClusterError,
    Places,
)
from cluster.shell import CommandFailed, run
from cluster.traits import Traits

CHART = REPOSITORY / "charts" / "c2d"
CRDS = REPOSITORY / "crds"
READY_SECONDS = 120.0
HOPELESS_CRASHES = 3
SELECTOR = f"--selector=app.kubernetes.io/instance={RELEASE}"
LOG_LINES = 20


@dataclass(frozen=True)
class Parts:
    """What the release works with. `postgres_host` is empty when there is no PostgreSQL."""

    image: str
    store: s3.Store
    keys: keys.Keys
    postgres_host: str


def values(parts: Parts, traits: Traits) -> dict[str, object]:
    repository, _, tag = parts.image.rpartition(":")
    return {
        "image": {"repository": repository, "tag": tag},
        "operator": {"privateKeySecret": {"name": OPERATOR_KEY_SECRET, "key": keys.OPERATOR_ENTRY}},
        "service": _service(parts, traits),
        "environments": [{"name": ENVIRONMENT, "spec": _environment(parts.store, traits)}],
    }


def _service(parts: Parts, traits: Traits) -> dict[str, object]:
    service: dict[str, object] = {
        "replicas": 2,
        "port": SERVICE_PORT,
        "allowedProviders": [parts.keys.provider_address],
        "admins": {"secretName": ADMINS_SECRET, "key": keys.ADMINS_ENTRY},
        # A small machine's CPUs are for the jobs.
        "resources": {"requests": {"cpu": "20m", "memory": "128Mi"}},
    }
    if traits.node_ports:
        service |= {"serviceType": "NodePort", "nodePort": SERVICE_NODE_PORT}
    if parts.postgres_host:
        service["postgres"] = _postgres(parts.postgres_host)
    return service


def _postgres(host: str) -> dict[str, object]:
    return {
        "host": host,
        "port": POSTGRES_PORT,
        "database": POSTGRES_DATABASE,
        "user": POSTGRES_USER,
        "passwordSecret": {"name": POSTGRES_SECRET, "key": postgres.ENTRY},
    }


def _environment(store: s3.Store, traits: Traits) -> dict[str, object]:
    spec: dict[str, object] = {
        "description": "The environment of a development cluster",
        "resources": {"cpu": "1", "memory": "1Gi", "disk": "1Gi"},
        "maxJobs": 10,
        "maxJobDurationSeconds": 3600,
        # The data of examples and tests is inside of the cluster.
        "assets": {"allowPrivateAddresses": True},
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
    return spec


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
