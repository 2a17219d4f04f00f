"""A job's way through its three pods. Pure.

Each step is one pod per attempt, with a name that follows from the job and the attempt. `create_time` is written before
the pod is created, so that no pod is ever created twice; without it the pod is still to be created, which is also how a
retry waits for its time. A configure pod may be created once more, as it harms nobody, so for it no write is spent.
"""

import random
from datetime import datetime, timedelta

from c2d.api import report
from c2d.api.job import JobSpec, JobStatus
from c2d.api.phases import Phase
from c2d.api.plan import ATTEMPTS
from c2d.api.reasons import Reason
from c2d.engine import admission_rules, diagnose, ending, progress, receipt
from c2d.engine import status as to
from c2d.engine.diagnose import Failure
from c2d.engine.manifests import algorithm, plan, programs, volume
from c2d.engine.pods import PodView, Step
from c2d.engine.state import Action, Create, Decision, Delete, Observed
from c2d.kube import names
from c2d.kube.resources import CLAIMS, CONFIG_MAPS, PODS, Object

_OF_ALGORITHM = (
    Reason.ALGORITHM_DOWNLOAD_FAILED,
    Reason.ALGORITHM_CHECKSUM_MISMATCH,
    Reason.ALGORITHM_NOT_TRUSTED,
)
RETRIES = ATTEMPTS - 1  # new pods of one step, for causes outside of the job
_BACKOFF = timedelta(seconds=5)  # before the first of them; doubled each time
# The runner ends the algorithm at its deadline; the engine's own clock is for a runner that can't.
_DEADLINE_SLACK = timedelta(seconds=60)

_STEPS = {
    Phase.CONFIGURING: Step.CONFIGURE,
    Phase.PROVISIONED: Step.ALGORITHM,
    Phase.RUNNING: Step.ALGORITHM,
    Phase.PUBLISHING: Step.PUBLISH,
}


def of_phase(status: JobStatus) -> Step:
    return _STEPS[status.phase]


def first_children(seen: Observed) -> list[Action]:
    """The volume and the plans, which every pod of the job needs."""
    job, spec, environment = seen.job, _spec(seen), to.environment_of(seen.job.status)
    return [
        Create(CONFIG_MAPS, plan.plans(job, spec, environment, seen.settings)),
        Create(CLAIMS, volume.volume(job, environment)),
    ]


def create(seen: Observed, status: JobStatus, step: Step, now: datetime) -> Decision:
    """Make the pod of the step's current attempt, and before the first one what every pod of the job needs."""
    known = to.step_of(status, step)
    attempt = known.attempt if known else 0
    status = to.waiting(status, None, "")
    wake_after = timedelta(seconds=to.environment_of(status).timeouts.pending_seconds)
    pod = Create(PODS, _manifest(seen, status, step, attempt, now))
    if step is Step.CONFIGURE:
        first = tuple(first_children(seen)) if attempt == 0 else ()
        return Decision(status, (*first, pod), wake_after=wake_after)
    name = names.pod(seen.job.name, seen.job.uid, step, attempt)
    status = to.with_step(status, step, pod=name, create_time=now, retry_time=None)
    return Decision(status, then=(pod,), wake_after=wake_after)


def follow(seen: Observed, now: datetime) -> Decision | None:
    """What the pod of the current phase asks for."""
    status = to.created(seen.job)
    step = _STEPS[status.phase]
    known = to.step_of(status, step)
    pod = seen.pods.get((step, known.attempt if known else 0))
    if pod is None:
        return _absent(seen, status, step, now)
    if pod.done:
        return _done(seen, status, pod, now)
    if pod.started is not None:
        return _runs(seen, status, pod, now)
    return _waits(seen, status, pod, now)


def _absent(seen: Observed, status: JobStatus, step: Step, now: datetime) -> Decision:
    """Not created yet, not to be created yet, or gone."""
    known = to.step_of(status, step)
    refused = status.reason is Reason.POD_REJECTED
    if known is not None and known.create_time is not None and not refused:
        return failed(seen, status, step, diagnose.vanished(known.pod), now, started=known.start_time is not None)
    if known is not None and known.retry_time is not None and now < known.retry_time:
        return Decision(status, wake_after=known.retry_time - now)
    if step is Step.PUBLISH and seen.others_alive:
        # Two pods must not write to the volume, and a stopped one may still do so.
        return Decision(status, ending.end(seen))
    if step is Step.PUBLISH:
        status = _last_seen(seen, status)
    return create(seen, status, step, now)


def _last_seen(seen: Observed, status: JobStatus) -> JobStatus:
    """What the pod of a stopped run still showed of its end, before it went."""
    for pod in seen.pods.values():
        known = to.step_of(status, pod.step)
        if known is not None and known.finish_time is None and pod.attempt == known.attempt:
            status = to.seen_pod(status, pod)
    return status


def _waits(seen: Observed, status: JobStatus, pod: PodView, now: datetime) -> Decision:
    """The pod has no running container yet: for want of a node, a volume or an image."""
    timeouts = to.environment_of(status).timeouts
    pull = diagnose.image_cannot_be_pulled(pod)
    if pull is not None and not pull.retry:
        return _given_up(seen, status, pod, pull, now)
    seconds = timeouts.image_pull_seconds if pull is not None else timeouts.pending_seconds
    left = pod.created + timedelta(seconds=seconds) - now
    if left > timedelta(0):
        why = pod.waiting_message or pod.unschedulable
        reason = pull.reason if pull is not None else None
        return Decision(_explained(status, reason, why), wake_after=left)
    why = pod.unschedulable or pod.waiting_message or pod.waiting or "no container started"
    return _given_up(seen, status, pod, pull or Failure(Reason.PENDING_TIMEOUT, why), now)


def _explained(status: JobStatus, reason: Reason | None, why: str) -> JobStatus:
    """Say why a pod waits, once: back-off messages differ at each try and are no reason for a write each."""
    if status.message and why and status.reason == reason:
        return status
    return to.waiting(status, reason, why)


def _given_up(seen: Observed, status: JobStatus, pod: PodView, failure: Failure, now: datetime) -> Decision:
    final = Failure(failure.reason, failure.message)
    return failed(seen, status, pod.step, final, now, started=False)


def _runs(seen: Observed, status: JobStatus, pod: PodView, now: datetime) -> Decision:
    environment, started = to.environment_of(status), pod.started or now
    if status.phase is Phase.PROVISIONED:
        status = to.waiting(to.enter(to.seen_pod(status, pod), Phase.RUNNING), None, "")
    match pod.step:
        case Step.ALGORITHM:
            limit = timedelta(seconds=admission_rules.budget(_spec(seen), environment, started)) + _DEADLINE_SLACK
            limit += timedelta(seconds=environment.isolation.timeout_seconds)
        case Step.CONFIGURE:
            limit = timedelta(seconds=environment.timeouts.configure_seconds)
        case Step.PUBLISH:
            limit = timedelta(seconds=environment.timeouts.publish_seconds)
    left = started + limit - now
    if left > timedelta(0):
        return Decision(progress.noted(status, pod, seen.progress.get(pod.uid), now), wake_after=left)
    return _overdue(seen, to.seen_pod(status, pod), pod, now)


def _overdue(seen: Observed, status: JobStatus, pod: PodView, now: datetime) -> Decision:
    decision = failed(seen, status, pod.step, diagnose.overdue(pod), now, started=True)
    if pod.step is not Step.PUBLISH:
        return decision
    return Decision(decision.status, (Delete(PODS, pod.name, pod.uid), *decision.actions))


def _done(seen: Observed, status: JobStatus, pod: PodView, now: datetime) -> Decision:
    status = to.seen_pod(status, pod)
    failure = diagnose.of_pod(pod, to.environment_of(status).isolation.gate)
    if failure is not None:
        status = _report_of_failure(status, pod, now)
        return failed(seen, status, pod.step, failure, now, started=pod.started is not None)
    match pod.step:
        case Step.CONFIGURE:
            return _configured(seen, status, pod, now)
        case Step.ALGORITHM:
            return _computed(seen, status, pod, now)
        case Step.PUBLISH:
            return ending.published(seen, status, pod, now)


def _configured(seen: Observed, status: JobStatus, pod: PodView, now: datetime) -> Decision:
    said = report.parse(report.ConfigureReport, pod.report) or report.ConfigureReport()
    status = to.with_step(status, Step.CONFIGURE, bytes=said.bytes, progress=None)
    status = to.condition(status, "Configured", True, "Verified", f"{said.files} files, {said.bytes} bytes", now)
    return create(seen, to.enter(status, Phase.PROVISIONED), Step.ALGORITHM, now)


def _computed(seen: Observed, status: JobStatus, pod: PodView, now: datetime) -> Decision:
    said = report.parse(report.RunnerReport, pod.report) or report.RunnerReport()
    status = to.runner_said(status, said, now)
    note = f"{said.oom_kills} of its processes were killed for memory" if said.oom_kills else ""
    status = to.condition(status, "AlgorithmCompleted", True, "Completed", note, now)
    status = to.enter(status, Phase.PUBLISHING, outcome=to.outcome_of(Reason.SUCCEEDED))
    return create(seen, status, Step.PUBLISH, now)


def _report_of_failure(status: JobStatus, pod: PodView, now: datetime) -> JobStatus:
    if pod.step is not Step.ALGORITHM:
        return status
    said = report.parse(report.RunnerReport, pod.report)
    return to.runner_said(status, said, now) if said is not None else status


def failed(
    seen: Observed, status: JobStatus, step: Step, failure: Failure, now: datetime, *, started: bool
) -> Decision:
    """A new pod where that may help and can't harm, the job's end otherwise."""
    known = to.step_of(status, step)
    attempt = known.attempt if known else 0
    # An algorithm that has started must not run twice unasked: the consumer pays for one run.
    harmless = step is not Step.ALGORITHM or not started
    if failure.retry and harmless and attempt < RETRIES:
        return _retry(seen, status, step, failure, now)
    status = to.with_step(status, step, reason=failure.reason, message=failure.message)
    if step is Step.PUBLISH:
        return ending.not_published(seen, status, failure, now)
    kind = "Configured" if step is Step.CONFIGURE else "AlgorithmCompleted"
    status = to.condition(status, kind, False, failure.reason, failure.message, now)
    if failure.reason is Reason.DEADLINE_EXCEEDED:
        status = status.model_copy(update={"stop_request": 2})
    # To Ocean clients, whatever breaks while the data is provisioned is code 31, unless it is the algorithm.
    code = 31 if step is Step.CONFIGURE and failure.reason not in _OF_ALGORITHM else None
    return ending.conclude(seen, status, to.outcome_of(failure.reason, failure.message, code), now)


def _retry(seen: Observed, status: JobStatus, step: Step, failure: Failure, now: datetime) -> Decision:
    known = to.step_of(status, step)
    attempt = (known.attempt if known else 0) + 1
    # The jitter comes from the job itself: the same decision for the same observation, and no herd of retries.
    jitter = random.Random(f"{seen.job.uid}-{step}-{attempt}").uniform(0.5, 1.5)  # noqa: S311 - not for secrets
    delay = timedelta(seconds=round(_BACKOFF.total_seconds() * 2 ** (attempt - 1) * jitter))
    status = to.waiting(status, failure.reason, f"{failure.message}; attempt {attempt + 1} follows")
    status = to.with_step(
        status,
        step,
        attempt=attempt,
        pod="",
        create_time=None,
        start_time=None,
        finish_time=None,
        exit_code=None,
        retry_time=now + delay,
        progress=None,
    )
    status = status.model_copy(update={"progress": None})
    return Decision(status, wake_after=delay)


def _manifest(seen: Observed, status: JobStatus, step: Step, attempt: int, now: datetime) -> Object:
    job, spec, environment = seen.job, _spec(seen), to.environment_of(status)
    match step:
        case Step.CONFIGURE:
            return programs.configure(job, spec, environment, seen.settings, attempt)
        case Step.ALGORITHM:
            budget = admission_rules.budget(spec, environment, now)
            return algorithm.algorithm(job, spec, environment, attempt, budget)
        case Step.PUBLISH:
            succeeded = status.outcome is not None and status.outcome.reason is Reason.SUCCEEDED
            facts = receipt.facts(spec, status)
            return programs.publish(job, environment, seen.settings, attempt, outputs=succeeded, facts=facts)


def _spec(seen: Observed) -> JobSpec:
    if seen.job.spec is None:
        raise AssertionError("a job whose spec can't be read never gets this far")
    return seen.job.spec


def expects_pod(status: JobStatus) -> tuple[Step, int] | None:
    """The pod that is known to have been created for the current phase."""
    step = _STEPS.get(status.phase)
    known = to.step_of(status, step) if step is not None else None
    if step is None or known is None or known.create_time is None:
        return None
    return step, known.attempt
