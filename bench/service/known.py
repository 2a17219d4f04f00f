"""The jobs that the service knows: real objects in the API server."""

from __future__ import annotations

import asyncio
from collections.abc import Iterable, Sequence

from bench import plane
from bench.plane import Plane
from bench.service import objects
from c2d.api.environment import EnvironmentSpec
from c2d.kube.client import Client
from c2d.kube.resources import JOBS, Object

AGENT = "c2d-bench"
_AT_A_TIME = 32


def fill(plane: Plane, wanted: Sequence[Object], statuses: Iterable[Object]) -> list[str]:
    """Create finished jobs; returns their jobIds, in the same order."""
    return asyncio.run(_fill(plane, wanted, list(statuses)))


def environment(endpoint: str | None = None, credentials: str | None = None) -> Object:
    """An environment's spec with every default, as the engine keeps it in a job's status."""
    target = {"endpoint": endpoint, "bucket": plane.NAMESPACE, "credentialsSecretName": credentials}
    spec = {"maxJobs": 1000, "results": {"s3": {name: value for name, value in target.items() if value}}}
    dumped: Object = EnvironmentSpec.model_validate(spec).model_dump(mode="json", by_alias=True, exclude_none=True)
    return dumped


async def _fill(running: Plane, wanted: Sequence[Object], statuses: Sequence[Object]) -> list[str]:
    limit = asyncio.Semaphore(_AT_A_TIME)

    async def one(client: Client, item: Object, status: Object) -> str:
        async with limit:
            made = await client.create(JOBS, item, strict=True)
            name = made["metadata"]["name"]
            await client.patch(JOBS, plane.NAMESPACE, name, {"status": status}, "status")
            return str(made["metadata"]["uid"]).replace("-", "")

    async with await running.connect(AGENT) as client:
        pairs = zip(wanted, statuses, strict=True)
        return list(await asyncio.gather(*(one(client, item, status) for item, status in pairs)))


def finished(count: int, first: int = 0) -> tuple[list[Object], list[Object]]:
    """`count` jobs of the one owner, and their statuses."""
    status = objects.finished(environment())
    return [objects.job(number) for number in range(first, first + count)], [status] * count
