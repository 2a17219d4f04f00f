"""All objects of a kind as the API server has them now: listed once, then watched.

It says for how long it has heard nothing, so that nobody takes old news for new ones. A watch is renewed every half
minute: the end of a quiet one is also a sign of life, and a connection that died in silence is noticed.
"""

import asyncio
import logging
import random
from collections.abc import Callable
from typing import Protocol

from c2d.kube import errors
from c2d.kube.client import Client
from c2d.kube.resources import Object, Resource, uid_of

logger = logging.getLogger(__name__)

PAGE = 500  # objects of one list request; a page of large objects is some megabytes
WATCH_SECONDS = 30
_PATIENCE = 15  # seconds beyond that in which the server has to end a watch
_FIRST_RETRY, _LAST_RETRY = 0.2, 5.0


class Sink(Protocol):
    """Takes in what is seen."""

    def put(self, item: Object) -> None:
        """It is there, maybe in an older version than the one that is known already."""

    def remove(self, item: Object) -> None:
        """It is gone."""

    def keep_only(self, uids: set[str], version: int) -> None:
        """Every other one is gone, unless it is known in a newer version than this one of the whole list."""


class Mirror:
    """Keeps a sink up to date; `clock` counts seconds."""

    def __init__(
        self, client: Client, resource: Resource, namespace: str, sink: Sink, clock: Callable[[], float]
    ) -> None:
        self.resource = resource
        self._client = client
        self._namespace = namespace
        self._sink = sink
        self._clock = clock
        self._version = ""  # to watch from; empty: list first
        self._lost_since: float | None = clock()
        self._failures = 0
        self.synced = False

    @property
    def lost_for(self) -> float:
        """Seconds since it lost touch with the API server; 0 while it is in touch."""
        return 0.0 if self._lost_since is None else self._clock() - self._lost_since

    async def run(self) -> None:
        """For ever."""
        while True:
            try:
                await self._follow()
            except errors.Expired:
                self._version = ""
            except (errors.KubeError, TimeoutError) as error:
                await self._lose(error)

    async def _follow(self) -> None:
        if not self._version:
            await self._list()
        async with asyncio.timeout(WATCH_SECONDS + _PATIENCE):
            await self._watch()

    async def _list(self) -> None:
        seen: set[str] = set()
        page = await self._client.list(self.resource, self._namespace, limit=str(PAGE))
        version = page["metadata"]["resourceVersion"]
        while True:
            for item in page["items"]:
                seen.add(uid_of(item))
                self._sink.put(item)
            rest = page["metadata"].get("continue")
            if not rest:
                break
            page = await self._client.list(self.resource, self._namespace, **{"limit": str(PAGE), "continue": rest})
        self._sink.keep_only(seen, int(version))
        self._version = version
        self._in_touch()
        self.synced = True

    async def _watch(self) -> None:
        options = {"allowWatchBookmarks": "true", "timeoutSeconds": str(WATCH_SECONDS)}
        events = self._client.watch(self.resource, self._namespace, self._version, self._in_touch, **options)
        async for kind, item in events:
            if kind == "DELETED":
                self._sink.remove(item)
            elif kind != "BOOKMARK":
                self._sink.put(item)
            self._version = item["metadata"]["resourceVersion"]
        self._in_touch()

    def _in_touch(self) -> None:
        if self._lost_since is not None and self.synced:
            logger.info("%s: in touch with the API server", self.resource.plural)
        self._lost_since, self._failures = None, 0

    async def _lose(self, error: Exception) -> None:
        if self._lost_since is None:
            self._lost_since = self._clock()
        logger.warning("%s: lost touch with the API server: %s", self.resource.plural, error or type(error).__name__)
        delay = min(_FIRST_RETRY * 2**self._failures, _LAST_RETRY)
        self._failures = min(self._failures + 1, 10)
        await asyncio.sleep(delay * random.uniform(0.5, 1.5))  # noqa: S311 - keeps replicas apart, no secret
