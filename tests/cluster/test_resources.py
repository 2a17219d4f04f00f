"""What the API server makes of our definitions: nonsense is refused with the field, and a job can't be rewritten."""

import pytest

from c2d.api.phases import Phase
from c2d.kube import errors
from c2d.kube.resources import JOBS
from tests.kit.live import Live

NONSENSE = [
    pytest.param({"inputs": [{"id": "../x", "files": [{"url": "https://a"}]}]}, "spec.inputs[0].id", id="a path"),
    pytest.param({"inputs": [{"id": "x", "files": []}]}, "spec.inputs[0].files", id="an input without files"),
    pytest.param({"inputs": [{"id": "x", "files": [{}]}]}, "exactly one of url, urlFrom", id="a file without a source"),
    pytest.param(
        {"inputs": [{"id": "x", "files": [{"url": "https://a"}]}] * 2}, "spec.inputs[1]", id="one id for two inputs"
    ),
    pytest.param({"chainId": "one"}, "spec.chainId", id="a word for a number"),
    pytest.param({"validUntil": "tomorrow"}, "spec.validUntil", id="a word for a time"),
]


@pytest.mark.parametrize(("spec", "told"), NONSENSE)
async def test_nonsense_is_refused_by_the_api_server(story: Live, spec: dict[str, object], told: str) -> None:
    with pytest.raises(errors.Rejected) as caught:
        await story.when_submitted(**spec)
    assert told in str(caught.value)


CHANGES = [
    pytest.param({"environment": "other"}, "environment can't be changed", id="the environment"),
    pytest.param({"algorithm": {"customData": {"factor": 2}}}, "algorithm can't be changed", id="the parameters"),
    pytest.param(
        {"inputs": [{"id": "x", "files": [{"url": "https://b"}]}]}, "inputs can't be changed", id="the inputs"
    ),
    pytest.param({"owner": "0x1"}, "owner can't be changed", id="the owner"),
    pytest.param({"resultsAsset": {"name": "x"}}, "resultsAsset can't be changed", id="what becomes of the results"),
]


@pytest.mark.parametrize(("change", "told"), CHANGES)
async def test_what_was_asked_cannot_be_rewritten(story: Live, change: dict[str, object], told: str) -> None:
    job = await story.when_submitted(environment="of-nobody")
    with pytest.raises(errors.Rejected) as caught:
        await story.client.patch(JOBS, story.namespace, job, {"spec": change})
    assert told in str(caught.value)


async def test_a_stop_cannot_be_taken_back(story: Live) -> None:
    job = await story.when_submitted(environment="of-nobody")
    await story.when_stopped(job)
    with pytest.raises(errors.Rejected, match="can't be taken back"):
        await story.client.patch(JOBS, story.namespace, job, {"spec": {"stop": False}})
    assert (await story.then_ended(job))["phase"] == Phase.STOPPED


async def test_a_finished_job_goes_when_its_time_is_over(story: Live) -> None:
    job = await story.when_submitted(environment="of-nobody", stop=True, ttlSecondsAfterFinished=1)
    with pytest.raises(errors.NotFound):
        await story.then(job, lambda _: False, "its end")
