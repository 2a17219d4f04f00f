"""Results that stay on a job's volume, read by way of the API server: nothing else leads to a pod from everywhere."""

import asyncio
import contextlib
import threading
from collections.abc import AsyncGenerator, Coroutine, Iterator
from datetime import UTC, datetime
from typing import Any, TypeVar
from urllib.parse import quote

from c2d import __version__
from c2d.api import reading
from c2d.api.environment import VolumeTarget
from c2d.cli import errors
from c2d.cli.connect import Place
from c2d.cli.job import Job
from c2d.kube import errors as kube
from c2d.kube import readers
from c2d.kube.client import Client
from c2d.kube.resources import Object
from c2d.storage.errors import Missing, Unavailable

T = TypeVar("T")

_PATIENCE = 120.0  # seconds until the reader answers
_TOKEN_SECONDS = 3600


class VolumeObjects:
    """Objects of one job, for any thread: the requests are made in a thread of their own."""

    def __init__(self, client: Client, loop: asyncio.AbstractEventLoop, namespace: str, pod: str, token: str) -> None:
        self._client = client
        self._loop = loop
        self._namespace = namespace
        self._pod = pod
        self._headers = {reading.TOKEN_HEADER: token, "Accept": "*/*", "Accept-Encoding": "identity"}

    def get(self, key: str) -> Iterator[bytes]:
        """Raises StorageError."""
        pieces = self._client.proxied(self._namespace, self._pod, reading.PORT, f"/{quote(key)}", self._headers)
        try:
            while piece := self._do(_next(pieces)):
                yield piece
        except kube.NotFound as error:
            raise Missing("the object is not on the volume") from error
        except kube.KubeError as error:
            raise Unavailable(f"the volume can't be read: {error}") from error
        finally:
            self._do(pieces.aclose())

    def _do(self, work: Coroutine[Any, Any, T]) -> T:
        return asyncio.run_coroutine_threadsafe(work, self._loop).result()


async def _next(pieces: AsyncGenerator[bytes, None]) -> bytes:
    """Nothing at the end."""
    return await anext(pieces, b"")


@contextlib.contextmanager
def opened(place: Place, job: Job) -> Iterator[VolumeObjects]:
    """Has a reader started. Raises KubeError, and NotAvailable where none comes up."""
    loop = asyncio.new_event_loop()
    thread = threading.Thread(target=loop.run_forever, name="volume", daemon=True)
    thread.start()

    def do(work: Coroutine[Any, Any, T]) -> T:
        return asyncio.run_coroutine_threadsafe(work, loop).result()

    try:
        client = do(Client.connect(user_agent=f"c2d/{__version__}", context=place.context))
        try:
            pod = do(_reader(client, job))
            namespace, _, account = _reading_account(pod).partition(":")
            token = do(client.token(namespace, account, reading.AUDIENCE, _TOKEN_SECONDS))
            renewing = asyncio.run_coroutine_threadsafe(keep_asking(client, job, _idle_seconds(job) / 3), loop)
            try:
                yield VolumeObjects(client, loop, job.namespace, pod["metadata"]["name"], token)
            finally:
                renewing.cancel()
        finally:
            do(client.__aexit__())
    finally:
        loop.call_soon_threadsafe(loop.stop)
        thread.join()
        loop.close()


async def _reader(client: Client, job: Job) -> Object:
    try:
        async with asyncio.timeout(_PATIENCE):
            await readers.ask(client, job.namespace, job.name, job.uid, datetime.now(UTC))
            return await readers.until_ready(client, job.namespace, job.uid)
    except kube.Conflict:
        raise kube.NotFound(f"job {job.name} is another one by now") from None
    except TimeoutError:
        why = f"the results of {job.name} stay on its volume, and no pod came up within {_PATIENCE:.0f} s to read it"
        raise errors.NotAvailable(why, "See with `kubectl describe pod` what its reader waits for.") from None


async def keep_asking(client: Client, job: Job, seconds: float) -> None:
    """Until it is cancelled: a reader that nobody asks for goes, also in the middle of a long download."""
    while True:
        await asyncio.sleep(seconds)
        with contextlib.suppress(kube.Unavailable):
            await readers.ask(client, job.namespace, job.name, job.uid, datetime.now(UTC))


def _idle_seconds(job: Job) -> int:
    environment = job.status.resolved_environment
    how = environment.results.volume if environment is not None else None
    return (how or VolumeTarget()).idle_seconds


def _reading_account(pod: Object) -> str:
    """The first that the reader takes."""
    told = {item["name"]: item.get("value", "") for item in pod["spec"]["containers"][0].get("env", [])}
    return str(told.get(reading.SUBJECTS, "")).partition(",")[0]
