"""Objects that the servers of a development cluster have in common."""

from __future__ import annotations

import base64
from collections.abc import Mapping
from dataclasses import dataclass


@dataclass(frozen=True)
class Server:
    """One pod with one volume (at /data) and one port, in a namespace of its own."""

    name: str
    namespace: str
    user: int
    port: int
    node_port: int
    """0: it has none."""
    container: Mapping[str, object]
    """Image, arguments, environment, resources."""
    volume_size: str
    storage_class: str
    """Empty: the cluster's default."""

    @property
    def labels(self) -> dict[str, str]:
        return {"app.kubernetes.io/name": self.name}


def server(it: Server) -> list[dict[str, object]]:
    metadata = {"name": it.name, "namespace": it.namespace}
    deployment = {
        "replicas": 1,
        # The volume belongs to one server at a time.
        "strategy": {"type": "Recreate"},
        "selector": {"matchLabels": it.labels},
        "template": {"metadata": {"labels": it.labels}, "spec": _pod(it)},
    }
    return [
        {"apiVersion": "v1", "kind": "PersistentVolumeClaim", "metadata": metadata, "spec": _claim(it)},
        {"apiVersion": "apps/v1", "kind": "Deployment", "metadata": metadata, "spec": deployment},
        {"apiVersion": "v1", "kind": "Service", "metadata": metadata, "spec": _service(it)},
    ]


def namespace(name: str) -> dict[str, object]:
    """One whose pods must be restricted."""
    labels = {"pod-security.kubernetes.io/enforce": "restricted"}
    return {"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": name, "labels": labels}}


def secret(name: str, namespace: str, values: Mapping[str, str]) -> dict[str, object]:
    data = {key: base64.b64encode(value.encode()).decode() for key, value in values.items()}
    metadata = {"name": name, "namespace": namespace}
    return {"apiVersion": "v1", "kind": "Secret", "metadata": metadata, "data": data}


def _claim(it: Server) -> dict[str, object]:
    claim: dict[str, object] = {
        "accessModes": ["ReadWriteOnce"],
        "resources": {"requests": {"storage": it.volume_size}},
    }
    # An empty storage class would mean "none"; left out it means the cluster's default.
    return {**claim, "storageClassName": it.storage_class} if it.storage_class else claim


def _service(it: Server) -> dict[str, object]:
    port = {"port": it.port, "targetPort": it.port}
    if not it.node_port:
        return {"type": "ClusterIP", "selector": it.labels, "ports": [port]}
    return {"type": "NodePort", "selector": it.labels, "ports": [{**port, "nodePort": it.node_port}]}


def _pod(it: Server) -> dict[str, object]:
    container = {
        "name": it.name,
        "imagePullPolicy": "IfNotPresent",
        **it.container,
        "ports": [{"containerPort": it.port}],
        "readinessProbe": {"tcpSocket": {"port": it.port}, "periodSeconds": 2},
        "securityContext": {
            "allowPrivilegeEscalation": False,
            "readOnlyRootFilesystem": True,
            "capabilities": {"drop": ["ALL"]},
        },
        "volumeMounts": [{"name": "data", "mountPath": "/data"}],
    }
    return {
        "automountServiceAccountToken": False,
        "enableServiceLinks": False,
        "securityContext": {
            "runAsNonRoot": True,
            "runAsUser": it.user,
            "runAsGroup": it.user,
            "fsGroup": it.user,
            "seccompProfile": {"type": "RuntimeDefault"},
        },
        "containers": [container],
        "volumes": [{"name": "data", "persistentVolumeClaim": {"claimName": it.name}}],
    }
