"""Published assets on a real kubelet: ordered at a Provider, signed for by the engine, fetched by configure.

Aquarius and the Provider are the test's own, on this machine; the Provider is as strict as Ocean's.
"""

import json
import os
from collections.abc import AsyncIterator, Iterator
from pathlib import Path
from typing import Any

import aiohttp
import pytest
import yaml
from kubernetes import client, config

from c2d.api.phases import Phase
from c2d.api.plan import SIGNER_AUDIENCE
from c2d.ocean.signatures import PrivateKey
from tests.data_plane.provider_server import verbatim
from tests.kit import ddos
from tests.kit.engine_process import engine, namespace_of_its_own
from tests.kit.live import Live, Site, live
from tests.kit.market import Halfway, Market, Ordered, address_for_pods, market, overtaken, taken
from tests.kit.pod_tokens import token_of
from tests.kit.provider import Json, Provider, jobs_of

# Shows everything that lies where algorithms look for their data.
SHOW = """
import json, os, pathlib
found = {
    str(path): path.read_text()
    for top in ("/data/inputs", "/data/ddos")
    for path in sorted(pathlib.Path(top).rglob("*"))
    if path.is_file()
}
outputs = pathlib.Path("/data/outputs")
(outputs / "found.json").write_text(json.dumps(found))
(outputs / "dids.json").write_text(os.environ["DIDS"])
"""
USER_DATA = {"from": "Zürich & Bern", "years": [2024, None], "n": 1.5}
SENT = "%7B%22from%22%3A%22Z%C3%BCrich%20%26%20Bern%22%2C%22years%22%3A%5B2024%2Cnull%5D%2C%22n%22%3A1.5%7D"
BIG = os.urandom(1_000_000).hex().encode()


@pytest.fixture(scope="session")
def address() -> str:
    config.load_kube_config()
    address = address_for_pods()
    if address is None:
        pytest.skip("pods can't reach a server of this test: this machine is not the cluster's node")
    return address


@pytest.fixture
async def market_here(site: Site, consumer: Provider, address: str) -> AsyncIterator[Market]:
    """Whatever is in it was ordered for the one whom the service tells people to order for."""
    [environment] = [
        item for item in (await consumer.get("/api/v1/operator/environments")).body if item["id"] == "default"
    ]
    with market(address, environment["consumerAddress"], site.algorithm_image) as here:
        yield here


def contents(ordered: Ordered) -> dict[str, str]:
    """What an algorithm finds of a dataset."""
    files = {f"/data/inputs/{ordered.folder}/{n}": text.decode() for n, text in enumerate(ordered.asset.files)}
    return {**files, f"/data/ddos/{ordered.folder}": verbatim(ordered.asset).decode()}


async def then_succeeded(consumer: Provider, job: str) -> dict[str, bytes]:
    status = await consumer.then_ended(job)
    assert (status["status"], status["statusText"]) == (70, "Job finished"), status
    return await consumer.then_results(status)


async def then_failed(consumer: Provider, story: Live, workflow: Json, code: int, reason: str) -> str:
    """The ComputeJob's message."""
    status = await consumer.then_ended(await consumer.when_started(workflow))
    [item] = await jobs_of(story.client, story.namespace, consumer.owner)
    told = item["status"]
    assert (status["status"], told["reason"]) == (code, reason), told
    assert "algorithm" not in told["steps"], "it never met the data"
    log = (await consumer.then_results(status))["configrationLog/configure.log"].decode()
    assert "geheim" not in log + json.dumps(item), "a Provider's words may hold what nobody else may see"
    return str(told["message"])


async def test_published_data_and_a_published_algorithm_meet(
    consumer: Provider, story: Live, market_here: Market
) -> None:
    algorithm = market_here.algorithm(SHOW)
    many = market_here.dataset(
        b"one", b"two", "drei: ä".encode(), publisherTrustedAlgorithms=[trusted(market_here, algorithm)]
    )
    one = market_here.dataset(b"mine", user_data=USER_DATA, publisherTrustedAlgorithmPublishers=[ddos.OWNER])
    job = await consumer.when_started(market_here.workflow(algorithm, many, one))
    codes, status = await consumer.then_followed(job)
    assert codes[-1] == 70
    assert (status["algoDID"], status["inputDID"]) == (algorithm.did, [many.did, one.did])
    results = await then_succeeded(consumer, job)
    found = json.loads(results["output/found.json"])
    assert found.pop("/data/inputs/algoCustomData.json") == "null"
    assert found.pop(f"/data/ddos/{algorithm.folder}") == verbatim(algorithm.asset).decode()
    assert found == {**contents(many), **contents(one)}
    assert json.loads(results["output/dids.json"]) == [many.folder, one.folder]
    then_asked_as_providers_expect(market_here, one)
    [item] = await jobs_of(story.client, story.namespace, consumer.owner)
    assert "Bern" not in json.dumps([item, status], ensure_ascii=False), "user data is nobody else's business"


def then_asked_as_providers_expect(here: Market, with_user_data: Ordered) -> None:
    nonces = here.nonces()
    assert len(nonces) == 5
    assert nonces == sorted(set(nonces)), "each above all before"
    downloads = [request for request in here.ocean.seen if request.path.endswith("/download")]
    sent = [request.raw_path for request in downloads if request.query["documentId"] == with_user_data.did]
    assert [path.partition("&userdata=")[2] for path in sent] == [SENT]
    assert "userdata" not in str([request.raw_path for request in downloads if request.raw_path not in sent])


def trusted(here: Market, algorithm: Ordered, **other: str) -> dict[str, str]:
    """As a publisher lists it."""
    listed = {
        "did": algorithm.did,
        "filesChecksum": ddos.files_checksum(algorithm.asset.files),
        "containerSectionChecksum": ddos.container_checksum(here.container),
    }
    return {**listed, **other}


async def test_a_slow_download_is_seen_in_the_status(consumer: Provider, story: Live, market_here: Market) -> None:
    dataset, halfway = market_here.dataset(BIG), Halfway(len(BIG) // 2)
    dataset.asset.faults = [halfway.fault()]
    job = await consumer.when_started(market_here.raw(SHOW, dataset))
    await halfway.then_reached()
    [item] = await jobs_of(story.client, story.namespace, consumer.owner)
    name = item["metadata"]["name"]
    status = await story.then(name, lambda status: "progress" in status, "progress")
    assert status["phase"] == Phase.CONFIGURING
    assert 0 < status["steps"]["configure"]["progress"]["bytes"] < len(BIG)
    assert any(unit in status["progress"] for unit in ("KiB", "MiB"))
    halfway.go_on.set()
    assert contents(dataset).items() <= json.loads((await then_succeeded(consumer, job))["output/found.json"]).items()
    [item] = await jobs_of(story.client, story.namespace, consumer.owner)
    assert "progress" not in json.dumps(item["status"])


async def test_nonces_that_the_provider_refuses_are_replaced(consumer: Provider, market_here: Market) -> None:
    dataset = market_here.dataset(b"one", b"two")
    dataset.asset.faults = [overtaken(), taken(), overtaken()]
    results = await then_succeeded(consumer, await consumer.when_started(market_here.raw(SHOW, dataset)))
    found = json.loads(results["output/found.json"])
    assert contents(dataset).items() <= found.items()
    nonces = market_here.nonces()
    assert len(nonces) >= 5, "two files, and three refusals"
    assert nonces == sorted(set(nonces))


async def test_jobs_at_once_never_share_a_nonce(consumer: Provider, market_here: Market) -> None:
    datasets = [market_here.dataset(b"one", b"two", b"three") for _ in range(3)]
    jobs = [await consumer.when_started(market_here.raw(SHOW, dataset)) for dataset in datasets]
    for job, dataset in zip(jobs, datasets, strict=True):
        found = json.loads((await then_succeeded(consumer, job))["output/found.json"])
        assert contents(dataset).items() <= found.items()
    nonces = market_here.nonces()
    assert len(nonces) >= 9
    assert len(set(nonces)) == len(nonces)


async def test_an_order_that_is_not_valid_is_code_31(consumer: Provider, story: Live, market_here: Market) -> None:
    dataset = market_here.dataset(b"x")
    dataset.asset.order = ("service-1", "0xof-somebody-else")
    message = await then_failed(consumer, story, market_here.raw("pass", dataset), 31, "InputDownloadFailed")
    assert "Order is not valid" in message


async def test_data_that_aquarius_does_not_know_is_code_31(
    consumer: Provider, story: Live, market_here: Market
) -> None:
    dataset = market_here.unknown()
    message = await then_failed(consumer, story, market_here.raw("pass", dataset), 31, "InputDownloadFailed")
    assert f"the DDO of {dataset.did}" in message
    assert "404" in message


async def test_raw_code_stays_away_from_data_that_does_not_allow_it(
    consumer: Provider, story: Live, market_here: Market
) -> None:
    dataset = market_here.dataset(b"x", allowRawAlgorithm=False)
    message = await then_failed(consumer, story, market_here.raw("pass", dataset), 32, "AlgorithmNotTrusted")
    assert dataset.did in message
    assert "allowRawAlgorithm" in message
    assert market_here.nonces() == [], "no data is fetched for it"


@pytest.mark.parametrize("checksum", ["filesChecksum", "containerSectionChecksum"])
async def test_an_algorithm_that_is_not_what_was_trusted_stays_away_from_the_data(
    consumer: Provider, story: Live, market_here: Market, checksum: str
) -> None:
    algorithm = market_here.algorithm(SHOW)
    listed = trusted(market_here, algorithm, **{checksum: "0" * 64})
    dataset = market_here.dataset(b"x", publisherTrustedAlgorithms=[listed])
    workflow = market_here.workflow(algorithm, dataset)
    message = await then_failed(consumer, story, workflow, 32, "AlgorithmNotTrusted")
    assert checksum in message
    asked = {query["documentId"] for query in market_here.ocean.queries()}
    assert asked == {algorithm.did}, "no data is fetched for it"


async def test_a_configure_pod_gets_signatures_for_its_own_job_only(
    consumer: Provider, story: Live, market_here: Market
) -> None:
    mine, other = market_here.dataset(BIG), market_here.dataset(b"of another job")
    halfway = Halfway(len(BIG) // 2)
    mine.asset.faults = [halfway.fault()]
    job = await consumer.when_started(market_here.raw(SHOW, mine))
    await halfway.then_reached()
    [item] = await jobs_of(story.client, story.namespace, consumer.owner)
    [pod] = await story.pods(item["metadata"]["name"])
    token = await token_of(story.client, story.namespace, SIGNER_AUDIENCE, pod)
    signer = f"http://{engine_address(story.namespace)}:8081"
    assert await asked_to_sign(signer, token, other.did) == (403, {"error": "the job does not name this asset"})
    status, answer = await asked_to_sign(signer, token, mine.did)
    assert (status, answer["consumerAddress"]) == (200, market_here.ocean.consumer)
    halfway.go_on.set()
    await then_succeeded(consumer, job)
    assert (await asked_to_sign(signer, token, mine.did))[0] in (401, 403), "its time is over"


def engine_address(namespace: str) -> str:
    selector = "app.kubernetes.io/component=engine"
    [service] = client.CoreV1Api().list_namespaced_service(namespace, label_selector=selector).items
    return str(service.spec.cluster_ip)


async def asked_to_sign(signer: str, token: str, did: str) -> tuple[int, Json]:
    headers = {"Authorization": f"Bearer {token}"}
    async with (
        aiohttp.ClientSession(headers=headers) as session,
        session.post(f"{signer}/sign", json={"did": did}) as response,
    ):
        return response.status, await response.json()


# -- an engine that is killed


@pytest.fixture(scope="module")
def namespace(site: Site) -> Iterator[str]:
    with namespace_of_its_own(site) as name:
        yield name


@pytest.fixture
async def crashing(site: Site, namespace: str) -> AsyncIterator[Live]:
    async with live(site, namespace) as story:
        yield story


def in_namespace(namespace: str, folder: Path) -> str:
    """A kubeconfig for an engine that keeps its nonces there."""
    content = yaml.safe_load(Path(os.environ["KUBECONFIG"]).read_text())
    for each in content["contexts"]:
        each["context"]["namespace"] = namespace
    (folder / "kubeconfig").write_text(yaml.safe_dump(content))
    return str(folder / "kubeconfig")


async def given_job(story: Live, here: Market, *datasets: Ordered) -> str:
    # An engine outside of the cluster doesn't know its addresses, so the environment names what must be out of reach.
    probe = story.site.s3_endpoint_in_cluster.replace("http://", "tcp://")
    environment = await story.given_environment(isolation={"probes": [probe]})
    inputs = [{"id": dataset.did, "service": _service(here, dataset)} for dataset in datasets]
    return await story.when_submitted(SHOW, environment=environment, inputs=inputs)


def _service(here: Market, dataset: Ordered) -> Json:
    """The order as a ComputeJob has it."""
    order = {"serviceId": dataset.remote["serviceId"], "transferTxId": dataset.remote["txId"]}
    return {**order, "metadataUri": here.ocean.origin}


async def test_an_engine_that_is_killed_while_data_comes_goes_on_with_larger_nonces(
    crashing: Live, site: Site, address: str, tmp_path: Path
) -> None:
    key = f"0x{os.urandom(32).hex()}"
    variables = {
        "OPERATOR_PRIVATE_KEY": key,
        "C2D_SIGNER_URL": f"http://{address}:{{signer_port}}",
        "KUBECONFIG": in_namespace(crashing.namespace, tmp_path),
    }
    deaths = [Halfway(len(BIG) // 3), Halfway(len(BIG) // 3)]
    with market(address, PrivateKey(key).address, site.algorithm_image) as here:
        big, small = here.dataset(BIG), here.dataset(b"two", b"three")
        big.asset.faults = [each.fault() for each in deaths]
        job = await given_job(crashing, here, big, small)
        async with engine(crashing.namespace, site.operator_image, **variables) as process:
            for halfway in deaths:
                await halfway.then_reached()
                await process.kill()
                # Now configure has to ask for another signature, and nobody is there.
                halfway.go_on.set()
                await process.start()
            status = await crashing.then_ended(job)
    assert status["phase"] == Phase.SUCCEEDED, status
    assert status["steps"]["configure"]["attempt"] == 0, "configure waited for the signer"
    found = json.loads(crashing.results(status)["output/found.json"])
    assert {**contents(big), **contents(small)}.items() <= found.items()
    nonces = here.nonces()
    assert len(nonces) == 5
    assert nonces == sorted(set(nonces)), "each above all before"


# -- data that is no asset


async def then_read(story: Live, code: str = SHOW, **spec: Any) -> dict[str, bytes]:
    status = await story.then_ended(await story.when_submitted(code, **spec))
    assert status["phase"] == Phase.SUCCEEDED, status
    return story.results(status)


async def test_a_volume_of_the_data_owners_is_there_to_be_read_only(story: Live) -> None:
    claim = await story.given_volume(data="large")
    environment = await story.given_environment(assets={"allowVolumes": True})
    code = """
import pathlib
place = pathlib.Path("/data/inputs/big")
written = []
for path in (place / "new", place / "data"):
    try:
        path.write_text("changed")
        written.append(str(path))
    except OSError:
        pass
pathlib.Path("/data/outputs/seen").write_text(f"{(place / 'data').read_text()} {written}")
"""
    inputs = [{"id": "big", "volume": {"claimName": claim}}]
    results = await then_read(story, code, environment=environment, inputs=inputs)
    assert results["output/seen"] == b"large []"


async def test_an_object_in_a_bucket_is_fetched_with_its_own_credentials(story: Live) -> None:
    story.site.url_of("object", b"from a bucket")
    keys = ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY")
    secret = await story.given_secret(**{name: os.environ[name] for name in keys})
    place = {"endpoint": story.site.s3_endpoint_in_cluster, "bucket": story.site.datasets, "key": "object"}
    files = [{"s3": {**place, "credentialsSecretName": secret}}]
    results = await then_read(story, inputs=[{"id": "x", "files": files}])
    assert json.loads(results["output/found.json"])["/data/inputs/x/0"] == "from a bucket"


async def test_a_file_in_a_secret_is_an_input(story: Live) -> None:
    secret = await story.given_secret(content="kept ä")
    files = [{"contentFrom": {"secretKeyRef": {"name": secret, "key": "content"}}}]
    results = await then_read(story, inputs=[{"id": "x", "files": files}])
    assert json.loads(results["output/found.json"])["/data/inputs/x/0"] == "kept ä"


async def test_a_url_at_a_private_address_is_refused(story: Live) -> None:
    url = story.site.url_of("private", b"x")
    environment = await story.given_environment(assets={"allowPrivateAddresses": False})
    job = await story.when_submitted(environment=environment, inputs=[{"id": "x", "files": [{"url": url}]}])
    status = await story.then_ended(job)
    assert (status["reason"], status["code"]) == ("InputDownloadFailed", 31)
    assert "private address" in status["message"]
    assert "algorithm" not in status["steps"]
