"""Nonces for signatures of the operator's key: each larger than all before, whatever happens to engine and clock.

A Provider refuses a nonce that is not above the last one that it saw of an address. A nonce is a time in milliseconds,
so a key that was used elsewhere goes on, too; but a clock may jump, and an engine may be started anew at any time. So a
ceiling is kept in a ConfigMap: it is raised, some seconds ahead, before any nonce up to it is used. Whoever comes next
goes on above it. A crash in between only leaves numbers out.
"""

import asyncio
import logging
from collections.abc import Callable
from dataclasses import dataclass, replace

from c2d.engine.errors import NoNonce
from c2d.kube import errors, names
from c2d.kube.client import Client
from c2d.kube.resources import CONFIG_MAPS, Object

logger = logging.getLogger(__name__)

AHEAD = 10_000  # milliseconds, and so nonces: a write in ten seconds of signing without a pause
CEILING = "ceiling"
_TRIES = 5  # writes that collide with somebody else's
_DIGITS = 15  # of a ceiling; the year 30000, and below 2**53, where JavaScript still counts


@dataclass(frozen=True)
class Range:
    """What may be used: above `last`, up to `ceiling`. Pure."""

    last: int
    ceiling: int

    def next(self, now: int) -> int | None:
        """The nonce of this millisecond or the next that is free; None when more has to be reserved first."""
        nonce = max(self.last + 1, now)
        return nonce if nonce <= self.ceiling else None

    def used(self, nonce: int) -> "Range":
        return replace(self, last=nonce)


def reserve(mine: Range | None, stored: int, now: int) -> Range:
    """The range to write next. A stored ceiling that isn't mine is somebody else's: all below it may have been used."""
    mine = mine or Range(last=0, ceiling=0)
    last = mine.last if stored == mine.ceiling else max(mine.last, stored)
    return Range(last=last, ceiling=max(mine.ceiling, stored, now) + AHEAD)


def read_ceiling(item: Object) -> int:
    """Raises NoNonce: to guess could mean to go below what was used."""
    name, text = item["metadata"]["name"], (item.get("data") or {}).get(CEILING)
    if not isinstance(text, str) or not text.isascii() or not text.isdecimal() or len(text) > _DIGITS:
        raise NoNonce(f"ConfigMap {name}: {CEILING} is no number; write one above every nonce that was used")
    return int(text)


class Nonces:
    """Hands out nonces, one at a time. `clock` gives milliseconds of Unix time."""

    def __init__(self, client: Client, namespace: str, clock: Callable[[], int], name: str = names.NONCES) -> None:
        self._client = client
        self._namespace = namespace
        self._name = name
        self._clock = clock
        self._range: Range | None = None
        self._there: Object | None = None  # the ConfigMap as it was last seen
        self._lock = asyncio.Lock()

    async def next(self) -> int:
        """Raises NoNonce and `KubeError`; both may be tried again."""
        async with self._lock:
            for _ in range(_TRIES):
                nonce = self._range.next(self._clock()) if self._range is not None else None
                if self._range is not None and nonce is not None:
                    self._range = self._range.used(nonce)
                    return nonce
                await self._reserve()
            raise NoNonce("no nonce could be reserved: somebody else changes the ConfigMap all the time")

    async def _reserve(self) -> None:
        """One try to raise the ceiling. What was written but not answered for is found again by the next look."""
        there, self._there = self._there or await self._read(), None
        stored = read_ceiling(there) if there is not None else 0
        wanted = reserve(self._range, stored, self._clock())
        try:
            self._there = await self._write(there, wanted.ceiling)
        except (errors.Conflict, errors.AlreadyExists, errors.NotFound):
            logger.info("somebody else changed ConfigMap %s; it is read again", self._name)
            return
        self._range = wanted

    async def _read(self) -> Object | None:
        try:
            return await self._client.get(CONFIG_MAPS, self._namespace, self._name)
        except errors.NotFound:
            return None

    async def _write(self, there: Object | None, ceiling: int) -> Object:
        data = {CEILING: str(ceiling)}
        if there is None:
            return await self._client.create(CONFIG_MAPS, _config_map(self._namespace, self._name, data))
        body = {"metadata": {"resourceVersion": there["metadata"]["resourceVersion"]}, "data": data}
        return await self._client.patch(CONFIG_MAPS, self._namespace, self._name, body)


def _config_map(namespace: str, name: str, data: dict[str, str]) -> Object:
    return {
        "apiVersion": CONFIG_MAPS.api_version,
        "kind": CONFIG_MAPS.kind,
        "metadata": {"name": name, "namespace": namespace, "labels": {names.MANAGED_BY: names.MANAGER}},
        "data": data,
    }
