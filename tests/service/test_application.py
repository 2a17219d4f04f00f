"""What surrounds the routes: limits, probes, metrics, the log, and the answers to what is no route."""

import asyncio
import json
import logging
import re
import time
from typing import Any

import pytest
from prometheus_client.parser import text_string_to_metric_families

from c2d.service import access, app, openapi
from tests.kit.service import (
    ADMIN,
    OWNER,
    Provider,
    Service,
    job,
    job_uid,
    raw,
    running,
    until,
    workflow,
)

JOB = job_uid(0).replace("-", "")
NOT_ROUTES = [
    ("GET", "/nothing", 404),
    ("GET", "/api/v1/operator", 404),
    ("GET", "/api/v1/operator/compute/", 404),
    ("GET", "/api/v1/docs/../../etc/passwd", 404),
    ("GET", "/api/v1/docs/nothing.js", 404),
    ("GET", "/api/v1/docs/%2e%2e%2fsetup.py", 404),
    ("POST", "/", 405),
    ("PATCH", "/api/v1/operator/compute", 405),
    ("OPTIONS", "/api/v1/operator/compute", 405),
    ("POST", "/api/v1/operator/environments", 405),
    ("GET", "/api/v1/operator/pgsqlinit", 405),
    ("TRACE", "/", 405),
    ("DELETE", "/metrics", 405),
]


@pytest.mark.parametrize(("method", "path", "status"), NOT_ROUTES)
async def test_what_is_no_route(service: Service, method: str, path: str, status: int) -> None:
    answer = await service.ask(method, path)
    assert answer.status == status
    assert answer.error
    # RFC 9110, 15.5.6.
    assert status != 405 or answer.headers["Allow"]


@pytest.mark.parametrize("path", ["/", "/api/v1/operator/compute", "/nothing"])
async def test_a_head_has_no_body(service: Service, path: str) -> None:
    answer = await service.ask("HEAD", path)
    assert 400 <= answer.status < 500
    assert answer.body == b""
    assert answer.headers["Content-Type"] == "application/json"


def test_the_document_has_exactly_the_routes() -> None:
    # The files of the page belong to the page.
    served = {(method, path) for method, path, _ in app.ROUTES if path != "/api/v1/docs/{file}"}
    told = {(method.upper(), path) for path, methods in openapi.DOCUMENT["paths"].items() for method in methods}
    assert told == served


async def test_the_document_is_served(service: Service) -> None:
    answer = await service.ask("GET", "/spec")
    assert answer.json == openapi.DOCUMENT
    page = await service.ask("GET", "/api/v1/docs")
    assert page.headers["Content-Type"] == "text/html; charset=utf-8"
    files = re.findall(r'(?:href|src)="([^"]+)"', page.body.decode())
    assert len(files) == 4
    for name in files:
        found = await service.ask("GET", name)
        assert found.status == 200
        assert found.body


# --- limits


async def test_a_provider_has_its_share() -> None:
    async with running(C2D_REQUESTS_PER_SECOND="1") as service:
        provider = Provider()
        statuses = [(await service.get(provider.query())).status for _ in range(3)]
        assert statuses == [200, 200, 429]
        answer = await service.get(provider.query())
        assert "1 requests a second" in answer.error


async def test_strangers_take_nothing_of_a_providers_share() -> None:
    async with running(C2D_REQUESTS_PER_SECOND="1") as service:
        stranger = Provider("0x" + "17" * 32)
        assert {(await service.get(stranger.query())).status for _ in range(5)} == {401}
        assert (await service.get(Provider().query())).status == 200


# --- probes


async def test_ready_as_soon_as_all_is_known(service: Service) -> None:
    answer = await service.ask("GET", "/readyz")
    assert (answer.status, answer.json) == (200, {"ready": True})
    assert (await service.ask("GET", "/healthz")).json == {"alive": True}


async def test_alive_but_not_ready_before() -> None:
    async with running(synced=False) as service:
        answer = await service.ask("GET", "/readyz")
        assert answer.status == 503
        assert answer.json["ready"] is False
        assert "computejobs" in answer.json["why"]
        assert (await service.ask("GET", "/healthz")).status == 200


@pytest.fixture
async def lost(service: Service) -> Service:
    """A replica that has heard nothing for a minute."""
    now = asyncio.get_running_loop().time
    for mirror in service.context.mirrors:
        await until(lambda mirror=mirror: mirror.lost_for == 0)  # type: ignore[misc]
        mirror._clock = lambda: now() + 60
        mirror._lost_since = now()
    return service


async def test_lost_touch_with_the_cluster(lost: Service) -> None:
    provider = Provider()
    ready = await lost.ask("GET", "/readyz")
    assert ready.status == 503
    assert "60 seconds" in ready.json["why"]
    calls = {
        "POST": lost.start(provider.start()),
        "GET": lost.get(provider.query()),
        "PUT": lost.put(provider.query()),
        "DELETE": lost.delete(provider.query()),
        "result": lost.result(provider.query(jobId=JOB, index=0)),
        "running": lost.admin("runningjobs"),
        "list": lost.admin("list"),
    }
    answers = {name: await call for name, call in calls.items()}
    assert {name: answer.status for name, answer in answers.items()} == dict.fromkeys(calls, 503)
    assert all("try again" in answer.error for answer in answers.values())
    for path in ("environments", "/", "/metrics", "/healthz"):
        assert (await lost.ask("GET", path)).status == 200
    assert (await lost.admin("info")).json["trouble"]
    assert not lost.cluster.jobs()


async def test_the_environments_say_when_they_were_seen(lost: Service) -> None:
    (offer,) = (await lost.ask("GET", "environments")).json
    assert float(offer["lastSeen"]) == pytest.approx(time.time() - 60, abs=20)


async def test_a_replica_that_goes_finishes_what_it_has(service: Service) -> None:
    service.context.draining = True
    assert (await service.ask("GET", "/readyz")).status == 503
    assert (await service.start(Provider().start())).status == 200


# --- metrics


async def samples(service: Service) -> dict[str, list[Any]]:
    answer = await service.ask("GET", "/metrics")
    assert answer.headers["Content-Type"].startswith("text/plain; version=0.0.4")
    families = text_string_to_metric_families(answer.body.decode())
    return {family.name: family.samples for family in families}


async def test_metrics_parse_and_count(service: Service) -> None:
    await service.sees(job())
    await service.ask("GET", "environments")
    await service.ask("GET", "/a/made/up/path?providerSignature=0x1")
    found = await samples(service)
    labels = [sample.labels for sample in found["c2d_service_requests"]]
    assert {"method": "GET", "route": "/api/v1/operator/environments", "status": "200"} in labels
    assert {"method": "GET", "route": "none", "status": "404"} in labels
    assert found["c2d_service_jobs"][0].value == 1
    assert {sample.labels["kind"] for sample in found["c2d_service_watch_lost_seconds"]} == {
        "computejobs",
        "computeenvironments",
    }
    assert found["c2d_service_archive_up"][0].value == 0


async def test_clients_make_up_no_labels(service: Service) -> None:
    """Each label is a series that Prometheus keeps."""
    host, port = service.url.removeprefix("http://").split(":")
    for number in range(20):
        reader, writer = await asyncio.open_connection(host, int(port))
        writer.write(f"BREW{number} /path{number} HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n".encode())
        await reader.read()
        writer.close()
        await service.ask("GET", f"/path{number}/x?{number}")
    labels = [sample.labels for sample in (await samples(service))["c2d_service_requests"]]
    assert len(labels) < 10
    assert not any("BREW" in label["method"] or "path" in label["route"] for label in labels)


# --- the log


def lines(caplog: pytest.LogCaptureFixture) -> list[dict[str, Any]]:
    formatter = access.Lines()
    return [json.loads(formatter.format(record)) for record in caplog.records if record.name == access.LOGGER.name]


async def test_a_line_for_each_request(service: Service, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.INFO)
    provider = Provider()
    (status,) = (await service.start(provider.start())).json
    await service.get(provider.query(jobId=status["jobId"]))
    await service.ask("GET", "/made/up\r\nline")
    await service.ask("GET", "/healthz")
    started, asked, none = lines(caplog)
    assert (started["method"], started["route"], started["status"]) == ("POST", "/api/v1/operator/compute", 200)
    assert (started["provider"], started["job"]) == (provider.address, status["jobId"])
    assert started["ms"] >= 0
    assert asked["job"] == status["jobId"]
    assert (none["route"], none["status"]) == ("none", 404)


SECRETS = ["token-of-a-url", "print-the-code", "custom-data-of-a-run", ADMIN, "made-up-path", "user-data"]


async def test_nothing_secret_is_logged(service: Service, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.DEBUG)
    provider = Provider()
    inputs = [{"index": 0, "id": "did:op:aa", "url": "https://example.com/?sig=token-of-a-url"}]
    algorithm = raw("print-the-code", algocustomdata={"a": "custom-data-of-a-run"}, algouserdata="user-data")
    body = provider.start(workflow=workflow(input=inputs, algorithm=algorithm))
    queries = [provider.query(), provider.query(jobId=JOB), provider.query(jobId=JOB, index=0)]
    await service.start(body)
    await service.start({**body, "agreementId": "0xother"})
    await service.start({**body, "workflow": {"stages": [{"input": "token-of-a-url"}]}, "nonce": 1})
    await service.ask("POST", "compute", data=b'{"token-of-a-url": ')
    for query in queries:
        await service.get(query)
        await service.put(query)
        await service.result(query)
    await service.admin("info")
    await service.ask("GET", "info", headers={"Admin": ADMIN + "x"})
    await service.ask("GET", "/made-up-path?token-of-a-url")
    logged = "\n".join(f"{record.getMessage()} {vars(record)}" for record in caplog.records)
    signatures = [body["providerSignature"], *(query["providerSignature"] for query in queries)]
    # What clients of this process log of their own is not the service's.
    assert lines(caplog)
    for text in (*SECRETS, *signatures):
        assert text not in logged, text


async def test_a_request_that_is_no_http_does_not_get_into_the_log(
    service: Service, caplog: pytest.LogCaptureFixture
) -> None:
    """A query that is too long, or broken, has a signature in it all the same."""
    caplog.set_level(logging.INFO)
    host, port = service.url.removeprefix("http://").split(":")
    query = "&".join(f"{name}={value}" for name, value in Provider().query().items())
    broken = [
        f"GET /api/v1/operator/compute?{query}&x={'y' * 9000} HTTP/1.1\r\nHost: x\r\n\r\n",
        f"GET /api/v1/operator/compute?{query} HTTP/9.z\r\nHost: x\r\n\r\n",
        f"GET /api/v1/operator/compute?{query}\x01 HTTP/1.1\r\nHost: x\r\n\r\n",
        f"GET /api/v1/operator/compute?{query} HTTP/1.1\r\nAdmin : {ADMIN}\r\nbad header\r\n\r\n",
        f"BREW /api/v1/operator/compute?{query} HTTP/1.1\r\nHost: x\r\n\r\n",
    ]
    for request in broken:
        reader, writer = await asyncio.open_connection(host, int(port))
        writer.write(request.encode())
        writer.write_eof()
        await reader.read()
        writer.close()
    formatter = access.Lines()
    logged = "\n".join(formatter.format(record) for record in caplog.records)
    assert "Signature" not in logged
    assert ADMIN not in logged
    assert OWNER not in logged
