"""The status of every ComputeEnvironment: how many jobs run and wait. Written now and then, not per job."""

import asyncio
import logging

from c2d.api.environment import EnvironmentStatus
from c2d.engine.observe import World
from c2d.engine.patch import merge_patch
from c2d.kube import errors
from c2d.kube.client import Client
from c2d.kube.resources import ENVIRONMENTS, Object, key_of

logger = logging.getLogger(__name__)

_INTERVAL = 5.0  # seconds; people look at the numbers, nothing decides on them


def status_of(world: World, item: Object, address: str = "") -> EnvironmentStatus:
    """`address`: that of the operator's key, if it has one."""
    spec = world.environment(key_of(item))
    running, queued = world.admission.counts(key_of(item))
    return EnvironmentStatus(
        observed_generation=item["metadata"].get("generation", 0),
        running=running,
        queued=queued,
        ready=spec is not None and spec.max_jobs > 0,
        consumer_address=address,
    )


async def report_for_ever(client: Client, world: World, address: str = "") -> None:
    """Bring the statuses up to date at each interval, writing only those that changed."""
    while True:
        for item in world.environments:
            try:
                await _report(client, world, item, address)
            except errors.KubeError as error:
                logger.warning("environment %s/%s: %s", *key_of(item), error)
        await asyncio.sleep(_INTERVAL)


async def _report(client: Client, world: World, item: Object, address: str) -> None:
    after = status_of(world, item, address).model_dump(mode="json", by_alias=True)
    change = merge_patch(item.get("status") or {}, after)
    if change:
        written = await client.patch(ENVIRONMENTS, *key_of(item), {"status": change}, "status")
        world.environments.put(written)
