"""Ask Helm, and find one's way in what it says."""

import json
import pathlib
import subprocess
from typing import Any

import yaml

CHART = pathlib.Path("charts/c2d")
ENVIRONMENT = {"name": "default", "spec": {"results": {"s3": {"bucket": "results"}}}}


def run(
    helm: str, command: str, values: dict[str, Any], chart: pathlib.Path = CHART
) -> subprocess.CompletedProcess[str]:
    words = [helm, *command.split(), str(chart), "--kube-version", "1.34.0", "--values", "-"]
    return subprocess.run(words, input=json.dumps(values), text=True, capture_output=True, check=False)


def rendered(helm: str, **values: Any) -> list[dict[str, Any]]:
    result = run(helm, "template my --namespace ns", {"environments": [ENVIRONMENT], **values})
    assert result.returncode == 0, result.stderr
    return [item for item in yaml.safe_load_all(result.stdout) if item]


def one(items: list[dict[str, Any]], kind: str, component: str = "engine") -> dict[str, Any]:
    name = f"my-{component}"
    (found,) = [item for item in items if (item["kind"], item["metadata"]["name"]) == (kind, name)]
    return found


def pod_of(items: list[dict[str, Any]], component: str) -> dict[str, Any]:
    pod: dict[str, Any] = one(items, "Deployment", component)["spec"]["template"]["spec"]
    return pod


def environment_of(pod: dict[str, Any]) -> dict[str, str]:
    """What the one container's variables say; a Secret's entry is written as secret/entry."""
    (container,) = pod["containers"]
    return {item["name"]: item["value"] if "value" in item else _entry(item) for item in container["env"]}


def _entry(item: dict[str, Any]) -> str:
    reference = item["valueFrom"]["secretKeyRef"]
    return f"{reference['name']}/{reference['key']}"
