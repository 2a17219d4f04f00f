"""The log of a job's pod, as text."""

import asyncio
import codecs
from collections.abc import AsyncIterator, Awaitable, Callable

from c2d.cli import errors
from c2d.cli.job import Job
from c2d.cli.step import Step
from c2d.kube import errors as kube
from c2d.kube.client import Client

Sleep = Callable[[float], Awaitable[None]]

_PAUSE_SECONDS = 1.0
_CUTS = 60  # in a row
# Characters; a line without an end must not be waited for.
_LINE_LIMIT = 16_384


def pod_of(job: Job, step: Step) -> str:
    """The pod whose log can be read by now. Raises `NotAvailable` where its container didn't start yet, or never."""
    known = job.step(step)
    if known is not None and known.start_time is not None:
        return known.pod
    if job.ended:
        why = f"the {step} pod of {job.name} never started: {job.status.reason or job.status.phase}"
        raise errors.NotAvailable(why, f"`c2d get {job.name}` says what happened.")
    why = f"the {step} pod of {job.name} has not started yet; the job is {job.status.phase}"
    raise errors.NotAvailable(why, "Wait for it with -f.")


async def lines(client: Client, namespace: str, pod: str, *, follow: bool) -> AsyncIterator[str]:
    """Line by line, without the line's end; bytes that are no UTF-8 are replaced. Raises `KubeError`."""
    decoder, rest = codecs.getincrementaldecoder("utf-8")(errors="replace"), ""
    async for piece in pieces(client, namespace, pod, follow=follow):
        *complete, rest = (rest + decoder.decode(piece)).split("\n")
        for line in complete:
            yield line
        if len(rest) > _LINE_LIMIT:
            yield rest
            rest = ""
    rest += decoder.decode(b"", final=True)
    if rest:
        yield rest


async def pieces(
    client: Client, namespace: str, pod: str, *, follow: bool, sleep: Sleep = asyncio.sleep
) -> AsyncIterator[bytes]:
    """The log's bytes, each once: after a cut it is read from its beginning, and what was given is passed over."""
    given, cuts = 0, 0
    while True:
        position = 0
        try:
            async for piece in client.logs(namespace, pod, follow=follow):
                fresh = piece[max(given - position, 0) :]
                position += len(piece)
                if fresh:
                    given, cuts = position, 0
                    yield fresh
            return
        except kube.Unavailable:
            cuts += 1
            if not follow or cuts >= _CUTS:
                raise
            await sleep(_PAUSE_SECONDS)
