"""Take the local cluster away: its processes, containers, mounts, links, rules and cgroups."""

from __future__ import annotations

import contextlib
import os
import signal
import time
from collections.abc import Iterable
from pathlib import Path

from cluster import network, processes
from cluster.processes import Identity
from cluster.progress import Progress
from cluster.settings import ClusterError, Network, Places
from cluster.shell import run, succeeds

CGROUPS = Path("/sys/fs/cgroup")
POD_CGROUP = "kubepods"
KILL_SECONDS = 20.0
STOP_GRACE_SECONDS = 3.0
FOREIGN_FOLDERS = (
    *("/var/log/containers", "/var/lib/kubelet/device-plugins", "/var/lib/kubelet", "/var/lib/cni/results"),
    *("/var/lib/cni", "/run/containerd/s", "/run/containerd/fifo", "/run/containerd/runc", "/run/containerd"),
)
"""Folders that components make at fixed places. They go when they are empty; others may use them too."""


def down(places: Places, net: Network, progress: Progress) -> None:
    with progress.step("stop the components"):
        processes.stop(places, processes.names(places), STOP_GRACE_SECONDS)
    with progress.step("remove containers, mounts and network"):
        sockets = _shim_sockets(places)
        _kill(_containers(places))
        _unmount_below(places.state)
        network.stop(places, net)
        _remove_cgroups()
        _remove_traces(places, sockets)


def _containers(places: Places) -> list[Identity]:
    """Our containerd's shims, known by its socket's path in their arguments, and all that runs below them."""
    socket = os.fsencode(str(places.containerd_socket))
    children: dict[int, list[int]] = {}
    roots = []
    for folder in Path("/proc").glob("[0-9]*"):
        with contextlib.suppress(FileNotFoundError, ProcessLookupError):
            parent = int((folder / "stat").read_text().rpartition(")")[2].split()[1])
            children.setdefault(parent, []).append(int(folder.name))
            if _is_shim((folder / "cmdline").read_bytes().split(b"\0"), socket):
                roots.append(int(folder.name))
    return [identity for pid in _descendants(roots, children) if (identity := processes.identify(pid))]


def _is_shim(arguments: list[bytes], socket: bytes) -> bool:
    return b"containerd-shim" in arguments[0] and socket in arguments


def _descendants(roots: Iterable[int], children: dict[int, list[int]]) -> list[int]:
    found: list[int] = []
    queue = list(roots)
    while queue:
        pid = queue.pop()
        found.append(pid)
        queue.extend(children.get(pid, ()))
    return found


def _kill(identities: list[Identity]) -> None:
    """The shims come first in the list, so that none is left to tell about its children's end."""
    for identity in identities:
        processes.send(identity, signal.SIGKILL)
    if not processes.wait_gone(identities, KILL_SECONDS):
        raise ClusterError("some containers could not be killed; try again")


def _unmount_below(folder: Path) -> None:
    for point in sorted(_mounts_below(folder), reverse=True):
        if not succeeds("umount", point):
            run("umount", "--lazy", point)
    # The folder is deleted next: through a mount that stayed, somebody's data would be too.
    if left := _mounts_below(folder):
        raise ClusterError(f"still mounted: {', '.join(left)}")


def _mounts_below(folder: Path) -> list[str]:
    # The fifth field is the mount point, with spaces and the like as octal escapes.
    points = [line.split()[4] for line in Path("/proc/self/mountinfo").read_text().splitlines()]
    return [point.encode().decode("unicode_escape") for point in points if point.startswith(f"{folder}/")]


def _remove_cgroups() -> None:
    """Remove the pods' control groups, leaves first; the kernel needs a moment to let go of the dead."""
    roots = [path for path in (CGROUPS / POD_CGROUP, *CGROUPS.glob(f"*/{POD_CGROUP}")) if path.is_dir()]
    deadline = time.monotonic() + KILL_SECONDS
    for root in roots:
        while root.exists() and time.monotonic() < deadline:
            for folder, _, _ in os.walk(root, topdown=False):
                with contextlib.suppress(OSError):
                    Path(folder).rmdir()
            if root.exists():
                time.sleep(0.1)


def _shim_sockets(places: Places) -> list[Path]:
    """Each container's folder names the socket of its shim, which lies at a fixed place outside."""
    files = (places.run / "containerd").glob("io.containerd.runtime.v2.task/*/*/address")
    return [Path(file.read_text().strip().removeprefix("unix://")) for file in files]


def _remove_traces(places: Places, sockets: Iterable[Path]) -> None:
    # The kernel's list has every socket that somebody still listens on; one that was killed left its file only.
    listening = Path("/proc/net/unix").read_text()
    for socket in (*sockets, *Path("/run/containerd/s").glob("*")):
        if str(socket) not in listening:
            socket.unlink(missing_ok=True)
    for link in Path("/var/log/containers").glob("*.log"):
        if link.is_symlink() and str(link.readlink()).startswith(str(places.state)):
            link.unlink()
    # A result names the network namespace that it was for, and ours lie in our own folder.
    for result in Path("/var/lib/cni/results").glob("*"):
        if str(places.state) in result.read_text():
            result.unlink()
    for folder in map(Path, FOREIGN_FOLDERS):
        (folder / "kubelet_internal_checkpoint").unlink(missing_ok=True)
        (folder / "kubelet.sock").unlink(missing_ok=True)
        with contextlib.suppress(OSError):
            folder.rmdir()
