"""The only place where kopf is spoken: what it sees goes into our world, and wakes the job that it belongs to.

Index functions run for every object of the first lists before any event handler does, so that no job is looked at
before all its pods are known. `on.event` handlers write nothing to the objects, unlike kopf's higher-level ones.
"""

import asyncio
import dataclasses
import logging
import os
from collections.abc import Callable, Coroutine, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, cast

import kopf

from c2d.engine.observe import World
from c2d.engine.reconcile import Reconciler
from c2d.kube import names
from c2d.kube.resources import ENVIRONMENTS, JOBS, PODS, Object, Resource, key_of, owner_uid, uid_of

logger = logging.getLogger(__name__)

# A job is worked on by one of these at a time; more of them keep more requests under way.
WORKERS = 16


def register(
    registry: kopf.OperatorRegistry,
    world: World,
    reconciler: Reconciler,
    stop_flag: asyncio.Event,
    beside: Sequence[Callable[[], Coroutine[Any, Any, None]]] = (),
) -> None:
    """Connect kopf's streams with the world and the queue; sets the flag when a worker dies of a bug.

    `beside`: what else runs from start to end, and stops the engine when it can't.
    """
    running: list[asyncio.Task[None]] = []

    def ended(task: asyncio.Task[None]) -> None:
        if not task.cancelled():
            logger.critical("a worker died; the engine stops, to be started anew", exc_info=task.exception())
            stop_flag.set()

    @kopf.on.startup(registry=registry)
    async def start(settings: kopf.OperatorSettings, **_: Any) -> None:
        configure(settings)
        for work in (*[reconciler.work] * WORKERS, *beside):
            task = asyncio.create_task(work())
            task.add_done_callback(ended)
            running.append(task)

    @kopf.on.cleanup(registry=registry)
    async def stop(**_: Any) -> None:
        for task in running:
            task.cancel()
        await asyncio.gather(*running, return_exceptions=True)

    @kopf.on.login(registry=registry)
    def login(**kwargs: Any) -> kopf.ConnectionInfo | None:
        return _service_account(os.environ, **kwargs) or kopf.login_with_kubeconfig(**kwargs)

    watch = _Watch(registry, world)
    _watch_jobs(watch, world, reconciler)
    _watch_environments(watch, world, reconciler)
    _watch_pods(watch, world, reconciler)


def _service_account(environ: Mapping[str, str], **kwargs: Any) -> kopf.ConnectionInfo | None:
    """kopf looks the API server up by name; its address does without the cluster's DNS, which may be down or absent."""
    info = kopf.login_with_service_account(**kwargs)
    host, port = environ.get("KUBERNETES_SERVICE_HOST"), environ.get("KUBERNETES_SERVICE_PORT", "443")
    if info is None or not host:
        return info
    return dataclasses.replace(info, server=f"https://{f'[{host}]' if ':' in host else host}:{port}")


def configure(settings: kopf.OperatorSettings) -> None:
    """Only our own pods are watched, and nothing but what we write ourselves is ever written."""
    settings.scanning.disabled = True
    settings.posting.enabled = False
    settings.persistence.diffbase_storage = _NoDiffs()
    settings.watching.label_selectors["", "v1", PODS.plural] = f"{names.MANAGED_BY}={names.MANAGER},{names.STEP}"


def _watch_jobs(watch: "_Watch", world: World, reconciler: Reconciler) -> None:
    news = _News(world.saw_job)

    async def on_job(event: kopf.RawEvent, **_: Any) -> None:
        item: Object = dict(event["object"])
        if event["type"] == "DELETED":
            reconciler.queue.cancel(key_of(item))
            environment = world.lost_job(item)
            if environment is not None:
                reconciler.wake_waiting(environment)
        elif news.taken(item):
            reconciler.queue.wake(key_of(item))

    watch(JOBS, news.index, on_job)


def _watch_environments(watch: "_Watch", world: World, reconciler: Reconciler) -> None:
    generations: dict[str, int] = {}

    async def index_environment(body: kopf.Body, **_: Any) -> None:
        world.environments.put(dict(body))

    async def on_environment(event: kopf.RawEvent, **_: Any) -> None:
        item: Object = dict(event["object"])
        if event["type"] == "DELETED":
            world.environments.remove(item)
            return
        generation = item["metadata"].get("generation", 0)
        if generations.get(uid_of(item)) == generation:
            return  # only its numbers changed, which nothing decides on
        generations[uid_of(item)] = generation
        for job in world.jobs:
            if job["spec"].get("environment") == item["metadata"]["name"] and not job.get("status", {}).get("outcome"):
                reconciler.queue.wake(key_of(job))

    watch(ENVIRONMENTS, index_environment, on_environment)


def _watch_pods(watch: "_Watch", world: World, reconciler: Reconciler) -> None:
    news = _News(world.saw_pod)

    async def on_pod(event: kopf.RawEvent, **_: Any) -> None:
        item: Object = dict(event["object"])
        gone = event["type"] == "DELETED"
        if gone:
            world.lost_pod(item)
        job = _job_of(item)
        if job is not None and (gone or news.taken(item)):
            reconciler.queue.wake(job)

    watch(PODS, news.index, on_pod)


class _News:
    """Whether the latest event of an object told anything: the echo of our own write does not.

    kopf indexes an object right before it calls the object's event handler, one event at a time.
    """

    def __init__(self, saw: Callable[[Object], bool]) -> None:
        self._saw = saw
        self._new: set[str] = set()

    async def index(self, body: kopf.Body, **_: Any) -> None:
        item: Object = dict(body)
        if self._saw(item):
            self._new.add(uid_of(item))

    def taken(self, item: Object) -> bool:
        new = uid_of(item) in self._new
        self._new.discard(uid_of(item))
        return new


class _NoDiffs(kopf.DiffBaseStorage):
    """kopf copies every object at every event, to tell its handlers what changed. Nobody asks, so nothing is copied."""

    def build(self, *, body: kopf.Body, extra_fields: Any = None) -> kopf.BodyEssence:  # noqa: ARG002
        return cast(kopf.BodyEssence, {})

    def fetch(self, *, body: kopf.Body) -> kopf.BodyEssence | None:  # noqa: ARG002
        return None

    def store(self, *, body: kopf.Body, patch: kopf.Patch, essence: kopf.BodyEssence) -> None:
        """Nothing is kept on our objects."""


@dataclass(frozen=True)
class _Watch:
    """Registers the handlers of a kind."""

    registry: kopf.OperatorRegistry
    world: World

    def __call__(self, resource: Resource, index: Any, handler: Any) -> None:
        group, _, version = resource.api_version.rpartition("/")

        async def on_event(**given: Any) -> None:
            # kopf calls no event handler before everything that was there at the start went through the indexes.
            self.world.complete = True
            await handler(**given)

        place = (group, version, resource.plural)
        kopf.index(*place, id=f"index-{resource.plural}", registry=self.registry)(index)
        kopf.on.event(*place, id=f"watch-{resource.plural}", registry=self.registry)(on_event)


def _job_of(pod: Object) -> tuple[str, str] | None:
    if owner_uid(pod) is None:
        return None
    owner = next(reference for reference in pod["metadata"]["ownerReferences"] if reference.get("controller"))
    return pod["metadata"]["namespace"], owner["name"]
