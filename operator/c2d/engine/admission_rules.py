"""Whether an environment takes a job, and on which terms. Pure."""

import json
import re
from collections.abc import Callable, Iterator
from datetime import datetime, timedelta
from urllib.parse import unquote

from c2d.api import volume
from c2d.api.environment import EnvironmentSpec
from c2d.api.job import CUSTOM_DATA_BYTES, INLINE_BYTES, JobSpec, JobStatus, Method, Outcome
from c2d.api.reasons import Reason
from c2d.engine import assets
from c2d.engine import status as to
from c2d.engine.state import Place, Settings
from c2d.kube import names
from c2d.ocean import dids, signatures

# A queued job's position is refreshed this often, not at each change: that would be a write per job and job.
REFRESH = timedelta(seconds=60)
# They would steer the runner, which is a Go program, before they reach the algorithm.
_RESERVED = frozenset({"C2D_RUNNER", "GODEBUG", "GOTRACEBACK", "GOGC", "GOMEMLIMIT", "GOMAXPROCS"})


def objection(spec: JobSpec, environment: EnvironmentSpec, settings: Settings) -> Outcome | None:
    """Why this environment of this operator doesn't take this job, if it doesn't."""
    image = spec.algorithm.container.reference
    allowed = environment.allowed_images
    if allowed and not any(_matches(pattern, image) for pattern in allowed):
        message = f"algorithm.container.image: {image} is not among the environment's allowedImages"
        return to.outcome_of(Reason.IMAGE_NOT_ALLOWED, message)
    chains = environment.allowed_chain_ids
    if chains and spec.chain_id not in chains:
        message = f"chainId: {spec.chain_id} is not among the environment's allowedChainIds"
        return to.outcome_of(Reason.CHAIN_NOT_ALLOWED, message)
    service = next(_services(spec, settings), None)
    if service is not None:
        return service
    invalid = next((text for rule in _RULES for text in rule(spec, environment)), None)
    invalid = invalid or next(_assets(spec, environment, settings), None)
    return to.outcome_of(Reason.INVALID_SPEC, invalid) if invalid is not None else None


def _matches(pattern: str, image: str) -> bool:
    return re.fullmatch(".*".join(re.escape(part) for part in pattern.split("*")), image) is not None


def _services(spec: JobSpec, settings: Settings) -> Iterator[Outcome]:
    """Assets that only their Provider can hand out: it wants a signature, and Aquarius knows where it is."""
    for did, service, is_algorithm in assets.services(spec):
        reason = Reason.ALGORITHM_DOWNLOAD_FAILED if is_algorithm else Reason.INPUT_DOWNLOAD_FAILED
        what = "algorithm.source" if is_algorithm else f"inputs: {did}"
        if not settings.signer_url:
            why = "can't be fetched through its Provider: this operator has no key to sign with"
            yield to.outcome_of(reason, f"{what} {why}; set operator.privateKeySecret")
        if not service.metadata_uri and not settings.metadata_uri:
            why = "names no metadataUri, and this operator has none of its own"
            yield to.outcome_of(reason, f"{what} {why}; set operator.metadataUri")
        if service.metadata_uri and not _is_trusted(service.metadata_uri, settings):
            why = "names a metadataUri that this operator does not trust"
            yield to.outcome_of(reason, f"{what} {why}; see operator.trustedMetadataUris")
        if not dids.is_did(did):
            field = "algorithm.id" if is_algorithm else f"inputs: {did}"
            message = f"{field}: an asset with a service needs its DID, did:op: and 64 hex digits"
            yield to.outcome_of(Reason.INVALID_SPEC, message)


def _is_trusted(uri: str, settings: Settings) -> bool:
    """An Aquarius says which Provider gets the operator's signature, and which algorithms a dataset trusts.

    So an operator who has named one means that one, and no other that a job may bring along.
    """
    trusted = {item.rstrip("/") for item in (*settings.trusted_metadata_uris, settings.metadata_uri) if item}
    return not trusted or uri.rstrip("/") in trusted


def _variables(spec: JobSpec, _: EnvironmentSpec) -> Iterator[str]:
    for item in spec.algorithm.env:
        if item.name in _RESERVED:
            yield f"algorithm.env: {item.name} is not the algorithm's to set"


def _folders(spec: JobSpec, _: EnvironmentSpec) -> Iterator[str]:
    folders = [volume.short_id(item.id) for item in spec.inputs]
    for folder in sorted(set(folders)):
        if folders.count(folder) > 1:
            yield f"inputs: two of them have the folder {folder}"
    if volume.CUSTOM_DATA.rpartition("/")[2] in folders:
        yield f"inputs: {volume.CUSTOM_DATA} is where customData goes"


def _sizes(spec: JobSpec, _: EnvironmentSpec) -> Iterator[str]:
    if len((spec.algorithm.source.inline or "").encode()) > INLINE_BYTES:
        yield f"algorithm.source.inline: more than {INLINE_BYTES} bytes; put it behind a URL"
    if len(json.dumps(spec.algorithm.custom_data).encode()) > CUSTOM_DATA_BYTES:
        yield f"algorithm.customData: more than {CUSTOM_DATA_BYTES} bytes; make it an input"


def _files(spec: JobSpec, _: EnvironmentSpec) -> Iterator[str]:
    listed = [(f"inputs: {item.id}", item.files or []) for item in spec.inputs]
    for field, files in [*listed, ("algorithm.source", spec.algorithm.source.files or [])]:
        for index, file in enumerate(files):
            has_url = file.url is not None or file.url_from is not None
            if not has_url and (file.method is not Method.GET or file.headers_from is not None):
                yield f"{field}, file {index}: method and headersFrom are for url and urlFrom only"
            if file.ipfs is not None and {".", ".."} & set(unquote(file.ipfs.cid).split("/")):
                yield f"{field}, file {index}: ipfs.cid can't have . or .. in its path"


def _volumes(spec: JobSpec, environment: EnvironmentSpec) -> Iterator[str]:
    for item in spec.inputs:
        if item.volume is None:
            continue
        if not environment.assets.allow_volumes:
            yield f"inputs: {item.id}: the environment does not allow volume; see its assets.allowVolumes"
        if names.is_volume(item.volume.claim_name):
            yield f"inputs: {item.id}: volume.claimName has the name of a job's own volume, which no other job may read"


def _assets(spec: JobSpec, environment: EnvironmentSpec, settings: Settings) -> Iterator[str]:
    """Results that are to become an asset: there must be a way to make it, and to its files, and somebody to get it."""
    if spec.results_asset is None:
        return
    offer = environment.results_assets
    if offer is None:
        yield "resultsAsset: the environment publishes no results as assets; see its resultsAssets"
        return
    if offer.chain_id not in settings.chain_ids:
        why = f"this operator can't publish on chain {offer.chain_id}, where the environment wants it"
        yield f"resultsAsset: {why}; see operator.chains and operator.privateKeySecret"
    if not signatures.is_address(spec.owner):
        yield "owner: an asset needs an owner, the address of an account: 0x and 40 hexadecimal digits"
    if environment.results.ipfs is None and (environment.results.s3 is None or offer.files_url is None):
        why = "no Provider can read the results of the environment"
        yield f"resultsAsset: {why}; publish them to IPFS, or set resultsAssets.filesUrl for a bucket"


# What the API server's rules can't see.
_RULES: tuple[Callable[[JobSpec, EnvironmentSpec], Iterator[str]], ...] = (
    _variables,
    _folders,
    _sizes,
    _files,
    _volumes,
)


def resolved(environment: EnvironmentSpec, settings: Settings) -> EnvironmentSpec:
    """The environment with the engine's own defaults filled in, as it is kept in the job's status."""
    if environment.isolation.probes:
        return environment
    isolation = environment.isolation.model_copy(update={"probes": list(settings.probes)})
    return environment.model_copy(update={"isolation": isolation})


def queued(status: JobStatus, place: Place, now: datetime) -> JobStatus:
    message = f"{place.ahead} ahead" if place.ahead else "next"
    status = to.condition(status, "Accepted", True, "Accepted", "", now)
    status = to.condition(status, "Queued", True, "EnvironmentFull", message, now)
    return to.waiting(status, None, f"queued, {message}")


def budget(spec: JobSpec, environment: EnvironmentSpec, start: datetime) -> int:
    """Seconds that an algorithm may run that starts then. It was paid for, so it gets at least the minimum."""
    limit = environment.max_job_duration_seconds
    if spec.valid_until is None or spec.valid_until.timestamp() == 0:
        return limit
    left = int((spec.valid_until - start).total_seconds())
    return min(limit, max(left, environment.min_job_duration_seconds))
