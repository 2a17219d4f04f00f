"""How fast jobs are looked up: GET /compute against a bare handler that answers the same bytes."""

from __future__ import annotations

import time
from collections.abc import Sequence
from dataclasses import dataclass

from bench.machine import Meter
from bench.plane import Plane
from bench.service import load, servers, wire
from bench.service.load import Exchange, Load, Plan
from bench.service.objects import OWNER
from bench.service.servers import Server
from cluster.settings import ClusterError

CONNECTIONS = (1, 16, 64)
_WARM = 0.7  # seconds
_DIFFERENT = 500  # requests that are sent round and round
_ASKED = 100  # jobs that they are about


@dataclass(frozen=True)
class Row:
    """One measurement; `cpu` is the server's, in seconds an answer."""

    what: str
    jobs: int
    connections: int
    load: Load
    cpu: float
    body: int  # bytes of an answer's body
    foreign: float


@dataclass(frozen=True)
class Compared:
    """Ours, and the bare handler under the same load."""

    ours: Row
    bare: Row

    @property
    def ratio(self) -> float:
        return self.ours.load.rate / self.bare.load.rate


def exchanges(server: Server, job_ids: Sequence[str]) -> list[Exchange]:
    """Freshly signed requests, spread over the jobs, with the answers as they are now."""
    asked = job_ids[:: max(1, len(job_ids) // _ASKED)][:_ASKED]
    answers = [_body(server, OWNER, job_id) for job_id in asked]
    return [
        Exchange(_request(OWNER, asked[number % len(asked)]), answers[number % len(asked)])
        for number in range(_DIFFERENT)
    ]


def of_owner(server: Server, owner: str) -> list[Exchange]:
    return [Exchange(_request(owner), _body(server, owner))]


def compare(plane: Plane, server: Server, prepared: list[Exchange], jobs: int, seconds: float) -> list[Compared]:
    """At every number of connections, the one right after the other."""
    body = prepared[0].expected
    # The same requests, but always the same bytes in the answer.
    same = [Exchange(item.request, body) for item in prepared]
    found = []
    with servers.bare(plane, body.encode()) as bare:
        for connections in CONNECTIONS:
            other = measure(plane, servers.BARE, bare, same, "bare", jobs, connections, seconds)
            ours = measure(plane, servers.SERVICE, server, prepared, "by jobId", jobs, connections, seconds)
            found.append(Compared(ours, other))
    return found


def measure(
    plane: Plane,
    name: str,
    server: Server,
    prepared: list[Exchange],
    what: str,
    jobs: int,
    connections: int,
    seconds: float,
) -> Row:
    """The server on one CPU, the client on another."""
    ours, theirs = servers.two_cpus()
    plan = Plan(server.port, connections, prepared, seconds, warm=_WARM, cpu=theirs)
    with server.only_on(ours):
        meter = Meter(servers.pids(plane))
        done = load.run(plan, plane.places.state / "plan.json")
        usage = meter.usage({"load": done.all_cpu})
    if not done.answers:
        raise ClusterError(f"{what}: no answer within {seconds} s")
    cpu = usage.cpu[name] / done.all_answers
    return Row(what, jobs, connections, done, cpu, len(prepared[0].expected), usage.foreign)


def _request(owner: str, job_id: str = "") -> str:
    return wire.status(servers.KEY, time.time_ns(), owner, job_id).decode()


def _body(server: Server, owner: str, job_id: str = "") -> str:
    """What the service answers, after a look at it: a finished job with its results. Raises ClusterError."""
    body = server.get(_request(owner, job_id).split(" ")[1]).decode()
    if job_id not in body or '"status": 70' not in body or '"configrationLog"' not in body:
        raise ClusterError(f"not a finished job: {body[:300]}")
    return body
