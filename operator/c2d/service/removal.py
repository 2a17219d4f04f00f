"""Removes results: those that a client asked to be removed, whose time is over, or whose job is deleted.

What is due follows from the jobs as they are and from the clock, so a restart forgets nothing. Every replica does it;
what another one has deleted is gone already.
"""

import asyncio
import contextlib
import logging
from collections.abc import Callable
from datetime import datetime, timedelta

from c2d.api.job import RESULTS_REMOVED
from c2d.archive.archive import Archive
from c2d.archive.errors import ArchiveError
from c2d.kube import errors
from c2d.kube.client import Client
from c2d.kube.resources import JOBS
from c2d.service import finalizers, records
from c2d.service.archiving import record_of
from c2d.service.jobs import Jobs
from c2d.service.records import RESULTS_FINALIZER, Record
from c2d.storage.errors import StorageError
from c2d.storage.removal import Remover

logger = logging.getLogger(__name__)

# A replica whose clock is behind must not list what is being deleted.
SLACK = timedelta(seconds=60)
# For how long a deleted job waits for a storage that doesn't let its results be deleted.
PATIENCE = timedelta(hours=1)
_RETRY = 10.0  # seconds
_ROUND = 300.0  # seconds between two looks into the archive
_ARCHIVED = 200  # jobs of one look


class Removal:
    """Deletes results of finished jobs, and marks that it is done."""

    def __init__(
        self, client: Client, jobs: Jobs, archive: Archive | None, remover: Remover, now: Callable[[], datetime]
    ) -> None:
        self._client = client
        self._archive = archive
        self._remover = remover
        self._now = now
        self._due: dict[str, Record] = {}
        self._kept: dict[str, datetime] = {}  # when their time is over
        self._records: Jobs = jobs
        self._wake = asyncio.Event()
        jobs.told.append(self._saw)

    def also(self, record: Record) -> None:
        """One that only the archive knows."""
        if self._is_due(record) or record.leaving:
            self._due[record.uid] = record
            self._wake.set()

    async def run(self) -> None:
        """For ever."""
        while True:
            await self._until_next()
            self._wake.clear()
            self._take_expired()
            for record in list(self._due.values()):
                if await self._remove(record):
                    self._due.pop(record.uid, None)
            if self._due:
                await asyncio.sleep(_RETRY)
                self._wake.set()

    async def look_into_archive(self) -> None:
        """For ever: jobs that are only there, which may be due since before we started."""
        while self._archive is not None:
            try:
                for saved in await self._archive.due(self._now() - SLACK, _ARCHIVED):
                    self.also(record_of(saved))
            except ArchiveError as error:
                logger.warning("results of archived jobs are not removed now: %s", error)
            await asyncio.sleep(_ROUND)

    def _saw(self, record: Record, there: bool) -> None:
        self._kept.pop(record.uid, None)
        if not (there and record.over):
            return
        self.also(record)
        if record.results is not None and record.results.expires is not None:
            self._kept[record.uid] = record.results.expires + SLACK
            self._wake.set()

    async def _until_next(self) -> None:
        """Until there is news, or somebody's time is over."""
        left = None
        if self._kept:
            left = max(0.0, (min(self._kept.values()) - self._now()).total_seconds())
        with contextlib.suppress(TimeoutError):
            await asyncio.wait_for(self._wake.wait(), left)

    def _take_expired(self) -> None:
        now = self._now()
        for uid in [uid for uid, due in self._kept.items() if due <= now]:
            del self._kept[uid]
            record = self._records.get(uid)
            if record is not None and self._is_due(record):
                self._due[uid] = record

    async def _remove(self, record: Record) -> bool:
        """Whether nothing is left to do."""
        if self._is_due(record) and not await self._deleted(record) and not self._is_given_up(record):
            return False
        return await self._let_go(record)

    async def _deleted(self, record: Record) -> bool:
        published = record.published
        if published is None:
            return True
        try:
            count = await self._remover.remove(published.target, published.prefix, record.uid)
            logger.info("%s: %d objects removed", record.job_id, count)
            await self._mark(record)
        except (StorageError, errors.KubeError, ArchiveError) as error:
            logger.warning("%s: its results can't be removed yet: %s", record.job_id, error)
            return False
        return True

    async def _mark(self, record: Record) -> None:
        if record.version == 0:
            if self._archive is not None:
                await self._archive.forget_results(record.uid)
            return
        annotations = {RESULTS_REMOVED: records.moment_text(self._now())}
        body = {"metadata": {"uid": record.uid, "annotations": annotations}}
        try:
            await self._client.patch(JOBS, record.namespace, record.name, body)
        except (errors.NotFound, errors.Conflict):
            return

    def _is_given_up(self, record: Record) -> bool:
        """A bucket that is gone for good must not keep a job, and its namespace, in Terminating for ever."""
        if record.deleted_at is None or not record.leaving or self._now() < record.deleted_at + PATIENCE:
            return False
        prefix = record.published.prefix if record.published is not None else ""
        logger.error("%s: deleted, and its results below %s could not be: they stay", record.job_id, prefix)
        return True

    async def _let_go(self, record: Record) -> bool:
        if not record.leaving:
            return True
        try:
            await finalizers.take_off(self._client, record, RESULTS_FINALIZER)
        except errors.KubeError as error:
            logger.warning("%s can't be let go yet: %s", record.job_id, error)
            return False
        return True

    def _is_due(self, record: Record) -> bool:
        """Whether its results are to be deleted, by us. With an archive they don't go with the ComputeJob."""
        if record.published is None or record.cleared or record.published.on_volume:
            return False
        leaves = record.leaving and self._archive is None
        return leaves or record.removed or record.expired(self._now() - SLACK)
