"""How a job comes to its end. Pure.

Whoever ended it, its logs are published if there can be any; then the volume goes, and only then is the job terminal,
so that a crash in between leaves nothing behind.
"""

from datetime import datetime

from c2d.api import report
from c2d.api.job import JobStatus, Outcome, ResultsStatus
from c2d.api.phases import Phase
from c2d.api.reasons import Reason
from c2d.engine import status as to
from c2d.engine.diagnose import Failure
from c2d.engine.pods import PodView, Step
from c2d.engine.state import Action, Decision, Delete, Observed
from c2d.kube import names
from c2d.kube.resources import CLAIMS, PODS


def at_once(status: JobStatus, outcome: Outcome, now: datetime) -> Decision:
    """The end of a job that has no children."""
    return Decision(to.ended(status, outcome, now))


def conclude(seen: Observed, status: JobStatus, outcome: Outcome, now: datetime) -> Decision:
    """End what runs; then publish what there is to publish, or be done."""
    alive = [pod for pod in seen.pods.values() if not pod.done]
    ends: tuple[Action, ...] = tuple(Delete(PODS, pod.name, pod.uid) for pod in alive if not pod.deleting)
    if status.phase is Phase.PENDING:
        return at_once(status, outcome, now)
    if not _has_logs(seen, status):
        return Decision(to.ended(status, outcome, now), (*ends, *_clean(seen)))
    return Decision(to.enter(status, Phase.PUBLISHING, outcome=outcome), ends)


def published(seen: Observed, status: JobStatus, pod: PodView, now: datetime) -> Decision:
    """The publish pod succeeded: its report says what there is."""
    said = report.parse(report.PublishReport, pod.report) or report.PublishReport()
    status = to.with_step(status, Step.PUBLISH, bytes=said.bytes)
    status = to.condition(status, "Published", True, "Published", said.location, now)
    results = ResultsStatus(
        location=said.location,
        manifest=said.manifest,
        manifest_sha256=said.manifest_sha256 or "",
        count=said.count,
        bytes=said.bytes,
    )
    status = status.model_copy(update={"results": results})
    outcome = status.outcome or to.outcome_of(Reason.SUCCEEDED)
    return Decision(to.ended(status, outcome, now), _clean(seen))


def not_published(seen: Observed, status: JobStatus, failure: Failure, now: datetime) -> Decision:
    """Publishing failed for good. What the consumer paid for is then only on the volume, so that is kept."""
    status = to.condition(status, "Published", False, failure.reason, failure.message, now)
    outcome = status.outcome or to.outcome_of(Reason.SUCCEEDED)
    if outcome.reason is not Reason.SUCCEEDED:
        return Decision(to.ended(status, outcome, now), _clean(seen))
    claim = names.volume(seen.job.name, seen.job.uid)
    message = f"{failure.message}; the outputs are kept on volume {claim} until the job is deleted"
    return Decision(to.ended(status, to.outcome_of(Reason.PUBLISH_FAILED, message), now))


def _has_logs(seen: Observed, status: JobStatus) -> bool:
    """Whether configure ever ran: without it there is no volume that could be read."""
    step = status.steps.configure
    if step is not None and step.start_time is not None:
        return True
    return any(pod.step is Step.CONFIGURE and pod.started is not None for pod in seen.pods.values())


def _clean(seen: Observed) -> tuple[Action, ...]:
    """The data doesn't stay longer than it is needed. Pods and plans stay for whoever looks, until the job goes."""
    return (Delete(CLAIMS, names.volume(seen.job.name, seen.job.uid)),)
