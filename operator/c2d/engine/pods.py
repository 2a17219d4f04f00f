"""A pod, reduced to what decisions need. Pure."""

import dataclasses
import enum
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from c2d.kube import names
from c2d.kube.resources import Object

_DONE = ("Succeeded", "Failed")
# Why every container waits at first.
_BEING_MADE = ("ContainerCreating", "PodInitializing")


class Step(enum.StrEnum):
    """The job's pods, in the order that they run."""

    CONFIGURE = "configure"
    ALGORITHM = "algorithm"
    PUBLISH = "publish"


@dataclass(frozen=True)
class PodView:
    """What a pod of a job is up to."""

    name: str
    uid: str
    step: Step
    attempt: int
    created: datetime
    phase: str  # Pending, Running, Succeeded, Failed or Unknown
    reason: str = ""  # of the pod: Evicted, NodeLost, OutOfcpu …
    message: str = ""
    deleting: bool = False
    node: str = ""
    unschedulable: str = ""  # what the scheduler says while it finds no node
    disruption: str = ""  # reason of the DisruptionTarget condition: the cluster takes the pod away
    waiting: str = ""  # why the container doesn't start yet: ErrImagePull …
    waiting_message: str = ""
    started: datetime | None = None
    finished: datetime | None = None
    exit_code: int | None = None
    exit_reason: str = ""  # Completed, Error, OOMKilled, ContainerCannotRun …
    report: str = ""  # the termination message
    image_id: str = ""

    @property
    def done(self) -> bool:
        """Nothing of it runs any more, and nothing will."""
        return self.phase in _DONE

    def tells(self, after: "PodView") -> bool:
        """Whether the later view of this pod could change a decision; being given a node could not."""
        return dataclasses.replace(self, node="") != dataclasses.replace(after, node="")


@dataclass(frozen=True)
class ReaderView:
    """What a pod is up to that reads the results of a finished job."""

    name: str
    uid: str
    created: datetime
    done: bool
    deleting: bool = False


def view(pod: Object) -> PodView | ReaderView:
    """From the API server's pod of one container."""
    metadata, status = pod["metadata"], pod.get("status", {})
    if metadata["labels"][names.STEP] == names.READER:
        return ReaderView(
            name=metadata["name"],
            uid=metadata["uid"],
            created=_time(metadata["creationTimestamp"]),
            done=status.get("phase") in _DONE,
            deleting="deletionTimestamp" in metadata,
        )
    conditions = {item["type"]: item for item in status.get("conditions", [])}
    return PodView(
        name=metadata["name"],
        uid=metadata["uid"],
        step=Step(metadata["labels"][names.STEP]),
        attempt=int(metadata["labels"][names.ATTEMPT]),
        created=_time(metadata["creationTimestamp"]),
        phase=status.get("phase", "Pending"),
        reason=status.get("reason", ""),
        message=status.get("message", ""),
        deleting="deletionTimestamp" in metadata,
        node=pod["spec"].get("nodeName", ""),
        unschedulable=_if_status(conditions.get("PodScheduled"), "False", "message"),
        disruption=_if_status(conditions.get("DisruptionTarget"), "True", "reason"),
        **_container(status),
    )


def _container(status: Object) -> dict[str, Any]:
    container: Object = next(iter(status.get("containerStatuses", [])), {})
    state = container.get("state", {})
    waiting, ended = state.get("waiting", {}), state.get("terminated", {})
    normal = waiting.get("reason") in _BEING_MADE
    started = ended.get("startedAt") or state.get("running", {}).get("startedAt")
    return {
        "waiting": "" if normal else waiting.get("reason", ""),
        "waiting_message": "" if normal else waiting.get("message", ""),
        "started": _time(started) if started else None,
        "finished": _time(ended["finishedAt"]) if ended.get("finishedAt") else None,
        "exit_code": ended.get("exitCode"),
        "exit_reason": ended.get("reason", ""),
        "report": ended.get("message", ""),
        "image_id": container.get("imageID", ""),
    }


def _if_status(condition: Object | None, status: str, field: str) -> str:
    return condition.get(field, "") if condition and condition.get("status") == status else ""


def _time(text: str) -> datetime:
    return datetime.fromisoformat(text.replace("Z", "+00:00"))
