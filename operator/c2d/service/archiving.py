"""Finished jobs on their way into the archive.

Every replica saves what it sees: the same row twice is one row. Jobs that Providers started have a finalizer until
their end is saved, so that none is lost while the database, or every replica, is away for longer than a job is kept.
"""

import asyncio
import logging
from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime

from c2d.api.phases import TABLE, Phase
from c2d.archive.archive import Archive
from c2d.archive.entry import Entry
from c2d.archive.errors import ArchiveError
from c2d.kube import errors
from c2d.kube.client import Client
from c2d.service import finalizers, records
from c2d.service.jobs import Jobs
from c2d.service.records import ARCHIVE_FINALIZER, Record, Request

logger = logging.getLogger(__name__)

_AT_ONCE = 500
_RETRY = 5.0  # seconds
_TIDY = 600.0  # seconds between two rounds of forgetting stale signatures


class Archivist:
    """Saves what has ended. Without an archive it only lets go of jobs that wait for one that was there once."""

    def __init__(self, client: Client, jobs: Jobs, archive: Archive | None, now: Callable[[], datetime]) -> None:
        self._now = now
        self._client = client
        self._archive = archive
        self._due: dict[str, Record] = {}
        self._wake = asyncio.Event()
        jobs.told.append(self._saw)

    @property
    def waiting(self) -> int:
        """Jobs that are not saved yet."""
        return len(self._due)

    async def run(self) -> None:
        """For ever."""
        while True:
            await self._wake.wait()
            self._wake.clear()
            while self._due:
                batch = list(self._due.values())[:_AT_ONCE]
                left = await self._save(batch)
                self._done([record for record in batch if record.uid not in left])
                if left:
                    self._later(left)
                    await asyncio.sleep(_RETRY)

    async def tidy(self) -> None:
        """For ever."""
        while self._archive is not None:
            try:
                await self._archive.forget_expired(datetime.now(UTC))
            except ArchiveError as error:
                logger.warning("stale signatures are not forgotten: %s", error)
            await asyncio.sleep(_TIDY)

    def _saw(self, record: Record, there: bool) -> None:
        if (record.over or not there) and (self._archive is not None or record.finalized):
            self._due[record.uid] = record
            self._wake.set()

    def _done(self, batch: list[Record]) -> None:
        """One that has changed meanwhile stays."""
        for record in batch:
            if self._due.get(record.uid) is record:
                del self._due[record.uid]

    def _later(self, left: set[str]) -> None:
        """Behind all others: one that is never let go does not hold them up."""
        for uid in left & set(self._due):
            self._due[uid] = self._due.pop(uid)

    async def _save(self, batch: list[Record]) -> set[str]:
        """Returns the UIDs of those that are left to do."""
        try:
            if self._archive is not None:
                fresh = await _news(self._archive, batch)
                await self._archive.save([entry(ended(record, self._now())) for record in fresh])
        except ArchiveError as error:
            logger.warning("%d jobs wait to be archived: %s", self.waiting, error)
            return {record.uid for record in batch}
        released = await asyncio.gather(*(self._released(record) for record in batch))
        return {record.uid for record, done in zip(batch, released, strict=True) if not done}

    async def _released(self, record: Record) -> bool:
        try:
            if record.finalized:
                await finalizers.take_off(self._client, record, ARCHIVE_FINALIZER)
        except errors.KubeError as error:
            logger.warning("%s is archived, and can't be let go yet: %s", record.job_id, error)
            return False
        return True


def ended(record: Record, now: datetime) -> Record:
    """The job, with an end: one that was deleted before it had any would be polled for ever."""
    if record.finished:
        return record
    text = f"{TABLE[Phase.STOPPED].text}: it was deleted before its end"
    return replace(record, phase=Phase.STOPPED, code=TABLE[Phase.STOPPED].code, text=text, finished_at=now)


async def _news(archive: Archive, batch: list[Record]) -> list[Record]:
    """An end that is only concluded, by a replica that missed it, never replaces one that another replica saw."""
    missed = {record.uid for record in batch if not record.finished}
    known = await archive.known(missed) if missed else set()
    return [record for record in batch if record.uid not in known]


def entry(record: Record) -> Entry:
    """A job as the archive keeps it."""
    lasting = None if record.published is None or record.published.on_volume else record.published
    return Entry(
        uid=record.uid,
        namespace=record.namespace,
        name=record.name,
        job_id=record.job_id,
        owner=record.owner,
        agreement_id=record.agreement_id,
        environment=record.environment,
        chain_id=record.chain_id,
        phase=record.phase.value,
        created=record.created,
        finished=record.finished_at,
        removed=record.removed,
        status=records.status_object(record, record.results.files if record.results and lasting else ()),
        location=records.location(lasting) if lasting is not None and not record.cleared else None,
    )


def record_of(saved: Entry) -> Record:
    """The inverse, for a job whose ComputeJob is gone."""
    status = saved.status
    return Record(
        uid=saved.uid,
        namespace=saved.namespace,
        name=saved.name,
        version=0,
        created=saved.created,
        owner=saved.owner,
        agreement_id=saved.agreement_id,
        environment=saved.environment,
        chain_id=saved.chain_id,
        phase=Phase(saved.phase),
        code=status["status"],
        text=status["statusText"],
        finished_at=saved.finished,
        stop_request=status["stopreq"],
        removed=saved.removed,
        deleting=True,
        cleared=saved.location is None,
        finalized=False,
        deleted_at=None,
        held=False,
        expiring=False,
        request=Request(status["algoDID"], tuple(status["inputDID"])),
        published=records.published_at(saved.location) if saved.location is not None else None,
    )
