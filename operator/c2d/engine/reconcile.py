"""One pass over a job: observe, decide, act, write the status once, then do what it announced and tell of it."""

import asyncio
import contextlib
import logging
from collections.abc import Callable
from datetime import UTC, datetime, timedelta

from c2d.api.job import JobStatus
from c2d.api.phases import ACTIVE
from c2d.engine import asset, events
from c2d.engine.act import act
from c2d.engine.decide import decide, refused
from c2d.engine.observe import World, environment_key, misses_pod, observe
from c2d.engine.patch import merge_patch
from c2d.engine.queue import WorkQueue
from c2d.engine.state import Action, Decision, DeleteAll, Job, Observed, Settings
from c2d.kube import errors, names
from c2d.kube.client import Client
from c2d.kube.resources import EVENTS, JOBS, PODS, Object, uid_of

logger = logging.getLogger(__name__)

Key = tuple[str, str]

# An unfinished job's pods are listed anew this often, for the event that a watch never delivered.
_RESYNC = timedelta(minutes=5)
_FIRST_RETRY, _LAST_RETRY = 0.2, 60.0  # seconds after a failed pass, doubled each time


def utc_now() -> datetime:
    """Whole seconds, as Kubernetes keeps them."""
    return datetime.now(UTC).replace(microsecond=0)


class Reconciler:
    """Works through the queue; `clock` is an argument so that tests can own it."""

    def __init__(
        self, client: Client, world: World, settings: Settings, clock: Callable[[], datetime] = utc_now
    ) -> None:
        self.queue: WorkQueue[Key] = WorkQueue()
        self._client = client
        self._world = world
        self._settings = settings
        self._clock = clock
        self._failures: dict[Key, int] = {}
        self._listed: dict[str, datetime] = {}
        self._telling: set[asyncio.Task[None]] = set()
        # Told of jobs whose asset is to be made: what speaks to chains, where there is one.
        self.minters: list[Callable[[Key], None]] = []

    async def work(self) -> None:
        """Run for ever; several of these may run side by side."""
        while True:
            key = await self.queue.get()
            try:
                await self._attempt(key)
            finally:
                self.queue.done(key)

    async def _attempt(self, key: Key) -> None:
        """A pass that fails is tried again, later each time; nothing but a bug ends up in the log with a trace."""
        try:
            wake_after = await self.reconcile(key)
        except errors.KubeError as error:
            logger.warning("%s/%s: %s: %s", *key, type(error).__name__, error)
            self._try_again(key)
        except Exception:
            logger.exception("%s/%s: this is a bug", *key)
            self._try_again(key)
        else:
            self._failures.pop(key, None)
            if wake_after is None:
                self.queue.cancel(key)
            else:
                self.queue.wake_after(key, wake_after.total_seconds())

    def _try_again(self, key: Key) -> None:
        count = self._failures.get(key, 0)
        self._failures[key] = count + 1
        self.queue.wake_after(key, min(_FIRST_RETRY * 2**count, _LAST_RETRY))

    async def reconcile(self, key: Key) -> timedelta | None:
        """One pass; returns when to look again if nothing happens. Raises `KubeError`."""
        item = self._world.jobs.get(key)
        if item is None:
            return None
        now = self._clock()
        seen = await self._observe(item, now)
        decision = await self._carry_out(key, seen, decide(seen, now), now)
        if asset.is_under_way(decision.status):
            self._wake_minters(key)
        if decision.status.phase not in ACTIVE:
            self._listed.pop(seen.job.uid, None)
            return decision.wake_after
        return _RESYNC if decision.wake_after is None else min(decision.wake_after, _RESYNC)

    async def _observe(self, item: Object, now: datetime) -> Observed:
        seen = observe(self._world, item, self._settings)
        job = seen.job
        if job.status.phase not in ACTIVE or job.deleting:
            return seen
        stale = now - self._listed.setdefault(job.uid, now) >= _RESYNC
        if not stale and not misses_pod(seen):
            return seen
        self._listed[job.uid] = now
        selector = f"{names.JOB_UID}={job.uid}"
        listed = await self._client.list(PODS, job.namespace, labelSelector=selector)
        self._world.listed_pods(job.uid, listed["items"])
        return observe(self._world, item, self._settings)

    async def _carry_out(self, key: Key, seen: Observed, decision: Decision, now: datetime) -> Decision:
        """Returns what became of it: the API server may have refused."""
        try:
            await self._act(seen.job, decision.actions)
            if await self._write(key, seen.job, decision.status, now):
                await self._act(seen.job, decision.then)
        except errors.Rejected as error:
            decision = refused(seen, decision, str(error), now)
            await self._act(seen.job, decision.actions)
            await self._write(key, seen.job, decision.status, now)
        return decision

    async def _act(self, job: Job, actions: tuple[Action, ...]) -> None:
        for pod in await act(self._client, job, actions):
            self._world.saw_pod(pod)
        if DeleteAll(PODS) in actions:
            self._world.listed_pods(job.uid, [])

    async def _write(self, key: Key, job: Job, status: JobStatus, now: datetime) -> bool:
        """Bring the status to the API server if it changed; False when the job is gone."""
        item = self._world.jobs.get(key)
        if item is None or uid_of(item) != job.uid:
            return False
        if asset.is_under_way(job.status) and self._world.job(item).status != job.status:
            # It was written while we worked: what we decided is about what was before.
            self.queue.wake(key)
            return False
        change = merge_patch(item.get("status") or {}, _dump(status))
        if not change:
            return True
        # The version makes an engine that was paused for long fail here, instead of writing old news over new ones.
        body = {"metadata": {"resourceVersion": item["metadata"]["resourceVersion"]}, "status": change}
        try:
            written = await self._client.patch(JOBS, job.namespace, job.name, body, "status")
        except errors.NotFound:
            return False
        except errors.Conflict:
            self._world.saw_job(await self._client.get(JOBS, job.namespace, job.name))
            raise
        self._world.saw_job(written)
        if job.status.phase != status.phase:
            logger.info("%s: %s -> %s %s", job.full_name, job.status.phase, status.phase, status.reason or "")
            self._wake_next(item, status)
        self._tell(events.of_transition(job, status, now))
        return True

    def _wake_minters(self, key: Key) -> None:
        for wake in self.minters:
            wake(key)

    def _wake_next(self, item: Object, status: JobStatus) -> None:
        """A job that ended leaves its place to those that wait."""
        if status.phase in ACTIVE:
            return
        self.wake_waiting(environment_key(item))

    def wake_waiting(self, environment: Key) -> None:
        spec = self._world.environment(environment)
        for key in self._world.admission.next_in_line(environment, spec.max_jobs if spec else 0):
            self.queue.wake(key)

    def _tell(self, told: list[Object]) -> None:
        """Events go out beside the work: a job never waits for them, nor fails with them."""
        for event in told:
            task = asyncio.create_task(self._post(event))
            self._telling.add(task)
            task.add_done_callback(self._telling.discard)

    async def _post(self, event: Object) -> None:
        with contextlib.suppress(errors.KubeError):
            await self._client.create(EVENTS, event)


def _dump(status: JobStatus) -> Object:
    return status.model_dump(mode="json", by_alias=True, exclude_none=True)
