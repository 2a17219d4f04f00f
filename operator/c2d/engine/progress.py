"""How far the transfers are: what pods told last, and when it is worth a write to the job's status.

Numbers are kept in memory only. A new engine learns them from the next report, and a report that nobody takes is
missed by nobody: it changes nothing but what people see.
"""

from datetime import datetime, timedelta

from c2d.api.job import JobStatus, StepProgress, StepStatus
from c2d.api.progress import Progress, text
from c2d.engine import status as to
from c2d.engine.pods import PodView

# Between two writes, and before the first: a short job pays nothing.
SHORTEST, LONGEST = timedelta(seconds=10), timedelta(seconds=60)
# Of the time that the step runs: a transfer of an hour costs some ninety writes, not 360.
_SHARE = 20


class Told:
    """The newest numbers of each pod, by its UID. Whoever fills it has seen that the pod lives."""

    def __init__(self) -> None:
        self._newest: dict[str, Progress] = {}

    def __len__(self) -> int:
        return len(self._newest)

    def take(self, pod: str, told: Progress) -> None:
        self._newest[pod] = told

    def of(self, pod: str) -> Progress | None:
        return self._newest.get(pod)

    def forget(self, pod: str) -> None:
        self._newest.pop(pod, None)


def pause(elapsed: timedelta) -> timedelta:
    """The time between two writes for a step that has run so long."""
    return min(max(elapsed / _SHARE, SHORTEST), LONGEST)


def is_due(known: StepStatus | None, pod: PodView, now: datetime) -> bool:
    """Whether enough time has passed since the pod's start, and since the latest write."""
    if pod.started is None:
        return False
    written = known.progress.time if known is not None and known.progress is not None else pod.started
    return now - max(written, pod.started) >= pause(now - pod.started)


def noted(status: JobStatus, pod: PodView, told: Progress | None, now: datetime) -> JobStatus:
    """The status with the pod's numbers, if they are due and a human would see a difference."""
    if told is None or text(told) == status.progress or not is_due(to.step_of(status, pod.step), pod, now):
        return status
    numbers = StepProgress(
        bytes=told.done, total_bytes=told.total, files=told.files, total_files=told.total_files, time=now
    )
    status = to.with_step(status, pod.step, progress=numbers)
    return status.model_copy(update={"progress": text(told)})
