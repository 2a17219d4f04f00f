"""What the engine tells of a job in its receipt. Pure."""

from c2d.api.job import JobSpec, JobStatus
from c2d.api.reasons import Reason
from c2d.api.receipt import Facts, Limits
from c2d.engine import admission_rules
from c2d.engine import status as to
from c2d.engine.pods import Step

_VERDICTS = {"Probed": "Isolated", Reason.ISOLATION_NOT_ENFORCED.value: "Leaking", "GateOff": "Off"}


def facts(spec: JobSpec, status: JobStatus) -> Facts:
    """As of now, when the algorithm has ended: that is why they are not in the plans."""
    ran = to.step_of(status, Step.ALGORITHM)
    return Facts(
        owner=spec.owner,
        environment=spec.environment,
        algorithm=spec.algorithm.id,
        image=spec.algorithm.container.reference,
        image_id=ran.image_id if ran else "",
        exit_code=ran.exit_code if ran else None,
        reason=status.outcome.reason if status.outcome is not None else "",
        limits=_limits(spec, status),
        isolation=_isolation(status),
        date_created=status.date_created,
        start_time=ran.start_time if ran else None,
        finish_time=ran.finish_time if ran else None,
    )


def _limits(spec: JobSpec, status: JobStatus) -> Limits:
    environment, ran = to.environment_of(status), to.step_of(status, Step.ALGORITHM)
    had, start = environment.resources, ran.start_time if ran else None
    seconds = admission_rules.budget(spec, environment, start) if start else None
    return Limits(cpu=had.cpu, memory=had.memory, disk=had.disk, gpu=had.gpu, max_duration_seconds=seconds)


def _isolation(status: JobStatus) -> str:
    """The gate's verdict; empty where it never came to one."""
    found = next((item for item in status.conditions if item.type == "Isolated"), None)
    return _VERDICTS.get(found.reason, "Unproven") if found is not None else ""
