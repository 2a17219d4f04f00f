"""What the engine tells of a job in its receipt."""

from typing import Any

import pytest

from c2d.api import report
from c2d.api.job import JobStatus
from c2d.api.phases import Phase
from c2d.api.reasons import Reason
from c2d.api.receipt import Facts, Limits
from c2d.engine import receipt
from c2d.engine import status as to
from c2d.engine.pods import Step
from tests.kit import build

ENVIRONMENT = build.environment(resources={"cpu": "2", "memory": "4Gi", "disk": "8Gi", "gpu": 1})
SPEC = build.spec(owner="0xowner", environment="gpu")
SPEC = SPEC.model_copy(update={"algorithm": SPEC.algorithm.model_copy(update={"id": "did:op:7f3a"})})


def status(gate: dict[str, Any] | None = None) -> JobStatus:
    made = JobStatus(phase=Phase.PUBLISHING, resolved_environment=ENVIRONMENT, date_created=build.NOW)
    made = made.model_copy(update={"outcome": to.outcome_of(Reason.ALGORITHM_FAILED)})
    ran = {"image_id": "python@sha256:ab", "exit_code": 3, "start_time": build.after(5), "finish_time": build.after(9)}
    made = to.with_step(made, Step.ALGORITHM, **ran)
    return to.runner_said(made, report.RunnerReport.model_validate({"gate": gate}), build.after(9))


def test_what_ran_and_under_which_limits() -> None:
    assert receipt.facts(SPEC, status(build.ISOLATED["gate"])) == Facts(
        owner="0xowner",
        environment="gpu",
        algorithm="did:op:7f3a",
        image=SPEC.algorithm.container.reference,
        image_id="python@sha256:ab",
        exit_code=3,
        reason="AlgorithmFailed",
        limits=Limits(cpu="2", memory="4Gi", disk="8Gi", gpu=1, max_duration_seconds=3600),
        isolation="Isolated",
        date_created=build.NOW,
        start_time=build.after(5),
        finish_time=build.after(9),
    )


@pytest.mark.parametrize(
    ("verdict", "expected"),
    [("Isolated", "Isolated"), ("Leaking", "Leaking"), ("Off", "Off"), ("Aborted", "Unproven"), (None, "")],
)
def test_the_gates_verdict(verdict: str | None, expected: str) -> None:
    gate = {"verdict": verdict, "rounds": 1, "waitedSeconds": 0.5} if verdict else None
    assert receipt.facts(SPEC, status(gate)).isolation == expected


def test_a_job_that_never_ran() -> None:
    made = JobStatus(phase=Phase.PUBLISHING, resolved_environment=ENVIRONMENT, date_created=build.NOW)
    facts = receipt.facts(SPEC, made)
    assert (facts.image_id, facts.exit_code, facts.isolation, facts.start_time) == ("", None, "", None)
    assert facts.limits.max_duration_seconds is None
    assert facts.limits.memory == "4Gi"
