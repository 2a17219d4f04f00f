"""The engine is killed before and after each of its writes, and another one goes on: the job ends the same."""

from collections.abc import Callable

import pytest

from c2d.api.phases import Phase
from c2d.kube.resources import CLAIMS, JOBS, PODS
from tests.kit.story import Story, environment_manifest
from tests.kit.world import Died


def dies_at(number: int) -> Callable[[str], None]:
    count = 0

    def write(_: str) -> None:
        nonlocal count
        count += 1
        if count == number:
            raise Died

    return write


def without_attempts(story: Story) -> list[str]:
    return sorted(name.rstrip("0123456789") for name in story.cluster.created)


async def undisturbed() -> Story:
    story = Story().given()
    await story.runs_to_the_end()
    return story


async def test_an_undisturbed_job_makes_twelve_writes_at_most() -> None:
    story = await undisturbed()
    assert story.phase is Phase.SUCCEEDED
    assert len(story.cluster.requests) <= 12, story.cluster.requests


# One more than there are writes, so that the last of them is followed by a life in peace.
@pytest.mark.parametrize("moment", ["before", "after"])
@pytest.mark.parametrize("number", range(1, 14))
async def test_a_job_ends_the_same_whenever_the_engine_dies(moment: str, number: int) -> None:
    calm, story = await undisturbed(), Story().given()
    await story.runs_to_the_end(**{moment: dies_at(number)})
    assert story.deaths == (1 if number <= len(calm.cluster.requests) else 0)
    assert story.phase is Phase.SUCCEEDED
    assert len(story.cluster.created) == len(set(story.cluster.created)), "something was made twice"
    # A pod that was announced and then not created counts as one that vanished, so its attempt may be another.
    assert without_attempts(story) == without_attempts(calm)
    assert not story.cluster.all(CLAIMS), "the data stayed"
    assert not story.cluster.all(PODS)


@pytest.mark.parametrize("moment", ["before", "after"])
async def test_a_job_ends_the_same_when_no_engine_lives_for_long(moment: str) -> None:
    story = Story().given()
    for life in range(60):
        if story.phase is Phase.SUCCEEDED:
            break
        await story.engine_works(**{moment: dies_at(1 + life % 6)})
        story.kubelet_runs()
        story.pass_time(1)
    assert story.phase is Phase.SUCCEEDED
    assert story.deaths >= 3
    assert len(story.cluster.created) == len(set(story.cluster.created))


@pytest.mark.parametrize("number", range(1, 14))
async def test_a_stopped_job_ends_stopped_whenever_the_engine_dies(number: int) -> None:
    story = Story().given()
    for _ in range(3):
        await story.engine_works()
        story.kubelet_runs()
    story.cluster.change(JOBS, "branin", lambda item: item["spec"].update(stop=True))
    await story.runs_to_the_end(before=dies_at(number))
    assert story.phase is Phase.STOPPED
    assert not story.cluster.all(CLAIMS)


@pytest.mark.parametrize("moment", ["before", "after"])
@pytest.mark.parametrize("number", range(1, 14))
async def test_a_volume_that_keeps_results_stays_whenever_the_engine_dies(moment: str, number: int) -> None:
    story = Story().given(environment=environment_manifest(results={"volume": {}}, storageExpirySeconds=100))
    await story.runs_to_the_end(**{moment: dies_at(number)})
    assert story.phase is Phase.SUCCEEDED
    assert story.cluster.all(CLAIMS) and not story.cluster.all(PODS)
    story.pass_time(100)
    await story.engine_works(**{moment: dies_at(1 + number % 3)})
    await story.engine_works()
    assert not story.cluster.all(CLAIMS)
    assert story.status["results"]["removedTime"]
