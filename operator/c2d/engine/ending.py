"""How a job comes to its end. Pure.

Whoever ended it, its logs are published if there can be any. Then the job is terminal, and only then do its pods and
its volume go: a pod that is still there after a crash says that the cleaning isn't done, while a pod that went too
early would take along what it had to tell.
"""

from datetime import datetime, timedelta

from c2d.api import report
from c2d.api.job import JobStatus, Outcome, ResultsStatus
from c2d.api.phases import Phase
from c2d.api.reasons import Reason
from c2d.engine import asset, keeping
from c2d.engine import status as to
from c2d.engine.diagnose import Failure
from c2d.engine.pods import PodView, Step
from c2d.engine.state import Action, Decision, Delete, DeleteAll, Observed
from c2d.kube import names
from c2d.kube.resources import CLAIMS, PODS


def at_once(status: JobStatus, outcome: Outcome, now: datetime) -> Decision:
    """The end of a job that has no children."""
    return Decision(to.ended(status, outcome, now), wake_after=timedelta(0))


def conclude(seen: Observed, status: JobStatus, outcome: Outcome, now: datetime) -> Decision:
    """End what runs; then publish what there is to publish, or be done."""
    if status.phase is Phase.PENDING:
        return at_once(status, outcome, now)
    if not _has_logs(seen, status):
        # There may be a volume without a pod; nothing can be learned from it.
        return Decision(to.ended(status, outcome, now), (DeleteAll(CLAIMS),), wake_after=timedelta(0))
    status = to.waiting(to.enter(status, Phase.PUBLISHING, outcome=outcome), None, "")
    return Decision(status, end(seen), wake_after=timedelta(0))


def end(seen: Observed) -> tuple[Action, ...]:
    """Delete the pods that still live; each is asked for by its UID, so that no namesake is hit."""
    alive = [pod for pod in seen.pods.values() if not pod.done and not pod.deleting]
    return tuple(Delete(PODS, pod.name, pod.uid) for pod in alive)


def published(seen: Observed, status: JobStatus, pod: PodView, now: datetime) -> Decision:
    """The publish pod succeeded: its report says what there is."""
    said = report.parse(report.PublishReport, pod.report) or report.PublishReport()
    status = to.with_step(status, Step.PUBLISH, bytes=said.bytes, progress=None)
    status = to.condition(status, "Published", True, "Published", said.message or said.location, now)
    results = ResultsStatus(
        location=said.location,
        manifest=said.manifest,
        manifest_sha256=said.manifest_sha256 or "",
        count=said.count,
        bytes=said.bytes,
        files=said.files,
    )
    status = status.model_copy(update={"results": results})
    outcome = status.outcome or to.outcome_of(Reason.SUCCEEDED)
    if asset.is_wanted(seen.job.spec, outcome):
        return asset.begin(status, now)
    return Decision(to.ended(status, outcome, now), wake_after=timedelta(0))


def not_published(seen: Observed, status: JobStatus, failure: Failure, now: datetime) -> Decision:
    """Publishing failed for good. What the consumer paid for is then only on the volume, so that is kept."""
    status = to.condition(status, "Published", False, failure.reason, failure.message, now)
    outcome = status.outcome or to.outcome_of(Reason.SUCCEEDED)
    if outcome.reason is not Reason.SUCCEEDED:
        return Decision(to.ended(status, outcome, now), wake_after=timedelta(0))
    claim = names.volume(seen.job.name, seen.job.uid)
    message = f"{failure.message}; the outputs are kept on volume {claim} until the job is deleted"
    return Decision(to.ended(status, to.outcome_of(Reason.PUBLISH_FAILED, message), now))


def _has_logs(seen: Observed, status: JobStatus) -> bool:
    """Whether configure ever ran: without it there is no volume that could be read."""
    step = status.steps.configure
    if step is not None and step.start_time is not None:
        return True
    return any(pod.step is Step.CONFIGURE and pod.started is not None for pod in seen.pods.values())


def clean(seen: Observed) -> Decision | None:
    """Of a finished job: the data doesn't stay longer than it is needed, unless it is all that is left of a run."""
    if not seen.pods or seen.job.status.reason is Reason.PUBLISH_FAILED:
        return None
    if keeping.target(seen.job.status) is not None:
        return Decision(seen.job.status, (DeleteAll(PODS),), wake_after=timedelta(0))
    # The pods go last: as long as they are there, it is known that the volume may be, too.
    return Decision(seen.job.status, (DeleteAll(CLAIMS), DeleteAll(PODS)), wake_after=timedelta(0))
