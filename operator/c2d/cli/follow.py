"""The states of one job, as they come: a list, then a watch from there, and again whenever the watch ends."""

import asyncio
import contextlib
from collections.abc import AsyncGenerator, AsyncIterator, Awaitable, Callable

from c2d.cli import errors, job
from c2d.kube import errors as kube
from c2d.kube.client import Client
from c2d.kube.resources import JOBS, Object

Sleep = Callable[[float], Awaitable[None]]

# The server ends a watch after this many seconds; a connection that died silently is given up a little later.
_WATCH_SECONDS = 60
_SILENCE_SECONDS = 75
_PAUSE_SECONDS = 1.0
# In a row: an API server that restarts is back within a minute.
_FAILURES = 60


async def states(
    client: Client, namespace: str, name: str, sleep: Sleep = asyncio.sleep
) -> AsyncGenerator[job.Job, None]:
    """The job now, and each time that it changes, up to its end; a state may come twice.

    Raises `KubeError` when it can't be seen for a minute, `NotAvailable` when the job is deleted meanwhile.
    """
    failures, uid = 0, ""
    while True:
        try:
            async with contextlib.aclosing(_until_cut(client, namespace, name)) as items:
                async for item in items:
                    seen = job.read(item)
                    failures, uid = 0, _same(uid, seen)
                    yield seen
                    if seen.ended:
                        return
        except kube.Unavailable:
            failures += 1
            if failures >= _FAILURES:
                raise
            await sleep(_PAUSE_SECONDS)
        except kube.Expired:
            await sleep(_PAUSE_SECONDS)


async def _until_cut(client: Client, namespace: str, name: str) -> AsyncGenerator[Object, None]:
    """The object and its changes, until the server ends the watch or falls silent."""
    selector = f"metadata.name={name}"
    listed = await client.list(JOBS, namespace, fieldSelector=selector)
    if not listed["items"]:
        raise errors.NotAvailable(f"there is no job {name} in namespace {namespace}", "See `c2d list`.")
    yield listed["items"][0]
    version, limit = listed["metadata"]["resourceVersion"], str(_WATCH_SECONDS)
    changes = client.watch(JOBS, namespace, version, fieldSelector=selector, timeoutSeconds=limit)
    while (change := await _next(changes)) is not None:
        kind, item = change
        if kind == "DELETED":
            raise _deleted(name)
        yield item


async def _next(changes: AsyncIterator[tuple[str, Object]]) -> tuple[str, Object] | None:
    try:
        async with asyncio.timeout(_SILENCE_SECONDS):
            return await anext(changes, None)
    except TimeoutError:
        return None


def _same(uid: str, seen: job.Job) -> str:
    """The job's UID; another one means that the job was deleted, and a new one has its name."""
    if uid and uid != seen.uid:
        raise _deleted(seen.name)
    return seen.uid


def _deleted(name: str) -> errors.NotAvailable:
    return errors.NotAvailable(f"job {name} was deleted", "Submit it again if it is still wanted.")
