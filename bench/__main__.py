"""The command."""

from __future__ import annotations

import asyncio
import enum
import json
import os
import signal
import sys
from datetime import UTC, datetime
from typing import Annotated, Any

import typer
from rich.console import Console

from bench import figures, kubelet, machine, parts, plane, report
from bench.figures import Figure
from bench.measure import Run
from bench.parts import Pair
from bench.service import part
from bench.uploads import part as uploads
from cluster.progress import Progress
from cluster.settings import REPOSITORY, ClusterError, Network, without_proxy
from cluster.shell import CommandFailed, run

_WIDTH = 120  # of a log


SHORT = part.Scale(jobs=(20, 200), seconds=1, starts=40, object_bytes=1 << 26, rounds=2, rounds_at_once=1)


SHORT_UPLOADS = uploads.Scale(large=200_000_000, small=1_000, rounds=2, starts=5)


class Part(enum.StrEnum):
    LATENCY = "latency"
    THROUGHPUT = "throughput"
    SERVICE = "service"
    UPLOADS = "uploads"
    KUBELET = "kubelet"


class Binding(enum.StrEnum):
    FIRST_CONSUMER = "WaitForFirstConsumer"
    IMMEDIATE = "Immediate"


def main(
    only: Annotated[str, typer.Option(help=f"Parts to run, with commas between: {', '.join(Part)}.")] = ",".join(Part),
    jobs: Annotated[int, typer.Option(help="Jobs that run one at a time.", min=1)] = 30,
    at_once: Annotated[str, typer.Option(help="How many jobs are submitted at once, one run for each.")] = "200,500",
    short: Annotated[bool, typer.Option("--short", help="The service and uploads, to try them out.")] = False,
    binding: Annotated[Binding, typer.Option(help="When a volume is bound.")] = Binding.FIRST_CONSUMER,
) -> None:
    """Measure the engine against a bare chain of pods, and the service against a bare one, on a plane of their own."""
    os.environ["NO_PROXY"] = os.environ["no_proxy"] = without_proxy(os.environ, Network())
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))
    console, progress = Console(), Progress()
    if not console.is_terminal:
        console = Console(width=_WIDTH)
    wanted = {Part(name) for name in only.split(",")}
    described = {**machine.describe(), "engine": _commit()}
    report.machine(console, described)
    result: dict[str, Any] = {"machine": described, "binding": binding.value}
    try:
        if wanted & {Part.LATENCY, Part.THROUGHPUT}:
            sizes = [int(size) for size in at_once.split(",")] if Part.THROUGHPUT in wanted else []
            one_at_a_time = jobs if Part.LATENCY in wanted else 0
            result |= _on_the_plane(console, progress, binding, one_at_a_time, sizes)
        if Part.SERVICE in wanted:
            result["service"] = part.measure(console, progress, SHORT if short else part.Scale())
        if Part.UPLOADS in wanted:
            result["uploads"] = uploads.measure(console, progress, SHORT_UPLOADS if short else uploads.Scale())
        if Part.KUBELET in wanted:
            result["kubelet"] = asyncio.run(kubelet.measure(console, progress, os.environ))
    except ClusterError as error:
        progress.fail(str(error))
        raise typer.Exit(1) from error
    _write(console, result)


def _on_the_plane(
    console: Console, progress: Progress, binding: Binding, one_at_a_time: int, sizes: list[int]
) -> dict[str, Any]:
    measured: list[Figure] = []
    pairs: dict[str, Pair] = {}
    with plane.running(progress, binding.value) as running:
        if one_at_a_time:
            pairs["one at a time"] = pair = asyncio.run(parts.latency(running, progress, one_at_a_time))
            measured.extend(figures.of_latency(pair))
        for size in sizes:
            pairs[f"{size} at once"] = pair = asyncio.run(parts.throughput(running, progress, size))
            measured.extend(figures.of_throughput(pair))
    _show(console, measured, pairs)
    return {
        "figures": [{**vars(figure), "ratio": figure.ratio, "met": figure.met} for figure in measured],
        "runs": {name: _runs(pair) for name, pair in pairs.items()},
    }


def _show(console: Console, measured: list[Figure], pairs: dict[str, Pair]) -> None:
    for pair in pairs.values():
        if pair.volume is None:
            report.requests(console, pair)
        else:
            report.load(console, pair)
        report.failures(console, pair.ours)
    report.goals(console, measured)


def _runs(pair: Pair) -> dict[str, Any]:
    runs: dict[str, Run | None] = {"chain": pair.chain, "chainWithVolume": pair.volume, "ours": pair.ours}
    return {name: report.as_json(measured) for name, measured in runs.items() if measured is not None}


def _write(console: Console, result: dict[str, Any]) -> None:
    plane.FOLDER.mkdir(parents=True, exist_ok=True)
    file = plane.FOLDER / f"{datetime.now(UTC):%Y%m%dT%H%M%SZ}.json"
    file.write_text(json.dumps(result, indent=2) + "\n")
    console.print(f"written to {file.relative_to(REPOSITORY)}")


def _commit() -> str:
    """Which source was measured, where that is known."""
    try:
        return run("git", "describe", "--always", "--dirty", cwd=REPOSITORY).strip()
    except CommandFailed:
        return "unknown"


if __name__ == "__main__":
    typer.run(main)
