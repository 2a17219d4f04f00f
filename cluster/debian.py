"""Programs that come from Debian packages: the container runtime, its network plugins, the image builder."""

from __future__ import annotations

import os
import shutil
from pathlib import Path

from cluster import locks
from cluster.progress import Progress
from cluster.settings import ClusterError, Places
from cluster.shell import run

CNI_PLUGINS = Path("/usr/lib/cni")
PACKAGES = {
    "containerd": "containerd",
    "containerd-shim-runc-v2": "containerd",
    "ctr": "containerd",
    "runc": "runc",
    str(CNI_PLUGINS / "ptp"): "containernetworking-plugins",
    str(CNI_PLUGINS / "macvlan"): "containernetworking-plugins",
    "iptables": "iptables",
    "ip6tables": "iptables",
    "ipset": "ipset",
    "conntrack": "conntrack",
    "ip": "iproute2",
    "mount": "mount",
    "socat": "socat",
    "buildah": "buildah",
    "mmdebstrap": "mmdebstrap",
}
"""Which package brings a program. The programs are looked for, so that another distribution may bring them."""


def missing() -> list[str]:
    return sorted({package for program, package in PACKAGES.items() if shutil.which(program) is None})


def ensure(places: Places, progress: Progress) -> None:
    """Install what is missing."""
    packages = missing()
    if not packages:
        return
    if shutil.which("apt-get") is None:
        raise ClusterError(f"install these first (no apt-get here to do it): {', '.join(packages)}")
    apt = {**os.environ, "DEBIAN_FRONTEND": "noninteractive"}
    with locks.held(places.cache / "locks" / "apt"), progress.step(f"install {', '.join(packages)}"):
        run("apt-get", "update", "-q", env=apt)
        run("apt-get", "install", "-qy", "--no-install-recommends", *packages, env=apt)
