"""Stop and remove jobs: what is written is what was asked; the engine, and the remover, do the rest."""

import asyncio
from collections.abc import Callable
from datetime import datetime, timedelta

from c2d.archive.archive import Archive
from c2d.kube import errors
from c2d.kube.client import Client
from c2d.kube.resources import JOBS, Object
from c2d.service.archiving import record_of
from c2d.service.jobs import Jobs
from c2d.service.records import Record

_AT_ONCE = 16
# A client that removes a job still asks for it afterwards; then it goes, with all that is private of it.
_REMEMBERED = timedelta(days=1)
_LONGEST = 31_536_000  # seconds; of a time to live


class Control:
    """Changes jobs on the cluster. Raises KubeError, and ArchiveError for jobs that only the archive has."""

    def __init__(self, client: Client, jobs: Jobs, archive: Archive | None, now: Callable[[], datetime]) -> None:
        self._now = now
        self._client = client
        self._jobs = jobs
        self._archive = archive
        self._room = asyncio.Semaphore(_AT_ONCE)

    async def stop(self, found: list[Record]) -> list[Record]:
        """The jobs as they are now; one that is over stays as it is."""
        return list(await asyncio.gather(*(self._stop(record) for record in found)))

    async def remove(self, found: list[Record]) -> list[Record]:
        """An unfinished job is stopped, and removed as soon as it has ended."""
        return list(await asyncio.gather(*(self._remove(record) for record in found)))

    async def _stop(self, record: Record) -> Record:
        return record if record.over or record.stop_request else await self._write(record, {"stop": True})

    async def _remove(self, record: Record) -> Record:
        if self._jobs.get(record.uid) is None:
            return await self._remove_archived(record)
        if record.removed:
            return record
        spec: Object = {"remove": True, "ttlSecondsAfterFinished": _lifetime(record, self._now())}
        return await self._write(record, spec if record.over else {"stop": True, **spec})

    async def _remove_archived(self, record: Record) -> Record:
        saved = await self._archive.mark_removed(record.uid) if self._archive is not None else None
        return record_of(saved) if saved is not None else record

    async def _write(self, record: Record, spec: Object) -> Record:
        """Of that job only, and not of a later one of its name."""
        body = {"metadata": {"uid": record.uid}, "spec": spec}
        async with self._room:
            try:
                return self._jobs.take(await self._client.patch(JOBS, record.namespace, record.name, body))
            except (errors.NotFound, errors.Conflict):
                return record


def _lifetime(record: Record, now: datetime) -> int:
    """Seconds from the job's end until a day from now."""
    kept = now + _REMEMBERED - (record.finished_at or now)
    return min(int(kept.total_seconds()), _LONGEST)
