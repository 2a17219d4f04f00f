"""What a pass works on: one frozen snapshot in, one decision out."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from c2d.api.environment import EnvironmentSpec
from c2d.api.job import JobSpec, JobStatus
from c2d.api.progress import Progress
from c2d.engine.pods import PodView, ReaderView, Step
from c2d.kube.resources import Object, Resource


@dataclass(frozen=True)
class Settings:
    """What holds for every job of this engine."""

    image: str  # of the configure and publish pods
    image_pull_policy: str
    probes: tuple[str, ...]  # of the isolation gate, where an environment names none
    image_pull_secrets: tuple[str, ...] = ()  # for that image, beside those of the environment
    signer_url: str = ""  # where configure pods reach the signer; empty: this operator signs nothing
    engine_url: str = ""  # the same port, with a key or without; empty: no pod can tell how far it is
    metadata_uri: str = ""  # the Aquarius for assets that name none
    trusted_metadata_uris: tuple[str, ...] = ()  # the others that an asset may name; without both: any
    chain_ids: tuple[int, ...] = ()  # where results can become assets
    readers: tuple[str, ...] = ()  # service accounts that may read results on volumes, as namespace:name


@dataclass(frozen=True)
class Job:
    """A ComputeJob as it was read."""

    namespace: str
    name: str
    uid: str
    generation: int
    created: datetime
    deleting: bool
    status: JobStatus
    spec: JobSpec | None  # None when it can't be read; then `invalid` names the field
    invalid: str = ""
    asked: datetime | None = None  # when somebody last asked for results that stay on its volume

    @property
    def full_name(self) -> str:
        return f"{self.namespace}/{self.name}"


@dataclass(frozen=True)
class Place:
    """Whether the job has a place in its environment; `ahead` counts those that wait before it."""

    admitted: bool
    ahead: int = 0


@dataclass(frozen=True)
class Observed:
    """Everything that a decision may depend on, but for the time."""

    job: Job
    environment: EnvironmentSpec | None
    place: Place
    settings: Settings
    agreement_holder: str = ""  # the other unfinished job that has a pending job's agreement
    pods: Mapping[tuple[Step, int], PodView] = field(default_factory=dict)  # of the job's way to its end
    progress: Mapping[str, Progress] = field(default_factory=dict)  # what these told last, by their UIDs
    reader: ReaderView | None = None  # of its results
    reader_keys: str = ""  # what a reader verifies tokens with, as JSON; empty: not known yet

    @property
    def others_alive(self) -> bool:
        """Whether a pod that may write to the volume, other than the publish pod, still lives."""
        return any(not pod.done for (step, _), pod in self.pods.items() if step is not Step.PUBLISH)


@dataclass(frozen=True)
class Create:
    """Make this child; one that is there already and is the job's own is as good."""

    resource: Resource
    manifest: Object


@dataclass(frozen=True)
class Delete:
    """Delete it; it is as good when it is gone. With a UID, nothing else of that name is touched."""

    resource: Resource
    name: str
    uid: str | None = None


@dataclass(frozen=True)
class DeleteAll:
    """Delete all objects of this kind that carry the job's UID, in one request; nobody else's is touched."""

    resource: Resource


Action = Create | Delete | DeleteAll


@dataclass(frozen=True)
class Decision:
    """The status to be, what to do around its writing, and when to look again if nothing happens.

    `actions` come before the status is written: after a crash they are decided on again, and find their work done.
    `then` comes after it: what the status has announced, because it must not be done twice. After a crash in between,
    the announced pod is missing, and counts as one that vanished.
    """

    status: JobStatus
    actions: tuple[Action, ...] = ()
    then: tuple[Action, ...] = ()
    wake_after: timedelta | None = None
