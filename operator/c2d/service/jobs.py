"""All jobs as they are now, found by every key that the API asks for."""

import bisect
import json
from collections.abc import Callable, Iterable, Iterator
from datetime import datetime

from c2d.kube.resources import Object, uid_of
from c2d.service import records
from c2d.service.records import Record

Order = tuple[datetime, str]


def order(record: Record) -> Order:
    """Lists are in this order: the oldest first."""
    return record.created, record.uid


class Jobs:
    """A sink of the mirror; what we have written ourselves is put in at once.

    `told` hears of every record that is new or has changed, and of every one that is gone.
    """

    def __init__(self) -> None:
        self._records: dict[str, Record] = {}
        self._texts: dict[str, bytes | None] = {}
        self._by_job_id: dict[str, str] = {}
        self._by_owner: dict[str, list[Order]] = {}
        self._by_agreement: dict[str, list[Order]] = {}
        self._gone: dict[str, None] = {}
        self._running: dict[str, int] = {}
        self.told: list[Callable[[Record, bool], None]] = []

    def __len__(self) -> int:
        return len(self._records)

    def __iter__(self) -> Iterator[Record]:
        return iter(list(self._records.values()))

    # -- from the mirror

    def put(self, item: Object) -> None:
        self._gone.pop(uid_of(item), None)
        self.take(item)

    def take(self, item: Object) -> Record:
        """From an answer to a request of ours: the job as it is known now, which may be newer than the item."""
        uid = uid_of(item)
        known = self._records.get(uid)
        if known is not None and known.version >= int(item["metadata"]["resourceVersion"]):
            return known
        record = records.read(item)
        if uid in self._gone:
            return record
        if known is not None:
            self._forget(known)
        self._learn(record)
        self._tell(record, there=True)
        return record

    def remove(self, item: Object) -> None:
        self._remove(uid_of(item))

    def keep_only(self, uids: set[str], version: int) -> None:
        for record in list(self._records.values()):
            if record.uid not in uids and record.version <= version:
                self._remove(record.uid)

    # -- for the routes

    def get(self, uid: str) -> Record | None:
        return self._records.get(uid)

    def of_id(self, job_id: str) -> Record | None:
        """By the API's jobId."""
        uid = self._by_job_id.get(job_id.lower())
        return self._records.get(uid) if uid is not None else None

    def of_agreement(self, agreement_id: str) -> list[Record]:
        return self._in_order(self._by_agreement.get(agreement_id.lower(), ()))

    def of_owner(self, owner: str) -> list[Record]:
        return self._in_order(self._by_owner.get(owner.lower(), ()))

    def running(self, environment: str) -> int:
        """How many jobs take a place in that environment."""
        return self._running.get(environment, 0)

    def text(self, record: Record) -> bytes | None:
        """The status object as JSON, made once; None where its results are only in a manifest."""
        if record.uid not in self._texts:
            self._texts[record.uid] = status_text(record)
        return self._texts[record.uid]

    # -- inside

    def _in_order(self, found: Iterable[Order]) -> list[Record]:
        return [self._records[uid] for _, uid in found]

    def _learn(self, record: Record) -> None:
        self._records[record.uid] = record
        self._by_job_id[record.job_id] = record.uid
        if record.owner:
            bisect.insort(self._by_owner.setdefault(record.owner.lower(), []), order(record))
        if record.agreement_id:
            bisect.insort(self._by_agreement.setdefault(record.agreement_id.lower(), []), order(record))
        if record.running:
            self._running[record.environment] = self.running(record.environment) + 1

    def _forget(self, record: Record) -> None:
        del self._records[record.uid]
        self._texts.pop(record.uid, None)
        del self._by_job_id[record.job_id]
        _drop(self._by_owner, record.owner.lower(), order(record))
        _drop(self._by_agreement, record.agreement_id.lower(), order(record))
        if record.running:
            self._running[record.environment] -= 1

    def _remove(self, uid: str) -> None:
        # An answer to a write of ours that comes late must not bring it back.
        self._gone[uid] = None
        if len(self._gone) > _REMEMBERED:
            del self._gone[next(iter(self._gone))]
        known = self._records.get(uid)
        if known is not None:
            self._forget(known)
            self._tell(known, there=False)

    def _tell(self, record: Record, *, there: bool) -> None:
        for tell in self.told:
            tell(record, there)


_REMEMBERED = 10_000


def _drop(index: dict[str, list[Order]], key: str, entry: Order) -> None:
    entries = index.get(key, [])
    place = bisect.bisect_left(entries, entry)
    if place < len(entries) and entries[place] == entry:
        del entries[place]
    if not entries:
        index.pop(key, None)


def status_text(record: Record) -> bytes | None:
    published = record.results
    if published is not None and published.count and not published.files:
        return None
    files = published.files if published is not None else ()
    return json.dumps(records.status_object(record, files)).encode()
