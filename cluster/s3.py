"""A small S3 server inside the cluster, its credentials and its buckets."""

from __future__ import annotations

import base64
import secrets
from collections.abc import Mapping
from dataclasses import dataclass

import boto3
import botocore.config
import botocore.exceptions

from cluster import kubernetes
from cluster.settings import (
    DATASETS_BUCKET,
    NAMESPACE,
    REGION,
    RESULTS_BUCKET,
    RESULTS_SECRET,
    S3_NAMESPACE,
    S3_NODE_PORT,
    S3_PORT,
    ClusterError,
    Places,
)

NAME = "s3"
LABELS = {"app.kubernetes.io/name": NAME}
ROOT_SECRET = "s3-root"  # noqa: S105  (the name of a Secret)
VOLUME_SIZE = "10Gi"
CONNECT = botocore.config.Config(
    connect_timeout=5, read_timeout=30, retries={"max_attempts": 8, "mode": "standard"}, proxies={}
)


@dataclass(frozen=True)
class Credentials:
    access_key: str
    secret_key: str


@dataclass(frozen=True)
class Store:
    """Where the store is: seen from this machine, and from a pod (by address, as there may be no DNS)."""

    endpoint: str
    endpoint_in_cluster: str
    credentials: Credentials


def credentials(places: Places) -> Credentials:
    """Random, made once, kept as long as the cluster."""
    file = places.state / "s3-credentials"
    if not file.exists():
        file.parent.mkdir(parents=True, exist_ok=True)
        file.touch(mode=0o600)
        file.write_text(f"{secrets.token_hex(10)}\n{secrets.token_hex(20)}\n")
    access_key, secret_key = file.read_text().split()
    return Credentials(access_key, secret_key)


def install(api: kubernetes.Client, places: Places, image: str, storage_class: str) -> None:
    """Apply everything; does not wait."""
    root = credentials(places)
    api.apply([*namespaces(), *secret_objects(root), *server_objects(image, storage_class)])


def namespaces() -> list[dict[str, object]]:
    restricted = {"pod-security.kubernetes.io/enforce": "restricted"}
    return [
        {"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": name, "labels": restricted}}
        for name in (NAMESPACE, S3_NAMESPACE)
    ]


def secret_objects(root: Credentials) -> list[dict[str, object]]:
    return [
        _secret(ROOT_SECRET, S3_NAMESPACE, root, ("ROOT_ACCESS_KEY", "ROOT_SECRET_KEY")),
        _secret(RESULTS_SECRET, NAMESPACE, root, ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY")),
    ]


def server_objects(image: str, storage_class: str) -> list[dict[str, object]]:
    metadata = {"name": NAME, "namespace": S3_NAMESPACE}
    claim = {
        "accessModes": ["ReadWriteOnce"],
        "storageClassName": storage_class,
        "resources": {"requests": {"storage": VOLUME_SIZE}},
    }
    port = {"port": S3_PORT, "targetPort": S3_PORT, "nodePort": S3_NODE_PORT}
    deployment = {
        "replicas": 1,
        # The volume belongs to one server at a time.
        "strategy": {"type": "Recreate"},
        "selector": {"matchLabels": LABELS},
        "template": {"metadata": {"labels": LABELS}, "spec": _pod(image)},
    }
    service = {"type": "NodePort", "selector": LABELS, "ports": [port]}
    return [
        {"apiVersion": "v1", "kind": "PersistentVolumeClaim", "metadata": metadata, "spec": _without_empty(claim)},
        {"apiVersion": "apps/v1", "kind": "Deployment", "metadata": metadata, "spec": deployment},
        {"apiVersion": "v1", "kind": "Service", "metadata": metadata, "spec": service},
    ]


def cluster_ip(api: kubernetes.Client) -> str:
    address = api.try_get("service", NAME, S3_NAMESPACE, "{.spec.clusterIP}")
    if not address:
        raise ClusterError(f"the S3 server's Service is missing in namespace {S3_NAMESPACE}")
    return address


def create_buckets(store: Store) -> None:
    session = boto3.session.Session(store.credentials.access_key, store.credentials.secret_key, region_name=REGION)
    client = session.client("s3", endpoint_url=store.endpoint, config=CONNECT)
    for bucket in (RESULTS_BUCKET, DATASETS_BUCKET):
        try:
            client.create_bucket(Bucket=bucket)
        except (client.exceptions.BucketAlreadyOwnedByYou, client.exceptions.BucketAlreadyExists):
            continue
        except botocore.exceptions.BotoCoreError as error:
            raise ClusterError(f"the S3 server at {store.endpoint} does not answer: {error}") from error


def _pod(image: str) -> dict[str, object]:
    probe = {"tcpSocket": {"port": S3_PORT}, "periodSeconds": 2}
    container = {
        "name": NAME,
        "image": image,
        "imagePullPolicy": "IfNotPresent",
        "args": ["--port", f":{S3_PORT}", "--region", REGION, "--quiet", "posix", "/data"],
        "envFrom": [{"secretRef": {"name": ROOT_SECRET}}],
        "ports": [{"containerPort": S3_PORT}],
        "readinessProbe": probe,
        "resources": {"requests": {"cpu": "20m", "memory": "64Mi"}, "limits": {"memory": "512Mi"}},
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
            "runAsUser": 10001,
            "runAsGroup": 10001,
            "fsGroup": 10001,
            "seccompProfile": {"type": "RuntimeDefault"},
        },
        "containers": [container],
        "volumes": [{"name": "data", "persistentVolumeClaim": {"claimName": NAME}}],
    }


def _secret(name: str, namespace: str, root: Credentials, keys: tuple[str, str]) -> dict[str, object]:
    values = (root.access_key, root.secret_key)
    data = {key: base64.b64encode(value.encode()).decode() for key, value in zip(keys, values, strict=True)}
    return {
        "apiVersion": "v1",
        "kind": "Secret",
        "metadata": {"name": name, "namespace": namespace},
        "data": data,
    }


def _without_empty(values: Mapping[str, object]) -> dict[str, object]:
    """An empty storage class would mean "none"; left out it means the cluster's default."""
    return {key: value for key, value in values.items() if value}
