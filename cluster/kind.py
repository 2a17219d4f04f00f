"""A cluster by kind, in Docker or Podman."""

from __future__ import annotations

import json
import os
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from cluster import controlplane, images, kubernetes, ladder, tools
from cluster.builders import Engine
from cluster.progress import Progress
from cluster.settings import POSTGRES_NODE_PORT, S3_NODE_PORT, SERVICE_NODE_PORT, ClusterError, Places
from cluster.shell import CommandFailed, run
from cluster.target import Target
from cluster.traits import Traits

NAME = "c2d"
NODE = f"{NAME}-control-plane"
STORAGE_CLASS = "standard"
READY = "180s"
IMAGES = ("operator", "algorithm", "noshell", "s3")
PORTS = (S3_NODE_PORT, SERVICE_NODE_PORT, POSTGRES_NODE_PORT)


@dataclass(frozen=True)
class KindCluster:
    places: Places
    progress: Progress
    engine: str
    more_images: tuple[str, ...] = ()
    """Those that not every cluster has."""

    def up(self) -> Target:
        kubeconfig = ladder.kind_kubeconfig(self.places)
        config, wanted = self.places.config / "kind.json", json.dumps(configuration())
        if NAME not in self._kind("get", "clusters").split():
            controlplane.write(config, wanted)
            flags = ("--name", NAME, "--config", config, "--kubeconfig", kubeconfig, "--wait", READY)
            with self.progress.step("kind cluster"):
                self._kind("create", "cluster", *flags)
        elif config.exists() and config.read_text() != wanted:
            raise ClusterError("the kind cluster was made with other ports than this version needs: `down` first")
        elif not kubeconfig.exists():
            self._kind("export", "kubeconfig", "--name", NAME, "--kubeconfig", kubeconfig)
        api = kubernetes.Client(tools.path("kubectl", self.places, self.progress), kubeconfig)
        return Target(api, self.image, Traits("", STORAGE_CLASS), f"http://127.0.0.1:{S3_NODE_PORT}")

    def settle(self) -> None:
        """Nothing goes on in the background here."""

    def down(self) -> None:
        with self.progress.step("remove the kind cluster"):
            self._kind("delete", "cluster", "--name", NAME)

    def load_images(self) -> dict[str, str]:
        return {name: self.image(name) for name in (*IMAGES, *self.more_images)}

    def image(self, name: str) -> str:
        """Build an image and load it into the node, unless it is there."""
        builder = Engine(self.engine)
        recipe = images.recipe(name, builder, self.places, self.progress)
        ref = images.ensure(recipe, builder, self.places, self.progress)
        if not self._node_has(ref):
            archive = self.places.cache / "scratch" / f"{name}.tar"
            archive.parent.mkdir(parents=True, exist_ok=True)
            with self.progress.step(f"load {name}"):
                builder.save(ref, archive)
                self._kind("load", "image-archive", archive, "--name", NAME)
            archive.unlink()
        if name == "algorithm":
            self._node_ctr("tag", "--force", ref, images.EXAMPLE)
        return ref

    def _node_has(self, ref: str) -> bool:
        try:
            return ref in self._node_ctr("ls", "-q").split()
        except CommandFailed:
            return False

    def _node_ctr(self, *words: str) -> str:
        return run(self.engine, "exec", NODE, "ctr", "--namespace", "k8s.io", "images", *words)

    def _kind(self, *words: str | Path) -> str:
        kind = tools.path("kind", self.places, self.progress)
        return run(kind, *words, env=provider_environment(self.engine))


def provider_environment(engine: str) -> Mapping[str, str]:
    return {**os.environ, "KIND_EXPERIMENTAL_PROVIDER": engine}


def configuration() -> dict[str, object]:
    """One node, whose ports answer on this machine's loopback. They can't be added later, so all are here."""
    ports = [{"containerPort": port, "hostPort": port, "listenAddress": "127.0.0.1"} for port in PORTS]
    return {
        "kind": "Cluster",
        "apiVersion": "kind.x-k8s.io/v1alpha4",
        "nodes": [{"role": "control-plane", "extraPortMappings": ports}],
    }
