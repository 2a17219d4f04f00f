"""Results that stay on the job's own volume: how long that is kept, and the pod that reads it. Pure.

A finished job creates nothing, with this one exception: a reader, while somebody asks for results. It can't write, it
sees nothing of the volume but the results, and it isn't announced before it is created, because two of them do no harm.
"""

from datetime import datetime, timedelta

from c2d.api.environment import VolumeTarget
from c2d.api.job import JobStatus
from c2d.engine.manifests import reader
from c2d.engine.pods import ReaderView
from c2d.engine.state import Create, Decision, Delete, DeleteAll, Observed
from c2d.kube.resources import CLAIMS, PODS

# Between two readers, where the first one died.
_PAUSE = timedelta(seconds=10)


def target(status: JobStatus) -> VolumeTarget | None:
    """How they are kept; None where nothing is, or is any more."""
    environment, results = status.resolved_environment, status.results
    if environment is None or results is None or results.removed_time is not None:
        return None
    return environment.results.volume


def follow(seen: Observed, now: datetime) -> Decision | None:
    """What there is to do for results that are kept; None: nothing, and nothing will be."""
    status, how = seen.job.status, target(seen.job.status)
    if how is None:
        return None
    end = _end(seen)
    if end is not None and end <= now:
        return _remove(status, now)
    # Nobody asks in the future, whatever somebody's clock says.
    asked_until = min(seen.job.asked, now) + timedelta(seconds=how.idle_seconds) if seen.job.asked is not None else now
    decision = _read(seen, now) if now < asked_until else _rest(seen)
    ends = [moment - now for moment in (end, asked_until) if moment is not None and moment > now]
    return Decision(decision.status, decision.actions, wake_after=min([decision.wake_after, *ends], key=_or_never))


def _or_never(left: timedelta | None) -> timedelta:
    return timedelta.max if left is None else left


def _end(seen: Observed) -> datetime | None:
    """When the results go: at once where somebody has asked for it, or when their time is over."""
    status, spec = seen.job.status, seen.job.spec
    if status.date_finished is None:
        return None
    if spec is not None and spec.remove:
        return status.date_finished
    environment = status.resolved_environment
    seconds = environment.storage_expiry_seconds if environment is not None else 0
    return status.date_finished + timedelta(seconds=seconds) if seconds else None


def _remove(status: JobStatus, now: datetime) -> Decision:
    """The claim goes first: it stays as long as a pod names it, and with the pods nothing would tell of it any more."""
    results = status.results.model_copy(update={"removed_time": now}) if status.results is not None else None
    return Decision(status.model_copy(update={"results": results}), (DeleteAll(CLAIMS), DeleteAll(PODS)))


def _read(seen: Observed, now: datetime) -> Decision:
    status, pod = seen.job.status, seen.reader
    if not seen.settings.readers:
        return Decision(status)
    if not seen.reader_keys:
        return Decision(status, wake_after=_PAUSE)
    if pod is None:
        return Decision(status, (Create(PODS, reader.reader(seen)),))
    if not pod.done or pod.deleting:
        return Decision(status)
    left = pod.created + _PAUSE - now
    if left > timedelta(0):
        return Decision(status, wake_after=left)
    return Decision(status, (_delete(pod),))


def _rest(seen: Observed) -> Decision:
    pod = seen.reader
    return Decision(seen.job.status, (_delete(pod),) if pod is not None and not pod.deleting else ())


def _delete(pod: ReaderView) -> Delete:
    return Delete(PODS, pod.name, pod.uid)
