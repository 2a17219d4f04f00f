"""Our finalizers: each keeps a deleted job there until something is done for it."""

from c2d.kube import errors
from c2d.kube.client import Client
from c2d.kube.resources import JOBS
from c2d.service.records import Record


async def put_on(client: Client, record: Record, name: str) -> None:
    """Nothing where it is there, or the job is on its way. Raises KubeError."""
    await _write(client, record, name, there=True)


async def take_off(client: Client, record: Record, name: str) -> None:
    """Nothing where it is off. Raises KubeError."""
    await _write(client, record, name, there=False)


async def _write(client: Client, record: Record, name: str, *, there: bool) -> None:
    """Of that job only, and not of a later one of its name."""
    try:
        metadata = (await client.get(JOBS, record.namespace, record.name))["metadata"]
        before = metadata.get("finalizers", [])
        after = [one for one in before if one != name] + ([name] if there else [])
        too_late = there and "deletionTimestamp" in metadata
        if metadata["uid"] != record.uid or (name in before) == there or too_late:
            return
        body = {"metadata": {"resourceVersion": metadata["resourceVersion"], "finalizers": after}}
        await client.patch(JOBS, record.namespace, record.name, body)
    except errors.NotFound:
        return
    except errors.Conflict:
        # Somebody wrote at the same time; the watch tells of it, and we are here again.
        return
