"""Results that stay on the job's volume, on a real cluster: read over HTTP and by `c2d`, and gone in time."""

import asyncio
import pathlib
import sys

import aiohttp

from c2d.kube.resources import CLAIMS, JOBS, PODS, Object
from tests.kit.live import DEADLINE, Live, until
from tests.kit.provider import Provider, jobs_of, raw

KEPT = {"s3": None, "volume": {"idleSeconds": 60}}
CODE = """
import os
os.makedirs("/data/outputs/sub")
open("/data/outputs/sub/large", "wb").write(bytes(range(256)) * 40_000)
open("/data/outputs/found", "w").write(",".join(sorted(os.listdir("/data/inputs"))))
"""
LARGE = bytes(range(256)) * 40_000


async def claims(story: Live, job: Object) -> list[Object]:
    selector = f"c2d.oceanprotocol.com/job-uid={job['metadata']['uid']}"
    found: list[Object] = (await story.client.list(CLAIMS, story.namespace, labelSelector=selector))["items"]
    return found


async def ended(consumer: Provider, story: Live, **environment: object) -> tuple[str, Object]:
    """(jobId, ComputeJob) of a job that has ended, and whose results are on its volume."""
    name = await story.given_environment(results=KEPT, **environment)
    job = await consumer.when_started(raw(CODE, story.site.algorithm_image), environment=name)
    status = await consumer.then_ended(job)
    assert (status["status"], status["statusText"]) == (70, "Job finished")
    [item] = await jobs_of(story.client, story.namespace, consumer.owner)
    return job, item


async def test_a_provider_fetches_what_stayed_on_the_volume(
    consumer: Provider, story: Live, tmp_path: pathlib.Path
) -> None:
    job, item = await ended(consumer, story)
    status = (await consumer.status(job)).job
    results = await consumer.then_results(status)
    assert results["output/sub/large"] == LARGE
    assert results["output/found"] == b"algoCustomData.json"
    [claim] = await claims(story, item)
    assert item["status"]["results"]["location"] == f"volume://{claim['metadata']['name']}/{item['metadata']['uid']}"
    index = [result["filename"] for result in status["results"]].index("sub/large")
    async with consumer.stream(job, index, Range="bytes=5-260") as answer:
        assert (answer.status, await answer.read()) == (206, LARGE[5:261])
    # And the data owner, who has the cluster and no Provider.
    arguments = ["results", item["metadata"]["name"], "-n", story.namespace, "-o", str(tmp_path / "fetched")]
    process = await asyncio.create_subprocess_exec(sys.executable, "-m", "c2d.cli.main", *arguments)
    assert await asyncio.wait_for(process.wait(), DEADLINE) == 0
    assert (tmp_path / "fetched/outputs/sub/large").read_bytes() == LARGE


async def test_a_reader_is_known_to_no_other_account(consumer: Provider, story: Live) -> None:
    job, item = await ended(consumer, story)
    await consumer.then_results((await consumer.status(job)).job)
    uid = item["metadata"]["uid"]
    selector = f"c2d.oceanprotocol.com/job-uid={uid},c2d.oceanprotocol.com/step=reader"
    [pod] = (await story.client.list(PODS, story.namespace, labelSelector=selector))["items"]
    wrong = await story.client.token(story.namespace, "default", "c2d-reader", 600)
    address = f"http://{pod['status']['podIP']}:8090/x/{uid}/manifest.json"
    async with aiohttp.ClientSession() as session:
        async with session.get(address, headers={"X-C2D-Token": wrong}) as answer:
            assert answer.status == 401
        async with session.get(address) as answer:
            assert answer.status == 401


async def test_removed_results_take_the_volume_along(consumer: Provider, story: Live) -> None:
    job, item = await ended(consumer, story)
    await consumer.then_results((await consumer.status(job)).job)
    answer = await consumer.remove(job)
    assert answer.status == 200
    await until(lambda: claims(story, item), lambda found: not found)
    after = await until(
        lambda: story.client.get(JOBS, story.namespace, item["metadata"]["name"]),
        lambda now: "removedTime" in now["status"]["results"],
    )
    assert after["status"]["phase"] == "Succeeded"
    gone = await consumer.result(job, 0)
    assert gone.status == 404


async def test_results_expire_with_their_volume(consumer: Provider, story: Live) -> None:
    _, item = await ended(consumer, story, storageExpirySeconds=5)
    await until(lambda: claims(story, item), lambda found: not found)
    after = await story.client.get(JOBS, story.namespace, item["metadata"]["name"])
    assert "removedTime" in after["status"]["results"]


async def test_a_deleted_job_takes_everything_along(consumer: Provider, story: Live) -> None:
    job, item = await ended(consumer, story)
    await consumer.then_results((await consumer.status(job)).job)
    await story.client.delete(JOBS, story.namespace, item["metadata"]["name"])
    await until(lambda: claims(story, item), lambda found: not found)
    selector = f"c2d.oceanprotocol.com/job-uid={item['metadata']['uid']}"
    await until(
        lambda: story.client.list(PODS, story.namespace, labelSelector=selector), lambda found: not found["items"]
    )
