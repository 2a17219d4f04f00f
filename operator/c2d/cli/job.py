"""A ComputeJob as the command line sees it."""

from dataclasses import dataclass
from datetime import datetime, timedelta

import pydantic

from c2d.api.job import RESULTS_REMOVED, JobStatus, StepStatus
from c2d.api.phases import TERMINAL, Phase
from c2d.cli import errors
from c2d.cli.step import Step
from c2d.kube.resources import Object


@dataclass(frozen=True)
class Job:
    """What was asked and what was observed. `item` is the object as the API server sent it."""

    namespace: str
    name: str
    uid: str
    created: str
    environment: str
    image: str
    status: JobStatus
    item: Object

    @property
    def ended(self) -> bool:
        return self.status.phase in TERMINAL

    @property
    def succeeded(self) -> bool:
        return self.status.phase is Phase.SUCCEEDED

    @property
    def reason(self) -> str:
        """Why it waits or how it ended, unless the phase says so already."""
        reason = self.status.reason or ""
        return "" if self.succeeded or reason == str(self.status.phase) else reason

    @property
    def results_removed(self) -> str:
        """When its results were deleted; empty while they are there."""
        kept = self.status.results
        if kept is not None and kept.removed_time is not None:
            return f"{kept.removed_time:%Y-%m-%dT%H:%M:%SZ}"
        return str((self.item["metadata"].get("annotations") or {}).get(RESULTS_REMOVED, ""))

    @property
    def results_expire(self) -> datetime | None:
        """When its results are to be deleted; None: they are kept until somebody removes them."""
        finished, environment = self.status.date_finished, self.status.resolved_environment
        if finished is None or environment is None or not environment.storage_expiry_seconds:
            return None
        return finished + timedelta(seconds=environment.storage_expiry_seconds)

    def step(self, step: Step) -> StepStatus | None:
        found: StepStatus | None = getattr(self.status.steps, step)
        return found


def read(item: Object) -> Job:
    """Raises `Misused` for a status that this version can't read: then another version of the engine wrote it."""
    metadata, spec = item["metadata"], item.get("spec", {})
    try:
        status = JobStatus.model_validate(item.get("status", {}))
    except pydantic.ValidationError as error:
        what = ".".join(str(part) for part in error.errors()[0]["loc"])
        message = f"the status of job {metadata['name']} can't be read, at {what}"
        raise errors.Misused(message, "The operator and this c2d differ in version; update the older.") from error
    container = spec.get("algorithm", {}).get("container", {})
    return Job(
        namespace=metadata["namespace"],
        name=metadata["name"],
        uid=metadata["uid"],
        created=metadata["creationTimestamp"],
        environment=spec.get("environment", "default"),
        image=container.get("image", ""),
        status=status,
        item=item,
    )
