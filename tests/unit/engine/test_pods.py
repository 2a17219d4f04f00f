from datetime import UTC, datetime
from typing import Any

import pytest

from c2d.api.environment import GateMode
from c2d.api.reasons import Reason
from c2d.engine import diagnose, pods
from c2d.engine.pods import PodView, Step
from c2d.kube import names
from tests.kit import build
from tests.kit.build import ISOLATED


def raw(**status: Any) -> dict[str, Any]:
    return {
        "metadata": {
            "name": "p",
            "uid": "u",
            "creationTimestamp": "2026-01-02T03:04:05Z",
            "labels": {names.STEP: "algorithm", names.ATTEMPT: "2"},
        },
        "spec": {"nodeName": "node-1"},
        "status": status,
    }


def test_a_pod_that_nobody_has_looked_at_is_pending() -> None:
    seen = pods.view(raw())
    assert (seen.phase, seen.step, seen.attempt, seen.done, seen.started) == ("Pending", Step.ALGORITHM, 2, False, None)


def test_a_finished_pod_tells_when_how_and_what() -> None:
    ended = {
        "startedAt": "2026-01-02T03:04:06Z",
        "finishedAt": "2026-01-02T03:05:06Z",
        "exitCode": 3,
        "reason": "Error",
        "message": "said",
    }
    seen = pods.view(raw(phase="Failed", containerStatuses=[{"state": {"terminated": ended}, "imageID": "sha256:1"}]))
    assert seen.done
    assert (seen.exit_code, seen.exit_reason, seen.report, seen.image_id) == (3, "Error", "said", "sha256:1")
    assert seen.finished == datetime(2026, 1, 2, 3, 5, 6, tzinfo=UTC)


def test_a_pod_tells_why_it_waits() -> None:
    conditions = [{"type": "PodScheduled", "status": "False", "message": "0/1 nodes"}]
    waiting = [{"state": {"waiting": {"reason": "ErrImagePull", "message": "not found"}}}]
    seen = pods.view(raw(phase="Pending", conditions=conditions, containerStatuses=waiting))
    assert (seen.unschedulable, seen.waiting, seen.waiting_message) == ("0/1 nodes", "ErrImagePull", "not found")


# Worse news come first: each pod shows every sign from its row on downwards.
SIGNS: list[tuple[Reason, dict[str, Any]]] = [
    (Reason.POD_EVICTED, {"reason": "Evicted"}),
    (Reason.NODE_LOST, {"disruption": "DeletionByTaintManager"}),
    (Reason.ISOLATION_NOT_ENFORCED, {"said": {"gate": {"verdict": "Leaking"}, "started": False, "oomKills": 1}}),
    (Reason.ALGORITHM_OOM_KILLED, {"said": {**ISOLATED, "oomKills": 1, "timedOut": True}}),
    (Reason.DEADLINE_EXCEEDED, {"said": {**ISOLATED, "timedOut": True}}),
    (Reason.ALGORITHM_FAILED, {"said": {**ISOLATED, "exitCode": 3}}),
]


@pytest.mark.parametrize("row", range(len(SIGNS)))
def test_the_first_cause_wins(row: int) -> None:
    signs: dict[str, Any] = {}
    for _, more in SIGNS[row:]:
        signs = {**more, **signs}
    failure = diagnose.of_pod(build.pod(Step.ALGORITHM, "Failed", exit_code=3, **signs), GateMode.REQUIRED)
    assert failure is not None
    assert failure.reason is SIGNS[row][0]


def test_no_report_can_turn_a_failure_into_a_success() -> None:
    for said in (ISOLATED, build.PUBLISHED, {"exitCode": 0}, None):
        for step in Step:
            assert diagnose.of_pod(build.pod(step, "Failed", exit_code=1, said=said), GateMode.OFF) is not None


def test_a_success_in_a_gateless_environment_needs_no_proof() -> None:
    off = {"gate": {"verdict": "Off"}, "started": True}
    assert diagnose.of_pod(build.pod(Step.ALGORITHM, "Succeeded", said=off), GateMode.OFF) is None


PULLS = [
    pytest.param(build.pod(Step.ALGORITHM, "Pending", waiting="InvalidImageName"), False, id="a bad name is final"),
    pytest.param(build.pod(Step.ALGORITHM, "Pending", waiting="ErrImagePull"), True, id="a failed pull may pass"),
    pytest.param(build.pod(Step.ALGORITHM, "Pending", waiting="ContainerCreating"), None, id="creating is no failure"),
]


@pytest.mark.parametrize(("pod", "retry"), PULLS)
def test_pulls_that_fail(pod: PodView, retry: bool | None) -> None:
    failure = diagnose.image_cannot_be_pulled(pod)
    assert (failure.retry if failure else None) is retry
