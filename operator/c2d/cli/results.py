"""Fetch what a job published."""

import contextlib
import pathlib
from collections.abc import Iterator

import pydantic
import rich.table
import rich.text

from c2d.api.environment import S3Target, VolumeTarget
from c2d.api.job import ResultsStatus
from c2d.api.manifest import Kind, Manifest, Result
from c2d.cli import errors, on_volume, wording
from c2d.cli.connect import Place
from c2d.cli.job import Job
from c2d.cli.step import Step
from c2d.storage import results, targets
from c2d.storage.opening import open_published
from c2d.storage.store import Objects
from c2d.storage.targets import Target

_LOGS = {Step.CONFIGURE: Kind.CONFIGURE_LOG, Step.ALGORITHM: Kind.ALGORITHM_LOG, Step.PUBLISH: Kind.PUBLISH_LOG}
# Rows of the table; a job may publish a million files.
_SHOWN = 50


def download(
    where: Place, job: Job, folder: pathlib.Path, endpoint: str | None, progress: results.Progress
) -> Manifest:
    """All results of the job into the folder, each verified against the manifest, and that against the job's status.

    Raises `NotAvailable` where nothing was published, `StorageError`, and `Misused` for a folder that can't be used.
    """
    published = job.status.results
    if published is None:
        raise _not_published(job)
    _require_own(folder, job)
    try:
        with _opened(where, job, published, endpoint) as (store, prefix):
            return results.fetch_all(store, prefix, folder, progress, published.manifest_sha256)
    except OSError as error:
        why = f"the results can't be written to {folder}: {error.strerror or error}"
        raise errors.Misused(why, "Name another folder with -o.") from error


def _require_own(folder: pathlib.Path, job: Job) -> None:
    """Two jobs' results in one folder could be told apart by nobody, and would not verify."""
    try:
        there = Manifest.model_validate_json((folder / results.MANIFEST).read_bytes())
    except (OSError, pydantic.ValidationError):
        return
    if there.uid != job.uid:
        raise errors.Misused(f"{folder} has the results of {there.job}, another job", "Name another folder with -o.")


def log(where: Place, job: Job, step: Step, endpoint: str | None) -> Iterator[bytes]:
    """The published log of one of the job's pods, which are gone. Raises `NotAvailable` and `StorageError`."""
    published = job.status.results
    if published is None or job.step(step) is None:
        raise _no_log(job, step)
    with _opened(where, job, published, endpoint) as (store, prefix):
        yield from results.read_log(store, prefix, _LOGS[step], published.manifest_sha256)


@contextlib.contextmanager
def _opened(where: Place, job: Job, published: ResultsStatus, endpoint: str | None) -> Iterator[tuple[Objects, str]]:
    """The storage, and the prefix of the job's keys there."""
    target, prefix = place(job, published.location, endpoint)
    if not isinstance(target, VolumeTarget):
        yield open_published(target), prefix
        return
    if published.removed_time is not None:
        raise errors.NotAvailable(f"the results of {job.name} were removed {published.removed_time}", "Run it again.")
    with on_volume.opened(where, job) as objects:
        yield objects, prefix


def _no_log(job: Job, step: Step) -> errors.NotAvailable:
    why = f"{job.name} published no log of its {step} pod: it is {job.status.phase} ({job.status.reason})"
    return errors.NotAvailable(why, f"`c2d get {job.name}` says what happened.")


def table(manifest: Manifest) -> rich.table.Table:
    """What was fetched: name, size and the beginning of its sha256."""
    found = rich.table.Table(box=None, padding=(0, 2, 0, 0), pad_edge=False, header_style="dim")
    found.add_column("RESULT", overflow="fold")
    found.add_column("SIZE", justify="right", no_wrap=True)
    found.add_column("SHA256", no_wrap=True)
    for result in manifest.results[:_SHOWN]:
        found.add_row(rich.text.Text(_name(result)), wording.size(result.filesize), result.sha256[:12])
    if len(manifest.results) > _SHOWN:
        found.add_row(f"and {len(manifest.results) - _SHOWN} more", "", "")
    return found


def _name(result: Result) -> str:
    return wording.plain(str(results.place(result)))


def place(job: Job, location: str, endpoint: str | None) -> tuple[Target, str]:
    """The target to read from, and the prefix: the status says where, the environment through which server."""
    environment = job.status.resolved_environment
    known = environment.results.target if environment else None
    if isinstance(known, S3Target):
        # The bucket is the one that the results are in, whatever the environment says of it.
        known = known.model_copy(update={"bucket": location.removeprefix("s3://").partition("/")[0]})
    prefix = targets.prefix_of(known, location) if known else None
    if known is None or prefix is None:
        raise errors.Misused(f"{location} is a storage that this c2d can't read", "Update c2d.")
    return targets.seen_from_here(known, endpoint), prefix


def _not_published(job: Job) -> errors.NotAvailable:
    if job.ended:
        why = f"job {job.name} published nothing: it is {job.status.phase} ({job.status.reason})"
        return errors.NotAvailable(why, f"`c2d get {job.name}` says what happened.")
    why = f"job {job.name} has no results yet; it is {job.status.phase}"
    return errors.NotAvailable(why, f"Ask again once it has ended; `c2d get {job.name}` says where it is.")
