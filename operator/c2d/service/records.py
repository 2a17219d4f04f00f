"""A job as the API tells of it: read once from a ComputeJob, then kept in little room. Pure."""

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any

from c2d.api.environment import GROUP, VolumeTarget
from c2d.api.job import RESULTS_REMOVED
from c2d.api.phases import ACTIVE, TABLE, TERMINAL, Phase
from c2d.kube.resources import Object
from c2d.storage import targets
from c2d.storage.targets import Target

# What the service writes beside the spec: how the request named things, and where its private parts are.
REQUEST = f"{GROUP}/request"
# Keeps the record of a finished job from going before the archive has it.
ARCHIVE_FINALIZER = f"{GROUP}/archive"
# Keeps it from going before its results, where nobody else would ever delete them.
RESULTS_FINALIZER = f"{GROUP}/results"
_TIME = "%Y-%m-%dT%H:%M:%SZ"


@dataclass(frozen=True, slots=True)
class Listed:
    """One result, as the API lists it."""

    filename: str
    filesize: int  # bytes
    type: str

    def as_json(self) -> dict[str, Any]:
        return {"filename": self.filename, "filesize": self.filesize, "type": self.type}


@dataclass(frozen=True, slots=True)
class Published:
    """Where a job's results are. `files` is empty where only the manifest lists them."""

    target: Target
    prefix: str  # of all keys; on IPFS the CID
    manifest_sha256: str
    count: int
    files: tuple[Listed, ...] = ()
    expires: datetime | None = None  # None: they are kept until they are removed

    @property
    def on_volume(self) -> bool:
        """They are the job's own, and go with it: the engine removes them, and no archive knows them."""
        return isinstance(self.target, VolumeTarget)


@dataclass(frozen=True, slots=True)
class Request:
    """What is known of the request that a job came from; empty for jobs that were made by hand."""

    algo_did: str
    input_dids: tuple[str, ...]
    provider: str = ""
    digest: str = ""  # of everything that makes two requests the same
    signed: str = ""  # names the signed text and its signer
    private: str = ""  # the name that those of its Secrets begin with


@dataclass(frozen=True, slots=True)
class Record:
    """A job."""

    uid: str
    namespace: str
    name: str
    version: int  # of the object
    created: datetime
    owner: str
    agreement_id: str
    environment: str
    chain_id: int | None
    phase: Phase
    code: int
    text: str
    finished_at: datetime | None
    stop_request: int
    removed: bool
    deleting: bool
    cleared: bool  # its results were deleted
    finalized: bool  # it waits for the archive before it goes
    deleted_at: datetime | None  # when it was asked to go
    held: bool  # it waits for its results to be deleted before it goes
    expiring: bool  # its results don't stay for ever
    request: Request
    published: Published | None = field(default=None)

    @property
    def job_id(self) -> str:
        """The UID, a version 4 UUID, without its dashes."""
        return self.uid.replace("-", "")

    @property
    def finished(self) -> bool:
        return self.phase in TERMINAL

    @property
    def over(self) -> bool:
        """Nothing will run for it any more: it has ended, or it is being deleted."""
        return self.finished or self.deleting

    @property
    def running(self) -> bool:
        """Whether it takes a place in its environment."""
        return self.phase in ACTIVE

    @property
    def results(self) -> Published | None:
        """What was published, was not removed, and is not being removed."""
        return None if self.removed or self.cleared or self.leaving else self.published

    @property
    def leaving(self) -> bool:
        """It was deleted, and waits for its results."""
        return self.deleting and self.held

    def expired(self, now: datetime) -> bool:
        """Whether the time of its results is over."""
        expires = self.published.expires if self.published is not None else None
        return expires is not None and now >= expires

    def fetchable(self, now: datetime) -> Published | None:
        """The results, while they are served: from the moment on at which they expire they may be deleted."""
        return None if self.expired(now) else self.results


def status_object(record: Record, results: tuple[Listed, ...]) -> dict[str, Any]:
    """The API's status object: these keys in this order."""
    return {
        "agreementId": record.agreement_id,
        "jobId": record.job_id,
        "owner": record.owner,
        "status": record.code,
        "statusText": record.text,
        "dateCreated": epoch(record.created),
        "dateFinished": epoch(record.finished_at) if record.finished_at is not None else None,
        "results": [item.as_json() for item in results] or "",
        "stopreq": record.stop_request,
        "removed": int(record.removed),
        "algoDID": record.request.algo_did,
        "inputDID": list(record.request.input_dids),
    }


def epoch(moment: datetime) -> str:
    """Seconds since 1970, as clients expect them: a decimal number in a string."""
    return str(moment.timestamp())


def read(item: Object) -> Record:
    """A ComputeJob as the API server sends it; its schema has been checked there."""
    metadata, spec, status = item["metadata"], item.get("spec", {}), item.get("status") or {}
    annotations = metadata.get("annotations") or {}
    phase = Phase(status.get("phase", Phase.PENDING))
    row = TABLE[phase]
    stop = status.get("stopRequest", 0)
    return Record(
        uid=metadata["uid"],
        namespace=metadata["namespace"],
        name=metadata["name"],
        version=int(metadata["resourceVersion"]),
        created=_moment(metadata["creationTimestamp"]),
        owner=spec.get("owner", ""),
        agreement_id=spec.get("agreementId", ""),
        environment=spec.get("environment", "default"),
        chain_id=spec.get("chainId"),
        phase=phase,
        code=status.get("code", row.code),
        text=status.get("text") or row.text,
        finished_at=_moment(status["dateFinished"]) if status.get("dateFinished") else None,
        # Asked for, but not yet seen by the engine: it counts from now on.
        stop_request=1 if not stop and spec.get("stop") and phase not in TERMINAL else stop,
        removed=bool(spec.get("remove")),
        deleting="deletionTimestamp" in metadata,
        cleared=bool(annotations.get(RESULTS_REMOVED) or (status.get("results") or {}).get("removedTime")),
        finalized=ARCHIVE_FINALIZER in (metadata.get("finalizers") or ()),
        deleted_at=_moment(metadata["deletionTimestamp"]) if "deletionTimestamp" in metadata else None,
        held=RESULTS_FINALIZER in (metadata.get("finalizers") or ()),
        expiring=_is_expiring(status.get("resolvedEnvironment") or {}),
        request=_request(annotations.get(REQUEST, ""), spec),
        published=_published(status),
    )


def _moment(text: str) -> datetime:
    return datetime.strptime(text, _TIME).replace(tzinfo=UTC)


def moment_text(moment: datetime) -> str:
    """A time as Kubernetes writes it, in UTC; texts of this form sort as the times do."""
    return moment.astimezone(UTC).strftime(_TIME)


def _request(text: str, spec: Mapping[str, Any]) -> Request:
    """From our annotation; of a job made by hand what its spec says. Anybody may edit an annotation."""
    try:
        said = json.loads(text)
        return Request(
            algo_did=str(said["algoDID"]),
            input_dids=tuple(str(did) for did in said["inputDID"]),
            provider=str(said.get("provider", "")),
            digest=str(said.get("digest", "")),
            signed=str(said.get("signed", "")),
            private=str(said.get("private", "")),
        )
    except (ValueError, KeyError, TypeError, AttributeError, RecursionError):
        algorithm = spec.get("algorithm", {}).get("id", "")
        dids = (item.get("id", "") for item in spec.get("inputs", ()))
        return Request(algorithm or "raw", tuple(did for did in dids if did.startswith("did:")))


def request_annotation(request: Request) -> str:
    """What `read` understands."""
    said = {
        "algoDID": request.algo_did,
        "inputDID": list(request.input_dids),
        "provider": request.provider,
        "digest": request.digest,
        "signed": request.signed,
        "private": request.private,
    }
    return json.dumps(said)


def _published(status: Mapping[str, Any]) -> Published | None:
    """None before there is anything; results of an unfinished job may still change."""
    results = status.get("results")
    environment = status.get("resolvedEnvironment") or {}
    places = environment.get("results") or {}
    place = next((places[name] for name in ("s3", "ipfs", "volume") if name in places), None)
    if not results or place is None or not status.get("dateFinished"):
        return None
    target = _target(place)
    prefix = targets.prefix_of(target, results["location"])
    if prefix is None:
        return None
    return Published(
        target=target,
        prefix=prefix,
        manifest_sha256=results["manifestSha256"],
        count=results["count"],
        files=tuple(Listed(it["filename"], it["filesize"], it["type"]) for it in results.get("files", ())),
        expires=_expires(_moment(status["dateFinished"]), environment.get("storageExpirySeconds", 0)),
    )


def _is_expiring(environment: Mapping[str, Any]) -> bool:
    """What stays on a job's volume goes with the job anyway, however that goes."""
    return bool(environment.get("storageExpirySeconds")) and "volume" not in environment.get("results", {})


def _expires(finished: datetime, seconds: int) -> datetime | None:
    return finished + timedelta(seconds=seconds) if seconds else None


def _target(said: Mapping[str, Any]) -> Target:
    return targets.parse(json.dumps(said, sort_keys=True))


def location(published: Published) -> dict[str, Any]:
    """Where results are, as the archive keeps it."""
    return {
        "target": published.target.model_dump(mode="json", by_alias=True, exclude_none=True),
        "prefix": published.prefix,
        "manifestSha256": published.manifest_sha256,
        "count": published.count,
        "files": [item.as_json() for item in published.files],
        "expires": moment_text(published.expires) if published.expires is not None else None,
    }


def published_at(stored: Mapping[str, Any]) -> Published:
    """The inverse of `location`."""
    return Published(
        target=_target(stored["target"]),
        prefix=stored["prefix"],
        manifest_sha256=stored["manifestSha256"],
        count=stored["count"],
        files=tuple(Listed(it["filename"], it["filesize"], it["type"]) for it in stored["files"]),
        expires=_moment(stored["expires"]) if stored.get("expires") else None,
    )
