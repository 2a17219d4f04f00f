"""Results that become an asset of the Ocean network: when that begins, which files it has, how it ends. Pure.

The job has its results by then and will succeed, whatever becomes of the asset. The chain is spoken to elsewhere,
beside the work on jobs (`minting`); here is what the job's status says of it.
"""

from datetime import datetime, timedelta
from urllib.parse import quote

from c2d.api.environment import EnvironmentSpec, ResultsAssets
from c2d.api.job import AssetState, AssetStatus, JobSpec, JobStatus, Outcome, ResultsStatus
from c2d.api.manifest import Kind
from c2d.api.model import format_time
from c2d.api.phases import Phase
from c2d.api.reasons import ASSET_HINTS, AssetReason, Reason
from c2d.engine import status as to
from c2d.engine.state import Decision, Job
from c2d.ocean import asset
from c2d.ocean.asset import Description, Json

CONDITION = "AssetPublished"
_MESSAGE_LIMIT = 1000
# Bytes of an output's name, and of a part of it, up to which its key is made of it; see c2d/publish/names.py.
_NAME_BYTES, _PART_BYTES = 600, 255


def is_wanted(spec: JobSpec | None, outcome: Outcome) -> bool:
    return spec is not None and spec.results_asset is not None and outcome.reason is Reason.SUCCEEDED


def offer_of(status: JobStatus) -> ResultsAssets:
    """What the environment said of assets when the job was accepted."""
    offer = to.environment_of(status).results_assets
    if offer is None:
        raise AssertionError("a job that asks for an asset is not accepted where there are none")
    return offer


def begin(status: JobStatus, now: datetime) -> Decision:
    """The results are published: now the asset. What can't become one is known before anything is paid."""
    begun = AssetStatus(chain_id=offer_of(status).chain_id, start_time=now)
    status = status.model_copy(update={"asset": begun})
    objection = _objection(status.results)
    if objection is not None:
        return _without(status, objection, ASSET_HINTS[objection], now)
    return Decision(status, wake_after=timedelta(0))


def follow(status: JobStatus, asked: JobSpec | None, now: datetime) -> Decision:
    """The job ends when its asset is there, can't be had, or takes too long."""
    found = asset_of(status)
    if found.state is AssetState.PUBLISHED:
        return _with(status, now)
    if found.state is AssetState.FAILED:
        return _without(status, found.reason or AssetReason.TRANSACTION_REVERTED, found.message, now)
    if asked is not None and asked.stop:
        return _without(status, AssetReason.STOPPED, _left_over(found, ASSET_HINTS[AssetReason.STOPPED]), now)
    seconds = to.environment_of(status).timeouts.asset_seconds
    left = found.start_time + timedelta(seconds=seconds) - now
    if left > timedelta(0):
        return Decision(status, wake_after=left)
    message = f"not done in {seconds} s" + (f": {found.message}" if found.message else "")
    return _without(status, found.reason or AssetReason.TIMED_OUT, _left_over(found, message), now)


def is_under_way(status: JobStatus) -> bool:
    """Whether something on the chain is still to be done for this job."""
    open_ = status.asset is not None and status.asset.state is AssetState.IN_PROGRESS
    return open_ and status.phase is Phase.PUBLISHING


def asset_of(status: JobStatus) -> AssetStatus:
    if status.asset is None:
        raise AssertionError("this job has no asset")
    return status.asset


def description(job: Job) -> Description:
    """What the asset tells of itself: what the job asked for, and what it is the result of."""
    spec, status = job.spec, job.status
    if spec is None or spec.results_asset is None or status.results is None:
        raise AssertionError("this job publishes no asset")
    asked = spec.results_asset
    title = f"Results of job {job.name}"
    return Description(
        name=asked.name or title,
        description=asked.description or title,
        author=asked.author or spec.owner,
        license=asked.license,
        created=format_time(asset_of(status).start_time),
        additional={
            "job": job.uid,
            "agreementId": spec.agreement_id,
            "manifestSha256": status.results.manifest_sha256,
        },
    )


def files(results: ResultsStatus, environment: EnvironmentSpec) -> list[Json]:
    """The outputs, as the Provider of the environment reads them."""
    prefix = results.manifest.rpartition("/")[0]
    found = [quote(f"{prefix}/outputs/{name}", safe="/~") for name in _outputs(results)]
    if environment.results.ipfs is not None:
        return [asset.ipfs_file(path) for path in found]
    base = (environment.results_assets.files_url if environment.results_assets else None) or ""
    return [asset.url_file(f"{base.rstrip('/')}/{path}") for path in found]


def _outputs(results: ResultsStatus) -> list[str]:
    return [entry.filename for entry in results.files if entry.type == Kind.OUTPUT]


def _objection(results: ResultsStatus | None) -> AssetReason | None:
    if results is None or (results.count and not results.files):
        return AssetReason.TOO_MANY_OUTPUTS
    outputs = _outputs(results)
    if not outputs:
        return AssetReason.NO_OUTPUTS
    return AssetReason.NAME_TOO_LONG if any(map(_is_too_long, outputs)) else None


def _is_too_long(name: str) -> bool:
    parts = [len(part.encode()) for part in name.split("/")]
    return len(name.encode()) > _NAME_BYTES or max(parts) > _PART_BYTES


def _left_over(found: AssetStatus, message: str) -> str:
    """A transaction that was sent can't be taken back."""
    if found.transaction is None:
        return message
    return f"{message}; transaction {found.transaction.hashes[-1]} may still be mined"


def _with(status: JobStatus, now: datetime) -> Decision:
    found = asset_of(status)
    did = asset.did(found.nft_address, found.chain_id)
    status = to.condition(status, CONDITION, True, "Published", did, now)
    return _end(status.model_copy(update={"results_did": did}), now)


def _without(status: JobStatus, reason: AssetReason, message: str, now: datetime) -> Decision:
    message = message[:_MESSAGE_LIMIT]
    ended = asset_of(status).model_copy(update={"state": AssetState.FAILED, "reason": reason, "message": message})
    status = to.condition(status.model_copy(update={"asset": ended}), CONDITION, False, reason, message, now)
    return _end(status, now)


def _end(status: JobStatus, now: datetime) -> Decision:
    outcome = status.outcome or to.outcome_of(Reason.SUCCEEDED)
    # What was sent is on the chain, or not: nobody sends it again.
    ended = asset_of(status).model_copy(update={"transaction": None})
    return Decision(to.ended(status.model_copy(update={"asset": ended}), outcome, now), wake_after=timedelta(0))
