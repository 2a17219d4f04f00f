"""Submit a job and follow it to its end."""

import asyncio
import contextlib

from c2d.api.phases import Phase
from c2d.cli import display, errors, follow, job, jobfile, podlog
from c2d.cli.job import Job
from c2d.cli.step import Step
from c2d.kube import errors as kube
from c2d.kube.client import Client
from c2d.kube.resources import JOBS, Object

# After the algorithm ended, its log has to arrive; a node that is gone must not hold the job up for ever.
_LOG_SECONDS = 10


async def submit(client: Client, asked: Object, namespace: str | None) -> Job:
    """Create the job. Raises `KubeError`; a field that the cluster doesn't know is refused as well."""
    placed = jobfile.placed(asked, namespace, client.namespace)
    return job.read(await client.create(JOBS, placed, strict=True))


async def to_the_end(client: Client, submitted: Job, shown: display.Display) -> Job:
    """Show what happens to the job until it has ended; the job as it ended."""
    log = _Log(client, shown)
    try:
        async with contextlib.aclosing(follow.states(client, submitted.namespace, submitted.name)) as states:
            async for seen in states:
                await log.notice(seen)
                shown.job(seen)
                submitted = seen
    finally:
        log.cancel()
        shown.close()
    return submitted


def exit_code(ended: Job) -> int:
    return 0 if ended.succeeded else errors.FAILED


class _Log:
    """Copies the algorithm's log to the display from when its container starts, beside the watch on the job."""

    def __init__(self, client: Client, shown: display.Display) -> None:
        self._client, self._shown = client, shown
        self._task: asyncio.Task[None] | None = None

    async def notice(self, seen: Job) -> None:
        """Returns once the log is complete when the algorithm has ended: nothing of it is shown after its end."""
        step = seen.step(Step.ALGORITHM)
        if step is None or step.start_time is None:
            return
        if self._task is None:
            self._task = asyncio.create_task(self._copy(seen.namespace, step.pod))
        if seen.status.phase is Phase.PUBLISHING or seen.ended:
            await asyncio.wait([self._task], timeout=_LOG_SECONDS)

    def cancel(self) -> None:
        if self._task is not None:
            self._task.cancel()

    async def _copy(self, namespace: str, pod: str) -> None:
        try:
            async for line in podlog.lines(self._client, namespace, pod, follow=True):
                self._shown.log(line)
        except kube.KubeError as error:
            self._shown.note(f"the algorithm's log can't be shown: {errors.explain(error).message}")
