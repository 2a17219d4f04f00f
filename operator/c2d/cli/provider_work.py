"""What each command of `c2d provider` does, once it is known what is asked."""

import asyncio
import contextlib
import json
import pathlib
import sys
from collections.abc import AsyncIterator, Awaitable, Callable
from dataclasses import dataclass
from typing import Any, BinaryIO, TypeVar

import rich.text

from c2d.cli import errors, provider_file, provider_service, terminal, wording
from c2d.cli.provider_request import Caller, Payload
from c2d.cli.provider_result import Download, new_file, safe_name
from c2d.cli.provider_service import Service
from c2d.ocean.errors import OceanError
from c2d.ocean.signatures import PrivateKey

T = TypeVar("T")
Clock = Callable[[], int]  # nanoseconds since 1970
Sleep = Callable[[float], Awaitable[None]]
Status = dict[str, Any]

SUCCESS = "Job finished"
# Data or algorithm could not be provisioned; null is what a service says of a job that it lost.
_FAILED = (31, 32, None)
_LAST_RUNNING = 60
_PAUSE_SECONDS = 2.0
# In a row: a service that restarts is back within a minute.
_FAILURES = 30


@dataclass(frozen=True)
class Access:
    """Where the service is, who calls it, and for whom: None is the key's own address."""

    url: str
    key: PrivateKey
    owner: str | None
    clock: Clock

    def caller(self, other: str | None = None) -> Caller:
        return Caller(self.key, self.owner or other or self.key.address)


def access(url: str, key: str, owner: str | None, clock: Clock) -> Access:
    """Raises Misused, without showing the key."""
    try:
        return Access(url, PrivateKey(key), owner, clock)
    except OceanError as error:
        raise errors.Misused(f"the Provider's key can't be used: {error}", "Set C2D_PROVIDER_KEY.") from error


def start(to: Access, file: str, options: Payload, defaults: Payload, *, wait: bool) -> int:
    """Starts the workflow in the file and prints the job's status, with `wait` that at its end. Gives the exit code.

    `options` win over what the file says, and that over `defaults`.
    """
    asked = {**defaults, **provider_file.read(file), **options}
    caller = to.caller(asked.get("owner"))

    async def work(service: Service) -> Status:
        _note(f"agreement {asked['agreementId']}, owner {caller.owner}")
        started = _one(await service.post("compute", caller.start(asked, to.clock())))
        return await to_the_end(service, caller, started, to.clock) if wait else started

    ended = _do(to.url, work, to.key.address)
    _print(ended)
    return 0 if not wait or ended.get("statusText") == SUCCESS else errors.FAILED


async def to_the_end(
    service: Service, caller: Caller, seen: Status, clock: Clock, sleep: Sleep = asyncio.sleep
) -> Status:
    """The job's status as it ended. Raises Unanswered when the service is away for a minute, and Refused."""
    job, told, failures = str(seen.get("jobId")), None, 0
    while True:
        if (text := str(seen.get("statusText"))) != told:
            told = text
            _note(f"job {job}: {seen.get('status')} {text}")
        if _ended(seen.get("status")):
            return seen
        await sleep(_PAUSE_SECONDS)
        try:
            seen = _one(await service.call("GET", "compute", caller.query(clock(), job)))
            failures = 0
        except errors.Unanswered:
            failures += 1
            if failures >= _FAILURES:
                raise


def _ended(status: object) -> bool:
    return status in _FAILED or (isinstance(status, int) and status > _LAST_RUNNING)


def compute(to: Access, method: str, job: str | None, agreement: str | None) -> None:
    """GET, PUT or DELETE /compute: prints the job's status, or without a job a list of them."""
    query = to.caller().query(to.clock(), job, agreement)
    answer = _do(to.url, lambda service: service.call(method, "compute", query), to.key.address)
    _print(_one(answer) if job else answer)


def environments(url: str) -> None:
    """Prints the service's environments."""
    _print(_do(url, lambda service: service.call("GET", "environments", {})))


def result(to: Access, job: str, index: int, output: str | None, *, force: bool) -> None:
    """Fetches one result: to the file, to the standard output for `-`, by default to a file of its own name."""
    caller = to.caller()

    async def work(service: Service) -> None:
        download = Download(service, lambda: caller.result_query(to.clock(), job, index))
        async with contextlib.aclosing(download.chunks()) as chunks:
            # Only then is the name known, and that there is something at all.
            first = await anext(chunks, b"")
            if output == "-":
                await _write(sys.stdout.buffer, first, chunks)
                return
            path = pathlib.Path(output or safe_name(download.disposition, index))
            with new_file(path, force=force) as file:
                await _write(file, first, chunks)
        _note(f"{download.size} bytes in {path}")

    _do(to.url, work, to.key.address)


async def _write(file: BinaryIO, first: bytes, chunks: AsyncIterator[bytes]) -> None:
    file.write(first)
    async for chunk in chunks:
        file.write(chunk)
    file.flush()


def _do(url: str, work: Callable[[Service], Awaitable[T]], address: str = "") -> T:
    async def connected() -> T:
        async with provider_service.connect(url, address) as service:
            return await work(service)

    return asyncio.run(connected())


def _one(answer: object) -> Status:
    """The one status in the answer. Raises NotAvailable."""
    if isinstance(answer, list) and answer and isinstance(answer[0], dict):
        return answer[0]
    raise errors.NotAvailable("the service knows no such job of this owner", "See its jobs: `c2d provider status`.")


def _print(value: object) -> None:
    """As JSON in ASCII: what a service writes must not act on a terminal."""
    sys.stdout.write(json.dumps(value, indent=2) + "\n")


def _note(text: str) -> None:
    terminal.notes().print(rich.text.Text(wording.plain(text)), soft_wrap=True)
