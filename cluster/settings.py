"""Where things live and which numbers the local cluster uses. Nothing here touches the disk."""

from __future__ import annotations

import platform
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

REPOSITORY = Path(__file__).resolve().parent.parent

KUBERNETES_VERSION = "v1.34.4"
VERSITYGW_VERSION = "v1.8.0"
KIND_VERSION = "v0.30.0"
KWOK_VERSION = "v0.8.0"
POSTGRES_IMAGE = "postgres:15-bookworm"

NAMESPACE = "c2d"
S3_NAMESPACE = "c2d-s3"
POSTGRES_NAMESPACE = "c2d-postgres"
ENVIRONMENT = "default"
RELEASE = "c2d"
RESULTS_BUCKET = "c2d-results"
DATASETS_BUCKET = "c2d-datasets"
RESULTS_SECRET = "c2d-results-s3"  # noqa: S105  (the name of a Secret, not a secret)
OPERATOR_KEY_SECRET = "c2d-operator-key"  # noqa: S105
ADMINS_SECRET = "c2d-admins"  # noqa: S105
POSTGRES_SECRET = "c2d-postgres"  # noqa: S105
POSTGRES_DATABASE = POSTGRES_USER = "c2d"
REGION = "us-east-1"
S3_PORT = 7070
S3_NODE_PORT = 30900
SERVICE_PORT = 8050
SERVICE_NODE_PORT = 30850
POSTGRES_PORT = 5432
POSTGRES_NODE_PORT = 30432

IMAGE_PYTHON = "3.11"


class ClusterError(Exception):
    """Something a person has to know about; its text is shown as it is, without a traceback."""


@dataclass(frozen=True)
class Network:
    """Addresses of the local cluster.

    The node's address sits on a link of our own and not on the machine's network card: it stays the same when
    the machine moves to another network, and nobody outside can reach the API server.
    """

    node_name: str = "c2d"
    node_ip: str = "10.245.0.1"
    node_link: str = "c2d-node"
    airgap_link: str = "c2d-airgap"
    pod_range: str = "10.244.0.0/16"
    airgap_range: str = "10.246.0.0/16"
    service_range: str = "10.96.0.0/16"
    api_service_ip: str = "10.96.0.1"
    api_port: int = 16443
    etcd_port: int = 12379
    etcd_peer_port: int = 12380
    kubelet_port: int = 10250

    @property
    def api_url(self) -> str:
        return f"https://{self.node_ip}:{self.api_port}"


@dataclass(frozen=True)
class Places:
    """The two folders: `state` belongs to one running cluster, `cache` outlives them all."""

    state: Path
    cache: Path

    @classmethod
    def from_environment(cls, environ: Mapping[str, str]) -> Places:
        home = Path(environ.get("HOME", "/root"))
        state = environ.get("C2D_STATE") or "/var/lib/c2d-cluster"
        cache = environ.get("C2D_CACHE") or home / ".cache" / "c2d"
        return cls(Path(state).absolute(), Path(cache).absolute())

    @property
    def pki(self) -> Path:
        return self.state / "pki"

    @property
    def kubeconfig(self) -> Path:
        return self.state / "admin.kubeconfig"

    @property
    def config(self) -> Path:
        return self.state / "config"

    @property
    def logs(self) -> Path:
        return self.state / "logs"

    @property
    def processes(self) -> Path:
        return self.state / "processes"

    @property
    def run(self) -> Path:
        """Sockets, mounts and other things that mean nothing after a reboot."""
        return self.state / "run"

    @property
    def containerd_socket(self) -> Path:
        return self.run / "containerd.sock"

    @property
    def bin(self) -> Path:
        """Links to the tools as last used, for a person's PATH."""
        return self.cache / "bin"


def without_proxy(environ: Mapping[str, str], network: Network) -> str:
    """A value for NO_PROXY under which nobody asks a proxy for the cluster's own addresses."""
    ours = ("127.0.0.1", f"{network.node_ip}/32", network.pod_range, network.service_range)
    before = [entry for entry in environ.get("NO_PROXY", environ.get("no_proxy", "")).split(",") if entry]
    return ",".join(dict.fromkeys((*before, *ours)))


def architecture() -> str:
    """This machine's architecture in Go's and the image world's word (`amd64`, `arm64`)."""
    machine = platform.machine()
    return {"x86_64": "amd64", "aarch64": "arm64"}.get(machine, machine)
