"""Daemons without a service manager: started once, found again later, never confused with another process.

A pid alone says little: after a crash or a reboot it may belong to anyone. A record therefore also holds the
process's start time and the machine's boot id, and only a process that matches all three is ever signalled.
"""

from __future__ import annotations

import hashlib
import json
import os
import signal
import subprocess
import time
from collections.abc import Iterable, Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

from cluster.settings import ClusterError, Places

STOP_GRACE_SECONDS = 10.0


@dataclass(frozen=True)
class Identity:
    """One process, for ever: the kernel gives no two processes the same three values."""

    pid: int
    start_ticks: int
    boot_id: str


@dataclass(frozen=True)
class Daemon:
    """What to run. `reads` are the files that it reads at its start: a change in one means a restart."""

    name: str
    argv: Sequence[str]
    env: dict[str, str] = field(default_factory=dict)
    reads: Sequence[Path] = ()

    def fingerprint(self) -> str:
        digest = hashlib.sha256(json.dumps([list(self.argv), self.env], sort_keys=True).encode())
        for path in self.reads:
            digest.update(path.read_bytes())
        return digest.hexdigest()


def boot_id() -> str:
    return Path("/proc/sys/kernel/random/boot_id").read_text().strip()


def identify(pid: int) -> Identity | None:
    """The identity of a live process; None when there is none, or only its zombie."""
    try:
        stat = Path(f"/proc/{pid}/stat").read_text()
    except (FileNotFoundError, ProcessLookupError):
        return None
    # The second field is the program's name in brackets and may itself hold spaces and brackets.
    fields = stat.rpartition(")")[2].split()
    if fields[0] in "ZX":
        return None
    return Identity(pid, int(fields[19]), boot_id())


def alive(identity: Identity) -> bool:
    return identify(identity.pid) == identity


def record_path(places: Places, name: str) -> Path:
    return places.processes / f"{name}.json"


def log_path(places: Places, name: str) -> Path:
    return places.logs / f"{name}.log"


def find(places: Places, name: str) -> Identity | None:
    """The running process with this name, if it still is the one that we started."""
    record = _read(places, name)
    if record is None:
        return None
    identity = Identity(record["pid"], record["start_ticks"], record["boot_id"])
    return identity if alive(identity) else None


def start(places: Places, daemon: Daemon) -> bool:
    """Make sure that it runs with these arguments and files. True when that took a (re)start."""
    running = find(places, daemon.name)
    fingerprint = daemon.fingerprint()
    if running is not None:
        record = _read(places, daemon.name)
        if record is not None and record["fingerprint"] == fingerprint:
            return False
        stop(places, [daemon.name])
    log = _fresh_log(places, daemon.name)
    with log.open("ab") as output:
        process = subprocess.Popen(
            list(daemon.argv),
            env={**os.environ, **daemon.env},
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=subprocess.STDOUT,
            cwd=places.state,
            start_new_session=True,
        )
    _write(places, daemon.name, process.pid, fingerprint)
    return True


def stop(places: Places, names: Iterable[str], grace: float = STOP_GRACE_SECONDS) -> list[str]:
    """Ask all of them to end, wait together, then kill what is left. Returns the names that were running."""
    running = {name: identity for name in names if (identity := find(places, name)) is not None}
    for identity in running.values():
        send(identity, signal.SIGTERM)
    wait_gone(running.values(), grace)
    for identity in running.values():
        send(identity, signal.SIGKILL)
    if not wait_gone(running.values(), STOP_GRACE_SECONDS):
        left = [name for name, identity in running.items() if alive(identity)]
        raise ClusterError(f"could not be killed: {', '.join(left)}")
    for name in names:
        record_path(places, name).unlink(missing_ok=True)
    return list(running)


def send(identity: Identity, number: signal.Signals) -> None:
    """Signal exactly this process. A pidfd pins it, so that the check and the signal mean the same one."""
    try:
        descriptor = os.pidfd_open(identity.pid)
    except ProcessLookupError:
        return
    try:
        if alive(identity):
            signal.pidfd_send_signal(descriptor, number)
    except ProcessLookupError:
        return
    finally:
        os.close(descriptor)


def wait_gone(identities: Iterable[Identity], seconds: float) -> bool:
    deadline = time.monotonic() + seconds
    left = list(identities)
    while left := [identity for identity in left if alive(identity)]:
        if time.monotonic() >= deadline:
            return False
        time.sleep(0.05)
    return True


def names(places: Places) -> list[str]:
    return sorted(path.stem for path in places.processes.glob("*.json"))


def tail(places: Places, name: str, lines: int = 15) -> str:
    path = log_path(places, name)
    if not path.exists():
        return "(no log)"
    return "\n".join(path.read_text(errors="replace").splitlines()[-lines:])


def _fresh_log(places: Places, name: str) -> Path:
    path = log_path(places, name)
    path.parent.mkdir(parents=True, exist_ok=True)
    if path.exists():
        path.replace(path.with_suffix(".log.1"))
    return path


def _read(places: Places, name: str) -> dict[str, Any] | None:
    try:
        loaded = json.loads(record_path(places, name).read_text())
    except (FileNotFoundError, ValueError):
        return None
    return loaded if isinstance(loaded, dict) else None


def _write(places: Places, name: str, pid: int, fingerprint: str) -> None:
    identity = identify(pid)
    if identity is None:
        raise ClusterError(f"{name} ended at once:\n{tail(places, name)}")
    path = record_path(places, name)
    path.parent.mkdir(parents=True, exist_ok=True)
    scratch = path.with_suffix(".new")
    scratch.write_text(json.dumps({**asdict(identity), "fingerprint": fingerprint}))
    scratch.replace(path)
