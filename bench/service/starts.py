"""How fast jobs are started: POST /compute against a bare client that creates the same objects."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from bench import gaps, plane
from bench.machine import Meter, Usage
from bench.plane import Plane
from bench.service import known, load, servers, wire
from bench.service.load import Exchange, Plan
from bench.service.objects import OWNER
from bench.service.servers import Server
from c2d.kube import names
from c2d.kube.client import Client
from c2d.kube.resources import JOBS, SECRETS, Object
from c2d.service import parameters, records, start, translate
from c2d.service.parameters import Start
from c2d.service.records import Request

CONNECTIONS = (1, 16)
_WARM = 20
_LIMIT = 60.0  # seconds
_METADATA = "http://aquarius.example.com:5000"


@dataclass(frozen=True)
class Row:
    """Some starts, so many at a time; times in seconds, CPU by process and start."""

    connections: int
    starts: int
    rate: float
    p50: float
    p99: float
    cpu: Mapping[str, float]
    foreign: float


@dataclass(frozen=True)
class Compared:
    ours: Row
    bare: Row

    @property
    def ratio(self) -> float:
        return self.ours.rate / self.bare.rate


def compare(plane: Plane, server: Server, starts: int) -> list[Compared]:
    _ours(plane, server, _WARM, CONNECTIONS[-1])
    asyncio.run(_bare(plane, _WARM, CONNECTIONS[-1]))
    found = []
    for connections in CONNECTIONS:
        bare = asyncio.run(_bare(plane, starts, connections))
        found.append(Compared(_ours(plane, server, starts, connections), bare))
    return found


def _ours(plane: Plane, server: Server, starts: int, connections: int) -> Row:
    agreements = [_agreement("ours", number) for number in range(starts)]
    bodies = [wire.payload(servers.KEY, time.time_ns(), OWNER, agreement) for agreement in agreements]
    prepared = [
        Exchange(wire.start(body).decode(), f'"agreementId": "{agreement}"')
        for body, agreement in zip(bodies, agreements, strict=True)
    ]
    plan = Plan(server.port, connections, prepared, _LIMIT, repeat=False)
    meter = Meter(servers.pids(plane))
    done = load.run(plan, plane.places.state / "plan.json")
    usage = meter.usage({"load": done.all_cpu})
    return _row(connections, done.answers, done.rate, (done.p50, done.p99), usage)


async def _bare(running: Plane, starts: int, connections: int) -> Row:
    """In this process, without anything but the objects."""
    prepared = [_objects(number) for number in range(starts)]
    took: list[float] = []
    async with await running.connect(known.AGENT) as client:
        meter, begun = Meter(servers.pids(running)), time.perf_counter()
        queue = iter(prepared)
        await asyncio.gather(*(_create(client, queue, took) for _ in range(connections)))
        seconds, usage = time.perf_counter() - begun, meter.usage()
    spread = gaps.percentile(took, 50), gaps.percentile(took, 99)
    return _row(connections, starts, starts / seconds, spread, usage)


async def _create(client: Client, queue: Any, took: list[float]) -> None:
    for job, secrets in queue:
        begun = time.perf_counter()
        made = await client.create(JOBS, job, strict=True)
        for secret in secrets:
            await client.create(SECRETS, secret(made))
        took.append(time.perf_counter() - begun)


def _objects(number: int) -> tuple[Object, list[Callable[[Object], Object]]]:
    """What the service makes of such a request: the job, and its Secrets once the job has a UID."""
    asked: Start = parameters.start(wire.payload(servers.KEY, time.time_ns(), OWNER, _agreement("bare", number)))
    name = start.next_name(asked.agreement_id, [])
    private = f"{name}-12345678"
    parts = translate.job(asked, private, _METADATA)
    request = Request(parts.algo_did, parts.input_dids, servers.KEY.address, asked.digest(servers.KEY.address), private)
    metadata: Object = {
        "name": name,
        "namespace": plane.NAMESPACE,
        "labels": {names.MANAGED_BY: start.MANAGER},
        "annotations": {records.REQUEST: records.request_annotation(request)},
    }
    job: Object = {"apiVersion": JOBS.api_version, "kind": JOBS.kind, "metadata": metadata, "spec": parts.spec}

    def secret(secret_name: str, texts: Mapping[str, str]) -> Callable[[Object], Object]:
        return lambda made: start.secret(records.read(made), secret_name, texts)

    return job, [secret(secret_name, texts) for secret_name, texts in parts.private.items()]


def _agreement(who: str, number: int) -> str:
    """Another one each time."""
    return "0x" + f"{who}-{number}-{time.time_ns()}".encode().hex()


def _row(connections: int, starts: int, rate: float, spread: tuple[float, float], usage: Usage) -> Row:
    cpu = {name: seconds / starts for name, seconds in usage.cpu.items()}
    return Row(connections, starts, rate, *spread, cpu, usage.foreign)
