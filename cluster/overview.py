"""The table that `status` shows."""

from __future__ import annotations

import datetime
import json
import os
from pathlib import Path
from typing import Any

from rich.console import Console
from rich.table import Table

from cluster import kubernetes, ladder, processes, tools
from cluster.settings import KUBERNETES_VERSION, Network, Places
from cluster.shell import CommandFailed, run

OTHER_VERSIONS = {"etcd": "v3.6.4", "local-path-provisioner": "v0.0.30"}


def show(places: Places, console: Console | None = None) -> None:
    console = console or Console()
    choice = ladder.remembered(places)
    if choice is None:
        console.print("no cluster; `python -m cluster up` makes one")
        return
    net = Network()
    table = _table("component", "state", "pid", "up for", "version", "address")
    table.title = f"{choice.kind} cluster"
    for name in processes.names(places):
        table.add_row(*_process_row(places, net, name))
    console.print(table)
    _show_pods(places, choice, console)


def _process_row(places: Places, net: Network, name: str) -> tuple[str, ...]:
    identity = processes.find(places, name)
    if identity is None:
        return name, "[red]ended[/]", "", "", _version(name), str(processes.log_path(places, name))
    since = _uptime(identity.start_ticks)
    return name, "[green]runs[/]", str(identity.pid), since, _version(name), _address(net, name)


def _table(*titles: str) -> Table:
    table = Table()
    for title in titles:
        table.add_column(title, overflow="fold")
    return table


def _version(name: str) -> str:
    if name == "containerd":
        try:
            return run("containerd", "--version").split()[2]
        except (CommandFailed, IndexError):
            return "?"
    return OTHER_VERSIONS.get(name, KUBERNETES_VERSION)


def _address(net: Network, name: str) -> str:
    return {
        "etcd": f"https://127.0.0.1:{net.etcd_port}",
        "kube-apiserver": net.api_url,
        "kubelet": f"https://{net.node_ip}:{net.kubelet_port}",
    }.get(name, "")


def _uptime(start_ticks: int) -> str:
    """How long ago the kernel's clock showed this, to the second."""
    now = float(Path("/proc/uptime").read_text().split()[0])
    seconds = round(now - start_ticks / os.sysconf("SC_CLK_TCK"))
    return str(datetime.timedelta(seconds=max(seconds, 0)))


def _show_pods(places: Places, choice: ladder.Choice, console: Console) -> None:
    kubeconfig = {
        ladder.Kind.LOCAL: places.kubeconfig,
        ladder.Kind.KIND: ladder.kind_kubeconfig(places),
        ladder.Kind.GIVEN: ladder.given_kubeconfig(places),
    }[choice.kind]
    kubectl = tools.built("kubectl", places)
    if kubectl is None or not kubeconfig.exists():
        return
    api = kubernetes.Client(kubectl, kubeconfig)
    try:
        answer = api("get", "nodes,pods", "--all-namespaces", "--output=json", "--request-timeout=5s")
    except CommandFailed as error:
        console.print(f"[red]the API server does not answer:[/] {error}")
        return
    table = _table("namespace", "name", "state", "image or version")
    for item in json.loads(answer)["items"]:
        table.add_row(*(_node_row(item) if item["kind"] == "Node" else _pod_row(item)))
    console.print(table)


def _node_row(node: dict[str, Any]) -> tuple[str, ...]:
    conditions = {each["type"]: each["status"] for each in node["status"].get("conditions", [])}
    state = "Ready" if conditions.get("Ready") == "True" else "not ready"
    return "", f"node {node['metadata']['name']}", state, node["status"]["nodeInfo"]["kubeletVersion"]


def _pod_row(pod: dict[str, Any]) -> tuple[str, ...]:
    images = " ".join(container["image"] for container in pod["spec"]["containers"])
    return pod["metadata"]["namespace"], pod["metadata"]["name"], pod["status"].get("phase", "?"), images
