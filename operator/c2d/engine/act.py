"""Carry out what was decided. Each action may be carried out twice: after a crash it finds its work done."""

import logging

from c2d.engine.state import Action, Create, Delete, DeleteAll, Job
from c2d.kube import errors, names
from c2d.kube.client import Client
from c2d.kube.resources import PODS, Object, Resource, owner_uid

logger = logging.getLogger(__name__)


async def act(client: Client, job: Job, actions: tuple[Action, ...]) -> list[Object]:
    """In order; returns the pods that are there now. Raises `KubeError`."""
    pods = []
    for action in actions:
        match action:
            case Create(resource, manifest):
                made = await _create(client, job, resource, manifest)
                if resource is PODS:
                    pods.append(made)
            case Delete(resource, name, uid):
                await client.delete(resource, job.namespace, name, uid)
            case DeleteAll(resource):
                await client.delete_all(resource, job.namespace, f"{names.JOB_UID}={job.uid}")
    return pods


async def _create(client: Client, job: Job, resource: Resource, manifest: Object) -> Object:
    name = manifest["metadata"]["name"]
    try:
        return await client.create(resource, manifest)
    except errors.AlreadyExists:
        # After a crash between an action and the write of the status. Anybody could have put an object of that name
        # there, so it counts only when it is this job's own.
        there = await client.get(resource, job.namespace, name)
        if owner_uid(there) != job.uid:
            raise errors.Rejected(f"{resource.kind} {name} is there already and belongs to somebody else") from None
        logger.info("%s: took over %s %s", job.full_name, resource.kind, name)
        return there
