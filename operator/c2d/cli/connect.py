"""From the command line into the cluster."""

import asyncio
import logging
import re
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import TypeVar

from c2d import __version__
from c2d.cli import job
from c2d.kube.client import Client
from c2d.kube.errors import NotFound
from c2d.kube.resources import JOBS, Object, uid_of

T = TypeVar("T")


@dataclass(frozen=True)
class Place:
    """Which cluster and namespace a command is about; None: what KUBECONFIG says."""

    namespace: str | None = None
    context: str | None = None


def do(place: Place, work: Callable[[Client, str], Awaitable[T]]) -> T:
    """Do the work with a client and the namespace. Raises `KubeError`."""

    # The client library warns about what its exceptions say as well; without a handler that would be printed.
    logging.getLogger().addHandler(logging.NullHandler())

    async def connected() -> T:
        async with await Client.connect(user_agent=f"c2d/{__version__}", context=place.context) as client:
            return await work(client, place.namespace or client.namespace)

    return asyncio.run(connected())


async def find(client: Client, namespace: str, name: str) -> job.Job:
    """One job, by its name or by the operator-service's jobId. Raises `KubeError`."""
    try:
        return job.read(await client.get(JOBS, namespace, name))
    except NotFound:
        item = await _by_job_id(client, namespace, name)
        if item is None:
            raise
        return job.read(item)


async def _by_job_id(client: Client, namespace: str, job_id: str) -> Object | None:
    """The jobId is the UID without its dashes, and the API server can't be asked for a UID."""
    if not re.fullmatch("[0-9a-f]{32}", job_id):
        return None
    items = (await client.list(JOBS, namespace))["items"]
    return next((item for item in items if uid_of(item).replace("-", "") == job_id), None)
