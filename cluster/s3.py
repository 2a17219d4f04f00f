"""A small S3 server inside the cluster, its credentials and its buckets."""

from __future__ import annotations

import secrets
from dataclasses import dataclass

import boto3
import botocore.config
import botocore.exceptions

from cluster import keys, kubernetes, manifests
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
    made = keys.made_once(places, "s3-credentials", lambda: f"{secrets.token_hex(10)}\n{secrets.token_hex(20)}\n")
    access_key, secret_key = made.split()
    return Credentials(access_key, secret_key)


def install(api: kubernetes.Client, places: Places, image: str, storage_class: str) -> None:
    """Apply everything; does not wait."""
    root = credentials(places)
    spaces = [manifests.namespace(name) for name in (NAMESPACE, S3_NAMESPACE)]
    api.apply([*spaces, *secret_objects(root), *manifests.server(server(image, storage_class))])


def secret_objects(root: Credentials) -> list[dict[str, object]]:
    access_key, secret_key = root.access_key, root.secret_key
    server = {"ROOT_ACCESS_KEY": access_key, "ROOT_SECRET_KEY": secret_key}
    client = {"AWS_ACCESS_KEY_ID": access_key, "AWS_SECRET_ACCESS_KEY": secret_key}
    return [
        manifests.secret(ROOT_SECRET, S3_NAMESPACE, server),
        manifests.secret(RESULTS_SECRET, NAMESPACE, client),
    ]


def server(image: str, storage_class: str) -> manifests.Server:
    container = {
        "image": image,
        "args": ["--port", f":{S3_PORT}", "--region", REGION, "--quiet", "posix", "/data"],
        "envFrom": [{"secretRef": {"name": ROOT_SECRET}}],
        "resources": {"requests": {"cpu": "20m", "memory": "64Mi"}, "limits": {"memory": "512Mi"}},
    }
    return manifests.Server(
        name=NAME,
        namespace=S3_NAMESPACE,
        user=10001,
        port=S3_PORT,
        node_port=S3_NODE_PORT,
        container=container,
        volume_size=VOLUME_SIZE,
        storage_class=storage_class,
    )


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
