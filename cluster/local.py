"""A cluster of our own: the components as processes of this machine."""

from __future__ import annotations

import os
import socket
from collections.abc import Iterable
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass, field
from pathlib import Path

from cluster import (
    containerd,
    controlplane,
    debian,
    images,
    kubernetes,
    loading,
    network,
    node,
    processes,
    teardown,
    tools,
)
from cluster.builders import Buildah
from cluster.progress import Progress
from cluster.settings import S3_NODE_PORT, ClusterError, Network, Places
from cluster.target import Target
from cluster.traits import Traits

HELPER = "base"
"""The image, below the other Python ones, whose shell makes and removes volumes."""
# Two rows that are built side by side, each in the order in which a start needs them.
ROWS = (("pause", "s3", "noshell"), (HELPER, "operator", "algorithm"))


@dataclass
class Local:
    """Everything that can overlap does: packages, compiling, images and the start of what is ready."""

    places: Places
    net: Network
    progress: Progress
    audit_log: bool = False
    more_images: tuple[str, ...] = ()
    """Those that not every cluster has."""
    _images: dict[str, Future[str]] = field(default_factory=dict)

    def up(self) -> Target:
        self._check()
        pool = ThreadPoolExecutor(max_workers=4, thread_name_prefix="up")
        packages = pool.submit(debian.ensure, self.places, self.progress)
        compiled = pool.submit(self._compile)
        self._images = {name: Future() for row in self._rows for name in row}
        packages.result()
        pause = images.recipe("pause", self._builder, self.places, self.progress).ref
        network.start(self.places, self.net)
        containerd.start(self.places, self.net, pause, self.progress)
        for row in self._rows:
            pool.submit(self._make_images, row)
        pool.shutdown(wait=False)
        controlplane.start(self.places, self.net, self._tool, self.progress, audit_log=self.audit_log)
        node.start(self.places, self.net, self._tool, self._image(HELPER), self.progress)
        compiled.result()
        api = kubernetes.Client(self._tool("kubectl"), self.places.kubeconfig)
        traits = Traits(containerd.AIRGAP_RUNTIME, node.STORAGE_CLASS)
        return Target(api, self._image, traits, f"http://127.0.0.1:{S3_NODE_PORT}")

    def settle(self) -> None:
        refs = [future.result() for future in self._images.values()]
        loading.alias(self._image("algorithm"), images.EXAMPLE, self.places)
        loading.prune(refs, self._builder, self.places)

    def down(self) -> None:
        teardown.down(self.places, self.net, self.progress)

    def load_images(self) -> dict[str, str]:
        """Build what changed and bring it into the running cluster."""
        self._images = {name: Future() for row in self._rows for name in row}
        for row in self._rows:
            self._make_images(row)
        self.settle()
        return {name: self._image(name) for name in images.NAMES if name in self._images}

    @property
    def _rows(self) -> tuple[tuple[str, ...], ...]:
        return (*ROWS, self.more_images)

    @property
    def _builder(self) -> Buildah:
        return Buildah(self.places, self.progress)

    def _tool(self, name: str) -> Path:
        return tools.path(name, self.places, self.progress)

    def _image(self, name: str) -> str:
        return self._images[name].result()

    def _compile(self) -> None:
        for name in tools.NEEDED:
            self._tool(name)

    def _make_images(self, names: Iterable[str]) -> None:
        """Whatever goes wrong with one image is told to whoever asks for that image; the others go on."""
        for name in names:
            try:
                ref = self._build(name)
                loading.load([ref], self._builder, self.places, self.progress)
            except Exception as error:
                self._images[name].set_exception(error)
            else:
                self._images[name].set_result(ref)

    def _build(self, name: str) -> str:
        builder = self._builder
        if name == HELPER:
            return builder.ensure_base()
        recipe = images.recipe(name, builder, self.places, self.progress)
        return images.ensure(recipe, builder, self.places, self.progress)

    def _check(self) -> None:
        """Refuse early what would only fail in the middle, or disturb somebody else's cluster."""
        if os.geteuid() != 0:
            raise ClusterError("running the components needs root")
        if processes.names(self.places):
            return
        if network.kubernetes_chains_exist():
            raise ClusterError("a Kubernetes has packet filter rules here (KUBE-… chains); `down` removes ours")
        ports = {"API server": self.net.api_port, "etcd": self.net.etcd_port, "kubelet": self.net.kubelet_port}
        for name, port in ports.items():
            if _taken(port):
                raise ClusterError(f"port {port}, meant for the {name}, is taken on this machine")


def _taken(port: int) -> bool:
    with socket.socket() as probe:
        probe.settimeout(1)
        return probe.connect_ex(("127.0.0.1", port)) == 0
