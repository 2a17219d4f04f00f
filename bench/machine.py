"""What the benchmark runs on, and who uses how much of it."""

from __future__ import annotations

import os
import platform
import time
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

_TICKS = os.sysconf("SC_CLK_TCK")
_BUSY = (0, 1, 2, 5, 6)  # of /proc/stat: user, nice, system, irq, softirq


@dataclass(frozen=True)
class Usage:
    """CPU seconds between two readings, by process; `foreign` is the share of the machine that others used."""

    cpu: Mapping[str, float]
    foreign: float

    @property
    def total(self) -> float:
        return sum(self.cpu.values())


class Meter:
    """Counts from the moment that it is made."""

    def __init__(self, pids: Mapping[str, int]) -> None:
        self._pids = {**pids, "bench": os.getpid()}
        self._before = self._read()
        self._busy = _busy_seconds()
        self._start = time.monotonic()

    def usage(self, ended: Mapping[str, float] | None = None) -> Usage:
        """`bench` is this process itself; `ended` is the CPU of processes that began and ended meanwhile."""
        cpu = {name: after - self._before[name] for name, after in self._read().items()} | dict(ended or {})
        busy = _busy_seconds() - self._busy
        elapsed = (time.monotonic() - self._start) * (os.cpu_count() or 1)
        return Usage(cpu, max(0.0, busy - sum(cpu.values())) / elapsed)

    def _read(self) -> dict[str, float]:
        return {name: cpu_seconds(Path(f"/proc/{pid}/stat").read_text()) for name, pid in self._pids.items()}


def cpu_seconds(stat: str) -> float:
    """User and system time in a process's `stat`."""
    fields = stat.rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / _TICKS


def _busy_seconds() -> float:
    fields = Path("/proc/stat").read_text().splitlines()[0].split()[1:]
    return sum(int(fields[index]) for index in _BUSY) / _TICKS


def describe() -> dict[str, object]:
    return {
        "cores": os.cpu_count(),
        "cpu": _cpu_model(),
        "memoryGiB": round(os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") / 2**30, 1),
        "kernel": platform.release(),
        "python": platform.python_version(),
        "load": [round(value, 2) for value in os.getloadavg()],
    }


def _cpu_model() -> str:
    lines = Path("/proc/cpuinfo").read_text().splitlines()
    return next((line.partition(":")[2].strip() for line in lines if line.startswith("model name")), "unknown")
