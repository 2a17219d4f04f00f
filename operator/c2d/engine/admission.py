"""Which jobs have a place in which environment: first come, first served.

Kept in memory, because two passes must not give away one place; rebuilt from the jobs' statuses after a restart.
"""

import bisect
from dataclasses import dataclass, field
from datetime import datetime

from c2d.api.phases import ACTIVE, Phase
from c2d.engine.state import Job, Place

Key = tuple[str, str]


@dataclass
class _Queue:
    admitted: set[str] = field(default_factory=set)
    waiting: list[tuple[datetime, str, Key]] = field(default_factory=list)  # sorted: created, UID, job


class Admission:
    """The queue of every environment, by (namespace, name)."""

    def __init__(self) -> None:
        self._queues: dict[Key, _Queue] = {}
        self._environment_of: dict[str, Key] = {}

    def place(self, environment: Key, job: Job, limit: int) -> Place:
        """Take a place if there is one for this job; it is taken until `saw` or `forget` says otherwise."""
        queue = self._queue(environment, job.uid)
        if job.uid in queue.admitted:
            return Place(admitted=True)
        entry = (job.created, job.uid, (job.namespace, job.name))
        ahead = bisect.bisect_left(queue.waiting, entry)
        there = ahead < len(queue.waiting) and queue.waiting[ahead] == entry
        if ahead < limit - len(queue.admitted):
            if there:
                del queue.waiting[ahead]
            queue.admitted.add(job.uid)
            return Place(admitted=True)
        if not there:
            queue.waiting.insert(ahead, entry)
        return Place(admitted=False, ahead=ahead)

    def saw(self, environment: Key, uid: str, phase: Phase) -> None:
        """What a job's status says: an active one has a place, an ended one has none."""
        if phase in ACTIVE:
            queue = self._queue(environment, uid)
            queue.admitted.add(uid)
            queue.waiting = [entry for entry in queue.waiting if entry[1] != uid]
        elif phase is not Phase.PENDING:
            self.forget(uid)

    def forget(self, uid: str) -> Key | None:
        """The job gives up its place, or stops waiting; returns the environment that has room now."""
        environment = self._environment_of.pop(uid, None)
        if environment is None:
            return None
        queue = self._queues[environment]
        queue.admitted.discard(uid)
        queue.waiting = [entry for entry in queue.waiting if entry[1] != uid]
        return environment

    def next_in_line(self, environment: Key, limit: int) -> list[Key]:
        """The jobs that could get a place now."""
        queue = self._queues.get(environment, _Queue())
        free = max(0, limit - len(queue.admitted))
        return [job for _, _, job in queue.waiting[:free]]

    def counts(self, environment: Key) -> tuple[int, int]:
        """(running, queued)."""
        queue = self._queues.get(environment, _Queue())
        return len(queue.admitted), len(queue.waiting)

    def _queue(self, environment: Key, uid: str) -> _Queue:
        self._environment_of[uid] = environment
        return self._queues.setdefault(environment, _Queue())
