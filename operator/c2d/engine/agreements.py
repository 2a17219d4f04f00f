"""Which unfinished job an agreement belongs to: it pays for one run at a time.

The operator-service gives jobs names under which the API server refuses a second one. This is for what no name can
exclude: jobs made by hand, and a name that became free between two looks at the cluster.
"""

from c2d.api.phases import TERMINAL, Phase
from c2d.engine.state import Job


class Agreements:
    """The unfinished jobs of every agreement, by UID."""

    def __init__(self) -> None:
        self._jobs: dict[tuple[str, str], dict[str, Job]] = {}
        self._agreement_of: dict[str, tuple[str, str]] = {}

    def saw(self, job: Job) -> None:
        if job.spec is None or not job.spec.agreement_id or job.status.phase in TERMINAL:
            self.forget(job.uid)
            return
        agreement = (job.namespace, job.spec.agreement_id.lower())
        self._agreement_of[job.uid] = agreement
        self._jobs.setdefault(agreement, {})[job.uid] = job

    def forget(self, uid: str) -> None:
        agreement = self._agreement_of.pop(uid, None)
        if agreement is None:
            return
        jobs = self._jobs[agreement]
        del jobs[uid]
        if not jobs:
            del self._jobs[agreement]

    def holder(self, job: Job) -> str:
        """The name of the other job that this job's agreement belongs to; empty when it is this job's own."""
        agreement = self._agreement_of.get(job.uid)
        if agreement is None:
            return ""
        # One that runs keeps it; among those that wait the first one has it.
        first = min(
            self._jobs[agreement].values(), key=lambda it: (it.status.phase is Phase.PENDING, it.created, it.uid)
        )
        return "" if first.uid == job.uid else first.name
