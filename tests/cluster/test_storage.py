"""Where results go, on a real cluster: a node of IPFS, and a bucket whose results don't stay for ever."""

import uuid
from collections.abc import Iterator
from pathlib import Path

import pytest
from kubernetes import config

from c2d.kube import errors
from c2d.kube.resources import JOBS, Object
from tests.data_plane import ipfs_server
from tests.data_plane.ipfs_server import IpfsServer
from tests.kit.live import Live, until
from tests.kit.market import address_for_pods
from tests.kit.provider import Provider, jobs_of, raw

LARGE = bytes(range(256)) * 9000
CODE = 'open("/data/outputs/large", "wb").write(bytes(range(256)) * 9000)'
REMOVED = "c2d.oceanprotocol.com/results-removed"
HELD = "c2d.oceanprotocol.com/results"


@pytest.fixture
def node(tmp_path: Path) -> Iterator[IpfsServer]:
    config.load_kube_config()
    address = address_for_pods()
    if address is None:
        pytest.skip("pods can't reach a server of this test: this machine is not the cluster's node")
    with ipfs_server.running(tmp_path, address) as server:
        yield server


async def the_job(consumer: Provider, story: Live) -> Object:
    [item] = await jobs_of(story.client, story.namespace, consumer.owner)
    return item


async def is_gone(story: Live, name: str) -> bool:
    try:
        await story.client.get(JOBS, story.namespace, name)
    except errors.NotFound:
        return True
    return False


def objects(story: Live, item: Object) -> list[str]:
    """What is in the bucket of this job."""
    bucket, _, prefix = item["status"]["results"]["location"].removeprefix("s3://").partition("/")
    return [found["Key"] for found in story.site.s3().list_objects_v2(Bucket=bucket, Prefix=prefix).get("Contents", [])]


async def test_results_go_to_a_node_of_ipfs_and_come_back(consumer: Provider, story: Live, node: IpfsServer) -> None:
    place = {"s3": None, "ipfs": {"apiUrl": node.api, "prefix": f"{uuid.uuid4().hex[:8]}-"}}
    environment = await story.given_environment(results=place)
    job = await consumer.when_started(raw(CODE, story.site.algorithm_image), environment=environment)
    status = await consumer.then_ended(job)
    assert (status["status"], status["statusText"]) == (70, "Job finished")
    item = await the_job(consumer, story)
    cid = item["status"]["results"]["location"].removeprefix("ipfs://")
    assert cid in node.pins()
    results = await consumer.then_results(status)
    assert results["output/large"] == LARGE
    index = [result["filename"] for result in status["results"]].index("large")
    async with consumer.stream(job, index, Range="bytes=300-555") as answer:
        assert (answer.status, await answer.read()) == (206, LARGE[300:556])
    assert (await consumer.remove(job)).status == 200
    await until(lambda: the_job(consumer, story), lambda now: REMOVED in now["metadata"].get("annotations", {}))
    assert cid not in node.pins()


async def test_results_in_a_bucket_expire(consumer: Provider, story: Live) -> None:
    environment = await story.given_environment(storageExpirySeconds=2)
    job = await consumer.when_started(raw(CODE, story.site.algorithm_image), environment=environment)
    await consumer.then_ended(job)
    item = await until(lambda: the_job(consumer, story), lambda now: REMOVED in now["metadata"].get("annotations", {}))
    assert objects(story, item) == []
    assert (await consumer.result(job, 0)).status == 404
    assert (await consumer.status(job)).job["results"] == ""


async def test_a_deleted_job_waits_for_results_that_would_not_stay_for_ever(consumer: Provider, story: Live) -> None:
    environment = await story.given_environment(storageExpirySeconds=86_400)
    job = await consumer.when_started(raw(CODE, story.site.algorithm_image), environment=environment)
    await consumer.then_ended(job)
    item = await until(lambda: the_job(consumer, story), lambda now: HELD in now["metadata"].get("finalizers", []))
    assert objects(story, item)
    await story.client.delete(JOBS, story.namespace, item["metadata"]["name"])

    async def gone() -> bool:
        return await is_gone(story, item["metadata"]["name"])

    await until(gone, bool)
    assert objects(story, item) == []


async def test_results_that_stay_for_ever_outlive_their_job(consumer: Provider, story: Live) -> None:
    job = await consumer.when_started(raw(CODE, story.site.algorithm_image))
    await consumer.then_ended(job)
    item = await the_job(consumer, story)
    assert HELD not in item["metadata"].get("finalizers", [])
    await story.client.delete(JOBS, story.namespace, item["metadata"]["name"])

    async def gone() -> bool:
        return await is_gone(story, item["metadata"]["name"])

    await until(gone, bool)
    assert objects(story, item)
