"""One agreement pays for one run at a time, whoever asks, how often, and at how many replicas."""

import asyncio
import contextlib
import random
from collections.abc import AsyncIterator, Sequence
from typing import Any

import pytest

from c2d.kube import errors
from c2d.kube.resources import JOBS
from tests.kit.service import (
    FINISHED,
    KEY,
    OWNER,
    FakeArchive,
    Provider,
    Service,
    ServiceCluster,
    environment,
    job,
    new_cluster,
    raw,
    running,
    workflow,
)

IN_USE = "`agreementId` already in use for other job."
OTHER_OWNER = "0x" + "12" * 20
OTHER = Provider("0x" + "17" * 32)


@contextlib.asynccontextmanager
async def replicas(count: int, cluster: ServiceCluster | None = None, **more: Any) -> AsyncIterator[list[Service]]:
    cluster = cluster or new_cluster()
    async with contextlib.AsyncExitStack() as stack:
        yield [await stack.enter_async_context(running(cluster, **more)) for _ in range(count)]


async def ended(service: Service, phase: str = "Succeeded") -> None:
    """The only unfinished job ends."""
    status = {"phase": phase, "code": 70, "text": "Job finished", "dateFinished": FINISHED}
    for item in service.cluster.jobs():
        if "status" not in item:
            service.cluster.change(JOBS, item["metadata"]["name"], lambda it: it.update(status=status))
    await service.heard()


def job_ids(answers: Sequence[Any]) -> set[str]:
    assert {answer.status for answer in answers} == {200}, [answer.body for answer in answers]
    return {status["jobId"] for answer in answers for status in answer.json}


@pytest.mark.parametrize("nonce", ["the same nonce", "a new nonce"])
async def test_a_start_again_is_the_same_job(service: Service, provider: Provider, nonce: str) -> None:
    """A client that lost the answer asks again."""
    body = provider.start()
    first = await service.start(body)
    again = await service.start(body if nonce == "the same nonce" else provider.start())
    assert again.status == 200
    assert again.body == first.body
    assert len(service.cluster.jobs()) == 1


CHANGES = {
    "another workflow": {"workflow": workflow(algorithm=raw())},
    "another owner": {"owner": OTHER_OWNER},
    "the owner in lower case": {"owner": OWNER.lower()},
    "another environment": {"environment": "second"},
    "another chain": {"chainId": 1},
    "the agreement in upper case": {"agreementId": "0XAG"},
    "no chain": {"chainId": None},
}


@pytest.mark.parametrize("changes", CHANGES.values(), ids=CHANGES)
async def test_an_agreement_in_use_is_not_for_another_job(provider: Provider, changes: dict[str, Any]) -> None:
    async with running(new_cluster(environment("second"))) as service:
        assert (await service.start(provider.start())).status == 200
        answer = await service.start(provider.start(**changes))
        assert (answer.status, answer.error) == (400, IN_USE)
        assert len(service.cluster.jobs()) == 1


async def test_another_provider_has_no_part_in_an_agreement() -> None:
    provider = Provider()
    allowed = f'["{provider.address}", "{OTHER.address}"]'
    async with running(ALLOWED_PROVIDERS=allowed) as service:
        assert (await service.start(provider.start())).status == 200
        assert (await service.start(OTHER.start())).error == IN_USE


@pytest.mark.parametrize("ignored", [{"validUntil": 1900000000}, {"providerAddress": "0x1"}], ids=str)
async def test_what_does_not_make_another_request(service: Service, provider: Provider, ignored: Any) -> None:
    first = await service.start(provider.start())
    assert (await service.start(provider.start(**ignored))).body == first.body


@pytest.mark.parametrize("phase", ["Succeeded", "Failed", "Stopped", "TimedOut"])
async def test_an_agreement_may_be_used_again_after_the_end(service: Service, provider: Provider, phase: str) -> None:
    first = await service.start(provider.start())
    await ended(service, phase)
    second = await service.start(provider.start())
    assert len(job_ids([first, second])) == 2
    names = [item["metadata"]["name"] for item in service.cluster.jobs()]
    assert [name.rpartition("-")[2] for name in names] == ["0", "1"]
    assert job_ids([await service.get(provider.query(owner=None, agreementId="0xag"))]) == job_ids([first, second])


async def test_the_same_post_after_the_end_starts_nothing(service: Service, provider: Provider) -> None:
    """It answers as before: whoever caught the request could otherwise run it again, and who lost its answer would
    run it twice."""
    body = provider.start()
    first = await service.start(body)
    await ended(service)
    again = await service.start(body)
    assert job_ids([again]) == job_ids([first])
    assert again.json[0]["status"] == 70
    assert len(service.cluster.jobs()) == 1


async def test_the_same_post_after_the_end_at_another_replica(provider: Provider) -> None:
    async with replicas(2) as (one, other):
        body = provider.start()
        first = await one.start(body)
        await ended(one)
        await other.heard()
        assert job_ids([await other.start(body)]) == job_ids([first])


async def test_a_job_being_deleted_is_over(service: Service, provider: Provider) -> None:
    first = await service.start(provider.start())
    name = service.cluster.jobs()[0]["metadata"]["name"]
    service.cluster.change(JOBS, name, lambda it: it["metadata"].update(finalizers=["engine"]))
    service.cluster.delete(JOBS, name)
    await service.heard()
    second = await service.start(provider.start())
    assert len(job_ids([first, second])) == 2


async def test_a_job_made_by_hand_has_its_agreement(service: Service, provider: Provider) -> None:
    await service.sees(job(number=1, spec={"agreementId": "0xAG"}))
    assert (await service.start(provider.start())).error == IN_USE


async def test_what_is_known_may_be_old(service: Service, provider: Provider) -> None:
    """The watch has not yet told that the job is over; the API server knows."""
    first = await service.start(provider.start())

    async def silent(what: str) -> None:
        if what.startswith("watch"):
            await asyncio.Event().wait()

    service.client.pause = silent
    name = service.cluster.jobs()[0]["metadata"]["name"]
    await asyncio.sleep(0)
    service.cluster.change(JOBS, name, lambda it: it.update(status={"phase": "Failed", "dateFinished": FINISHED}))
    second = await service.start(provider.start())
    assert len(job_ids([first, second])) == 2


async def test_names_follow_from_the_agreement_whatever_its_case(service: Service, provider: Provider) -> None:
    assert (await service.start(provider.start(agreementId="0xAbC"))).status == 200
    assert (await service.start(provider.start(agreementId="0xaBc"))).error == IN_USE
    await ended(service)
    assert (await service.start(provider.start(agreementId="0xaBc"))).status == 200
    first, second = service.cluster.jobs()
    assert first["metadata"]["name"][:-1] == second["metadata"]["name"][:-1]


def shuffled(seed: int) -> Any:
    """Before each request to the cluster others come first, or not."""
    chance = random.Random(seed)  # noqa: S311

    async def pause(_: str) -> None:
        for _ in range(chance.randrange(12)):
            await asyncio.sleep(0)

    return pause


@pytest.mark.parametrize("seed", range(24))
async def test_many_starts_at_many_replicas_are_one_job(seed: int) -> None:
    count = 2 + seed % 4
    # Each has its own nonces, as each client does that lost an answer.
    asking = [Provider() for _ in range(count)]
    async with replicas(count) as each:
        for number, service in enumerate(each):
            service.client.pause = shuffled(seed * 100 + number)
        bodies = [one.start(workflow=workflow(algorithm=raw())) for one in asking]
        answers = await asyncio.gather(
            *(service.start(body) for service, body in zip(each, bodies, strict=True)),
            *(service.start(body) for service, body in zip(each, reversed(bodies), strict=True)),
        )
        cluster = each[0].cluster
        assert len(job_ids(answers)) == 1
        assert len(cluster.jobs()) == 1
        assert len(cluster.secrets()) == 1
        reference = cluster.jobs()[0]["spec"]["algorithm"]["source"]["files"][0]["contentFrom"]["secretKeyRef"]
        assert reference["name"] in cluster.secrets()


@pytest.mark.parametrize("seed", range(12))
async def test_different_starts_race_for_an_agreement(seed: int) -> None:
    """One wins, the others are told; an old run of the agreement is there, and not every replica knows of it."""
    owners = [f"0x{number:040x}" for number in range(4)]
    asking = Provider()
    async with replicas(4) as each:
        first = await each[0].start(asking.start())
        await ended(each[0])
        for number, service in enumerate(each):
            service.client.pause = shuffled(seed * 100 + number)
        bodies = [asking.start(owner=owner, agreementId="0xaG") for owner in owners]
        answers = await asyncio.gather(*(service.start(body) for service, body in zip(each, bodies, strict=True)))
        assert sorted(answer.status for answer in answers) == [200, 400, 400, 400]
        assert {answer.error for answer in answers if answer.status == 400} == {IN_USE}
        assert len(each[0].cluster.jobs()) == 2
        assert job_ids([first]) & job_ids([answer for answer in answers if answer.status == 200]) == set()


@pytest.mark.parametrize("again", ["the same request", "a new nonce"])
async def test_a_crash_between_job_and_secret_is_healed(again: str) -> None:
    provider = Provider()
    body = provider.start(workflow=workflow(algorithm=raw("print(7)")))
    async with replicas(2) as (one, other):

        async def die(what: str) -> None:
            if what.startswith("create secrets"):
                raise errors.Unavailable("the process was killed here")

        one.client.pause = die
        assert (await one.start(body)).status == 503
        assert len(one.cluster.jobs()) == 1
        assert not one.cluster.secrets()
        second = body if again == "the same request" else provider.start(workflow=body["workflow"])
        assert (await other.start(second)).status == 200
        (item,) = other.cluster.jobs()
        reference = item["spec"]["algorithm"]["source"]["files"][0]["contentFrom"]["secretKeyRef"]
        assert other.cluster.secrets() == {reference["name"]: {reference["key"]: "print(7)"}}


async def test_a_crash_between_two_secrets_is_healed(service: Service, provider: Provider) -> None:
    algorithm = raw("c" * 900_000, algocustomdata={"z": "z" * 700_000})
    body = provider.start(workflow=workflow(algorithm=algorithm))
    count = 0

    async def die(what: str) -> None:
        nonlocal count
        count += what.startswith("create secrets")
        if count == 2 and what.startswith("create secrets"):
            raise errors.Unavailable("the process was killed here")

    service.client.pause = die
    assert (await service.start(body)).status == 503
    assert len(service.cluster.secrets()) == 1
    assert (await service.start(body)).status == 200
    assert len(service.cluster.secrets()) == 2


async def test_an_agreement_that_never_comes_to_rest(service: Service, provider: Provider) -> None:
    """Every name that is tried is taken at the last moment, and free again when it is looked at."""

    async def pause(what: str) -> None:
        if what.startswith("create computejobs"):
            raise errors.AlreadyExists("taken")

    service.client.pause = pause
    answer = await service.start(provider.start())
    assert answer.status == 503
    assert "try again" in answer.error


async def test_an_archived_run_does_not_hold_the_agreement(archived: Service, archive: FakeArchive) -> None:
    provider = Provider(KEY)
    first = await archived.start(provider.start())
    await ended(archived)
    name = archived.cluster.jobs()[0]["metadata"]["name"]
    archived.cluster.change(JOBS, name, lambda it: it["metadata"].update(finalizers=[]))
    archived.cluster.delete(JOBS, name)
    await archived.heard()
    second = await archived.start(provider.start())
    assert len(job_ids([first, second])) == 2
    found = await archived.get(provider.query(owner=None, agreementId="0xag"))
    assert job_ids([found]) == job_ids([first, second])
