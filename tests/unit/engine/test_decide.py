"""Tables of single decisions: one row, one sentence."""

from datetime import timedelta
from typing import Any

import pytest

from c2d.api.job import JobStatus, Outcome, StepStatus
from c2d.api.phases import TERMINAL, Phase
from c2d.api.reasons import Reason
from c2d.engine import decide as subject
from c2d.engine import status as to
from c2d.engine.pods import PodView, Step
from c2d.engine.state import Create, Decision, Delete, DeleteAll, Job, Observed
from c2d.kube.resources import CLAIMS, JOBS, PODS
from tests.kit import build
from tests.kit.build import ISOLATED, NOW, PUBLISHED, after

_ACTIVE_STEP = {
    Phase.CONFIGURING: Step.CONFIGURE,
    Phase.PROVISIONED: Step.ALGORITHM,
    Phase.RUNNING: Step.ALGORITHM,
    Phase.PUBLISHING: Step.PUBLISH,
}
_SUCCESS = Outcome(phase=Phase.SUCCEEDED, reason=Reason.SUCCEEDED)


def status(phase: Phase, **changes: Any) -> JobStatus:
    """As it is when the job has come to that phase undisturbed."""
    base = to.created(build.job()).model_copy(update={"phase": phase})
    if phase is Phase.PENDING:
        return base.model_copy(update=changes)
    environment = build.environment(isolation={"probes": list(build.PROBES)})
    base = base.model_copy(update={"resolved_environment": environment})
    if phase is Phase.PUBLISHING:
        base = base.model_copy(update={"outcome": _SUCCESS})
    if phase is not Phase.CONFIGURING:
        done = StepStatus(pod="c", create_time=NOW, start_time=NOW, finish_time=NOW, exit_code=0)
        base = to.with_step(base, Step.CONFIGURE, **dict(done))
        step = _ACTIVE_STEP[phase]
        base = to.with_step(base, step, pod="p", create_time=NOW, start_time=None)
    return base.model_copy(update=changes)


def decide(seen: Observed, seconds: float = 0) -> Decision:
    return subject.decide(seen, after(seconds))


def created(decision: Decision) -> list[str]:
    return [action.manifest["kind"] for action in (*decision.actions, *decision.then) if isinstance(action, Create)]


def deleted(decision: Decision) -> list[str]:
    return [action.resource.kind for action in decision.actions if isinstance(action, Delete)]


def at(phase: Phase, *pods: PodView, job: dict[str, Any] | None = None, **changes: Any) -> Observed:
    return build.observed(build.job(status(phase, **changes), **(job or {})), *pods)


ONWARD = [
    pytest.param(build.observed(build.job()), Phase.CONFIGURING, [], id="a job with a place is accepted"),
    pytest.param(
        at(Phase.CONFIGURING),
        Phase.CONFIGURING,
        ["ConfigMap", "PersistentVolumeClaim", "Pod"],
        id="an accepted job gets its plans, its volume and its first pod",
    ),
    pytest.param(
        at(Phase.CONFIGURING, build.pod(Step.CONFIGURE, "Pending")),
        Phase.CONFIGURING,
        [],
        id="a configure pod that waits for its node is waited for",
    ),
    pytest.param(
        at(Phase.CONFIGURING, build.pod(Step.CONFIGURE, "Succeeded", said={"files": 2})),
        Phase.PROVISIONED,
        ["Pod"],
        id="configured data gets its algorithm",
    ),
    pytest.param(
        at(Phase.PROVISIONED, build.pod(Step.ALGORITHM)), Phase.RUNNING, [], id="a started algorithm is running"
    ),
    pytest.param(
        at(Phase.PROVISIONED, build.pod(Step.ALGORITHM, "Succeeded", said=ISOLATED)),
        Phase.PUBLISHING,
        ["Pod"],
        id="an algorithm that was done before it was seen running is published",
    ),
    pytest.param(
        at(Phase.RUNNING, build.pod(Step.ALGORITHM, "Succeeded", said=ISOLATED)),
        Phase.PUBLISHING,
        ["Pod"],
        id="an algorithm that is done is published",
    ),
    pytest.param(
        at(Phase.PUBLISHING, build.pod(Step.PUBLISH, "Succeeded", said=PUBLISHED)),
        Phase.SUCCEEDED,
        [],
        id="a published job has succeeded",
    ),
]


@pytest.mark.parametrize(("seen", "phase", "children"), ONWARD)
def test_a_job_goes_onward(seen: Observed, phase: Phase, children: list[str]) -> None:
    decision = decide(seen)
    assert (decision.status.phase, created(decision)) == (phase, children)


FAILURES = [
    pytest.param(
        at(Phase.CONFIGURING, build.pod(Step.CONFIGURE, "Failed", said={"reason": "InputDownloadFailed"})),
        Reason.INPUT_DOWNLOAD_FAILED,
        31,
        id="an input that can't be fetched is code 31",
    ),
    pytest.param(
        at(Phase.CONFIGURING, build.pod(Step.CONFIGURE, "Failed", said={"reason": "AlgorithmChecksumMismatch"})),
        Reason.ALGORITHM_CHECKSUM_MISMATCH,
        32,
        id="an algorithm that is not the declared one is code 32",
    ),
    pytest.param(
        at(Phase.CONFIGURING, build.pod(Step.CONFIGURE, "Failed", said={"reason": "AlgorithmNotTrusted"})),
        Reason.ALGORITHM_NOT_TRUSTED,
        32,
        id="an algorithm that the data's publisher does not admit is code 32",
    ),
    pytest.param(
        at(Phase.CONFIGURING, build.pod(Step.CONFIGURE, "Failed", said={"reason": "DiskFull"})),
        Reason.DISK_FULL,
        31,
        id="a disk that is full while data comes in is code 31",
    ),
    pytest.param(
        at(Phase.RUNNING, build.pod(Step.ALGORITHM, "Failed", exit_code=3, said={**ISOLATED, "exitCode": 3})),
        Reason.ALGORITHM_FAILED,
        70,
        id="an algorithm's own error is code 70 with its exit code",
    ),
    pytest.param(
        at(Phase.RUNNING, build.pod(Step.ALGORITHM, "Failed", exit_code=137, exit_reason="OOMKilled")),
        Reason.ALGORITHM_OOM_KILLED,
        70,
        id="a runner that was killed for memory can't report, the kubelet can",
    ),
    pytest.param(
        at(Phase.RUNNING, build.pod(Step.ALGORITHM, "Failed", exit_code=1, said={**ISOLATED, "oomKills": 1})),
        Reason.ALGORITHM_OOM_KILLED,
        70,
        id="an algorithm that fails because its child was killed for memory is told so",
    ),
    pytest.param(
        at(Phase.RUNNING, build.pod(Step.ALGORITHM, "Failed", exit_code=124, said={**ISOLATED, "timedOut": True})),
        Reason.DEADLINE_EXCEEDED,
        70,
        id="an algorithm that the runner ended at its deadline has timed out",
    ),
    pytest.param(
        at(
            Phase.RUNNING,
            build.pod(
                Step.ALGORITHM,
                "Failed",
                exit_code=121,
                said={"gate": {"verdict": "Leaking", "reachable": ["tcp://x:1"]}},
            ),
        ),
        Reason.ISOLATION_NOT_ENFORCED,
        70,
        id="a leaking network fails the job before the algorithm",
    ),
    pytest.param(
        at(Phase.RUNNING, build.pod(Step.ALGORITHM, "Succeeded", said={"gate": {"verdict": "Off"}})),
        Reason.ISOLATION_NOT_ENFORCED,
        70,
        id="a success without the proof that was asked for is none",
    ),
    pytest.param(
        at(
            Phase.RUNNING, build.pod(Step.ALGORITHM, "Failed", exit_code=127, said={"started": False, "error": "no sh"})
        ),
        Reason.ALGORITHM_NOT_EXECUTABLE,
        70,
        id="an entrypoint that isn't in the image is told so",
    ),
    pytest.param(
        at(Phase.RUNNING, build.pod(Step.ALGORITHM, "Failed", exit_code=121, said={"gate": {"verdict": "Unproven"}})),
        Reason.ISOLATION_NOT_ENFORCED,
        70,
        id="isolation that could not be proven is none",
    ),
    pytest.param(
        at(Phase.RUNNING, build.pod(Step.ALGORITHM, "Failed", exit_code=125, said={"error": "gate.probes: must"})),
        Reason.RUNNER_FAILED,
        70,
        id="a runner that could not be set up is not blamed on the entrypoint",
    ),
    pytest.param(
        at(Phase.RUNNING, build.pod(Step.ALGORITHM, "Failed", exit_code=122, said={"error": "started before"})),
        Reason.POD_DELETED,
        70,
        id="an algorithm that ran in a pod that is gone does not run again",
    ),
    pytest.param(
        at(Phase.RUNNING, build.pod(Step.ALGORITHM, "Failed", exit_code=None, reason="DeadlineExceeded")),
        Reason.DEADLINE_EXCEEDED,
        70,
        id="the kubelet's own clock counts as the deadline",
    ),
    pytest.param(
        at(Phase.RUNNING, build.pod(Step.ALGORITHM, "Failed", reason="Evicted", exit_code=137)),
        Reason.POD_EVICTED,
        70,
        id="an eviction is not blamed on the algorithm, and a started one doesn't run twice",
    ),
    pytest.param(
        at(
            Phase.PROVISIONED,
            build.pod(Step.ALGORITHM, "Pending", waiting="InvalidImageName", waiting_message="bad name"),
        ),
        Reason.IMAGE_PULL_FAILED,
        32,
        id="an image name that can't be one fails at once",
    ),
]


@pytest.mark.parametrize(("seen", "reason", "code"), FAILURES)
def test_a_failure_has_its_reason_and_code_and_its_logs_are_published(
    seen: Observed, reason: Reason, code: int
) -> None:
    outcome = decide(seen).status.outcome
    assert outcome is not None
    assert (outcome.reason, outcome.code) == (reason, code)
    assert decide(seen).status.phase is Phase.PUBLISHING


def test_the_logs_of_a_failed_run_are_published_without_its_outputs() -> None:
    outcome = to.outcome_of(Reason.ALGORITHM_FAILED, "exit code 3")
    seen = at(Phase.PUBLISHING, build.pod(Step.ALGORITHM, "Failed"), outcome=outcome, steps=JobStatus().steps)
    (action,) = decide(seen).then
    assert isinstance(action, Create)
    assert "--logs-only" in action.manifest["spec"]["containers"][0]["command"]


def test_a_failed_job_tells_clients_the_truth_under_the_code_they_poll_for() -> None:
    outcome = to.outcome_of(Reason.ALGORITHM_OOM_KILLED, "exit code 137")
    seen = at(Phase.PUBLISHING, build.pod(Step.PUBLISH, "Succeeded", said=PUBLISHED), outcome=outcome)
    after = decide(seen, 65).status
    assert (after.phase, after.code) == (Phase.FAILED, 70)
    assert after.text == "Job finished: AlgorithmOOMKilled (exit code 137)"
    assert after.duration == "1m5s"
    assert after.date_finished is not None
    assert "memory" in after.hint


RETRIES = [
    pytest.param(
        at(Phase.CONFIGURING, build.pod(Step.CONFIGURE, "Failed", exit_code=75)), id="a download that may work later"
    ),
    pytest.param(
        at(Phase.CONFIGURING, build.pod(Step.CONFIGURE, "Failed", reason="Evicted")), id="an evicted configure pod"
    ),
    pytest.param(
        at(Phase.PROVISIONED, build.pod(Step.ALGORITHM, "Failed", reason="OutOfcpu", exit_code=None, started=None)),
        id="an algorithm pod that its node refused",
    ),
    pytest.param(at(Phase.PROVISIONED), id="an algorithm pod that vanished before it started"),
    pytest.param(at(Phase.PUBLISHING, build.pod(Step.PUBLISH, "Failed", exit_code=75)), id="a store that is away"),
]


@pytest.mark.parametrize("seen", RETRIES)
def test_infrastructure_gets_another_pod_after_a_while(seen: Observed) -> None:
    decision = decide(seen)
    step = to.step_of(decision.status, _ACTIVE_STEP[seen.job.status.phase])
    assert step is not None
    assert (decision.status.phase, step.attempt, step.create_time) == (seen.job.status.phase, 1, None)
    assert step.retry_time is not None
    again = build.observed(build.job(decision.status), *seen.pods.values())
    assert not created(decide(again)), "not before its time"
    later = subject.decide(again, step.retry_time)
    assert created(later) == ["Pod"]
    (action,) = (*later.actions, *later.then)
    assert isinstance(action, Create)
    assert action.manifest["metadata"]["name"].endswith("-1")


def test_retries_come_to_an_end() -> None:
    exhausted = to.with_step(status(Phase.CONFIGURING), Step.CONFIGURE, attempt=3)
    pod = build.pod(Step.CONFIGURE, "Failed", attempt=3, exit_code=75, said={"reason": "InputDownloadFailed"})
    outcome = decide(build.observed(build.job(exhausted), pod)).status.outcome
    assert outcome is not None
    assert outcome.reason is Reason.INPUT_DOWNLOAD_FAILED


def test_an_algorithm_that_started_is_not_run_again_when_its_pod_vanishes() -> None:
    running = to.with_step(status(Phase.RUNNING), Step.ALGORITHM, start_time=NOW)
    after = decide(build.observed(build.job(running))).status
    assert (after.phase, after.outcome and after.outcome.reason) == (Phase.PUBLISHING, Reason.POD_DELETED)


STOPPABLE = [phase for phase in Phase if phase not in TERMINAL and phase is not Phase.PUBLISHING]


@pytest.mark.parametrize("phase", STOPPABLE)
def test_a_stop_ends_what_runs(phase: Phase) -> None:
    pods = [build.pod(_ACTIVE_STEP[phase])] if phase in _ACTIVE_STEP else []
    decision = decide(at(phase, *pods, job={"spec": build.spec(stop=True)}))
    assert decision.status.stop_request == 1
    assert deleted(decision)[: len(pods)] == ["Pod"] * len(pods)
    assert not created(decision)
    final = decision.status.phase
    assert final is (Phase.PUBLISHING if pods else Phase.STOPPED)


def test_the_logs_of_a_stopped_run_wait_for_its_pod_to_be_gone() -> None:
    outcome = to.outcome_of(Reason.STOPPED)
    stopped = status(Phase.PUBLISHING, outcome=outcome).model_copy(update={"steps": JobStatus().steps})
    dying = build.pod(Step.ALGORITHM, deleting=True)
    waiting = decide(build.observed(build.job(stopped), dying))
    assert (waiting.actions, waiting.then) == ((), ())
    assert created(decide(build.observed(build.job(stopped)))) == ["Pod"]


def test_a_job_waits_for_its_place_and_says_how_many_are_before_it() -> None:
    place = build.observed(build.job(), admitted=False).place.__class__(admitted=False, ahead=2)
    decision = decide(build.observed(build.job(), place=place))
    assert decision.status.phase is Phase.PENDING
    assert decision.status.message == "queued, 2 ahead"


CLOCKS = [
    pytest.param(build.observed(build.job(), admitted=False), 86_400, Reason.QUEUE_TIMEOUT, id="the queue's clock"),
    pytest.param(
        build.observed(build.job(), environment=None), 60, Reason.ENVIRONMENT_UNKNOWN, id="an environment never comes"
    ),
    pytest.param(
        at(Phase.CONFIGURING, build.pod(Step.CONFIGURE, "Pending", unschedulable="no node")),
        600,
        Reason.PENDING_TIMEOUT,
        id="no node for configure",
    ),
    pytest.param(
        at(Phase.PROVISIONED, build.pod(Step.ALGORITHM, "Pending", waiting="ImagePullBackOff")),
        120,
        Reason.IMAGE_PULL_FAILED,
        id="an image that isn't there",
    ),
    pytest.param(
        at(Phase.CONFIGURING, build.pod(Step.CONFIGURE)), 3_600, Reason.CONFIGURE_FAILED, id="configure takes too long"
    ),
    pytest.param(
        at(Phase.RUNNING, build.pod(Step.ALGORITHM)),
        3_690,
        Reason.DEADLINE_EXCEEDED,
        id="a runner that doesn't keep the deadline",
    ),
    pytest.param(
        at(Phase.PUBLISHING, build.pod(Step.PUBLISH)), 3_600, Reason.PUBLISH_FAILED, id="publish takes too long"
    ),
]


@pytest.mark.parametrize(("seen", "seconds", "reason"), CLOCKS)
def test_every_clock_runs_out_once_and_wakes_the_engine_in_time(seen: Observed, seconds: int, reason: Reason) -> None:
    def ends_with(decision: Decision) -> Reason | None:
        return decision.status.outcome.reason if decision.status.outcome else None

    early, late = decide(seen, seconds - 1), decide(seen, seconds)
    assert ends_with(early) in (None, Reason.SUCCEEDED)
    assert early.wake_after is not None
    assert early.wake_after <= timedelta(seconds=60)
    assert ends_with(late) is reason


def test_the_budget_is_the_sooner_of_the_order_and_the_environment() -> None:
    spec = build.spec(validUntil=after(120).isoformat())
    seen = at(Phase.CONFIGURING, build.pod(Step.CONFIGURE, "Succeeded"), job={"spec": spec})
    (action,) = decide(seen, 20).then
    assert isinstance(action, Create)
    runner = next(e["value"] for e in action.manifest["spec"]["containers"][0]["env"] if e["name"] == "C2D_RUNNER")
    assert '"deadlineSeconds":100' in runner


OBJECTIONS = [
    pytest.param(
        {}, {"allowedImages": ["example.com/*"]}, Reason.IMAGE_NOT_ALLOWED, id="an image of a strange registry"
    ),
    pytest.param({"chainId": 1}, {"allowedChainIds": [5]}, Reason.CHAIN_NOT_ALLOWED, id="an order on another chain"),
    pytest.param(
        {"algorithm": {**build.spec().algorithm.model_dump(by_alias=True), "env": [{"name": "GODEBUG", "value": "1"}]}},
        {},
        Reason.INVALID_SPEC,
        id="a variable that would steer the runner",
    ),
    pytest.param(
        {"inputs": [{"id": "algoCustomData.json", "files": [{"url": "https://a"}]}]},
        {},
        Reason.INVALID_SPEC,
        id="an input in the place of the parameters",
    ),
    pytest.param(
        {"algorithm": {**build.spec().algorithm.model_dump(by_alias=True), "customData": "x" * 65_536}},
        {},
        Reason.INVALID_SPEC,
        id="parameters as large as a dataset",
    ),
    pytest.param(
        {"algorithm": {**build.spec().algorithm.model_dump(by_alias=True), "source": {"inline": "€" * 262_144}}},
        {},
        Reason.INVALID_SPEC,
        id="code that is too many bytes though not too many characters",
    ),
    pytest.param({}, {"allowedImages": ["pytho?"]}, Reason.IMAGE_NOT_ALLOWED, id="only * stands for other characters"),
    pytest.param(
        {"inputs": [{"id": "did:op:x", "service": {"serviceId": "s", "transferTxId": "0x1"}}]},
        {},
        Reason.INPUT_DOWNLOAD_FAILED,
        id="a dataset that only its Provider hands out",
    ),
    pytest.param(
        {"inputs": [{"id": i, "files": [{"url": "https://a"}]} for i in ("did:op:x", "x")]},
        {},
        Reason.INVALID_SPEC,
        id="two inputs for one folder",
    ),
]


@pytest.mark.parametrize(("spec", "environment", "reason"), OBJECTIONS)
def test_what_the_environment_does_not_allow_ends_at_once(
    spec: dict[str, Any], environment: dict[str, Any], reason: Reason
) -> None:
    job = build.job(spec=build.spec(**spec))
    status = decide(build.observed(job, environment=build.environment(**environment))).status
    assert (status.phase, status.reason) == (Phase.FAILED, reason)


def test_an_agreement_pays_for_one_run_at_a_time() -> None:
    status = decide(build.observed(build.job(), agreement_holder="other", admitted=False)).status
    assert (status.phase, status.reason) == (Phase.FAILED, Reason.AGREEMENT_IN_USE)
    assert status.message == "agreementId: other has it and is not finished"


def test_a_spec_that_cannot_be_read_fails_with_the_field() -> None:
    status = decide(build.observed(build.job(spec=None, invalid="inputs[0].id: no"))).status
    assert (status.reason, status.message) == (Reason.INVALID_SPEC, "inputs[0].id: no")


def test_results_that_cannot_be_stored_stay_on_the_volume() -> None:
    seen = at(
        Phase.PUBLISHING, build.pod(Step.PUBLISH, "Failed", said={"reason": "PublishFailed", "message": "denied"})
    )
    decision = decide(seen)
    assert decision.status.reason is Reason.PUBLISH_FAILED
    assert "kept on volume" in decision.status.message
    assert not decision.actions


def test_the_data_goes_with_the_results() -> None:
    ended = JobStatus(phase=Phase.SUCCEEDED, date_created=NOW, date_finished=NOW)
    actions = decide(build.observed(build.job(ended), build.pod(Step.PUBLISH, "Succeeded"))).actions
    assert actions == (DeleteAll(CLAIMS), DeleteAll(PODS))


@pytest.mark.parametrize("phase", sorted(TERMINAL))
def test_terminal_is_terminal_whatever_happened_to_the_children(phase: Phase) -> None:
    ended = JobStatus(phase=phase, date_created=NOW, date_finished=NOW, outcome=_SUCCESS)
    for spec in (build.spec(), build.spec(stop=True)):
        decision = decide(build.observed(build.job(ended, spec=spec)))
        assert (decision.status, decision.actions) == (ended, ())


def test_a_finished_job_is_deleted_when_its_time_is_over() -> None:
    ended = JobStatus(phase=Phase.SUCCEEDED, date_created=NOW, date_finished=NOW)
    job: Job = build.job(ended, spec=build.spec(ttlSecondsAfterFinished=10))
    assert decide(build.observed(job), 9).wake_after == timedelta(seconds=1)
    assert decide(build.observed(job), 10).actions == (Delete(JOBS, "branin", build.UID),)


def test_a_job_that_is_being_deleted_is_left_to_the_garbage_collector() -> None:
    job = build.job(status(Phase.RUNNING), deleting=True)
    assert decide(build.observed(job, build.pod(Step.ALGORITHM, "Failed"))).actions == ()


def test_a_refused_pod_is_asked_for_again_and_then_given_up() -> None:
    seen = at(Phase.CONFIGURING, build.pod(Step.CONFIGURE, "Succeeded"))
    first = subject.refused(seen, decide(seen), "exceeded quota", NOW)
    assert (first.status.phase, first.status.reason) == (Phase.PROVISIONED, Reason.POD_REJECTED)
    assert first.wake_after == timedelta(seconds=10)
    again = build.observed(build.job(first.status), *seen.pods.values())
    assert created(decide(again, 10)) == ["Pod"]
    last = subject.refused(again, decide(again, 600), "exceeded quota", after(600)).status
    assert last.outcome is not None
    assert last.outcome.reason is Reason.POD_REJECTED


def test_a_success_whose_publish_pod_stays_refused_keeps_its_volume() -> None:
    seen = at(Phase.PUBLISHING)
    seen = build.observed(build.job(to.with_step(seen.job.status, Step.PUBLISH, create_time=NOW)))
    last = subject.refused(seen, decide(seen), "exceeded quota", after(600))
    assert last.status.reason is Reason.PUBLISH_FAILED
    assert "kept on volume" in last.status.message


def test_what_was_refused_is_not_asked_for_before_its_time() -> None:
    seen = at(Phase.CONFIGURING, build.pod(Step.CONFIGURE, "Succeeded"))
    first = subject.refused(seen, decide(seen), "exceeded quota", NOW)
    again = build.observed(build.job(first.status), *seen.pods.values())
    assert not created(decide(again, 9))
    assert decide(again, 9).wake_after == timedelta(seconds=1)


def test_a_refused_volume_is_asked_for_again_with_the_pod() -> None:
    seen = at(Phase.CONFIGURING)
    first = subject.refused(seen, decide(seen), "exceeded quota", NOW)
    again = decide(build.observed(build.job(first.status)), 10)
    assert created(again) == ["ConfigMap", "PersistentVolumeClaim", "Pod"]


def test_pods_of_a_job_are_deleted_by_uid_so_that_no_namesake_is_hit() -> None:
    decision = decide(at(Phase.RUNNING, build.pod(Step.ALGORITHM), job={"spec": build.spec(stop=True)}))
    assert decision.actions == (Delete(PODS, build.pod(Step.ALGORITHM).name, "algorithm-0"),)
