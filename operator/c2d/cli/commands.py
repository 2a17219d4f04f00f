"""What each command does, once it is known what is asked."""

import asyncio
import codecs
import json
import pathlib
import sys
from collections.abc import AsyncIterator
from datetime import UTC, datetime
from typing import Any

import rich.text
import yaml

from c2d.cli import (
    connect,
    crating,
    display,
    errors,
    follow,
    job,
    jobfile,
    pages,
    podlog,
    results,
    run,
    terminal,
    verify,
    wording,
)
from c2d.cli.connect import Place
from c2d.cli.job import Job
from c2d.cli.step import Step
from c2d.kube.client import Client
from c2d.kube.errors import KubeError, NotFound
from c2d.kube.resources import JOBS, Object


def run_job(place: Place, file: str, *, detach: bool) -> int:
    """Submit the job in the file; without `detach` follow it to its end. Returns the exit code."""
    asked = jobfile.read(file)

    async def work(client: Client, _: str) -> Job:
        submitted = await run.submit(client, asked, place.namespace)
        if detach:
            return submitted
        heading = f"{submitted.name} in namespace {submitted.namespace}, environment {submitted.environment}"
        terminal.notes().print(rich.text.Text(heading, style="bold"))
        try:
            return await run.to_the_end(client, submitted, display.choose(terminal.notes()))
        except (asyncio.CancelledError, KubeError):
            _left_alone(submitted)
            raise

    ended = connect.do(place, work)
    if detach:
        terminal.answers().print(ended.name)
        return 0
    terminal.notes().print(pages.end(ended), soft_wrap=True)
    return run.exit_code(ended)


def list_jobs(place: Place, *, everywhere: bool, output: str) -> None:
    """All jobs of the namespace, or of all namespaces."""

    async def work(client: Client, namespace: str) -> tuple[str, Object]:
        return namespace, await client.list(JOBS, "" if everywhere else namespace)

    namespace, listed = connect.do(place, work)
    if output:
        _machine_readable({**listed, "items": [_without_noise(item) for item in listed["items"]]}, output)
    elif not listed["items"]:
        terminal.notes().print("no jobs" if everywhere else f"no jobs in namespace {namespace}")
    else:
        jobs = [job.read(item) for item in listed["items"]]
        terminal.answers().print(pages.listing(jobs, datetime.now(UTC), namespaces=everywhere))


def get_job(place: Place, name: str, output: str) -> None:
    """One job, for a person or for a program."""
    found = connect.do(place, lambda client, namespace: connect.find(client, namespace, name))
    if output:
        _machine_readable(_without_noise(found.item), output)
    else:
        terminal.answers().print(pages.page(found, datetime.now(UTC)))


def show_logs(place: Place, name: str, step: Step, endpoint: str | None, *, wait: bool) -> None:
    """The log of one of the job's pods; with `wait` up to its end, however late that is.

    The pods of a finished job are gone; their logs are then read from where they were published.
    """

    async def work(client: Client, namespace: str) -> Job | None:
        found = await connect.find(client, namespace, name)
        if wait:
            found = await _started(client, namespace, found.name, step)
        if found.ended:
            return found
        try:
            await _stream(podlog.lines(client, namespace, podlog.pod_of(found, step), follow=wait))
        except NotFound:
            return await connect.find(client, namespace, name)
        return None

    finished = connect.do(place, work)
    if finished is not None:
        pieces = results.log(place, finished, step, endpoint)
        for text in codecs.iterdecode(pieces, "utf-8", errors="replace"):
            sys.stdout.write(_fit(text))


async def _stream(lines: AsyncIterator[str]) -> None:
    async for line in lines:
        sys.stdout.write(_fit(line) + "\n")
        sys.stdout.flush()


def _fit(text: str) -> str:
    """What an algorithm wrote must not act on a terminal; a file or a pipe gets it as it is."""
    if not sys.stdout.isatty():
        return text
    return "\n".join(wording.plain(line) for line in text.split("\n"))


def fetch_results(place: Place, name: str, folder: pathlib.Path, endpoint: str | None) -> None:
    """The job's results, verified, into the folder."""
    found = connect.do(place, lambda client, namespace: connect.find(client, namespace, name))
    with terminal.notes().status(f"fetching the results of {found.name}"):
        manifest = results.download(place, found, folder, endpoint, lambda *_: None)
    terminal.answers().print(results.table(manifest))
    terminal.notes().print(rich.text.Text(f"✓ {len(manifest.results)} results verified, in {folder}", style="green"))


def verify_results(folder: pathlib.Path, manifest_sha256: str, address: str) -> int:
    """Is the folder what a job published? Returns the exit code."""
    lines = verify.check(folder, verify.Expected(manifest_sha256, address))
    terminal.answers().print(verify.table(lines))
    return 0 if verify.good(lines) else errors.FAILED


def make_crate(folder: pathlib.Path, to: pathlib.Path | None, manifest_sha256: str, address: str) -> None:
    """The folder as an RO-Crate, in place or elsewhere."""
    with terminal.notes().status(f"verifying {folder}"):
        made = crating.make(folder, to, verify.Expected(manifest_sha256, address))
    terminal.answers().print(str(made), soft_wrap=True, markup=False, highlight=False)


def stop_job(place: Place, name: str) -> None:
    """Ask for the job's end; one that has ended stays as it is."""

    async def work(client: Client, namespace: str) -> Job:
        found = await connect.find(client, namespace, name)
        if not found.ended:
            await client.patch(JOBS, namespace, found.name, {"spec": {"stop": True}})
        return found

    found = connect.do(place, work)
    if found.ended:
        terminal.notes().print(f"{name} has ended already: {found.status.phase}")
    else:
        terminal.notes().print(f"{name} is being stopped; its logs will be published")


async def _started(client: Client, namespace: str, name: str, step: Step) -> Job:
    """The job as soon as the step's pod has started, or as it ended without that."""
    async for seen in follow.states(client, namespace, name):
        known = seen.step(step)
        if seen.ended or (known is not None and known.start_time is not None):
            return seen
    raise AssertionError("the states of a job end with its end")


def _left_alone(submitted: Job) -> None:
    place = f"{submitted.name} -n {submitted.namespace}"
    told = f"the job goes on without us; see `c2d get {place}`, end it with `c2d stop {place}`"
    terminal.notes().print(rich.text.Text(told, style="yellow"), soft_wrap=True)


def _without_noise(item: Object) -> Object:
    metadata = {key: value for key, value in item["metadata"].items() if key != "managedFields"}
    return {**item, "metadata": metadata}


def _machine_readable(value: Any, output: str) -> None:
    text = json.dumps(value, indent=2) + "\n" if output == "json" else yaml.safe_dump(value, sort_keys=False)
    sys.stdout.write(text)
