"""The part of the benchmark that measures downloads, ours and the reference's in turn."""

from __future__ import annotations

import contextlib
import dataclasses
import shutil
import statistics
import tempfile
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from rich.console import Console

from bench import plane, report
from bench.downloads import clients, serving
from bench.downloads.clients import Client, Configure, Used
from bench.downloads.serving import Served
from bench.figures import Figure
from cluster.progress import Progress

_MEMORY = Path("/dev/shm")  # noqa: S108 - a folder of our own is made in it
_ROOM = 3  # times the large file: as served, ours and the reference's


@dataclass(frozen=True)
class Scale:
    """How much of everything."""

    large: int = 2_000_000_000  # bytes
    files: int = 10_000
    file_size: int = 10_000  # bytes
    rounds: int = 3
    starts: int = 10


SHORT = Scale(large=200_000_000, files=1000, rounds=1, starts=3)


@dataclass(frozen=True)
class Compared:
    """Rounds in turn; `amount` is in the unit of the rate."""

    name: str
    unit: str
    amount: float
    goal: float
    ours: list[Used]
    reference: list[Used]  # empty where it is not installed

    @property
    def our_rate(self) -> float:
        return self.amount / statistics.median(used.seconds for used in self.ours)

    @property
    def reference_rate(self) -> float | None:
        return self.amount / statistics.median(used.seconds for used in self.reference) if self.reference else None


@dataclass
class Measured:
    server: str = ""
    compared: list[Compared] = field(default_factory=list)
    starts: list[Used] = field(default_factory=list)
    imports: dict[str, dict[str, float]] = field(default_factory=dict)


def measure(console: Console, progress: Progress, scale: Scale) -> dict[str, Any]:
    """Volumes are on a disk, where the disk may decide, and in memory, where nothing but the programs does."""
    found = Measured()
    with contextlib.ExitStack() as stack:
        disk = Path(stack.enter_context(_folder(plane.FOLDER)))
        volumes = {"disk": disk}
        if _MEMORY.is_dir() and shutil.disk_usage(_MEMORY).free > _ROOM * scale.large:
            volumes["memory"] = Path(stack.enter_context(_folder(_MEMORY)))
        names = [str(number) for number in range(scale.files)]
        with progress.step("make the files to download"):
            serving.make_files(disk / "files", scale.large, names, scale.file_size)
        served = stack.enter_context(serving.running(disk, disk / "files", serving.find_nginx()))
        found.server = served.name
        for kind, folder in volumes.items():
            with progress.step(f"downloads, the volume is {'on a disk' if kind == 'disk' else 'in memory'}"):
                found.compared += _compare(folder, kind, served, names, scale)
        with progress.step("starts of c2d-configure"):
            nothing = Configure({})
            found.starts = [_fresh(disk, nothing) for _ in range(scale.starts)]
            with _folder(disk) as fresh:
                found.imports = nothing.imports(Path(fresh))
    judged = list(figures(found))
    console.print(f"the server is {found.server}", highlight=False)
    if any(not compared.reference for compared in found.compared):
        console.print(clients.ARIA2_MISSING, highlight=False)
    report.goals(console, judged, "reference")
    return {
        **dataclasses.asdict(found),
        "figures": [{**vars(figure), "ratio": figure.ratio, "met": figure.met} for figure in judged],
    }


def figures(found: Measured) -> Iterator[Figure]:
    for item in found.compared:
        name = f"{item.name}, {item.unit}"
        yield Figure(name, item.our_rate, item.reference_rate, item.goal, of_ratio=True, at_least=True)
        cpu = [sum(used.cpu for used in runs) / len(runs) for runs in (item.ours, item.reference) if runs]
        yield Figure(f"{item.name}, CPU seconds", cpu[0], cpu[1] if len(cpu) > 1 else None)
    peaks = [used.peak for item in found.compared for used in item.ours]
    yield Figure("c2d-configure, most memory, MB", max(peaks, default=0) / 1e6, None, 150)
    start = statistics.median(used.seconds for used in found.starts)
    yield Figure("c2d-configure with nothing to do, p50 ms", start * 1e3, None, 300)


def _compare(folder: Path, kind: str, served: Served, names: Sequence[str], scale: Scale) -> Iterator[Compared]:
    size = scale.large
    turns = _in_turn(folder, clients.large(served), clients.curl(served), scale.rounds)
    yield Compared(f"one file of {size / 1e9:g} GB, {kind}", "MB/s", size / 1e6, 0.9, *turns)
    name = f"{scale.files} files of {scale.file_size / 1e3:g} KB, {kind}"
    turns = _in_turn(folder, clients.many(served, names), clients.aria2c(served, names), scale.rounds)
    yield Compared(name, "files/s", scale.files, 1.0, *turns)


def _in_turn(folder: Path, ours: Client, reference: Client | None, rounds: int) -> tuple[list[Used], list[Used]]:
    mine, others = [], []
    for _ in range(rounds):
        mine.append(_fresh(folder, ours))
        if reference is not None:
            others.append(_fresh(folder, reference))
    return mine, others


def _fresh(folder: Path, client: Client) -> Used:
    with _folder(folder) as fresh:
        return client(Path(fresh))


def _folder(above: Path) -> tempfile.TemporaryDirectory[str]:
    above.mkdir(parents=True, exist_ok=True)
    return tempfile.TemporaryDirectory(prefix="downloads-", dir=above)
