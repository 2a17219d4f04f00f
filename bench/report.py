"""Tables for people, JSON for comparisons."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from rich.console import Console
from rich.table import Table

from bench import audit, figures
from bench.figures import Figure
from bench.gaps import percentile
from bench.measure import Run
from bench.parts import Pair

DISTURBED = 0.1  # of the machine


def machine(console: Console, described: Mapping[str, object]) -> None:
    console.print(", ".join(f"{name} {value}" for name, value in described.items()), highlight=False)


def goals(console: Console, measured: Sequence[Figure], against: str = "chain") -> None:
    table = titled("Goals", "figure", against, "ours", "ratio", "goal", "verdict")
    for figure in measured:
        numbers = map(shown, (figure.chain, figure.ours, figure.ratio))
        table.add_row(figure.name, *numbers, _goal(figure, against), _VERDICTS[figure.met])
    console.print(table)


_VERDICTS = {True: "[green]met[/]", False: "[red]missed[/]", None: ""}


def _goal(figure: Figure, against: str) -> str:
    if figure.goal is None:
        return ""
    sign = "≥" if figure.at_least else "≤"
    return f"{sign} {figure.goal:g}" + (f" of the {against}'s" if figure.of_ratio else "")


def requests(console: Console, pair: Pair) -> None:
    ours, chain = figures.per_job(pair.ours), figures.per_job(pair.chain)
    table = titled("Requests a job, one at a time", "request", "chain", "ours")
    for kind in dict.fromkeys((*ours, *chain)):
        table.add_row(kind, shown(chain.get(kind)), shown(ours.get(kind)))
    console.print(table)


def load(console: Console, pair: Pair) -> None:
    """Where the CPU of a run at once goes, and how long its jobs wait."""
    runs = _runs(pair)
    table = titled(f"{pair.ours.jobs} jobs at once", "figure", *runs)
    for name in dict.fromkeys(name for run in runs.values() for name in run.cpu):
        table.add_row(f"CPU a job, {name}, ms", *(shown(_milliseconds(run.cpu.get(name))) for run in runs.values()))
    for name, row in _rows(runs).items():
        table.add_row(name, *map(shown, row))
    console.print(table)
    for name, run in runs.items():
        if run.usage.foreign > DISTURBED:
            console.print(f"[yellow]! {name}: other programs used {run.usage.foreign:.0%} of the machine[/]")


def _rows(runs: Mapping[str, Run]) -> dict[str, list[float | None]]:
    every = runs.values()
    return {
        "CPU a job, together, ms": [_milliseconds(run.cpu_total) for run in every],
        "all requests to the API server a job": [len(run.requests) / run.jobs for run in every],
        "jobs/s": [run.rate for run in every],
        "pod succeeded → next pod created, p50, ms": [_at(run.between, 50) for run in every],
        "pod succeeded → next pod created, p95, ms": [_at(run.between, 95) for run in every],
        "used by other programs, % of the machine": [run.usage.foreign * 100 for run in every],
    }


def failures(console: Console, run: Run) -> None:
    """What the engine was refused, if anything."""
    for kind, count in refused(run).items():
        console.print(f"[yellow]! answered to the engine: {count} x {kind}[/]")


def refused(run: Run) -> dict[str, int]:
    bad = [item for item in audit.by_engine(run.requests) if item.code >= 400]
    return audit.counts(bad, lambda item: f"{item.code} {item.kind}")


def as_json(run: Run) -> dict[str, Any]:
    return {
        "jobs": run.jobs,
        "jobsPerSecond": run.rate,
        "cpuMillisecondsPerJob": {name: seconds * 1000 for name, seconds in run.cpu.items()},
        "usedByOthers": run.usage.foreign,
        "requestsPerJob": figures.per_job(run),
        "allRequestsPerJob": {
            name: count / run.jobs for name, count in audit.counts(run.requests, lambda item: item.agent).items()
        },
        "refused": refused(run),
        "milliseconds": {
            "betweenPods": _spread(run.between),
            "submitToFirstPod": _spread(run.to_first_pod),
            "lastPodToDone": _spread(run.to_done),
        },
    }


def _spread(seconds: Sequence[float]) -> dict[str, float] | None:
    if not seconds:
        return None
    return {"count": len(seconds)} | {
        f"p{percent}": percentile(seconds, percent) * 1000 for percent in (5, 50, 95, 100)
    }


def _runs(pair: Pair) -> dict[str, Run]:
    named = {"chain": pair.chain, "chain with a volume": pair.volume, "ours": pair.ours}
    return {name: run for name, run in named.items() if run is not None}


def _at(seconds: Sequence[float], percent: int) -> float | None:
    return percentile(seconds, percent) * 1000 if seconds else None


def _milliseconds(seconds: float | None) -> float | None:
    return None if seconds is None else seconds * 1000


def titled(title: str, first: str, *columns: str) -> Table:
    table = Table(title=title, title_justify="left")
    table.add_column(first)
    for column in columns:
        table.add_column(column, justify="right")
    return table


def shown(value: float | None) -> str:
    if value is None:
        return "-"
    return f"{value:.0f}" if abs(value) >= 100 or value == int(value) else f"{value:.3g}"
