"""`c2d-service`: the composition root of the operator-service."""

import asyncio
import contextlib
import logging
import os
import signal
import time
from collections.abc import AsyncIterator
from datetime import UTC, datetime

from aiohttp import web

from c2d import __version__
from c2d.archive.archive import Archive
from c2d.kube.client import Client
from c2d.kube.errors import NoCluster
from c2d.kube.mirror import Mirror
from c2d.kube.resources import ENVIRONMENTS, JOBS
from c2d.service import access, app
from c2d.service.archiving import Archivist
from c2d.service.context import Context
from c2d.service.control import Control
from c2d.service.environments import Offers
from c2d.service.holding import Holding
from c2d.service.jobs import Jobs
from c2d.service.limits import Rate, Streams
from c2d.service.lookup import Lookup
from c2d.service.readers import VolumeReaders
from c2d.service.records import ARCHIVE_FINALIZER
from c2d.service.removal import Removal
from c2d.service.replay import Replay
from c2d.service.results import Results
from c2d.service.settings import Settings
from c2d.service.start import Defaults, Starter
from c2d.storage.listing import Manifests
from c2d.storage.removal import Remover
from c2d.storage.stream import Reader

logger = logging.getLogger(__name__)

# After SIGTERM: the cluster takes us off the Service, which takes a moment; then downloads may come to their end.
_STILL_ASKED = 5.0  # seconds
_DOWNLOADS = 45.0  # seconds
_CONNECTIONS = 1.0  # seconds; those on which nothing is asked


@contextlib.asynccontextmanager
async def composed(settings: Settings, client: Client) -> AsyncIterator[Context]:
    """A replica with everything that it works with; nothing of it runs yet."""
    namespace = settings.namespace or client.namespace
    jobs, offers = Jobs(), Offers()
    archive = Archive(settings.archive) if settings.archive is not None else None
    async with contextlib.AsyncExitStack() as stack:
        if archive is not None:
            await stack.enter_async_context(archive)
        readers = VolumeReaders(client, jobs, settings.reader_token, _now)
        reader = await stack.enter_async_context(Reader(settings.credentials, readers=readers))
        manifests, remover = Manifests(reader), Remover(reader.clients)
        stack.push_async_callback(manifests.close)
        stack.callback(remover.close)
        results = Results(reader, manifests)
        finalizers = (ARCHIVE_FINALIZER,) if archive is not None else ()
        defaults = Defaults(settings.metadata_uri, settings.job_ttl_seconds, finalizers)
        yield Context(
            settings=settings,
            client=client,
            namespace=namespace,
            jobs=jobs,
            offers=offers,
            mirrors=(
                Mirror(client, JOBS, namespace, jobs, time.monotonic),
                Mirror(client, ENVIRONMENTS, namespace, offers, time.monotonic),
            ),
            archive=archive,
            archivist=Archivist(client, jobs, archive, _now),
            lookup=Lookup(jobs, archive, results, _now),
            starter=Starter(client, namespace, jobs, offers, defaults),
            control=Control(client, jobs, archive, _now),
            results=results,
            holding=Holding(client, jobs, archived=archive is not None),
            removal=Removal(client, jobs, archive, remover, _now),
            replay=Replay(settings.access.window_seconds, archive, time.time),
            rate=Rate(settings.limits.requests_per_second, time.monotonic),
            streams=Streams(settings.limits.streams),
        )


@contextlib.asynccontextmanager
async def working(context: Context, broken: asyncio.Event) -> AsyncIterator[None]:
    """What goes on beside the requests; `broken` is set when any of it dies of a bug."""

    def ended(task: asyncio.Task[None]) -> None:
        if not task.cancelled() and task.exception() is not None:
            logger.critical("a worker died; the service stops, to be started anew", exc_info=task.exception())
            broken.set()

    loops = [mirror.run() for mirror in context.mirrors]
    loops += [context.archivist.run(), context.archivist.tidy()]
    loops += [context.holding.run(), context.removal.run(), context.removal.look_into_archive()]
    tasks = [asyncio.create_task(loop) for loop in loops]
    for task in tasks:
        task.add_done_callback(ended)
    try:
        yield
    finally:
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)


async def run(settings: Settings) -> int:
    """Serve until SIGTERM; returns the exit code."""
    stop, broken = asyncio.Event(), asyncio.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        asyncio.get_running_loop().add_signal_handler(number, stop.set)
    async with (
        await Client.connect(user_agent=f"c2d-service/{__version__}") as client,
        composed(settings, client) as context,
        working(context, broken),
    ):
        runner = web.AppRunner(
            app.create(context), handler_cancellation=True, access_log=None, shutdown_timeout=_CONNECTIONS
        )
        await runner.setup()
        site = web.TCPSite(runner, None, settings.port, backlog=1024)
        await site.start()
        logger.info("listening on port %d, namespace %s", settings.port, context.namespace)
        _warn(settings)
        await _first_of(stop, broken)
        context.draining = True
        if not broken.is_set():
            await asyncio.sleep(_STILL_ASKED)
            await site.stop()
            await _until_idle(context)
        await runner.cleanup()
    return 1 if broken.is_set() else 0


async def _until_idle(context: Context) -> None:
    """Not left to the runner: that would wait as long for connections on which nobody asks anything."""
    if context.answering:
        with contextlib.suppress(TimeoutError):
            await asyncio.wait_for(context.idle.wait(), _DOWNLOADS)


def _warn(settings: Settings) -> None:
    if not settings.access.signature_required:
        logger.warning("SIGNATURE_REQUIRED is off: whoever reaches this service can start, see and stop every job")
    elif not settings.access.providers:
        logger.warning("ALLOWED_PROVIDERS is empty: no Provider may do anything")
    if not settings.access.admins:
        logger.warning("ALLOWED_ADMINS is empty: nobody may use the admin routes")


async def _first_of(*events: asyncio.Event) -> None:
    tasks = [asyncio.create_task(event.wait()) for event in events]
    await asyncio.wait(tasks, return_when=asyncio.FIRST_COMPLETED)
    for task in tasks:
        task.cancel()


def main() -> None:
    settings = Settings.read(os.environ)
    access.configure(settings.log_level)
    try:
        raise SystemExit(asyncio.run(run(settings)))
    except NoCluster as error:
        raise SystemExit(str(error)) from None


def _now() -> datetime:
    return datetime.now(UTC)


if __name__ == "__main__":
    main()
