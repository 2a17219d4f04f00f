"""Where results on volumes are read: asks the engine for a reader, by a note on the job, and waits for it."""

import asyncio
import logging
import time
from collections import OrderedDict
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

from c2d.api import reading
from c2d.api.environment import VolumeTarget
from c2d.kube import errors, readers
from c2d.kube.client import Client
from c2d.service.jobs import Jobs
from c2d.service.records import Record
from c2d.storage.errors import Denied, Missing, Unavailable

logger = logging.getLogger(__name__)

_KNOWN = 1000  # readers that are remembered
_TOKEN_AGE = 60.0  # seconds; the kubelet renews the file long before the token expires


@dataclass
class _Reader:
    """What is known of one."""

    address: str = ""  # empty: not yet, or not any more
    asked: float = float("-inf")  # seconds of a clock that only ever goes on


class VolumeReaders:
    """Addresses of readers, by the prefix of the keys that they have: the claim and the job's UID."""

    def __init__(self, client: Client, jobs: Jobs, token: Path, now: Callable[[], datetime]) -> None:
        self._client = client
        self._jobs = jobs
        self._token_file = token
        self._token = ""
        self._token_read = float("-inf")
        self._now = now
        self._known: OrderedDict[str, _Reader] = OrderedDict()

    async def address(self, target: VolumeTarget, prefix: str) -> str:
        """Waits for as long as it takes: the caller has the clock. Raises StorageError."""
        record = self._record(prefix)
        reader = self._remembered(prefix)
        try:
            await self._ask(record, reader, target)
            if not reader.address:
                pod = await readers.until_ready(self._client, record.namespace, record.uid)
                reader.address = f"http://{_host(pod['status']['podIP'])}:{reading.PORT}"
        except errors.NotFound:
            raise Missing("the job is gone, and its volume with it") from None
        except errors.KubeError as error:
            raise Unavailable(f"the volume's reader can't be asked for: {error}") from error
        return reader.address

    async def token(self) -> str:
        """Raises StorageError."""
        if time.monotonic() - self._token_read > _TOKEN_AGE:
            try:
                self._token = (await asyncio.to_thread(self._token_file.read_text)).strip()
            except OSError as error:
                raise Denied(f"there is no token for the volume's reader: {error.strerror}") from error
            self._token_read = time.monotonic()
        return self._token

    def lost(self, prefix: str) -> None:
        """It is looked for again, and asked for again."""
        self._known.pop(prefix, None)

    def _record(self, prefix: str) -> Record:
        place = prefix.rpartition("/")[2]
        # The first attempt's place is the UID itself, a later one's has a number behind it.
        record = self._jobs.get(place) or self._jobs.get(place.rpartition("-")[0])
        if record is None or record.results is None:
            raise Missing("the job's volume is gone")
        return record

    def _remembered(self, prefix: str) -> _Reader:
        reader = self._known.setdefault(prefix, _Reader())
        self._known.move_to_end(prefix)
        if len(self._known) > _KNOWN:
            self._known.popitem(last=False)
        return reader

    async def _ask(self, record: Record, reader: _Reader, target: VolumeTarget) -> None:
        """Again while there is time left, and not each time."""
        if time.monotonic() - reader.asked < target.idle_seconds / 3:
            return
        try:
            await readers.ask(self._client, record.namespace, record.name, record.uid, self._now())
        except errors.Conflict:
            raise Missing("the job is gone, and its volume with it") from None
        reader.asked = time.monotonic()
        logger.debug("%s: asked for a reader of its volume", record.job_id)


def _host(address: str) -> str:
    return f"[{address}]" if ":" in address else address
