"""Takes what configure and publish pods tell of their progress: POST /progress, on the port of the signer.

It needs no key. A report never leads to a request by itself: it is kept, and now and then the job is looked at again.
"""

from collections.abc import Awaitable, Callable
from datetime import datetime

import pydantic

from c2d.api.progress import Progress
from c2d.engine import entitlement, progress
from c2d.engine import status as to
from c2d.engine.callers import caller_of
from c2d.engine.errors import BadRequest, TooMany
from c2d.engine.observe import World
from c2d.engine.rates import Rates
from c2d.kube.tokens import Tokens

PER_SECOND, BURST = 1, 10  # reports of one pod, which sends one in ten seconds

_EXAMPLE = '{"done": 7, "total": 9, "files": 0, "totalFiles": 1}'

Wake = Callable[[tuple[str, str]], None]


class Listener:
    """`clock` is that of the jobs' statuses; `steady` gives seconds that only ever go on."""

    def __init__(
        self,
        world: World,
        tokens: Tokens,
        wake: Wake,
        clock: Callable[[], datetime],
        steady: Callable[[], float],
    ) -> None:
        self._world = world
        self._tokens = tokens
        self._wake = wake
        self._clock = clock
        self._reports = Rates(PER_SECOND, BURST, steady)
        self._wakes = Rates(1 / progress.SHORTEST.total_seconds(), 1, steady)

    async def hear(self, authorization: str, read: Callable[[], Awaitable[bytes]]) -> None:
        """A report with this header; its body is read only when the header is good. Raises Refused."""
        caller = await caller_of(authorization, self._tokens)
        told = parse(await read())
        job, pod = entitlement.require_transfer(self._world, caller)
        if not self._reports.take(caller.uid):
            raise TooMany("more than a report a second; wait a moment")
        self._world.progress.take(caller.uid, told)
        if progress.is_due(to.step_of(job.status, pod.step), pod, self._clock()) and self._wakes.take(caller.uid):
            self._wake((job.namespace, job.name))


def parse(body: bytes) -> Progress:
    """Raises BadRequest, which names the field."""
    try:
        return Progress.model_validate_json(body)
    except pydantic.ValidationError as error:
        first = error.errors(include_url=False, include_input=False, include_context=False)[0]
        field = ".".join(str(part) for part in first["loc"]) or "body"
        raise BadRequest(f"{field}: {first['msg']}; the body must be like {_EXAMPLE}") from None
