"""Carry out what was decided. Each action may be carried out twice: after a crash it finds its work done."""

import asyncio
import logging

from c2d.engine.state import Action, Create, Delete, DeleteAll, Job
from c2d.kube import errors, names
from c2d.kube.client import Client
from c2d.kube.resources import PODS, Object, owner_uid

logger = logging.getLogger(__name__)


async def act(client: Client, job: Job, actions: tuple[Action, ...]) -> list[Object]:
    """Carry them out; returns the pods that are there now. Raises `KubeError`.

    In order, but for what a pod needs: plans and volume are made at the same time, because neither needs the other.
    """
    needed = [action for action in actions if isinstance(action, Create) and action.resource is not PODS]
    made = await asyncio.gather(*(_create(client, job, item) for item in needed), return_exceptions=True)
    for result in made:
        if isinstance(result, BaseException):
            raise result
    pods = [await _do(client, job, action) for action in actions if action not in needed]
    return [pod for pod in pods if pod is not None]


async def _do(client: Client, job: Job, action: Action) -> Object | None:
    match action:
        case Create():
            return await _create(client, job, action)
        case Delete(resource, name, uid):
            await client.delete(resource, job.namespace, name, uid)
        case DeleteAll(resource):
            await client.delete_all(resource, job.namespace, f"{names.JOB_UID}={job.uid}")
    return None


async def _create(client: Client, job: Job, action: Create) -> Object:
    resource, name = action.resource, action.manifest["metadata"]["name"]
    try:
        return await client.create(resource, action.manifest)
    except errors.AlreadyExists:
        # After a crash between an action and the write of the status. Anybody could have put an object of that name
        # there, so it counts only when it is this job's own.
        there = await client.get(resource, job.namespace, name)
        if owner_uid(there) != job.uid:
            raise errors.Rejected(f"{resource.kind} {name} is there already and belongs to somebody else") from None
        logger.info("%s: took over %s %s", job.full_name, resource.kind, name)
        return there
