"""Somebody else's cluster, named by KUBECONFIG or --context. Images can't be loaded into it."""

from __future__ import annotations

import os
import time
import urllib.error
import urllib.request
from dataclasses import dataclass
from pathlib import Path

from cluster import controlplane, kubernetes, ladder, processes, tools
from cluster.processes import Daemon
from cluster.progress import Progress
from cluster.release import Traits
from cluster.settings import (
    NAMESPACE,
    RELEASE,
    S3_NAMESPACE,
    S3_NODE_PORT,
    S3_PORT,
    VERSITYGW_VERSION,
    ClusterError,
    Places,
)
from cluster.shell import CommandFailed, run
from cluster.target import Target

FORWARD = "s3-port-forward"
FORWARD_SECONDS = 30.0
IMAGE_VARIABLES = {
    "operator": "C2D_IMAGE",
    "s3": "C2D_S3_IMAGE",
    "algorithm": "C2D_ALGORITHM_IMAGE",
    "noshell": "C2D_NOSHELL_IMAGE",
}
PUBLIC_IMAGES = {
    "s3": f"versity/versitygw:{VERSITYGW_VERSION}",
    "algorithm": "python:3.11-slim",
    "noshell": "",
}
MISSING = """\
this cluster was not made here, so no image can be loaded into it. Push the operator's image to a registry that
the cluster can read and set {variable}=REPOSITORY:TAG"""


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
        return Target(api, self.image, Traits(), f"http://127.0.0.1:{S3_NODE_PORT}")

    def image(self, name: str) -> str:
        variable = IMAGE_VARIABLES[name]
        ref = os.environ.get(variable) or PUBLIC_IMAGES.get(name)
        if ref is None:
            raise ClusterError(MISSING.format(variable=variable))
        return ref

    def forward_s3(self, api: kubernetes.Client) -> None:
        """A node port of a far cluster does not answer here: keep a tunnel open."""
        ports = f"{S3_NODE_PORT}:{S3_PORT}"
        words = ["port-forward", f"--namespace={S3_NAMESPACE}", "--address=127.0.0.1", "service/s3", ports]
        processes.start(self.places, Daemon(FORWARD, [str(api.kubectl), *api.flags(), *words]))
        deadline = time.monotonic() + FORWARD_SECONDS
        while not _answers(f"http://127.0.0.1:{S3_NODE_PORT}"):
            if time.monotonic() > deadline:
                raise ClusterError(f"no tunnel to the S3 server:\n{processes.tail(self.places, FORWARD)}")
            time.sleep(0.3)

    def settle(self) -> None:
        """Nothing goes on in the background here."""

    def down(self) -> None:
        """Remove the release and the S3 server. Jobs, the namespace and the CRDs stay: they are not ours alone."""
        kubeconfig = ladder.given_kubeconfig(self.places)
        api = kubernetes.Client(tools.path("kubectl", self.places, self.progress), kubeconfig)
        with self.progress.step("remove the operator and the S3 server"):
            processes.stop(self.places, [FORWARD])
            helm = tools.path("helm", self.places, self.progress)
            where = (f"--kubeconfig={kubeconfig}", f"--namespace={NAMESPACE}")
            run(helm, "uninstall", RELEASE, *where, "--ignore-not-found")
            api("delete", "namespace", S3_NAMESPACE, "--ignore-not-found")
        self.progress.say(f"kept: namespace {NAMESPACE} with its jobs, and the custom resource definitions")

    def _flattened(self, kubectl: Path) -> str:
        """The one context that is used, with its certificates inline: from here on a single file is enough."""
        context = [f"--context={self.choice.context}"] if self.choice.context else []
        env = {"KUBECONFIG": self.choice.kubeconfig} if self.choice.kubeconfig else {}
        try:
            return run(kubectl, "config", "view", "--flatten", "--minify", *context, env=env)
        except CommandFailed as error:
            raise ClusterError(f"no such cluster: {error}") from error


def _answers(url: str) -> bool:
    try:
        urllib.request.build_opener(urllib.request.ProxyHandler({})).open(url, timeout=3).close()
    except urllib.error.HTTPError:
        return True  # Access denied is an answer.
    except OSError:
        return False
    return True
