"""What to do about a job: `decide(observed, now)`, pure, read from top to bottom.

The first check that has an opinion decides.
"""

import dataclasses
from collections.abc import Callable
from datetime import datetime, timedelta

from c2d.api.phases import TERMINAL, Phase
from c2d.api.reasons import Reason
from c2d.engine import admission_rules, asset, ending, keeping, steps
from c2d.engine import status as to
from c2d.engine.diagnose import Failure
from c2d.engine.state import Decision, Delete, Observed
from c2d.kube.resources import JOBS

Check = Callable[[Observed, datetime], Decision | None]

# How long a job waits for an environment that does not exist yet: `kubectl apply` of a folder keeps no order.
ENVIRONMENT_GRACE = timedelta(seconds=60)
_ASK_AGAIN = timedelta(seconds=10)  # what was refused


def decide(seen: Observed, now: datetime) -> Decision:
    """`now` is a UTC moment of whole seconds."""
    for check in _CHECKS:
        decision = check(seen, now)
        if decision is not None:
            return decision
    raise AssertionError(f"no check takes a job in phase {seen.job.status.phase}")


def refused(seen: Observed, decision: Decision, message: str, now: datetime) -> Decision:
    """The API server refused what was decided: a quota or a policy. It is asked again for a while, then given up."""
    status = to.waiting(decision.status, Reason.POD_REJECTED, message)
    if status.phase in TERMINAL or status.resolved_environment is None:
        return decision
    step = steps.of_phase(status)
    # The clock goes on from the first refusal, not from the latest one.
    before = to.step_of(seen.job.status, step)
    asked = before.create_time if before and before.create_time else now
    status = to.with_step(status, step, create_time=asked, retry_time=now + _ASK_AGAIN)
    limit = asked + timedelta(seconds=to.environment_of(status).timeouts.pending_seconds)
    if now < limit:
        return Decision(status, wake_after=_ASK_AGAIN)
    return steps.failed(seen, status, step, Failure(Reason.POD_REJECTED, message), now, started=False)


def _being_deleted(seen: Observed, _: datetime) -> Decision | None:
    """The garbage collector takes the children; nothing is left for us to do."""
    return Decision(seen.job.status) if seen.job.deleting else None


def _finished(seen: Observed, now: datetime) -> Decision | None:
    """Terminal is terminal: it is cleaned up once, and then only clocks still run, its own and that of its results."""
    status, spec = seen.job.status, seen.job.spec
    if status.phase not in TERMINAL:
        return None
    cleaning = ending.clean(seen)
    if cleaning is not None:
        return cleaning
    lifetime = spec.ttl_seconds_after_finished if spec else None
    kept = keeping.follow(seen, now) or Decision(status)
    if lifetime is None or status.date_finished is None:
        return kept
    left = status.date_finished + timedelta(seconds=lifetime) - now
    if left > timedelta(0):
        return dataclasses.replace(kept, wake_after=min(left, kept.wake_after or left))
    return Decision(status, (Delete(JOBS, seen.job.name, seen.job.uid),))


def _unreadable(seen: Observed, now: datetime) -> Decision | None:
    if seen.job.spec is not None:
        return None
    return ending.at_once(to.created(seen.job), to.outcome_of(Reason.INVALID_SPEC, seen.job.invalid), now)


def _stopped(seen: Observed, now: datetime) -> Decision | None:
    """Asked to stop before it is known how it ends: what runs is ended, logs are still published."""
    job = seen.job
    if job.spec is None or not job.spec.stop or job.status.outcome is not None:
        return None
    status = to.created(job).model_copy(update={"stop_request": 1})
    return ending.conclude(seen, status, to.outcome_of(Reason.STOPPED), now)


def _without_environment(seen: Observed, now: datetime) -> Decision | None:
    if seen.job.status.phase is not Phase.PENDING or seen.environment is not None or seen.job.spec is None:
        return None
    status = to.created(seen.job)
    message = f"there is no ComputeEnvironment {seen.job.spec.environment} in namespace {seen.job.namespace}"
    left = (status.date_created or now) + ENVIRONMENT_GRACE - now
    if left <= timedelta(0):
        return ending.at_once(status, to.outcome_of(Reason.ENVIRONMENT_UNKNOWN, message), now)
    status = to.condition(status, "Accepted", False, Reason.ENVIRONMENT_UNKNOWN, message, now)
    return Decision(to.waiting(status, Reason.ENVIRONMENT_UNKNOWN, message), wake_after=left)


def _not_allowed(seen: Observed, now: datetime) -> Decision | None:
    if seen.job.status.phase is not Phase.PENDING or seen.job.spec is None or seen.environment is None:
        return None
    objection = admission_rules.objection(seen.job.spec, seen.environment, seen.settings)
    if objection is None:
        return None
    return ending.at_once(to.created(seen.job), objection, now)


def _agreement_in_use(seen: Observed, now: datetime) -> Decision | None:
    if not seen.agreement_holder:
        return None
    message = f"agreementId: {seen.agreement_holder} has it and is not finished"
    return ending.at_once(to.created(seen.job), to.outcome_of(Reason.AGREEMENT_IN_USE, message), now)


def _pending(seen: Observed, now: datetime) -> Decision | None:
    """Accepted as soon as there is a place; its environment is fixed from then on."""
    if seen.job.status.phase is not Phase.PENDING or seen.environment is None:
        return None
    status = to.created(seen.job)
    if seen.place.admitted:
        environment = admission_rules.resolved(seen.environment, seen.settings)
        return Decision(to.accepted(status, environment, now), wake_after=timedelta(0))
    left = (status.date_created or now) + timedelta(seconds=seen.environment.timeouts.queue_seconds) - now
    if left <= timedelta(0):
        return ending.at_once(status, to.outcome_of(Reason.QUEUE_TIMEOUT, "no place became free in time"), now)
    return Decision(admission_rules.queued(status, seen.place, now), wake_after=min(left, admission_rules.REFRESH))


def _publishes_asset(seen: Observed, now: datetime) -> Decision | None:
    """All that is left to do is on a chain; whether the publish pod is still there no longer matters."""
    if seen.job.status.phase is not Phase.PUBLISHING or seen.job.status.asset is None:
        return None
    return asset.follow(seen.job.status, seen.job.spec, now)


def _working(seen: Observed, now: datetime) -> Decision | None:
    """Follow the pod of the current phase."""
    return steps.follow(seen, now)


_CHECKS: tuple[Check, ...] = (
    _being_deleted,
    _finished,
    _unreadable,
    _stopped,
    _without_environment,
    _not_allowed,
    _agreement_in_use,
    _pending,
    _publishes_asset,
    _working,
)
