"""What `c2d list`, `c2d get` and the end of `c2d run` show. Pure."""

from collections.abc import Iterable
from datetime import datetime

import rich.console
import rich.table
import rich.text

from c2d.api.job import JobStatus
from c2d.api.phases import TABLE, Phase
from c2d.cli import wording
from c2d.cli.job import Job
from c2d.cli.step import Step

_STYLES = {
    Phase.SUCCEEDED: "green",
    Phase.FAILED: "red",
    Phase.TIMED_OUT: "red",
    Phase.STOPPED: "yellow",
    Phase.RUNNING: "cyan",
}


def listing(jobs: Iterable[Job], now: datetime, *, namespaces: bool) -> rich.table.Table:
    """One line per job, the youngest first; how far transfers are where there are any."""
    shown = sorted(jobs, key=lambda job: (job.created, job.name), reverse=True)
    progress = any(job.status.progress for job in shown)
    place, how_far = ["NAMESPACE"] if namespaces else [], ["PROGRESS"] if progress else []
    table = _table(*place, "NAME", "ENVIRONMENT", "PHASE", *how_far, "REASON", "DURATION", "AGE")
    for job in shown:
        place = [job.namespace] if namespaces else []
        how_far = [wording.plain(job.status.progress or "")] if progress else []
        created = wording.moment(job.created)
        ran = wording.between(job.status.date_created, job.status.date_finished or now)
        age = wording.age(created, now)
        table.add_row(*place, job.name, job.environment, phase(job.status), *how_far, job.reason, ran, age)
    return table


def page(job: Job, now: datetime) -> rich.console.Group:
    """Everything about one job that a person wants to know."""
    parts: list[rich.console.RenderableType] = [_heading(job), "", _facts(job, now)]
    if any(job.step(step) for step in Step):
        parts += ["", steps(job, now)]
    if job.status.conditions:
        parts += ["", _conditions(job.status)]
    return rich.console.Group(*parts)


def end(job: Job) -> rich.text.Text:
    """How the job ended, and what to do next."""
    status = job.status
    text = rich.text.Text()
    mark = "✓" if job.succeeded else "✗"
    text.append(f"{mark} {status.phase} after {status.duration}", style=f"bold {_STYLES.get(status.phase, '')}".strip())
    if why := ": ".join(part for part in (job.reason, status.message) if part):
        text.append(f": {wording.plain(why)}")
    if status.hint:
        text.append(f"\n  {wording.plain(status.hint)}")
    if status.results is not None:
        text.append(f"\n  {status.results.count} results, {wording.size(status.results.bytes)}; fetch them with ")
        text.append(f"c2d results {job.name} -n {job.namespace} -o {job.name}", style="bold")
    return text


def phase(status: JobStatus) -> rich.text.Text:
    return rich.text.Text(status.phase, style=_STYLES.get(status.phase, ""))


def _heading(job: Job) -> rich.text.Text:
    text = rich.text.Text.assemble((job.name, "bold"), f" in namespace {job.namespace}: ", phase(job.status))
    if job.reason:
        text.append(f" ({job.reason})")
    return text


def _facts(job: Job, now: datetime) -> rich.table.Table:
    status = job.status
    grid = rich.table.Table.grid(padding=(0, 2))
    grid.add_column(style="dim", no_wrap=True)
    grid.add_column(overflow="fold")
    facts = {
        "phase": TABLE[status.phase].meaning,
        "progress": status.progress or "",
        "message": status.message,
        "hint": status.hint,
        "environment": job.environment,
        "image": job.image,
        "submitted": f"{job.created}, {wording.age(wording.moment(job.created), now)} ago",
        "duration": wording.between(status.date_created, status.date_finished or now),
        "results": _results(job),
        "asset": _asset(status),
    }
    for name, value in facts.items():
        if value:
            grid.add_row(name, rich.text.Text(wording.plain(value)))
    return grid


def _results(job: Job) -> str:
    found = job.status.results
    if not found:
        return ""
    text = f"{found.count} files, {wording.size(found.bytes)}, {found.location}"
    if job.results_removed:
        return f"{text}, removed {job.results_removed}"
    return f"{text}, kept until {job.results_expire:%Y-%m-%dT%H:%M:%SZ}" if job.results_expire else text


def _asset(status: JobStatus) -> str:
    """Its DID, or what is in its way."""
    if status.asset is None or status.results_did:
        return status.results_did
    return ": ".join(part for part in (status.asset.state, status.asset.message) if part)


def steps(job: Job, now: datetime) -> rich.table.Table:
    table = _table("STEP", "WAITED", "RAN", "EXIT", "MEMORY", "NODE", "REASON")
    for step in Step:
        known = job.step(step)
        if known is None:
            continue
        running = None if job.ended else now
        waited = wording.between(known.create_time, known.start_time or running)
        ran = wording.between(known.start_time, known.finish_time or running)
        code = known.signal or ("" if known.exit_code is None else str(known.exit_code))
        memory = wording.size(known.peak_memory_bytes) if known.peak_memory_bytes else ""
        why = wording.plain(": ".join(part for part in (known.reason, known.message) if part))
        table.add_row(step, waited, ran, code, memory, known.node, rich.text.Text(why))
    return table


def _conditions(status: JobStatus) -> rich.table.Table:
    table = _table("CONDITION", "STATUS", "REASON", "MESSAGE")
    for item in sorted(status.conditions, key=lambda item: item.last_transition_time):
        style = "green" if item.status == "True" else ""
        message = rich.text.Text(wording.plain(item.message))
        table.add_row(item.type, rich.text.Text(item.status, style=style), item.reason, message)
    return table


def _table(*columns: str) -> rich.table.Table:
    table = rich.table.Table(box=None, padding=(0, 2, 0, 0), pad_edge=False, header_style="dim")
    for column in columns:
        table.add_column(column, overflow="fold", no_wrap=column in ("NAME", "PHASE", "STEP", "CONDITION"))
    return table
