"""How far a transfer is gets into the status now and then, and a short job pays nothing for it."""

import json
from datetime import timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as some

from c2d.api.job import JobStatus, StepStatus
from c2d.api.phases import Phase
from c2d.api.progress import Progress, text
from c2d.engine import progress
from c2d.engine.decide import decide
from c2d.engine.observe import World
from c2d.engine.pods import PodView, Step
from c2d.engine.progress import LONGEST, SHORTEST
from c2d.kube import names
from c2d.kube.resources import PODS
from tests.kit import build
from tests.kit.story import KEY, Story
from tests.kit.world import Cluster

MIB = 1024**2
SECONDS = 3000  # shorter than a step may take


def transferring(step: Step) -> JobStatus:
    phase = Phase.CONFIGURING if step is Step.CONFIGURE else Phase.PUBLISHING
    return JobStatus(phase=phase, resolved_environment=build.environment(), date_created=build.NOW)


def after_one(status: JobStatus, pod: PodView, told: Progress | None, seconds: float) -> JobStatus:
    seen = build.observed(build.job(status), pod, progress={pod.uid: told} if told is not None else {})
    return decide(seen, build.after(seconds)).status


TRANSFERS = some.sampled_from([Step.CONFIGURE, Step.PUBLISH])
REPORTS = some.lists(
    some.tuples(
        some.integers(0, 90).map(float) | some.floats(0, 15),
        some.builds(Progress, done=some.integers(0, 4000 * MIB), files=some.integers(0, 9), total_files=some.just(9)),
    ),
    max_size=60,
)


@given(TRANSFERS, REPORTS)
def test_writes_are_rare_whatever_is_told_and_when(step: Step, reports: list[tuple[float, Progress]]) -> None:
    """Each pass is a report that comes so long after the one before it."""
    status, pod, elapsed, written = transferring(step), build.pod(step), 0.0, 0.0
    for pause, told in reports:
        elapsed = int(elapsed + pause)
        if elapsed >= SECONDS:
            break
        before, status = status, after_one(status, pod, told, elapsed)
        if status.progress == before.progress:
            assert getattr(status.steps, step) == getattr(before.steps, step)
            continue
        assert status.progress == text(told)
        assert elapsed - written >= SHORTEST.total_seconds()
        written = elapsed


@given(TRANSFERS, some.integers(0, 9))
def test_the_first_ten_seconds_are_quiet(step: Step, seconds: int) -> None:
    status = transferring(step)
    after = after_one(status, build.pod(step), Progress(done=5, total=9), seconds)
    assert (after.progress, after.steps) == (None, status.steps)


def test_what_is_written() -> None:
    told = Progress(done=1024 * MIB, total=4096 * MIB, files=1, total_files=3)
    status = after_one(transferring(Step.CONFIGURE), build.pod(Step.CONFIGURE), told, 10)
    assert status.progress == "1.0 GiB/4.0 GiB 25 %"
    assert status.steps.configure is not None
    assert status.steps.configure.model_dump(mode="json", by_alias=True, exclude_none=True)["progress"] == {
        "bytes": 1024 * MIB,
        "totalBytes": 4096 * MIB,
        "files": 1,
        "totalFiles": 3,
        "time": "2026-01-02T03:04:15Z",
    }


def test_what_nobody_would_see_is_not_written() -> None:
    pod, status = build.pod(Step.CONFIGURE), transferring(Step.CONFIGURE)
    status = after_one(status, pod, Progress(done=1024 * MIB, total=4096 * MIB), 10)
    again = after_one(status, pod, Progress(done=1024 * MIB + 1, total=4096 * MIB), 30)
    assert again == status


def test_a_file_that_begins_anew_is_told() -> None:
    pod, status = build.pod(Step.CONFIGURE), transferring(Step.CONFIGURE)
    status = after_one(status, pod, Progress(done=8 * MIB), 10)
    assert after_one(status, pod, Progress(done=0), 20).progress == "0 B"


@pytest.mark.parametrize(
    ("elapsed", "pause"), [(0, 10), (200, 10), (400, 20), (1200, 60), (86_400, 60)], ids=lambda number: f"{number} s"
)
def test_long_transfers_are_told_of_less_often(elapsed: int, pause: int) -> None:
    assert progress.pause(timedelta(seconds=elapsed)) == timedelta(seconds=pause)
    assert SHORTEST <= progress.pause(timedelta(seconds=elapsed)) <= LONGEST


def test_a_pod_that_has_not_started_has_nothing_to_tell() -> None:
    assert not progress.is_due(StepStatus(), build.pod(Step.CONFIGURE, "Pending"), build.after(100))


# -- a whole job


async def configuring() -> Story:
    story = Story().given()
    await story.engine_works()
    story.kubelet_runs()
    await story.engine_works()
    assert story.phase is Phase.CONFIGURING
    return story


def writes(cluster: Cluster) -> int:
    return len(cluster.requests)


async def test_a_short_job_has_no_write_more() -> None:
    quiet, telling = Story().given(), Story().given()
    telling.told = {"configure": Progress(done=1, total=2), "publish": Progress(done=1, total=2)}
    for story in (quiet, telling):
        await story.runs_to_the_end()
        assert story.phase is Phase.SUCCEEDED
    assert telling.cluster.requests == quiet.cluster.requests


async def test_a_long_download_is_seen_and_forgotten() -> None:
    story = await configuring()
    before = writes(story.cluster)
    for second in range(60):
        story.told["configure"] = Progress(done=second * MIB, total=100 * MIB)
        story.pass_time(1)
        await story.engine_works()
    assert writes(story.cluster) - before == 6
    assert story.status["progress"] == "59.0 MiB/100.0 MiB 59 %"
    assert story.status["steps"]["configure"]["progress"]["bytes"] == 59 * MIB
    story.pod_ends(story.pod("configure"))
    await story.engine_works()
    assert story.phase is Phase.PROVISIONED
    assert "progress" not in story.status
    assert "progress" not in story.status["steps"]["configure"]


async def test_the_next_engine_keeps_the_pace() -> None:
    """Every call of `engine_works` is another engine: what it needs to know is in the status."""
    story = await configuring()
    story.told["configure"] = Progress(done=MIB, total=100 * MIB)
    story.pass_time(10)
    await story.engine_works()
    before = writes(story.cluster)
    story.told["configure"] = Progress(done=50 * MIB, total=100 * MIB)
    story.pass_time(9)
    await story.engine_works()
    assert writes(story.cluster) == before
    story.pass_time(1)
    await story.engine_works()
    assert writes(story.cluster) == before + 1


@pytest.mark.parametrize("exit_code", [75, 1], ids=["tried again", "failed for good"])
async def test_a_pod_that_fails_leaves_no_progress_at_the_job(exit_code: int) -> None:
    story = await configuring()
    story.told["configure"] = Progress(done=MIB, total=100 * MIB)
    story.pass_time(10)
    await story.engine_works()
    assert story.status["progress"] == "1.0 MiB/100.0 MiB 1 %"
    said: dict[str, Any] = {"reason": "InputDownloadFailed", "message": "gone"}
    story.pod_ends(story.pod("configure"), exit_code, json.dumps(said))
    await story.engine_works()
    assert "progress" not in story.status
    assert ("progress" in story.status["steps"]["configure"]) == (exit_code == 1), "how far it came stays at its end"


@pytest.mark.parametrize("ends", [True, False], ids=["that ends", "that is gone"])
def test_numbers_go_with_their_pod(ends: bool) -> None:
    world, cluster = World(), Cluster()
    labels = {names.STEP: "configure", names.ATTEMPT: "0", names.JOB_UID: "j"}
    metadata = {"name": "p", "namespace": KEY[0], "labels": labels}
    pod = cluster.put(PODS, {"metadata": metadata, "spec": {}, "status": {"phase": "Running"}})
    world.saw_pod(pod)
    world.progress.take(pod["metadata"]["uid"], Progress(done=1))
    assert len(world.progress) == 1
    if ends:
        cluster.change(PODS, "p", lambda item: item.update(status={"phase": "Succeeded"}), KEY[0])
        (pod,) = cluster.all(PODS)
        world.saw_pod(pod)
    else:
        world.lost_pod(pod)
    assert not len(world.progress)
