"""A PostgreSQL inside the cluster, for who asks for one: the operator-service keeps its archive there."""

from __future__ import annotations

from cluster import keys, kubernetes, manifests
from cluster.settings import (
    NAMESPACE,
    POSTGRES_DATABASE,
    POSTGRES_NAMESPACE,
    POSTGRES_NODE_PORT,
    POSTGRES_PORT,
    POSTGRES_SECRET,
    POSTGRES_USER,
    Places,
)
from cluster.traits import Traits

NAME = "postgres"
ENTRY = "POSTGRES_PASSWORD"
USER_ID = 999
"""The user `postgres` of the official image: initdb wants one that has a name."""
VOLUME_SIZE = "5Gi"
PASSWORD_FILE = "postgres-password"  # noqa: S105
# The database is made in a scratch folder and moved into place whole, so a killed first start leaves nothing behind.
# It speaks TCP only, to whoever knows the password.
START = r"""
set -eu
umask 077
if [ ! -d /data/postgres ]; then
  rm -rf /data/new
  printf %s "$POSTGRES_PASSWORD" > /data/password
  initdb --pgdata=/data/new --username="$POSTGRES_USER" --pwfile=/data/password \
    --auth=scram-sha-256 --encoding=UTF8 --locale=C
  rm /data/password
  echo 'host all all all scram-sha-256' >> /data/new/pg_hba.conf
  echo "CREATE DATABASE \"$POSTGRES_DB\"" | postgres --single -D /data/new postgres
  mv /data/new /data/postgres
fi
exec postgres -D /data/postgres -p "$POSTGRES_PORT" -c listen_addresses='*' -c unix_socket_directories=
"""


def keep(places: Places) -> None:
    """From now on the cluster has one, until `down`: a later `up` without the option must not take it away."""
    password(places)


def kept(places: Places) -> bool:
    return (places.state / PASSWORD_FILE).exists()


def password(places: Places) -> str:
    return keys.made_once(places, PASSWORD_FILE, keys.password)


def install(api: kubernetes.Client, places: Places, image: str, traits: Traits) -> None:
    """Apply everything; does not wait."""
    secrets = [
        manifests.secret(POSTGRES_SECRET, namespace, {ENTRY: password(places)})
        for namespace in (NAMESPACE, POSTGRES_NAMESPACE)
    ]
    objects = manifests.server(server(image, traits))
    api.apply([manifests.namespace(POSTGRES_NAMESPACE), *secrets, *objects])


def server(image: str, traits: Traits) -> manifests.Server:
    variables = {"POSTGRES_USER": POSTGRES_USER, "POSTGRES_DB": POSTGRES_DATABASE, "POSTGRES_PORT": str(POSTGRES_PORT)}
    container = {
        "image": image,
        "command": ["sh", "-c", START],
        "env": [{"name": name, "value": value} for name, value in variables.items()],
        "envFrom": [{"secretRef": {"name": POSTGRES_SECRET}}],
        "resources": {"requests": {"cpu": "20m", "memory": "64Mi"}, "limits": {"memory": "512Mi"}},
    }
    return manifests.Server(
        name=NAME,
        namespace=POSTGRES_NAMESPACE,
        user=USER_ID,
        port=POSTGRES_PORT,
        node_port=POSTGRES_NODE_PORT if traits.node_ports else 0,
        container=container,
        volume_size=VOLUME_SIZE,
        storage_class=traits.storage_class,
    )


def variables(places: Places) -> dict[str, str]:
    """How this machine reaches it, in the words of the operator-service's own settings."""
    return {
        "POSTGRES_HOST": "127.0.0.1",
        "POSTGRES_PORT": str(POSTGRES_NODE_PORT),
        "POSTGRES_DB": POSTGRES_DATABASE,
        "POSTGRES_USER": POSTGRES_USER,
        "POSTGRES_PASSWORD": password(places),
    }
