"""What was measured of the operator-service, for people."""

from __future__ import annotations

from rich.console import Console

from bench.report import DISTURBED, shown, titled
from bench.service.measured import Measured
from bench.service.reads import Row

_MB = 1e6


def show(console: Console, found: Measured) -> None:
    _reads(console, found)
    _starts(console, found)
    _streams(console, found)
    _memory(console, found)
    _warn(console, found)


def _reads(console: Console, found: Measured) -> None:
    columns = ("jobs", "connections", "1/s", "p50, ms", "p99, ms", "CPU, µs", "client busy", "body, bytes", "ratio")
    table = titled("GET /compute, signed", "request", *columns)
    for pair in found.lookups:
        table.add_row(*_read(pair.bare), "")
        table.add_row(*_read(pair.ours), shown(pair.ratio))
    for row in found.more_lookups:
        table.add_row(*_read(row), "")
    console.print(table)


def _read(row: Row) -> list[str]:
    load = row.load
    numbers = (load.rate, load.p50 * 1e3, load.p99 * 1e3, row.cpu * 1e6)
    return [row.what, f"{row.jobs}", f"{row.connections}", *map(shown, numbers), f"{load.busy:.0%}", f"{row.body}"]


def _starts(console: Console, found: Measured) -> None:
    columns = ("connections", "1/s", "p50, ms", "p99, ms", "CPU, ms", "API server, ms", "ratio")
    table = titled("POST /compute: a ComputeJob and a Secret", "client", *columns)
    for pair in found.started:
        for name, process, row in (("bare", "bench", pair.bare), ("service", "c2d-service", pair.ours)):
            servers = row.cpu["kube-apiserver"] + row.cpu["etcd"]
            numbers = (row.rate, row.p50 * 1e3, row.p99 * 1e3, row.cpu[process] * 1e3, servers * 1e3)
            ratio = shown(pair.ratio) if row is pair.ours else ""
            table.add_row(name, f"{row.connections}", *map(shown, numbers), ratio)
    console.print(table)


def _streams(console: Console, found: Measured) -> None:
    columns = ("at a time", "MB/s", "least", "most", "CPU of S3, s/GB", "service, s/GB", "curl, s/GB", "ratio")
    table = titled("One large result", "from", *columns)
    for pair in found.downloads:
        for name, rate, rounds in (("S3 server", pair.plain_rate, pair.plain), ("service", pair.our_rate, pair.ours)):
            rates = [item.rate for item in rounds]
            cpu = [(item.s3_cpu, item.service_cpu, item.curl_cpu) for item in rounds]
            means = (sum(of) / len(rounds) for of in zip(*cpu, strict=True))
            ratio = shown(rate / pair.plain_rate) if rounds is pair.ours else ""
            table.add_row(name, f"{pair.streams}", *map(shown, (rate, min(rates), max(rates), *means)), ratio)
    console.print(table)


def _memory(console: Console, found: Measured) -> None:
    table = titled("A replica", "with", "memory, MB", "at most, MB", "start → ready, s")
    for row in found.memory:
        table.add_row(f"{row.jobs} jobs", *map(shown, (row.settled / _MB, row.peak / _MB, row.start)))
    for pair in found.downloads:
        table.add_row(f"{pair.streams} results on their way", "", shown(pair.peak / _MB), "")
    console.print(table)


def _warn(console: Console, found: Measured) -> None:
    """The share of the machine that others used, where it was much."""
    rows = [row for pair in found.lookups for row in (pair.bare, pair.ours)] + found.more_lookups
    shares = {
        "reads": [row.foreign for row in rows],
        "starts": [row.foreign for pair in found.started for row in (pair.bare, pair.ours)],
        "results": [item.foreign for pair in found.downloads for item in (*pair.plain, *pair.ours)],
    }
    for name, foreign in shares.items():
        mean, most = sum(foreign) / len(foreign), max(foreign)
        color = "yellow" if most > DISTURBED else "white"
        console.print(f"[{color}]{name}: other programs used {mean:.0%} of the machine, at most {most:.0%}[/]")
