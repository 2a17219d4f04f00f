"""What we ask of a running cluster, through kubectl."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from cluster.settings import ClusterError
from cluster.shell import CommandFailed, run

MANAGER = "c2d-cluster"


@dataclass(frozen=True)
class Client:
    """One cluster. An empty kubeconfig leaves the choice to kubectl's own rules."""

    kubectl: Path
    kubeconfig: Path | None = None
    context: str = ""

    def __call__(self, *words: str | Path, stdin: str | None = None) -> str:
        return run(self.kubectl, *self.flags(), *words, stdin=stdin)

    def flags(self) -> list[str]:
        flags = [f"--kubeconfig={self.kubeconfig}"] if self.kubeconfig else []
        return [*flags, f"--context={self.context}"] if self.context else flags

    def apply(self, objects: Sequence[Mapping[str, object]]) -> None:
        """Server-side apply, all in one go."""
        items = {"apiVersion": "v1", "kind": "List", "items": list(objects)}
        self(
            *("apply", "--server-side", "--force-conflicts", f"--field-manager={MANAGER}", "-f", "-"),
            stdin=json.dumps(items),
        )

    def try_get(self, kind: str, name: str, namespace: str = "", jsonpath: str = "{.metadata.name}") -> str:
        """One value of one object; empty when there is no such object."""
        where = [f"--namespace={namespace}"] if namespace else []
        try:
            return self("get", kind, name, *where, f"--output=jsonpath={jsonpath}").strip()
        except CommandFailed:
            return ""

    def cluster_ip(self, name: str, namespace: str) -> str:
        """The address of a Service, for clusters that have no DNS of their own."""
        address = self.try_get("service", name, namespace, "{.spec.clusterIP}")
        if not address:
            raise ClusterError(f"there is no Service {namespace}/{name}")
        return address
