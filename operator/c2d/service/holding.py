"""Holds jobs whose results must not outlive them, so that a deletion waits until these are deleted, too.

Results that expire are deleted by what the job says. Without an archive nothing of it is left once the ComputeJob is
gone, whatever deleted it, and its results would stay for ever.
"""

import asyncio
import logging

from c2d.kube import errors
from c2d.kube.client import Client
from c2d.service import finalizers
from c2d.service.jobs import Jobs
from c2d.service.records import RESULTS_FINALIZER, Record

logger = logging.getLogger(__name__)

_RETRY = 5.0  # seconds


class Holding:
    """Puts the finalizer on jobs that will have such results, long before they have any."""

    def __init__(self, client: Client, jobs: Jobs, *, archived: bool) -> None:
        self._client = client
        self._archived = archived
        self._due: dict[str, Record] = {}
        self._wake = asyncio.Event()
        jobs.told.append(self._saw)

    async def run(self) -> None:
        """For ever."""
        while True:
            await self._wake.wait()
            self._wake.clear()
            for record in list(self._due.values()):
                if await self._hold(record) and self._due.get(record.uid) is record:
                    del self._due[record.uid]
            if self._due:
                await asyncio.sleep(_RETRY)
                self._wake.set()

    def _saw(self, record: Record, there: bool) -> None:
        self._due.pop(record.uid, None)
        if there and not self._archived and is_to_be_held(record):
            self._due[record.uid] = record
            self._wake.set()

    async def _hold(self, record: Record) -> bool:
        try:
            await finalizers.put_on(self._client, record, RESULTS_FINALIZER)
        except errors.KubeError as error:
            logger.warning("%s: a deletion would leave its results behind: %s", record.job_id, error)
            return False
        return True


def is_to_be_held(record: Record) -> bool:
    """From its acceptance on, or one that ends and is deleted at once would slip through."""
    return record.expiring and not (record.held or record.deleting or record.cleared)
