"""Whatever the cluster does to a job: it ends, its algorithm runs once at most, and then nothing happens any more."""

import asyncio
import json
from collections.abc import Callable
from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as some

from c2d.api.phases import TERMINAL
from c2d.api.progress import Progress
from c2d.api.reasons import ENDINGS, Reason
from c2d.kube import errors
from c2d.kube.resources import CLAIMS, JOBS, PODS, Object
from tests.kit import build
from tests.kit.story import Story
from tests.kit.world import Died

Event = Callable[[Story], Any]


def newest_pod(story: Story) -> Object | None:
    alive = [pod for pod in story.cluster.all(PODS) if pod["status"]["phase"] in ("Pending", "Running")]
    return alive[-1] if alive else None


def to_pod(change: Callable[[Story, Object], Any]) -> Event:
    def event(story: Story) -> None:
        pod = newest_pod(story)
        if pod is not None:
            change(story, pod)

    return event


def fails(exit_code: int, said: Any = None, **status: str) -> Event:
    def change(story: Story, pod: Object) -> None:
        if pod["status"]["phase"] == "Pending":
            story.pod_runs(pod)
        story.pod_ends(story.cluster.objects[PODS.plural, "ns", pod["metadata"]["name"]], exit_code, json.dumps(said))
        story.cluster.change(PODS, pod["metadata"]["name"], lambda item: item["status"].update(status))

    return to_pod(change)


def refused_by_node(story: Story, pod: Object) -> None:
    status = {"phase": "Failed", "reason": "OutOfmemory", "message": "no"}
    story.cluster.change(PODS, pod["metadata"]["name"], lambda item: item.update(status=status))


def waits(reason: str) -> Event:
    state = {"waiting": {"reason": reason, "message": reason.lower()}}
    status = {"phase": "Pending", "containerStatuses": [{"state": state}]}

    def change(story: Story, pod: Object) -> None:
        if pod["status"]["phase"] == "Pending":
            story.cluster.change(PODS, pod["metadata"]["name"], lambda item: item.update(status=status))

    return to_pod(change)


def deleted(story: Story, pod: Object) -> None:
    story.cluster.objects.pop((PODS.plural, "ns", pod["metadata"]["name"]))


def stopped(story: Story) -> None:
    story.cluster.change(JOBS, "branin", lambda item: item["spec"].update(stop=True))


def transferred(story: Story) -> None:
    """Every pod that runs has got some way in ten seconds."""
    before = story.told.get("configure", Progress(done=0))
    story.told = dict.fromkeys(("configure", "publish"), Progress(done=before.done + 1024, total=1024**2))
    story.pass_time(10)


EVENTS: dict[str, Event] = {
    "the kubelet goes on": Story.kubelet_runs,
    "a second passes": lambda story: story.pass_time(1),
    "a minute passes": lambda story: story.pass_time(60),
    "an hour passes": lambda story: story.pass_time(3600),
    "a transfer goes on": transferred,
    "the pod fails": fails(1),
    "the pod asks for another": fails(75, {"reason": "InputDownloadFailed"}),
    "the pod leaks": fails(121, {"gate": {"verdict": "Leaking"}}),
    "the pod is killed for memory": fails(137, {**build.ISOLATED, "oomKills": 1}),
    "the pod is evicted": fails(137, None, reason="Evicted"),
    "the pod ends well and says nonsense": fails(0, [1]),
    "the node refuses the pod": to_pod(refused_by_node),
    "the image isn't there": waits("ImagePullBackOff"),
    "the image has no name": waits("InvalidImageName"),
    "somebody deletes the pod": to_pod(deleted),
    "somebody stops the job": stopped,
}


def dies_or_fails(number: int, how: str) -> Callable[[str], None]:
    left = number

    def write(what: str) -> None:
        nonlocal left
        left -= 1
        if left == 0 and how == "dies":
            raise Died
        if left == 0 and what.startswith("create"):
            raise errors.Rejected("exceeded quota")

    return write


async def live(story: Story, events: list[str], troubles: list[tuple[int, str, str]]) -> None:
    for event, (number, how, moment) in zip(events, troubles, strict=True):
        before = story.phase
        if how == "refused":
            await story.engine_works(before=dies_or_fails(number, how))
        else:
            await story.engine_works(**{moment: dies_or_fails(number, how)})
        assert before == story.phase or before not in TERMINAL
        EVENTS[event](story)


async def calm(story: Story) -> None:
    """No more trouble, and time enough for every clock."""
    for _ in range(40):
        await story.engine_works()
        if story.phase in TERMINAL:
            await story.engine_works()
            return
        story.kubelet_runs()
        story.pass_time(120)
    raise AssertionError(f"stuck in {story.phase}: {story.status}")


trouble = some.tuples(
    some.integers(0, 6), some.sampled_from(["dies", "refused"]), some.sampled_from(["before", "after"])
)


@settings(max_examples=300, deadline=None)
@given(some.lists(some.tuples(some.sampled_from(sorted(EVENTS)), trouble), max_size=25))
def test_every_job_ends_and_stays_ended(life: list[tuple[str, tuple[int, str, str]]]) -> None:
    async def run() -> None:
        story = Story().given()
        await live(story, [event for event, _ in life], [trouble for _, trouble in life])
        await calm(story)
        status = story.status
        assert status["dateFinished"]
        assert status["code"] in (31, 32, 70)
        assert "progress" not in status, "a transfer outlived the job"
        assert ENDINGS[Reason(status["reason"])].phase == status["phase"]
        started = [pod for pod in story.cluster.created if "-algorithm-" in pod]
        assert len(started) == len(set(started)), "an algorithm pod was created twice"
        kept = status["reason"] == Reason.PUBLISH_FAILED
        assert kept or not story.cluster.all(CLAIMS), "the data stayed"
        await nothing_more_happens(story)

    asyncio.run(run())


async def nothing_more_happens(story: Story) -> None:
    for key in [key for key in story.cluster.objects if key[0] == PODS.plural]:
        del story.cluster.objects[key]
    before = (list(story.cluster.requests), story.status)
    story.pass_time(100_000)
    await story.engine_works()
    assert (story.cluster.requests, story.status) == before
