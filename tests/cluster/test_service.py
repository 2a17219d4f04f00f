"""The installed operator-service from outside: what a Provider and its consumer see of whole jobs."""

import json
import pathlib
import uuid
from collections.abc import AsyncIterator
from typing import Any

import pytest
from kubernetes import client, config

from c2d.kube.resources import PODS, Object
from examples.branin import dataset
from examples.demo import prediction
from tests.kit.live import DEADLINE, Live, Site, until
from tests.kit.provider import CODES, Json, Provider, did, jobs_of, new_agreement, raw

GPR = pathlib.Path(dataset.__file__).with_name("gpr.py")
# What a user adds to it: where the rest of what was asked for is to be found.
LOOK = """
import shutil
shutil.copy("/data/inputs/algoCustomData.json", "/data/outputs/parameters.json")
shutil.copy(input_file()[:-1] + "1", "/data/outputs/second")
"""
FOREVER = "import time\nprint('started', flush=True)\ntime.sleep(3600)"
LOGS = ["algorithmLog/algorithm.log", "configrationLog/configure.log", "publishLog/publish.log"]


async def test_a_consumer_learns_from_data_that_nobody_sees(
    consumer: Provider, site: Site, tmp_path: pathlib.Path
) -> None:
    key = uuid.uuid4().hex
    urls = [site.url_of(f"{key}-branin", dataset.arff().encode()), site.url_of(f"{key}-second", b"two\n")]
    parameters = {"degree": 2, "text": "é \u2028 'quoted'"}
    inputs = [{"id": did(key), "url": urls}]
    workflow = raw(GPR.read_text() + LOOK, site.algorithm_image, inputs, algocustomdata=parameters)
    job = await consumer.when_started(workflow)
    codes, status = await consumer.then_followed(job)
    assert (status["status"], status["statusText"]) == (70, "Job finished")
    assert codes == [code for code in CODES if code in codes], "the contract's order, and none of them twice"
    assert (status["algoDID"], status["inputDID"]) == ("", [did(key)])
    results = await consumer.then_results(status)
    assert list(results) == ["output/parameters.json", "output/predicted.png", "output/result", "output/second", *LOGS]
    (tmp_path / "result").write_bytes(results["output/result"])
    found = prediction.compare(prediction.read(tmp_path / "result"))
    assert found.error < prediction.TOLERANCE
    assert json.loads(results["output/parameters.json"]) == parameters
    assert results["output/second"] == b"two\n"
    assert results["output/predicted.png"].startswith(b"\x89PNG")
    assert results[LOGS[0]].startswith(b"400 samples with 2 variables")
    for secret in ("X-Amz-Signature", site.s3_endpoint_in_cluster):
        assert secret not in json.dumps(status)
        assert secret.encode() not in results[LOGS[1]]


async def test_what_is_not_there_is_told_in_the_words_that_clients_know(consumer: Provider, site: Site) -> None:
    job = await consumer.when_started(raw("pass", site.algorithm_image))
    status = await consumer.then_ended(job)
    count = len(status["results"])
    for index, error in (
        (count, f"No such index {count} in this compute job"),
        (-1, "Negative index -1"),
    ):
        answer = await consumer.result(job, index)
        assert (answer.status, answer.error) == (404, error)
    nowhere = uuid.uuid4().hex
    answer = await consumer.result(nowhere, 0)
    assert (answer.status, answer.error) == (404, f"Owner {consumer.owner} mismatch for job {nowhere}")
    assert (await consumer.status(nowhere)).jobs == []


async def test_an_algorithm_that_fails_is_told_as_it_is(consumer: Provider, site: Site) -> None:
    job = await consumer.when_started(raw("print('oh')\nraise SystemExit(3)", site.algorithm_image))
    codes, status = await consumer.then_followed(job)
    assert 40 in codes or codes[-2:] == [60, 70]
    assert (status["status"], status["statusText"]) == (70, "Job finished: AlgorithmFailed (exit code 3)")
    results = await consumer.then_results(status)
    assert list(results) == LOGS
    assert results[LOGS[0]] == b"oh\n"


async def test_a_dataset_that_is_not_there_is_code_31(consumer: Provider, site: Site) -> None:
    url = site.missing_url(uuid.uuid4().hex)
    job = await consumer.when_started(raw("pass", site.algorithm_image, [{"id": did("x"), "url": url}]))
    status = await consumer.then_ended(job)
    assert (status["status"], status["statusText"]) == (31, "Data provisioning failed")
    log = (await consumer.then_results(status))[LOGS[1]]
    assert log
    assert b"X-Amz-Signature" not in log + json.dumps(status).encode()


# -- stop and remove


async def test_a_job_that_waits_is_stopped_before_it_begins(consumer: Provider, story: Live) -> None:
    environment = await story.given_environment(maxJobs=1)
    first = await consumer.when_started(raw(FOREVER, story.site.algorithm_image), environment=environment)
    await consumer.then_code(first, 40)
    second = await consumer.when_started(raw("pass", story.site.algorithm_image), environment=environment)
    assert (await consumer.stop(second)).job["stopreq"] == 1
    status = await consumer.then_ended(second)
    assert (status["status"], status["stopreq"], status["results"]) == (70, 1, "")
    assert status["statusText"] == "Job finished: Stopped"
    assert (await consumer.status(first)).job["status"] == 40, "the neighbour goes on"


@pytest.fixture
async def silent(story: Live) -> AsyncIterator[str]:
    """The URL of a data owner's server in the cluster that accepts connections and never says a word."""
    listens = "import socket, time\nserver = socket.create_server(('', 8080))\ntime.sleep(3600)"
    container = {
        "name": "silent",
        "image": story.site.algorithm_image,
        "imagePullPolicy": "IfNotPresent",
        "command": ["python3", "-c", listens],
        "securityContext": {"allowPrivilegeEscalation": False, "capabilities": {"drop": ["ALL"]}},
    }
    security = {"runAsNonRoot": True, "runAsUser": 10001, "seccompProfile": {"type": "RuntimeDefault"}}
    name = f"silent-{uuid.uuid4().hex[:8]}"
    metadata = {"name": name, "namespace": story.namespace}
    spec = {"containers": [container], "securityContext": security, "terminationGracePeriodSeconds": 0}
    await story.client.create(PODS, {"apiVersion": "v1", "kind": "Pod", "metadata": metadata, "spec": spec})
    try:
        pod = await until(
            lambda: story.client.get(PODS, story.namespace, name), lambda pod: pod["status"]["phase"] == "Running"
        )
        yield f"http://{pod['status']['podIP']}:8080/data"
    finally:
        await story.client.delete(PODS, story.namespace, name)


async def test_a_job_is_stopped_while_its_data_comes(consumer: Provider, story: Live, silent: str) -> None:
    job = await consumer.when_started(raw("pass", story.site.algorithm_image, [{"id": did("x"), "url": silent}]))
    [item] = await jobs_of(story.client, story.namespace, consumer.owner)
    await until(lambda: story.pods(item["metadata"]["name"]), runs)
    assert (await consumer.stop(job)).job["stopreq"] == 1
    status = await consumer.then_ended(job)
    assert (status["status"], status["statusText"], status["stopreq"]) == (70, "Job finished: Stopped", 1)
    assert list(await consumer.then_results(status)) == LOGS[1:]


def runs(pods: list[Object]) -> bool:
    return [pod["status"]["phase"] for pod in pods] == ["Running"]


async def test_a_running_job_is_stopped_and_removed_and_its_neighbour_stays(consumer: Provider, site: Site) -> None:
    workflow = raw("open('/data/outputs/mine', 'w').write('mine')\n" + FOREVER, site.algorithm_image)
    job = await consumer.when_started(workflow)
    neighbour = await consumer.when_started(raw("print('next door')", site.algorithm_image))
    await consumer.then_code(job, 40)
    assert (await consumer.stop(job)).job["stopreq"] == 1
    status = await consumer.then_ended(job)
    assert (status["statusText"], status["stopreq"], status["removed"]) == ("Job finished: Stopped", 1, 0)
    assert (await consumer.then_results(status))[LOGS[0]].startswith(b"started\n")
    assert objects_of(site, job)
    beside = await consumer.then_ended(neighbour)
    kept = objects_of(site, neighbour)

    removed = (await consumer.remove(job)).job
    assert (removed["removed"], removed["results"]) == (1, "")
    await consumer.then(job, lambda _: not objects_of(site, job), "an empty bucket")
    status = (await consumer.status(job)).job
    assert (status["status"], status["removed"], status["results"]) == (70, 1, "")
    answer = await consumer.result(job, 0)
    assert (answer.status, answer.error) == (404, f"No results for job {job}")
    assert (await consumer.remove(job)).job["removed"] == 1, "once more is fine"
    assert objects_of(site, neighbour) == kept
    assert (await consumer.status(neighbour)).job == beside
    await consumer.then_results(beside)


async def test_a_job_that_runs_is_removed_in_one_step(consumer: Provider, site: Site) -> None:
    job = await consumer.when_started(raw(FOREVER, site.algorithm_image))
    await consumer.then_code(job, 40)
    removed = (await consumer.remove(job)).job
    assert (removed["stopreq"], removed["removed"]) == (1, 1)
    status = await consumer.then_ended(job)
    assert (status["status"], status["removed"], status["results"]) == (70, 1, "")
    await consumer.then(job, lambda _: not objects_of(site, job), "an empty bucket")
    assert (await consumer.result(job, 0)).error == f"No results for job {job}"


async def test_an_owner_stops_everything_at_once(consumer: Provider, site: Site) -> None:
    jobs = [await consumer.when_started(raw(FOREVER, site.algorithm_image)) for _ in range(3)]
    stopped = (await consumer.stop()).jobs
    assert {item["jobId"] for item in stopped} == set(jobs)
    dates = [float(item["dateCreated"]) for item in stopped]
    assert dates == sorted(dates), "the oldest first"
    assert {item["stopreq"] for item in stopped} == {1}
    for job in jobs:
        assert (await consumer.then_ended(job))["statusText"] == "Job finished: Stopped"


def objects_of(site: Site, job: str) -> set[str]:
    """The job's keys in the bucket of results."""
    pages = site.s3().get_paginator("list_objects_v2").paginate(Bucket=site.bucket)
    place = f"/{uuid.UUID(job)}/"
    return {item["Key"] for page in pages for item in page.get("Contents", ()) if place in f"/{item['Key']}"}


# -- what a start leaves in the cluster


async def test_what_is_private_is_in_secrets_that_go_with_the_job(consumer: Provider, story: Live) -> None:
    """The service itself could not read them back."""
    environment = await story.given_environment(maxJobs=1)
    url = story.site.url_of(uuid.uuid4().hex, b"x")
    inputs = [{"id": did("x"), "url": url}]
    workflow = raw("# my-own-code", story.site.algorithm_image, inputs, algocustomdata={"my": "parameter"})
    job = await consumer.when_started(workflow, environment=environment)
    [item] = await jobs_of(story.client, story.namespace, consumer.owner)
    for private in (url, "my-own-code", "X-Amz-Signature", "parameter"):
        assert private not in json.dumps(item)
    status = await consumer.then_ended(job)
    assert status["statusText"] == "Job finished"
    config.load_kube_config()
    core = client.CoreV1Api()
    mine = [
        secret.metadata.name for secret in core.list_namespaced_secret(story.namespace).items if _owned(secret, item)
    ]
    assert mine


def _owned(secret: Any, item: Json) -> bool:
    return any(owner.uid == item["metadata"]["uid"] for owner in secret.metadata.owner_references or ())


# -- what the service may do

NEEDED = [
    *((verb, "c2d.oceanprotocol.com", "computejobs") for verb in ("create", "get", "list", "watch", "patch")),
    *((verb, "c2d.oceanprotocol.com", "computeenvironments") for verb in ("list", "watch")),
    ("create", "", "secrets"),
    ("list", "", "pods"),
    ("get", "", "pods/log"),
]
REFUSED = [
    *((verb, "", "secrets") for verb in ("get", "list", "watch", "patch", "update", "delete", "deletecollection")),
    *((verb, "", "pods") for verb in ("get", "create", "delete", "patch")),
    *(
        ("create", "", resource)
        for resource in ("pods/exec", "pods/attach", "pods/portforward", "serviceaccounts/token")
    ),
    *((verb, "c2d.oceanprotocol.com", "computejobs") for verb in ("delete", "deletecollection")),
    *((verb, "c2d.oceanprotocol.com", "computejobs/status") for verb in ("patch", "update")),
    *((verb, "c2d.oceanprotocol.com", "computeenvironments") for verb in ("create", "patch", "delete")),
    *((verb, "rbac.authorization.k8s.io", "roles") for verb in ("get", "create", "bind", "escalate")),
    ("impersonate", "", "serviceaccounts"),
]


@pytest.mark.parametrize(("asked", "allowed"), [(NEEDED, True), (REFUSED, False)], ids=["what it needs", "no more"])
def test_the_service_may_do_what_it_needs_and_no_more(
    site: Site, asked: list[tuple[str, str, str]], allowed: bool
) -> None:
    config.load_kube_config()
    account = _service_account(site.namespace)
    said = {what: _may(account, site.namespace, *what) for what in asked}
    assert said == dict.fromkeys(asked, allowed)


def test_the_service_may_do_nothing_in_other_namespaces(site: Site) -> None:
    config.load_kube_config()
    account = _service_account(site.namespace)
    assert not any(_may(account, "kube-system", *what) for what in [*NEEDED, *REFUSED])


def _service_account(namespace: str) -> str:
    selector = "app.kubernetes.io/component=service"
    [deployment] = client.AppsV1Api().list_namespaced_deployment(namespace, label_selector=selector).items
    name: str = deployment.spec.template.spec.service_account_name
    return f"system:serviceaccount:{namespace}:{name}"


def _may(account: str, namespace: str, verb: str, group: str, resource: str) -> bool:
    name, _, sub = resource.partition("/")
    attributes = client.V1ResourceAttributes(
        namespace=namespace, verb=verb, group=group, resource=name, subresource=sub or None
    )
    review = client.V1SubjectAccessReview(
        spec=client.V1SubjectAccessReviewSpec(
            user=account,
            groups=["system:serviceaccounts", f"system:serviceaccounts:{namespace}", "system:authenticated"],
            resource_attributes=attributes,
        )
    )
    answer = client.AuthorizationV1Api().create_subject_access_review(review, _request_timeout=DEADLINE)
    allowed: bool = answer.status.allowed
    return allowed


async def test_one_agreement_is_one_job_at_the_installed_replicas(consumer: Provider, site: Site) -> None:
    agreement, workflow = new_agreement(), raw(FOREVER, site.algorithm_image)
    job = await consumer.when_started(workflow, agreement)
    again = (await consumer.start(workflow, agreement)).job
    assert again["jobId"] == job
    other = await consumer.start(raw("pass", site.algorithm_image), agreement)
    assert (other.status, other.error) == (400, "`agreementId` already in use for other job.")
    assert [item["jobId"] for item in (await consumer.status(agreement=agreement)).jobs] == [job]
