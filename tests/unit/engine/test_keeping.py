"""Results that stay on the job's volume: what is done for them, and when they go."""

from datetime import datetime, timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as some

from c2d.api.job import JobStatus, Outcome, ResultsStatus
from c2d.api.phases import Phase
from c2d.api.reasons import Reason
from c2d.engine import decide as subject
from c2d.engine import status as to
from c2d.engine.pods import ReaderView, Step
from c2d.engine.state import Action, Create, Decision, Delete, DeleteAll, Observed
from c2d.kube.resources import CLAIMS, PODS
from tests.kit import build
from tests.kit.build import NOW, UID, after

KEPT = ResultsStatus(
    location=f"volume://claim/{UID}", manifest=f"claim/{UID}/manifest.json", manifest_sha256="0" * 64, count=3, bytes=42
)
IDLE = 600
READER = ReaderView(f"branin-{UID[:8]}-reader-0", "reader-uid", NOW, done=False)
DEAD = ReaderView(READER.name, READER.uid, NOW, done=True)


def ended(expiry: int = 0, **changes: Any) -> JobStatus:
    environment = build.environment(
        results={"volume": {"idleSeconds": IDLE}}, storageExpirySeconds=expiry, isolation={"probes": []}
    )
    done = to.created(build.job()).model_copy(
        update={"resolved_environment": environment, "results": KEPT, "phase": Phase.PUBLISHING}
    )
    outcome = Outcome(phase=Phase.SUCCEEDED, reason=Reason.SUCCEEDED)
    return to.ended(done, outcome, NOW).model_copy(update=changes)


def seen(
    status: JobStatus,
    asked: float | None = None,
    reader: ReaderView | None = None,
    keys: str = "{}",
    spec: dict[str, Any] | None = None,
    pods: tuple[Step, ...] = (),
) -> Observed:
    moment = after(asked) if asked is not None else None
    job = build.job(status, asked=moment, spec=build.spec(**(spec or {})))
    settings = build.SETTINGS.__class__(**{**vars(build.SETTINGS), "readers": ("ns:service",)})
    there = [build.pod(step, "Succeeded") for step in pods]
    return build.observed(job, *there, reader=reader, reader_keys=keys, settings=settings)


def decide(observed: Observed, seconds: float = 0) -> Decision:
    return subject.decide(observed, after(seconds))


def created(actions: tuple[Action, ...]) -> list[str]:
    return [action.manifest["metadata"]["name"] for action in actions if isinstance(action, Create)]


def test_the_volume_stays_when_the_pods_go() -> None:
    decision = decide(seen(ended(), pods=(Step.PUBLISH,)))
    assert decision.actions == (DeleteAll(PODS),)


def test_nothing_is_created_unasked() -> None:
    decision = decide(seen(ended()), 3600)
    assert decision.actions == () and decision.then == () and decision.wake_after is None


def test_whoever_asks_gets_a_reader_until_nobody_has_asked_for_long() -> None:
    decision = decide(seen(ended(), asked=0), 1)
    assert created(decision.actions) == [READER.name]
    assert decision.wake_after == timedelta(seconds=IDLE - 1)
    assert decide(seen(ended(), asked=0, reader=READER), 1).actions == ()
    assert decide(seen(ended(), asked=0, reader=READER), IDLE).actions == (Delete(PODS, READER.name, READER.uid),)


def test_a_reader_sees_the_results_and_nothing_else() -> None:
    (action,) = decide(seen(ended(), asked=0), 1).actions
    assert isinstance(action, Create)
    spec = action.manifest["spec"]
    (container,) = spec["containers"]
    (data,) = [mount for mount in container["volumeMounts"] if mount["name"] == "data"]
    assert data == {"name": "data", "mountPath": "/data/results", "subPath": "results", "readOnly": True}
    assert spec["automountServiceAccountToken"] is False
    assert container["securityContext"]["readOnlyRootFilesystem"] is True
    assert not any("secret" in volume or "projected" in volume for volume in spec["volumes"])


def test_one_that_died_is_replaced_but_not_at_once() -> None:
    early = decide(seen(ended(), asked=0, reader=DEAD), 4)
    assert early.actions == () and early.wake_after == timedelta(seconds=6)
    assert decide(seen(ended(), asked=0, reader=DEAD), 10).actions == (Delete(PODS, DEAD.name, DEAD.uid),)


def test_without_the_keys_it_waits_for_them() -> None:
    decision = decide(seen(ended(), asked=0, keys=""), 1)
    assert decision.actions == () and decision.wake_after == timedelta(seconds=10)


@pytest.mark.parametrize(
    ("expiry", "spec", "seconds"),
    [pytest.param(100, {}, 100, id="expired"), pytest.param(0, {"remove": True}, 1, id="removed")],
)
def test_the_volume_goes_when_its_time_is_over(expiry: int, spec: dict[str, Any], seconds: float) -> None:
    decision = decide(seen(ended(expiry), asked=0, reader=READER, spec=spec), seconds)
    assert decision.actions == (DeleteAll(CLAIMS), DeleteAll(PODS))
    assert decision.status.results is not None and decision.status.results.removed_time == after(seconds)
    later = decide(seen(decision.status, asked=seconds, spec=spec), seconds + 1)
    assert later.actions == () and later.status == decision.status, "once"


def test_it_is_looked_at_again_when_the_next_clock_ends() -> None:
    assert decide(seen(ended(300), asked=0, reader=READER), 0).wake_after == timedelta(seconds=300)
    lives = seen(ended(10_000), asked=0, reader=READER, spec={"ttlSecondsAfterFinished": 50})
    assert decide(lives, 0).wake_after == timedelta(seconds=50)


def test_the_job_is_deleted_when_its_own_time_is_over_and_results_go_with_it() -> None:
    decision = decide(seen(ended(), asked=40, reader=READER, spec={"ttlSecondsAfterFinished": 50}), 50)
    assert [type(action) for action in decision.actions] == [Delete]


@pytest.mark.parametrize(
    "text", ["", "yesterday", "2026-01-02T03:04:05", "9" * 1000, "0001-01-01T00:00:00+14:00", "9999-12-31T23:59:59Z"]
)
def test_anything_may_stand_in_the_note(text: str) -> None:
    assert isinstance(subject.decide(seen(ended(), asked=0), NOW), Decision)
    from c2d.engine.observe import read_job  # noqa: PLC0415

    item = {
        "metadata": {
            "namespace": "ns",
            "name": "branin",
            "uid": UID,
            "creationTimestamp": "2026-01-02T03:04:05Z",
            "annotations": {"c2d.oceanprotocol.com/results-asked": text},
        },
        "spec": build.spec().model_dump(mode="json", by_alias=True, exclude_none=True),
        "status": ended(1).model_dump(mode="json", by_alias=True, exclude_none=True),
    }
    job = read_job(item)
    subject.decide(build.observed(job, reader_keys="{}"), NOW)


Moments = some.floats(min_value=0, max_value=5000)


@given(some.lists(some.tuples(Moments, some.booleans()), max_size=20), some.integers(0, 3000))
def test_a_reader_is_there_only_while_it_is_wanted(events: list[tuple[float, bool]], expiry: int) -> None:
    """Any sequence of asking and of looking: a reader never outlives the results, and nothing comes after their end."""
    status, reader, asked = ended(expiry), None, None
    for moment, asks in sorted(events):
        asked = moment if asks else asked
        decision = decide(seen(status, asked, reader), moment)
        reader = _carried_out(decision, reader, after(moment))
        status = decision.status
        wanted = asked is not None and moment < asked + IDLE
        over = bool(expiry) and moment >= expiry
        assert (reader is not None) == (wanted and not over)
        assert (status.results is not None and status.results.removed_time is not None) == over


def _carried_out(decision: Decision, reader: ReaderView | None, now: datetime) -> ReaderView | None:
    for action in decision.actions:
        if isinstance(action, Create):
            assert reader is None
            reader = ReaderView(action.manifest["metadata"]["name"], "uid", now, done=False)
        if isinstance(action, Delete | DeleteAll) and action.resource is PODS:
            reader = None
    return reader
