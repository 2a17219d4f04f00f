"""How a job's status goes from one phase to the next. Pure: each function returns a new status."""

from datetime import datetime
from typing import Any

from c2d.api import report
from c2d.api.environment import EnvironmentSpec
from c2d.api.job import Condition, JobStatus, Outcome, StepStatus
from c2d.api.phases import TABLE, Phase, may_follow
from c2d.api.reasons import ENDINGS, PROVISIONING_TEXTS, Reason
from c2d.engine.pods import PodView, Step
from c2d.engine.state import Job

_MESSAGE_LIMIT = 1000


def created(job: Job) -> JobStatus:
    """The status to go on from: that of the job, or its first one."""
    status = job.status
    if status.date_created is None:
        row = TABLE[status.phase]
        status = status.model_copy(update={"date_created": job.created, "code": row.code, "text": row.text})
    return status.model_copy(update={"observed_generation": job.generation})


def enter(status: JobStatus, phase: Phase, **changes: Any) -> JobStatus:
    if not may_follow(status.phase, phase):
        raise AssertionError(f"{status.phase} is never followed by {phase}")
    row = TABLE[phase]
    # A transfer never outlives its phase.
    update = {"phase": phase, "code": row.code, "text": row.text, "progress": None, **changes}
    return status.model_copy(update=update)


def waiting(status: JobStatus, reason: Reason | None, message: str) -> JobStatus:
    """Still in its phase, and why."""
    return status.model_copy(update={"reason": reason, "message": message[:_MESSAGE_LIMIT]})


def accepted(status: JobStatus, environment: EnvironmentSpec, now: datetime) -> JobStatus:
    status = condition(status, "Accepted", True, "Accepted", "", now)
    status = condition(status, "Queued", False, "Admitted", "", now, only_if_there=True)
    return enter(status, Phase.CONFIGURING, resolved_environment=environment, reason=None, message="")


def ended(status: JobStatus, outcome: Outcome, now: datetime) -> JobStatus:
    """Terminal: code and text are those that Ocean clients poll for, with the truth in the text."""
    ending = ENDINGS[outcome.reason]
    succeeded = outcome.phase is Phase.SUCCEEDED
    status = enter(status, outcome.phase)
    status = condition(status, "Complete", succeeded, outcome.reason, outcome.message, now)
    return status.model_copy(
        update={
            "code": outcome.code,
            "text": ending_text(outcome),
            "reason": outcome.reason,
            "message": outcome.message,
            "hint": ending.hint,
            "outcome": outcome,
            "date_finished": now,
            "duration": _duration(status.date_created, now),
        }
    )


def outcome_of(reason: Reason, message: str = "", code: int | None = None) -> Outcome:
    ending = ENDINGS[reason]
    return Outcome(phase=ending.phase, reason=reason, message=message[:_MESSAGE_LIMIT], code=code or ending.code)


def ending_text(outcome: Outcome) -> str:
    """`Job finished`, and for anything but success why; the texts of 31 and 32 stay as clients know them."""
    if outcome.code in PROVISIONING_TEXTS:
        return PROVISIONING_TEXTS[outcome.code]
    text = TABLE[outcome.phase].text
    if outcome.reason is Reason.SUCCEEDED:
        return text
    return f"{text}: {outcome.reason}" + (f" ({outcome.message})" if outcome.message else "")


def condition(
    status: JobStatus,
    kind: str,
    true: bool,
    reason: str,
    message: str,
    now: datetime,
    *,
    only_if_there: bool = False,
) -> JobStatus:
    """Set a condition; its time changes only when its status does."""
    word = "True" if true else "False"
    known = next((item for item in status.conditions if item.type == kind), None)
    if known is None and only_if_there:
        return status
    item = Condition(
        type=kind,
        status=word,
        reason=reason,
        message=message[:_MESSAGE_LIMIT],
        last_transition_time=known.last_transition_time if known and known.status == word else now,
        observed_generation=status.observed_generation,
    )
    others = [other for other in status.conditions if other.type != kind]
    return status.model_copy(update={"conditions": [*others, item]})


def step_of(status: JobStatus, step: Step) -> StepStatus | None:
    found: StepStatus | None = getattr(status.steps, step)
    return found


def with_step(status: JobStatus, step: Step, **changes: Any) -> JobStatus:
    known = step_of(status, step) or StepStatus()
    steps = status.steps.model_copy(update={step.value: known.model_copy(update=changes)})
    return status.model_copy(update={"steps": steps})


def seen_pod(status: JobStatus, pod: PodView) -> JobStatus:
    """Take over what a pod shows of itself."""
    return with_step(
        status,
        pod.step,
        pod=pod.name,
        node=pod.node,
        create_time=pod.created,
        retry_time=None,
        start_time=pod.started,
        finish_time=pod.finished,
        exit_code=pod.exit_code,
        image_id=pod.image_id if pod.step is Step.ALGORITHM else "",
    )


def _duration(begin: datetime | None, end: datetime) -> str:
    seconds = int((end - begin).total_seconds()) if begin else 0
    minutes, rest = divmod(seconds, 60)
    hours, minutes = divmod(minutes, 60)
    if hours:
        return f"{hours}h{minutes}m{rest}s"
    return f"{minutes}m{rest}s" if minutes else f"{rest}s"


def environment_of(status: JobStatus) -> EnvironmentSpec:
    """The environment as it was when the job was accepted."""
    if status.resolved_environment is None:
        raise AssertionError(f"a job in phase {status.phase} has no environment")
    return status.resolved_environment


def runner_said(status: JobStatus, said: report.RunnerReport, now: datetime) -> JobStatus:
    """Take over what the runner saw of the algorithm and of the network."""
    status = with_step(status, Step.ALGORITHM, signal=said.signal, peak_memory_bytes=said.peak_memory_bytes)
    gate = said.gate
    if gate is None:
        return status
    if gate.verdict == "Isolated":
        message = f"every probe failed, {gate.rounds} rounds, {gate.waited_seconds:.1f} s"
        return condition(status, "Isolated", True, "Probed", message, now)
    if gate.verdict == "Leaking":
        message = f"reachable: {', '.join(gate.reachable)}"
        return condition(status, "Isolated", False, Reason.ISOLATION_NOT_ENFORCED, message, now)
    if gate.verdict == "Off":
        return condition(status, "Isolated", False, "GateOff", "the environment does not ask for proof", now)
    return condition(status, "Isolated", False, "Unproven", "the run ended before isolation was proven", now)
