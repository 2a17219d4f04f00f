"""Replicas of the operator-service on a real API server: they race, they are killed, they lose touch with it."""

import asyncio
import contextlib
import hashlib
import os
import subprocess
import sys
from collections import Counter
from collections.abc import AsyncIterator
from pathlib import Path

import aiohttp
import pytest

from c2d.kube.resources import JOBS
from tests.kit.api_proxy import ApiProxy, api_proxy
from tests.kit.live import DEADLINE, Live
from tests.kit.provider import Provider, jobs_of, new_agreement, raw
from tests.kit.service_process import ServiceProcess, Services

FOREVER = "import time\ntime.sleep(3600)"
IN_USE = "`agreementId` already in use for other job."

# -- one agreement, many starts


async def test_the_same_start_at_two_replicas_at_once_is_one_job(
    customer: Provider, services: Services, there: Live
) -> None:
    one, other = [customer.at(process.url) for process in await services.two()]
    agreement, workflow = new_agreement(), raw("print('once')", there.site.algorithm_image)
    starts = [replica.start(workflow, agreement) for replica in (one, other) * 20]
    jobs = {answer.job["jobId"] for answer in await asyncio.gather(*starts)}
    assert len(jobs) == 1
    assert len(await jobs_of(there.client, there.namespace, customer.owner)) == 1
    [job] = jobs
    status = await one.then_ended(job)
    assert status["statusText"] == "Job finished"
    assert (await other.then_ended(job)) == status

    starts = [replica.start(workflow, agreement) for replica in (one, other) * 5]
    later = {answer.job["jobId"] for answer in await asyncio.gather(*starts)}
    assert len(later) == 1, "an agreement that is used again"
    assert later != jobs
    assert (await other.then_ended(*later))["statusText"] == "Job finished"
    assert [item["jobId"] for item in (await one.status(agreement=agreement)).jobs] == [job, *later]


async def test_of_different_starts_at_two_replicas_at_once_one_kind_wins(
    customer: Provider, services: Services, there: Live
) -> None:
    one, other = [customer.at(process.url) for process in await services.two()]
    agreement = new_agreement()
    workflows = [raw(f"{FOREVER}\n# {kind}", there.site.algorithm_image) for kind in "ab"]
    asked = [(replica, workflow) for replica in (one, other) for workflow in workflows] * 10
    answers = await asyncio.gather(*(replica.start(workflow, agreement) for replica, workflow in asked))
    said = list(zip(asked, answers, strict=True))
    won = [workflows.index(workflow) for (_, workflow), answer in said if answer.status == 200]
    assert len(set(won)) == 1, Counter(answer.status for answer in answers)
    assert len(won) == 20, "the same start again is no other job"
    assert len({answer.job["jobId"] for answer in answers if answer.status == 200}) == 1
    assert Counter((a.status, a.error) for a in answers if a.status != 200) == {(400, IN_USE): 20}
    assert len(await jobs_of(there.client, there.namespace, customer.owner)) == 1


# -- death in the middle of it


@pytest.fixture
async def door(tmp_path: Path) -> AsyncIterator[tuple[ApiProxy, Path]]:
    async with api_proxy(tmp_path) as found:
        yield found


async def test_a_start_that_died_half_way_is_healed_by_its_repetition(
    customer: Provider, services: Services, there: Live, door: tuple[ApiProxy, Path]
) -> None:
    proxy, kubeconfig = door
    process = await services.start(KUBECONFIG=str(kubeconfig))
    await process.ready()
    proxy.catch("POST", "/secrets")
    agreement, workflow = new_agreement(), raw("print('healed')", there.site.algorithm_image)
    lost = asyncio.create_task(customer.at(process.url).start(workflow, agreement))
    async with asyncio.timeout(DEADLINE):
        await proxy.caught.wait()
    await process.kill()
    with pytest.raises(aiohttp.ClientError):
        await lost
    [item] = await jobs_of(there.client, there.namespace, customer.owner)

    successor = await services.start()
    await successor.ready()
    again = (await customer.at(successor.url).start(workflow, agreement)).job
    assert again["jobId"] == item["metadata"]["uid"].replace("-", "")
    status = await customer.at(successor.url).then_ended(again["jobId"])
    assert status["statusText"] == "Job finished"
    assert (await customer.at(successor.url).then_results(status))["algorithmLog/algorithm.log"] == b"healed\n"


# -- results on their way

LARGE = 96  # MiB; more than the buffers between a replica and a client that takes nothing
WRITE = f"""
import hashlib
with open("/data/outputs/large", "wb") as file:
    for number in range({LARGE}):
        file.write(hashlib.shake_128(str(number).encode()).digest(2**20))
"""


def expected() -> str:
    digest = hashlib.sha256()
    for number in range(LARGE):
        digest.update(hashlib.shake_128(str(number).encode()).digest(2**20))
    return digest.hexdigest()


async def given_large_result(customer: Provider, url: str, there: Live) -> str:
    client = customer.at(url)
    job = await client.when_started(raw(WRITE, there.site.algorithm_image))
    status = await client.then_ended(job)
    assert status["results"][0] == {"filename": "large", "filesize": LARGE * 2**20, "type": "output"}, status
    return job


async def test_a_download_outlives_the_replica_that_it_came_from(
    customer: Provider, services: Services, there: Live
) -> None:
    one, other = await services.two()
    job = await given_large_result(customer, one.url, there)
    got = bytearray()
    async with contextlib.AsyncExitStack() as stack:
        front = await stack.enter_async_context(in_front_of(one, other))
        tool = await stack.enter_async_context(command_line(customer, front, job))
        async with customer.at(one.url).stream(job, 0) as response:
            assert (response.status, response.content_length) == (200, LARGE * 2**20)
            tag = response.headers["ETag"]
            got += await response.content.readexactly(3 * 2**20)
            first = await tool.stdout.readexactly(2**20)  # type: ignore[union-attr]
            await one.kill()
            with pytest.raises((aiohttp.ClientError, asyncio.IncompleteReadError, ConnectionError)):
                while True:
                    got += await response.content.readexactly(2**16)
        assert len(got) < LARGE * 2**20, "it was on its way"

        headers = {"Range": f"bytes={len(got)}-", "If-Range": tag}
        async with customer.at(other.url).stream(job, 0, **headers) as response:
            assert response.status == 206
            assert response.headers["Content-Range"] == f"bytes {len(got)}-{LARGE * 2**20 - 1}/{LARGE * 2**20}"
            got += await response.read()
        assert hashlib.sha256(got).hexdigest() == expected()

        rest, complaint = await asyncio.wait_for(tool.communicate(), DEADLINE)
        assert tool.returncode == 0, complaint
        assert hashlib.sha256(first + rest).hexdigest() == expected(), "c2d provider result goes on elsewhere"


async def test_a_replica_that_is_told_to_end_lets_its_downloads_end(
    customer: Provider, services: Services, there: Live
) -> None:
    process = await services.start()
    await process.ready()
    job = await given_large_result(customer, process.url, there)
    async with customer.at(process.url).stream(job, 0) as response:
        assert response.status == 200
        digest = hashlib.sha256(await response.content.readexactly(2**20))
        process.terminate()
        await process.then_says("/readyz", 503)
        async for piece in response.content.iter_any():
            digest.update(piece)
    assert digest.hexdigest() == expected()
    assert await process.exit_code() == 0, process.told()


@contextlib.asynccontextmanager
async def in_front_of(*replicas: ServiceProcess) -> AsyncIterator[str]:
    """A URL that leads to the first of them which answers, as a Service does."""

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        for replica in replicas:
            with contextlib.suppress(ConnectionError):
                up = await asyncio.open_connection("127.0.0.1", replica.port)
                await asyncio.gather(_pour(reader, up[1]), _pour(up[0], writer))
                return
        writer.close()

    async with await asyncio.start_server(serve, "127.0.0.1", 0) as server:
        yield f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}"


async def _pour(source: asyncio.StreamReader, target: asyncio.StreamWriter) -> None:
    try:
        while piece := await source.read(2**16):
            target.write(piece)
            await target.drain()
    except ConnectionError:
        pass
    finally:
        target.close()


@contextlib.asynccontextmanager
async def command_line(customer: Provider, url: str, job: str) -> AsyncIterator[asyncio.subprocess.Process]:
    """`c2d provider result`, which waits as long as nobody reads what it prints."""
    program = [
        sys.executable,
        "-m",
        "c2d.cli.main",
        "provider",
        "result",
        job,
        "0",
        "--owner",
        customer.owner,
        "-o",
        "-",
    ]
    environment = {**os.environ, "C2D_SERVICE_URL": url}
    process = await asyncio.create_subprocess_exec(
        *program, env=environment, stdout=subprocess.PIPE, stderr=subprocess.PIPE
    )
    try:
        yield process
    finally:
        with contextlib.suppress(ProcessLookupError):
            process.kill()
        await process.wait()


# -- an API server that is out of reach


@pytest.mark.parametrize("how", ["gone", "silent"])
async def test_a_replica_without_the_api_server_says_so_and_comes_back(
    customer: Provider, services: Services, there: Live, door: tuple[ApiProxy, Path], how: str
) -> None:
    proxy, kubeconfig = door
    process = await services.start(KUBECONFIG=str(kubeconfig))
    await process.ready()
    replica = customer.at(process.url)
    workflow = raw(FOREVER, there.site.algorithm_image)
    job = await replica.when_started(workflow, environment="default")
    before = (await replica.status(job)).job

    proxy.cut() if how == "gone" else proxy.silence()
    await process.then_says("/readyz", 503)
    for answer in (await replica.status(job), await replica.result(job, 0), await replica.stop(job)):
        assert answer.status == 503, "old news are no news"
        assert "try again" in answer.error
    assert (await replica.start(workflow)).status == 503
    [environment] = (await replica.get("/api/v1/operator/environments")).body
    assert environment["id"] == "default", "a Provider fails as a whole without them"
    assert (await replica.get("/healthz")).status == 200, "nothing that a restart could mend"
    # What happened meanwhile: nobody told this replica.
    await stopped(there, job)

    proxy.mend()
    await process.ready()
    status = await replica.then_ended(job)
    assert (status["jobId"], status["dateCreated"], status["stopreq"]) == (job, before["dateCreated"], 1)


async def stopped(there: Live, job: str) -> None:
    listed = await there.client.list(JOBS, there.namespace)
    [item] = [item for item in listed["items"] if item["metadata"]["uid"].replace("-", "") == job]
    await there.when_stopped(item["metadata"]["name"])
    await there.then_ended(item["metadata"]["name"])
