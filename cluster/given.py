"""Somebody else's cluster, named by KUBECONFIG or --context. Images can't be loaded into it."""

from __future__ import annotations

import os
import socket
import time
from dataclasses import dataclass
from pathlib import Path

from cluster import controlplane, kubernetes, ladder, postgres, processes, s3, tools
from cluster.processes import Daemon
from cluster.progress import Progress
from cluster.settings import (
    NAMESPACE,
    POSTGRES_IMAGE,
    POSTGRES_NAMESPACE,
    POSTGRES_NODE_PORT,
    POSTGRES_PORT,
    RELEASE,
    S3_NAMESPACE,
    S3_NODE_PORT,
    S3_PORT,
    SERVICE_NODE_PORT,
    SERVICE_PORT,
    VERSITYGW_VERSION,
    ClusterError,
    Places,
)
from cluster.shell import CommandFailed, run
from cluster.target import Target
from cluster.traits import Traits

FORWARD_SECONDS = 30.0
IMAGE_VARIABLES = {
    "operator": "C2D_IMAGE",
    "s3": "C2D_S3_IMAGE",
    "algorithm": "C2D_ALGORITHM_IMAGE",
    "noshell": "C2D_NOSHELL_IMAGE",
    "postgres": "C2D_POSTGRES_IMAGE",
}
PUBLIC_IMAGES = {
    "s3": f"versity/versitygw:{VERSITYGW_VERSION}",
    "algorithm": "python:3.11-slim",
    "noshell": "",
    "postgres": POSTGRES_IMAGE,
}
MISSING = """\
this cluster was not made here, so no image can be loaded into it. Push the operator's image to a registry that
the cluster can read and set {variable}=REPOSITORY:TAG"""


@dataclass(frozen=True)
class Tunnel:
    """A Service that is reached through kubectl: its port, and the port of this machine's loopback."""

    name: str
    namespace: str
    service: str
    port: int
    here: int


S3 = Tunnel("s3-port-forward", S3_NAMESPACE, s3.NAME, S3_PORT, S3_NODE_PORT)
SERVICE = Tunnel("service-port-forward", NAMESPACE, f"{RELEASE}-service", SERVICE_PORT, SERVICE_NODE_PORT)
POSTGRES = Tunnel("postgres-port-forward", POSTGRES_NAMESPACE, postgres.NAME, POSTGRES_PORT, POSTGRES_NODE_PORT)
TUNNELS = (S3, SERVICE, POSTGRES)


@dataclass(frozen=True)
class GivenCluster:
    places: Places
    progress: Progress
    choice: ladder.Choice

    def up(self) -> Target:
        kubeconfig = ladder.given_kubeconfig(self.places)
        kubectl = tools.path("kubectl", self.places, self.progress)
        if self.choice.kubeconfig or self.choice.context or not kubeconfig.exists():
            controlplane.write(kubeconfig, self._flattened(kubectl))
            kubeconfig.chmod(0o600)
        api = kubernetes.Client(kubectl, kubeconfig)
        self.progress.say(f"using {api('config', 'current-context').strip()}")
        return Target(api, self.image, Traits(node_ports=False), f"http://127.0.0.1:{S3_NODE_PORT}")

    def image(self, name: str) -> str:
        variable = IMAGE_VARIABLES[name]
        ref = os.environ.get(variable) or PUBLIC_IMAGES.get(name)
        if ref is None:
            raise ClusterError(MISSING.format(variable=variable))
        return ref

    def forward(self, api: kubernetes.Client, tunnel: Tunnel) -> None:
        """A node port of a far cluster does not answer here: keep a tunnel open. It ends with the pod at its far end,
        so it is always made anew."""
        where = (f"--namespace={tunnel.namespace}", "--address=127.0.0.1", f"service/{tunnel.service}")
        words = ["port-forward", *where, f"{tunnel.here}:{tunnel.port}"]
        processes.stop(self.places, [tunnel.name])
        processes.start(self.places, Daemon(tunnel.name, [str(api.kubectl), *api.flags(), *words]))
        deadline = time.monotonic() + FORWARD_SECONDS
        while not _listens(tunnel.here):
            if time.monotonic() > deadline:
                tail = processes.tail(self.places, tunnel.name)
                raise ClusterError(f"no tunnel to {tunnel.namespace}/{tunnel.service}:\n{tail}")
            time.sleep(0.3)

    def settle(self) -> None:
        """Nothing goes on in the background here."""

    def down(self) -> None:
        """Remove the release and the servers. Jobs, the namespace and the CRDs stay: they are not ours alone."""
        kubeconfig = ladder.given_kubeconfig(self.places)
        api = kubernetes.Client(tools.path("kubectl", self.places, self.progress), kubeconfig)
        with self.progress.step("remove the operator and the servers"):
            processes.stop(self.places, [tunnel.name for tunnel in TUNNELS])
            helm = tools.path("helm", self.places, self.progress)
            where = (f"--kubeconfig={kubeconfig}", f"--namespace={NAMESPACE}")
            run(helm, "uninstall", RELEASE, *where, "--ignore-not-found")
            api("delete", "namespace", S3_NAMESPACE, POSTGRES_NAMESPACE, "--ignore-not-found")
        self.progress.say(f"kept: namespace {NAMESPACE} with its jobs, and the custom resource definitions")

    def _flattened(self, kubectl: Path) -> str:
        """The one context that is used, with its certificates inline: from here on a single file is enough."""
        context = [f"--context={self.choice.context}"] if self.choice.context else []
        env = {"KUBECONFIG": self.choice.kubeconfig} if self.choice.kubeconfig else {}
        try:
            return run(kubectl, "config", "view", "--flatten", "--minify", *context, env=env)
        except CommandFailed as error:
            raise ClusterError(f"no such cluster: {error}") from error


def _listens(port: int) -> bool:
    with socket.socket() as probe:
        probe.settimeout(1)
        return probe.connect_ex(("127.0.0.1", port)) == 0
