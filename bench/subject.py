"""What is measured: something that brings a job to its end, and tells when."""

from __future__ import annotations

import abc
import asyncio
import time
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass

from bench import plane
from c2d.kube import names
from c2d.kube.client import Client
from c2d.kube.resources import CLAIMS, CONFIG_MAPS, JOBS, PODS, Object, Resource

LABEL = "bench"
VOLUMES = Resource("v1", "PersistentVolume", "persistentvolumes")
_AT_A_TIME = 32  # submissions under way
_POLL = 0.5  # seconds
# No run takes this long on any machine; one that does hangs.
DEADLINE = 900.0


@dataclass(frozen=True)
class Span:
    """One job, in seconds since 1970: from before its first request until a watch told of its end."""

    name: str
    begin: float
    end: float


class Subject(abc.ABC):
    """Runs jobs of three pods. Used as: `async with subject.watching(): await subject.one(name)`."""

    resource: Resource  # what is watched
    selector: str

    def __init__(self, client: Client) -> None:
        self.client = client
        self._ends: dict[str, asyncio.Future[float]] = {}
        self._limit = asyncio.Semaphore(_AT_A_TIME)

    @asynccontextmanager
    async def watching(self) -> AsyncIterator[None]:
        listed = await self.client.list(self.resource, plane.NAMESPACE, labelSelector=self.selector)
        async with asyncio.timeout(DEADLINE), asyncio.TaskGroup() as group:
            task = group.create_task(self._watch(listed["metadata"]["resourceVersion"]))
            yield
            task.cancel()

    async def one(self, name: str) -> Span:
        """Only the beginnings are bounded in number, as somebody who submits many jobs would do."""
        ended = self._ends[name] = asyncio.get_running_loop().create_future()
        async with self._limit:
            begin = time.time()
            await self.begin(name)
        return Span(name, begin, await ended)

    async def at_once(self, names: Sequence[str]) -> list[Span]:
        return list(await asyncio.gather(*(self.one(name) for name in names)))

    def ended(self, name: str) -> None:
        future = self._ends.get(name)
        if future is not None and not future.done():
            future.set_result(time.time())

    async def _watch(self, version: str) -> None:
        """The API server cuts a watch that lags behind a burst; it is taken up where it ended."""
        while True:
            stream = self.client.watch(self.resource, plane.NAMESPACE, version, labelSelector=self.selector)
            async for kind, item in stream:
                version = item["metadata"]["resourceVersion"]
                if kind != "DELETED":
                    self.saw(item)

    @abc.abstractmethod
    async def begin(self, name: str) -> None:
        """Submit it."""

    @abc.abstractmethod
    def saw(self, item: Object) -> None:
        """An object as it is now."""

    @abc.abstractmethod
    async def settled(self) -> None:
        """Wait until nothing more happens: what is to go by itself has gone."""

    @abc.abstractmethod
    async def clean(self) -> None:
        """Remove what is left, and wait until it is gone."""


async def gone(client: Client, *kinds: tuple[Resource, str]) -> None:
    """Wait until there is no object of these kinds with these labels."""
    async with asyncio.timeout(DEADLINE):
        for resource, selector in kinds:
            # A watch of thousands of deletions would cost the API server more than this.
            while await _any(client, resource, selector):  # noqa: ASYNC110
                await asyncio.sleep(_POLL)


async def _any(client: Client, resource: Resource, selector: str) -> bool:
    namespace = "" if resource is VOLUMES else plane.NAMESPACE
    return bool((await client.list(resource, namespace, labelSelector=selector, limit="1"))["items"])


class Jobs(Subject):
    """The engine's: a ComputeJob each."""

    resource = JOBS
    selector = f"{LABEL}=job"
    _children = f"{names.MANAGED_BY}={names.MANAGER}"

    async def begin(self, name: str) -> None:
        await self.client.create(JOBS, job(name))

    def saw(self, item: Object) -> None:
        if "dateFinished" in item.get("status", {}):
            self.ended(item["metadata"]["name"])

    async def settled(self) -> None:
        await gone(self.client, (PODS, self._children), (CLAIMS, self._children), (VOLUMES, ""))

    async def clean(self) -> None:
        await self.client.delete_all(JOBS, plane.NAMESPACE, self.selector)
        everything = ((PODS, self._children), (CLAIMS, self._children), (CONFIG_MAPS, self._children), (VOLUMES, ""))
        await gone(self.client, (JOBS, self.selector), *everything)


def job(name: str) -> Object:
    """A small one: one dataset, a few lines of code."""
    return {
        "apiVersion": JOBS.api_version,
        "kind": JOBS.kind,
        "metadata": {"name": name, "namespace": plane.NAMESPACE, "labels": {LABEL: "job"}},
        "spec": {
            "inputs": [{"id": "did:op:" + "1" * 64, "files": [{"url": "https://data.example.com/1.csv"}]}],
            "algorithm": {
                "source": {"inline": "print('hello')\n"},
                "container": {"image": "example.com/algorithm", "tag": "1", "entrypoint": "python3 $ALGO"},
            },
        },
    }
