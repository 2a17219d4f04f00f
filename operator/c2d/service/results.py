"""Results of jobs: what there is, and the bytes of one."""

import asyncio
import logging
from dataclasses import dataclass

from c2d.api.manifest import Kind, Result
from c2d.kube import errors
from c2d.kube.client import Client
from c2d.kube.resources import JOBS
from c2d.service import records
from c2d.service.jobs import Jobs
from c2d.service.records import Listed, Published, Record
from c2d.storage.errors import StorageError
from c2d.storage.listing import Manifests
from c2d.storage.removal import Remover
from c2d.storage.stream import Opened, Reader

logger = logging.getLogger(__name__)


@dataclass(frozen=True)
class Results:
    """Reads what jobs have published. Everything raises StorageError."""

    reader: Reader
    manifests: Manifests

    async def listed(self, published: Published) -> tuple[Listed, ...]:
        """The first ten thousand results; none while the storage is out of reach, as then none can be fetched."""
        try:
            found = await self.manifests.listing(published.target, published.prefix, published.manifest_sha256)
        except StorageError as error:
            logger.warning("results below %s are not listed: %s", published.prefix, error)
            return ()
        return tuple(Listed(item.filename, item.filesize, item.type) for item in found.results)

    async def at(self, published: Published, index: int) -> Result | None:
        """The result with that index."""
        place = published.target, published.prefix, published.manifest_sha256
        return (await self.manifests.lookup(*place, index)).result

    async def log(self, published: Published, kind: Kind) -> Result | None:
        """The log of that kind; logs come last."""
        for index in reversed(range(published.count)):
            result = await self.at(published, index)
            if result is None or result.type is kind:
                return result
            if result.type is Kind.OUTPUT:
                break
        return None

    async def open(self, published: Published, result: Result, span: str | None = None) -> Opened:
        """Its bytes, or those of a range as a client asks for it."""
        return await self.reader.open(published.target, f"{published.prefix}/{result.key}", span)


class Removal:
    """Deletes the results of finished jobs whose removal was asked for, and marks that it is done."""

    def __init__(self, client: Client, jobs: Jobs, remover: Remover) -> None:
        self._client = client
        self._remover = remover
        self._due: dict[str, Record] = {}
        self._wake = asyncio.Event()
        jobs.told.append(self._saw)

    def also(self, record: Record) -> None:
        """One that only the archive knows."""
        if record.removed and record.published is not None and not record.cleared:
            self._due[record.uid] = record
            self._wake.set()

    async def run(self) -> None:
        """For ever. Every replica does it; what another one has deleted is gone already."""
        while True:
            await self._wake.wait()
            self._wake.clear()
            for record in list(self._due.values()):
                if await self._remove(record):
                    self._due.pop(record.uid, None)
            if self._due:
                await asyncio.sleep(_RETRY)
                self._wake.set()

    def _saw(self, record: Record, there: bool) -> None:
        if there and record.over:
            self.also(record)

    async def _remove(self, record: Record) -> bool:
        published = record.published
        if published is None:
            return True
        try:
            count = await self._remover.remove(published.target, published.prefix, record.uid)
            logger.info("%s: %d objects removed", record.job_id, count)
            await self._mark(record)
        except (StorageError, errors.KubeError) as error:
            logger.warning("%s: its results can't be removed yet: %s", record.job_id, error)
            return False
        return True

    async def _mark(self, record: Record) -> None:
        """Of a job that only the archive has, the removal itself is the mark."""
        if record.version == 0:
            return
        body = {"metadata": {"uid": record.uid, "annotations": {records.RESULTS_REMOVED: "true"}}}
        try:
            await self._client.patch(JOBS, record.namespace, record.name, body)
        except (errors.NotFound, errors.Conflict):
            return


_RETRY = 10.0  # seconds
