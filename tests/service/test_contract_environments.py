"""GET /environments, which must not fail whatever is asked, and GET /."""

import json
from typing import Any

import aiohttp
import pytest
import yarl

from c2d import __version__
from c2d.kube.resources import ENVIRONMENTS
from tests.kit.service import (
    CONSUMER_ADDRESS,
    Answer,
    Service,
    environment,
    job,
    new_cluster,
    running,
)

NO_ADDRESS = "0x" + "0" * 40


async def listed(service: Service, **more: Any) -> list[dict[str, Any]]:
    answer = await service.ask("GET", "environments", **more)
    assert answer.status == 200
    assert answer.headers["Content-Type"] == "application/json"
    found: list[dict[str, Any]] = answer.json
    return found


async def names(service: Service, **more: Any) -> list[str]:
    return [offer["id"] for offer in await listed(service, **more)]


async def test_the_object_byte_by_byte(service: Service) -> None:
    answer = await service.ask("GET", "environments")
    (offer,) = answer.json
    expected = {
        "id": "ocean-compute",
        "cpuNumber": 1,
        "cpuType": "",
        "gpuNumber": 0,
        "gpuType": "",
        "ramGB": 1,
        "diskGB": 1,
        "priceMin": 0,
        "desc": "",
        "currentJobs": 0,
        "maxJobs": 10,
        "consumerAddress": CONSUMER_ADDRESS,
        "storageExpiry": 0,
        "maxJobDuration": 3600,
        "lastSeen": offer["lastSeen"],
    }
    assert answer.body == json.dumps([expected]).encode()
    assert isinstance(offer["lastSeen"], str)
    assert float(offer["lastSeen"]) > 1.7e9
    assert answer.headers["Access-Control-Allow-Origin"] == "*"


async def test_numbers_are_numbers() -> None:
    resources = {"cpu": "500m", "memory": "1536Mi", "disk": "2T", "gpu": 2, "gpuType": "A100", "cpuType": "Xeon"}
    cluster = new_cluster(environment("big", resources=resources, pricePerMinute=0.25, allowedChainIds=[1, 8996]))
    async with running(cluster) as service:
        offer = (await listed(service))[0]
    assert (offer["cpuNumber"], offer["ramGB"], offer["priceMin"]) == (0.5, 1.5, 0.25)
    assert offer["diskGB"] == pytest.approx(2e12 / 2**30, abs=1e-5)
    assert (offer["gpuNumber"], offer["gpuType"], offer["cpuType"]) == (2, "A100", "Xeon")
    assert offer["allowedChainId"] == [1, 8996]
    assert list(offer)[-1] == "allowedChainId"


QUANTITIES = ["0", "1", "0.1", "100m", "9" * 32, "9" * 28 + "Ti", "1234567890123456789012345.5", "0." + "3" * 30, "1m"]


@pytest.mark.parametrize("quantity", QUANTITIES)
async def test_every_quantity_that_the_cluster_takes_can_be_shown(quantity: str) -> None:
    resources = dict.fromkeys(("cpu", "memory", "disk", "scratch"), quantity)
    async with running(new_cluster(environment("odd", resources=resources))) as service:
        assert await names(service) == ["ocean-compute", "odd"]


@pytest.mark.parametrize("price", [0, 0.0, 1e-9, 1e300, 123456789.123456789], ids=str)
async def test_every_price_can_be_shown(price: float) -> None:
    async with running(new_cluster(environment("odd", pricePerMinute=price))) as service:
        shown = (await listed(service))[1]["priceMin"]
        assert isinstance(shown, int | float)
        assert shown == pytest.approx(price, abs=1e-6)


async def test_current_jobs_and_full_ones_are_listed() -> None:
    jobs = [job(phase, number) for number, phase in enumerate(("Pending", "Running", "Publishing", "Succeeded"))]
    cluster = new_cluster(environment("default", maxJobs=0), *jobs)
    async with running(cluster) as service:
        offers = {offer["id"]: offer for offer in await listed(service)}
    assert (offers["default"]["currentJobs"], offers["default"]["maxJobs"]) == (2, 0)
    assert offers["ocean-compute"]["currentJobs"] == 0


@pytest.mark.parametrize("name", ["chainId", "chain_id"])
@pytest.mark.parametrize("how", ["query", "body", "number in a body"])
async def test_the_chain(name: str, how: str) -> None:
    cluster = new_cluster(environment("one", allowedChainIds=[1]), environment("two", allowedChainIds=[2, 22]))
    async with running(cluster) as service:
        for chain, expected in (("1", ["one"]), ("22", ["two"]), ("5", [])):
            more: dict[str, Any] = {"params": {name: chain}} if how == "query" else {"json": {name: chain}}
            if how == "number in a body":
                more = {"json": {name: int(chain)}}
            assert await names(service, **more) == ["ocean-compute", *expected]
        assert await names(service) == ["ocean-compute", "one", "two"]
        assert await names(service, params={name: ""}) == ["ocean-compute", "one", "two"]


GARBAGE: dict[str, dict[str, Any]] = {
    "no JSON": {"data": b"{"},
    "a list": {"json": [1]},
    "no UTF-8": {"data": b"\xff\xfe"},
    "brackets": {"data": b"[" * 200_000},
    "a chain that is a list": {"json": {"chainId": [1]}},
    "a chain that is an object": {"json": {"chainId": {"a": 1}}},
    "an endless number": {"data": b'{"chainId": 1e999}'},
    "an odd query": {"params": {"chainId": "\udcff\0é", "%": "%%%"}},
    "too long": {"data": b" " * 9_000_000},
    "no gzip": {"data": b"x", "headers": {"Content-Encoding": "gzip"}},
    "a signature": {"params": {"providerSignature": "0x", "owner": "\n"}},
}


@pytest.mark.parametrize("more", GARBAGE.values(), ids=GARBAGE)
async def test_garbage_does_not_take_the_list_away(service: Service, more: dict[str, Any]) -> None:
    if "params" in more:
        more = {"params": {name: value.encode("utf-8", "replace").decode() for name, value in more["params"].items()}}
    answer = await service.ask("GET", "environments", **more)
    assert answer.status == 200
    assert isinstance(answer.json, list)


@pytest.mark.parametrize("query", ["?&", "?=", "?chainId", "?%ff=%fe", "?chainId=%00", "?" + "a=1&" * 1500])
async def test_odd_queries_do_not_take_the_list_away(service: Service, query: str) -> None:
    async with aiohttp.ClientSession() as session:
        url = yarl.URL(f"{service.url}/api/v1/operator/environments{query}", encoded=True)
        async with session.get(url) as response:
            assert response.status == 200
            assert isinstance(json.loads(await response.read()), list)


async def test_before_anything_is_known_there_is_an_empty_list() -> None:
    async with running(synced=False) as service:
        assert await listed(service) == []


async def test_what_can_not_be_understood_is_left_out() -> None:
    broken = environment("broken")
    broken["spec"] = {"results": {"tape": {}}}
    cluster = new_cluster()
    cluster.put(ENVIRONMENTS, broken)
    async with running(cluster, synced=False) as service:
        for item in cluster.all(ENVIRONMENTS):
            service.context.offers.put(item)
        assert await names(service) == ["ocean-compute"]


ADDRESSES = [None, "", "0x", "garbage", "0x" + "g" * 40, CONSUMER_ADDRESS + "0", "\n" + CONSUMER_ADDRESS]


@pytest.mark.parametrize("address", ADDRESSES, ids=repr)
async def test_a_malformed_address_is_never_shown(address: str | None) -> None:
    """One makes every download of a compute asset fail, in all environments."""
    async with running(new_cluster(environment("odd", address))) as service:
        offers = await listed(service)
    assert [offer["consumerAddress"] for offer in offers] == [CONSUMER_ADDRESS, NO_ADDRESS]


async def test_the_root(service: Service) -> None:
    answer = await service.ask("GET", "/")
    expected = {
        "address": CONSUMER_ADDRESS,
        "algoTimeLimit": 3600,
        "software": "Operator service",
        "storageExpiry": 0,
        "version": __version__,
    }
    assert answer.body == json.dumps(expected).encode()
    assert answer.headers["Content-Type"] == "application/json"


async def test_for_how_long_results_are_kept() -> None:
    cluster = new_cluster(environment("short", storageExpirySeconds=60), environment("long", storageExpirySeconds=3600))
    async with running(cluster) as service:
        shown = {offer["id"]: offer["storageExpiry"] for offer in await listed(service)}
        assert shown == {"ocean-compute": 0, "short": 60, "long": 3600}
        answer: Answer = await service.ask("GET", "/")
        assert answer.json["storageExpiry"] == 3600


async def test_the_root_without_any_environment() -> None:
    async with running(synced=False) as service:
        answer: Answer = await service.ask("GET", "/")
        assert (answer.status, answer.json["address"], answer.json["algoTimeLimit"]) == (200, NO_ADDRESS, 0)
