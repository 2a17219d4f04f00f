"""The local cluster's container runtime: a containerd of its own, with an ordinary and an air-gapped network."""

from __future__ import annotations

import json
import shutil
import time
from collections.abc import Mapping
from pathlib import Path

from cluster import controlplane, processes
from cluster.debian import CNI_PLUGINS
from cluster.processes import Daemon
from cluster.progress import Progress
from cluster.settings import ClusterError, Network, Places
from cluster.shell import run, succeeds

NAMESPACE = "k8s.io"
AIRGAP_RUNTIME = "airgap"
READY_SECONDS = 60.0


def start(places: Places, network: Network, pause: str, progress: Progress) -> None:
    """Run containerd; `pause` is the image that holds a pod's namespaces open."""
    _forget_last_boot(places)
    _write_networks(places, network)
    config = places.config / "containerd.toml"
    controlplane.write(config, configuration(places, pause))
    argv = [shutil.which("containerd") or "containerd", "--config", str(config)]
    with progress.step("containerd"):
        processes.start(places, Daemon("containerd", argv, reads=(config,)))
        _wait_ready(places)


def ctr(places: Places, *words: str | Path) -> str:
    return run("ctr", "--address", places.containerd_socket, "--namespace", NAMESPACE, *words)


def configuration(places: Places, pause: str) -> str:
    cri = 'plugins."io.containerd.grpc.v1.cri"'
    runtimes = f"{cri}.containerd.runtimes"
    options = f'Root = "{places.run / "runc"}"'
    return f"""\
version = 2
root = "{places.state / "containerd"}"
state = "{places.run / "containerd"}"
disabled_plugins = ["io.containerd.snapshotter.v1.btrfs", "io.containerd.snapshotter.v1.zfs",
  "io.containerd.snapshotter.v1.aufs", "io.containerd.snapshotter.v1.devmapper"]
[grpc]
address = "{places.containerd_socket}"
[plugins."io.containerd.internal.v1.opt"]
path = "{places.state / "opt"}"
[{cri}]
sandbox_image = "{pause}"
# Without CAP_SYS_RESOURCE (in a container, in a small VM) a lower score can't be set and no pod would start.
restrict_oom_score_adj = true
netns_mounts_under_state_dir = true
[{cri}.cni]
bin_dir = "{CNI_PLUGINS}"
conf_dir = "{places.config / "cni"}"
[{runtimes}.runc]
runtime_type = "io.containerd.runc.v2"
[{runtimes}.runc.options]
{options}
[{runtimes}.{AIRGAP_RUNTIME}]
runtime_type = "io.containerd.runc.v2"
cni_conf_dir = "{places.config / "cni-airgap"}"
[{runtimes}.{AIRGAP_RUNTIME}.options]
{options}
"""


def pod_network(places: Places, network: Network) -> Mapping[str, object]:
    """Each pod on a point-to-point link: every packet is routed by the host and so passes its service rules.

    On a bridge, two pods of one node talk past those rules and a service's answer comes from the wrong
    address, unless br_netfilter is loaded, which not every kernel has. Masquerading is one rule for all
    pods (see network.py), not one chain for each.
    """
    return {
        "cniVersion": "0.4.0",
        "name": "c2d",
        "plugins": [{"type": "ptp", "ipMasq": False, "ipam": _ipam(places, network.pod_range, "0.0.0.0/0")}],
    }


def airgap_network(places: Places, network: Network) -> Mapping[str, object]:
    """A network that leads nowhere, from the first instruction on: private macvlan, empty link, no route."""
    macvlan = {"type": "macvlan", "master": network.airgap_link, "mode": "private"}
    return {
        "cniVersion": "0.4.0",
        "name": "c2d-airgap",
        "plugins": [{**macvlan, "ipam": _ipam(places, network.airgap_range)}],
    }


def _ipam(places: Places, subnet: str, route: str = "") -> Mapping[str, object]:
    ranges = {"type": "host-local", "dataDir": str(places.run / "addresses"), "ranges": [[{"subnet": subnet}]]}
    return {**ranges, "routes": [{"dst": route}]} if route else ranges


def _write_networks(places: Places, network: Network) -> None:
    for folder, conf in (
        ("cni", pod_network(places, network)),
        ("cni-airgap", airgap_network(places, network)),
    ):
        controlplane.write(places.config / folder / "10-c2d.conflist", json.dumps(conf, indent=2))


def _forget_last_boot(places: Places) -> None:
    """After a reboot no socket, mount or address of before exists any more, only their traces do."""
    marker = places.run / "boot"
    boot = processes.boot_id()
    if marker.exists() and marker.read_text() == boot:
        return
    shutil.rmtree(places.run, ignore_errors=True)
    controlplane.write(marker, boot)


def _wait_ready(places: Places) -> None:
    deadline = time.monotonic() + READY_SECONDS
    while not succeeds("ctr", "--address", places.containerd_socket, "--timeout", "2s", "version", timeout=5):
        if processes.find(places, "containerd") is None:
            raise ClusterError(f"containerd has ended:\n{processes.tail(places, 'containerd')}")
        if time.monotonic() > deadline:
            raise ClusterError(f"containerd does not answer:\n{processes.tail(places, 'containerd')}")
        time.sleep(0.1)
