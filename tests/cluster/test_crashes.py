"""The engine is killed while a job runs, on a real API server and a real kubelet; another engine goes on."""

import asyncio
from collections.abc import AsyncIterator, Iterator

import pytest

from c2d.api.phases import TERMINAL, Phase
from tests.kit.engine_process import engine, namespace_of_its_own
from tests.kit.live import Live, Site, live

ALGORITHM = """
import time
open("/data/outputs/ran", "x").write("once")
time.sleep(2)
"""


@pytest.fixture(scope="module")
def namespace(site: Site) -> Iterator[str]:
    with namespace_of_its_own(site) as name:
        yield name


@pytest.fixture
async def crashing(site: Site, namespace: str) -> AsyncIterator[Live]:
    async with live(site, namespace) as story:
        yield story


async def given_job(story: Live) -> str:
    # An engine outside of the cluster doesn't know its addresses, so the environment names what must be out of reach.
    probe = story.site.s3_endpoint_in_cluster.replace("http://", "tcp://")
    environment = await story.given_environment(isolation={"probes": [probe]})
    return await story.when_submitted(ALGORITHM, environment=environment)


async def then_it_ran_once(story: Live, job: str) -> None:
    status = await story.then_ended(job)
    assert status["phase"] == Phase.SUCCEEDED, status
    assert story.results(status)["output/ran"] == b"once"
    await story.then_claims_are_gone(job)


async def test_an_engine_that_is_killed_in_every_phase_still_brings_the_job_to_its_end(crashing: Live) -> None:
    job = await given_job(crashing)
    killed = []
    async with engine(crashing.namespace, crashing.site.operator_image) as process:
        for phase in (Phase.CONFIGURING, Phase.PROVISIONED, Phase.RUNNING, Phase.PUBLISHING):
            later = [after for after in Phase if list(Phase).index(after) >= list(Phase).index(phase)]
            status = await crashing.then_phase(job, *later)
            killed.append(status["phase"])
            await process.die_and_come_back()
        await then_it_ran_once(crashing, job)
    assert Phase.CONFIGURING in killed


async def test_an_engine_that_never_lives_for_long_still_brings_the_job_to_its_end(crashing: Live) -> None:
    job = await given_job(crashing)
    async with engine(crashing.namespace, crashing.site.operator_image) as process:

        async def keep_dying() -> None:
            for life in range(30):
                # Each life ends at another instruction: that is what this wait is for, nothing depends on its length.
                await asyncio.sleep(2.5 + life * 0.17)
                await process.die_and_come_back()

        dying = asyncio.create_task(keep_dying())
        await crashing.then_phase(job, *TERMINAL)
        dying.cancel()
        await asyncio.gather(dying, return_exceptions=True)
        await process.die_and_come_back()
        await then_it_ran_once(crashing, job)
