"""Fake nodes and how pods fare on them, for kwok. Pure.

A pod starts as soon as it is scheduled and has succeeded half a second later. Two status writes a pod, where a real
kubelet does three or four.
"""

from __future__ import annotations

import json
from collections.abc import Mapping

import yaml

from c2d.kube import names

NODES = 10
POD_MILLISECONDS = 500
_ANNOTATION = "kwok.x-k8s.io/node"
# More at a time than two cores can serve: kwok must not be what a run waits for.
_PARALLEL = 32

# Every report model ignores what it doesn't know, so one message serves configure, the runner and publish. Without
# `files`, which is a number to one of them and a list to another.
REPORT = json.dumps(
    {
        "gate": {"verdict": "Isolated", "rounds": 2, "waitedSeconds": 0.3},
        "started": True,
        "exitCode": 0,
        "bytes": 1,
        "location": "s3://b/p",
        "manifest": "p/manifest.json",
        "manifestSha256": "0" * 64,
        "count": 1,
    },
    separators=(",", ":"),
)

_RUNS = """\
{{ $now := Now }}
phase: Running
startTime: {{ $now | Quote }}
conditions:
- {type: Initialized, status: "True", lastTransitionTime: {{ $now | Quote }}}
- {type: Ready, status: "True", lastTransitionTime: {{ $now | Quote }}}
- {type: ContainersReady, status: "True", lastTransitionTime: {{ $now | Quote }}}
containerStatuses:
{{ range .spec.containers }}
- name: {{ .name | Quote }}
  image: {{ .image | Quote }}
  imageID: ""
  ready: true
  restartCount: 0
  state: {running: {startedAt: {{ $now | Quote }}}}
{{ end }}
hostIP: {{ NodeIPWith .spec.nodeName | Quote }}
podIP: {{ PodIPWith .spec.nodeName false .metadata.uid .metadata.name .metadata.namespace | Quote }}
"""

_SUCCEEDS = """\
{{ $now := Now }}
{{ $started := .status.startTime }}
{{ $message := "" }}
{{ if index .metadata.labels "LABEL" }}{{ $message = `REPORT` }}{{ end }}
phase: Succeeded
conditions:
- {type: Ready, status: "False", reason: PodCompleted, lastTransitionTime: {{ $now | Quote }}}
- {type: ContainersReady, status: "False", reason: PodCompleted, lastTransitionTime: {{ $now | Quote }}}
containerStatuses:
{{ range .spec.containers }}
- name: {{ .name | Quote }}
  image: {{ .image | Quote }}
  imageID: ""
  ready: false
  restartCount: 0
  state:
    terminated:
      exitCode: 0
      reason: Completed
      startedAt: {{ $started | Quote }}
      finishedAt: {{ $now | Quote }}
      message: {{ $message | Quote }}
{{ end }}
"""


def configuration() -> str:
    """kwok's configuration file."""
    succeeds = _SUCCEEDS.replace("LABEL", names.STEP).replace("REPORT", REPORT)
    documents = [
        _options(),
        _stage("node-ready", "Node", _not_ready(), status=_NODE),
        _stage("pod-runs", "Pod", [_phase("Pending")], status=_RUNS),
        _stage("pod-succeeds", "Pod", [_phase("Running")], status=succeeds, delay=POD_MILLISECONDS),
        # The API server removes an ended pod by itself.
        _stage("pod-deleted", "Pod", [_DELETED, _phase("Pending", "Running")], delete=True),
    ]
    return yaml.safe_dump_all(documents, sort_keys=False)


def nodes() -> list[Mapping[str, object]]:
    return [
        {
            "apiVersion": "v1",
            "kind": "Node",
            "metadata": {"name": f"fake-{number}", "annotations": {_ANNOTATION: "fake"}},
        }
        for number in range(NODES)
    ]


_DELETED = {"key": ".metadata.deletionTimestamp", "operator": "Exists"}
_NODE = """\
{{ $now := Now }}
conditions:
{{ range NodeConditions }}
- type: {{ .type | Quote }}
  status: {{ .status | Quote }}
  reason: {{ .reason | Quote }}
  message: {{ .message | Quote }}
  lastHeartbeatTime: {{ $now | Quote }}
  lastTransitionTime: {{ $now | Quote }}
{{ end }}
allocatable: {cpu: 1k, memory: 4Ti, pods: 10k, ephemeral-storage: 4Ti}
capacity: {cpu: 1k, memory: 4Ti, pods: 10k, ephemeral-storage: 4Ti}
"""


def _options() -> Mapping[str, object]:
    return {
        "apiVersion": "config.kwok.x-k8s.io/v1alpha1",
        "kind": "KwokConfiguration",
        "options": {
            "cidr": "10.128.0.0/12",
            "nodeIP": "10.127.0.1",
            "manageNodesWithAnnotationSelector": f"{_ANNOTATION}=fake",
            # kwok ends at once where one of these is 0, its default next to a configuration file.
            "nodeLeaseDurationSeconds": 40,
            "nodeLeaseParallelism": 4,
            "nodePlayStageParallelism": 4,
            "podPlayStageParallelism": _PARALLEL,
            "podsOnNodeSyncParallelism": 4,
        },
    }


def _stage(
    name: str,
    kind: str,
    conditions: list[Mapping[str, object]],
    *,
    status: str = "",
    delay: int = 0,
    delete: bool = False,
) -> Mapping[str, object]:
    alive = {**_DELETED, "operator": "DoesNotExist"}
    spec: dict[str, object] = {
        "resourceRef": {"apiGroup": "v1", "kind": kind},
        "selector": {"matchExpressions": conditions if delete else [alive, *conditions]},
        "next": {"delete": True} if delete else {"statusTemplate": status},
    }
    if delay:
        spec["delay"] = {"durationMilliseconds": delay}
    return {"apiVersion": "kwok.x-k8s.io/v1alpha1", "kind": "Stage", "metadata": {"name": name}, "spec": spec}


def _phase(*phases: str) -> Mapping[str, object]:
    return {"key": ".status.phase", "operator": "In", "values": list(phases)}


def _not_ready() -> list[Mapping[str, object]]:
    ready = '.status.conditions.[] | select( .type == "Ready" ) | .status'
    return [{"key": ready, "operator": "NotIn", "values": ["True"]}]
