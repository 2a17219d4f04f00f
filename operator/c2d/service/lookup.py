"""Which jobs a request is about: from what is known of the cluster, and from the archive behind it."""

import asyncio
import contextlib
import json
import logging
from collections.abc import Callable, Iterable
from datetime import datetime

from c2d.archive.archive import Archive
from c2d.archive.errors import ArchiveError
from c2d.service import archiving, records
from c2d.service.errors import Unavailable
from c2d.service.jobs import Jobs, order, status_text
from c2d.service.parameters import Query
from c2d.service.records import Listed, Published, Record
from c2d.service.results import Results

logger = logging.getLogger(__name__)

# Another replica may have started the job a moment ago.
_PATIENCE = 1.0  # seconds
_ARCHIVED = 10_000  # jobs of one answer


class Lookup:
    """Finds jobs, and says how the API shows them."""

    def __init__(self, jobs: Jobs, archive: Archive | None, results: Results, now: Callable[[], datetime]) -> None:
        self._now = now
        self._jobs = jobs
        self._archive = archive
        self._results = results
        self._news = asyncio.Event()
        jobs.told.append(lambda *_: self._news.set())

    async def find(self, query: Query) -> list[Record]:
        """The oldest first. Raises Unavailable where only the archive could know."""
        found = self._live(query)
        if query.job_id is not None and found:
            return found
        archived = await self._archived(query, certain=bool(found))
        if not (found or archived) and (query.job_id is not None or query.agreement_id is not None):
            found = await self._soon(query)
        known = {record.uid for record in found}
        return sorted([*found, *(record for record in archived if record.uid not in known)], key=order)

    def fetchable(self, record: Record) -> Published | None:
        """Its results, if they are served now."""
        return record.fetchable(self._now())

    async def text(self, record: Record) -> bytes:
        """The status object as JSON."""
        if record.expired(self._now()):
            return json.dumps(records.status_object(record, ())).encode()
        known = self._jobs.text(record) if self._jobs.get(record.uid) is record else status_text(record)
        if known is not None:
            return known
        return json.dumps(records.status_object(record, await self._listed(record))).encode()

    async def texts(self, found: Iterable[Record]) -> bytes:
        """A JSON array of status objects, as `json.dumps` would write it."""
        return b"[" + b", ".join([await self.text(record) for record in found]) + b"]"

    async def _listed(self, record: Record) -> tuple[Listed, ...]:
        published = record.results
        return await self._results.listed(published) if published is not None else ()

    def _live(self, query: Query) -> list[Record]:
        if query.job_id is not None:
            one = self._jobs.of_id(query.job_id)
            found = [one] if one is not None else []
        elif query.agreement_id is not None:
            found = self._jobs.of_agreement(query.agreement_id)
        else:
            found = self._jobs.of_owner(query.owner or "")
        return [record for record in found if _fits(record, query)]

    async def _soon(self, query: Query) -> list[Record]:
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(_PATIENCE):
                while not (found := self._live(query)):
                    self._news.clear()
                    await self._news.wait()
                return found
        return []

    async def _archived(self, query: Query, *, certain: bool) -> list[Record]:
        """Without a database there is nothing; while it is away, what is known without it has to do."""
        if self._archive is None:
            return []
        try:
            saved = await self._archive.find(
                job_id=query.job_id.lower() if query.job_id else None,
                agreement_id=query.agreement_id,
                owner=query.owner,
                limit=_ARCHIVED,
            )
        except ArchiveError as error:
            logger.warning("finished jobs of the archive are not seen: %s", error)
            if certain or (query.job_id is None and query.agreement_id is None):
                return []
            raise Unavailable("the archive of finished jobs is out of reach; try again in a moment") from error
        return [record for record in map(archiving.record_of, saved) if _fits(record, query)]


def _fits(record: Record, query: Query) -> bool:
    """Ids are hexadecimal, which has no case. A job that names no chain belongs to all."""
    return (
        (query.owner is None or record.owner.lower() == query.owner.lower())
        and (query.agreement_id is None or record.agreement_id.lower() == query.agreement_id.lower())
        and (query.chain_id is None or record.chain_id is None or str(record.chain_id) == query.chain_id)
    )
