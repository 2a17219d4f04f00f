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
from cluster.release import Traits
from cluster.settings import S3_NODE_PORT, Places
from cluster.shell import CommandFailed, run
from cluster.target import Target

NAME = "c2d"
NODE = f"{NAME}-control-plane"
STORAGE_CLASS = "standard"
READY = "180s"


@dataclass(frozen=True)
class KindCluster:
    places: Places
    progress: Progress
    engine: str

    def up(self) -> Target:
        kubeconfig = ladder.kind_kubeconfig(self.places)
        if NAME not in self._kind("get", "clusters").split():
            config = self.places.config / "kind.json"
            controlplane.write(config, json.dumps(configuration()))
            flags = ("--name", NAME, "--config", config, "--kubeconfig", kubeconfig, "--wait", READY)
            with self.progress.step("kind cluster"):
                self._kind("create", "cluster", *flags)
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
        return {name: self.image(name) for name in images.NAMES if name != "pause"}

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
    """One node, whose port for the S3 server answers on this machine's loopback."""
    port = {"containerPort": S3_NODE_PORT, "hostPort": S3_NODE_PORT, "listenAddress": "127.0.0.1"}
    return {
        "kind": "Cluster",
        "apiVersion": "kind.x-k8s.io/v1alpha4",
        "nodes": [{"role": "control-plane", "extraPortMappings": [port]}],
    }
