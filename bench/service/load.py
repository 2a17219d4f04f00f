"""The load: a process of its own that sends prepared requests over a few connections and checks every answer.

`python -m bench.service.load PLAN` with a JSON file; it prints what it measured as JSON. One request at a time on
each connection, the next one as soon as the answer is there.
"""

from __future__ import annotations

import asyncio
import itertools
import json
import os
import subprocess
import sys
import time
from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, Self

from bench.gaps import percentile
from bench.service import wire
from cluster.settings import REPOSITORY, ClusterError

_DEADLINE = 60.0  # seconds beyond the time that was asked for
_BODY = 300  # characters of an answer that is not the expected one


@dataclass(frozen=True)
class Exchange:
    """A request, and what its answer has to contain."""

    request: str
    expected: str


@dataclass(frozen=True)
class Plan:
    """What to send. With `repeat` the exchanges are gone through again and again, for `seconds` after `warm` ones."""

    port: int
    connections: int
    exchanges: Sequence[Exchange]
    seconds: float
    warm: float = 0.0
    repeat: bool = True
    cpu: int | None = None  # the only one to run on

    @classmethod
    def read(cls, text: str) -> Self:
        said = json.loads(text)
        return cls(**{**said, "exchanges": [Exchange(**item) for item in said["exchanges"]]})


@dataclass(frozen=True)
class Load:
    """What came of it, in seconds; without the warming but for what is said to be of all of it."""

    answers: int
    seconds: float
    p50: float
    p99: float
    cpu: float  # that the client used
    all_answers: int
    all_cpu: float

    @property
    def rate(self) -> float:
        """Answers a second."""
        return self.answers / self.seconds

    @property
    def busy(self) -> float:
        """The share of one core that the client used: near 1 it is the client that was measured."""
        return self.cpu / self.seconds


def run(plan: Plan, scratch: Path) -> Load:
    """In a process of its own. Raises ClusterError when an answer was not the expected one."""
    scratch.write_text(json.dumps(asdict(plan)))
    command = [sys.executable, "-m", "bench.service.load", str(scratch)]
    deadline = plan.warm + plan.seconds + _DEADLINE
    done = subprocess.run(command, cwd=REPOSITORY, capture_output=True, text=True, check=False, timeout=deadline)
    if done.returncode:
        raise ClusterError(f"the load client failed:\n{done.stderr.strip()}")
    return Load(**json.loads(done.stdout))


class Work:
    """What the connections share: the next request, and what was measured."""

    def __init__(self, plan: Plan) -> None:
        self._exchanges = [(item.request.encode(), item.expected.encode()) for item in plan.exchanges]
        self._next: Iterator[int] = iter(range(len(self._exchanges)))
        if plan.repeat:
            self._next = itertools.cycle(range(len(self._exchanges)))
        self._begin = time.perf_counter() + plan.warm
        self._end = self._begin + plan.seconds
        self._last = self._begin
        self._latencies: list[float] = []
        self._answers = self._all = 0
        self._cpu: float | None = None
        self._left = plan.connections
        self.done: asyncio.Future[None] = asyncio.get_running_loop().create_future()

    def take(self) -> tuple[bytes, bytes] | None:
        """A request and what its answer has to contain; None when it is over."""
        number = next(self._next, None) if time.perf_counter() < self._end else None
        if number is None:
            self._left -= 1
            if not self._left and not self.done.done():
                self.done.set_result(None)
            return None
        return self._exchanges[number]

    def count(self, sent: float, answered: float) -> None:
        self._all += 1
        if answered < self._begin:
            return
        if self._cpu is None:
            self._cpu = time.process_time()
        if answered <= self._end:
            self._answers += 1
            self._last = answered
            self._latencies.append(answered - sent)

    def fail(self, message: str) -> None:
        if not self.done.done():
            self.done.set_exception(RuntimeError(message))

    def load(self) -> Load:
        cpu = time.process_time()
        return Load(
            answers=self._answers,
            seconds=self._last - self._begin,
            p50=percentile(self._latencies, 50),
            p99=percentile(self._latencies, 99),
            cpu=cpu - (self._cpu if self._cpu is not None else cpu),
            all_answers=self._all,
            all_cpu=cpu,
        )


class Connection(asyncio.Protocol):
    """Keep-alive; one request at a time."""

    def __init__(self, work: Work) -> None:
        self._work = work
        self._transport: asyncio.Transport | None = None
        self._received = bytearray()
        self._length = 0  # of the answer that is coming, once it is known
        self._expected = b""
        self._sent = 0.0

    def connection_made(self, transport: Any) -> None:
        self._transport = transport
        self._send()

    def data_received(self, data: bytes) -> None:
        self._received += data
        if not self._length:
            self._length = wire.answer_length(self._received)
        if self._length and len(self._received) >= self._length:
            self._answered()

    def connection_lost(self, exc: Exception | None) -> None:
        self._work.fail(f"the server closed a connection: {exc or 'no error'}")

    def _answered(self) -> None:
        now, answer = time.perf_counter(), self._received
        good = answer.startswith(b"HTTP/1.1 200 ") and len(answer) == self._length and self._expected in answer
        if not good:
            self._work.fail(f"not the expected answer: {answer.decode(errors='replace')[:_BODY]}")
            return
        self._work.count(self._sent, now)
        self._received, self._length = bytearray(), 0
        self._send()

    def _send(self) -> None:
        taken = self._work.take()
        if taken is None or self._transport is None:
            return
        request, self._expected = taken
        self._sent = time.perf_counter()
        self._transport.write(request)


async def measure(plan: Plan) -> Load:
    if plan.cpu is not None:
        os.sched_setaffinity(0, {plan.cpu})
    loop, work = asyncio.get_running_loop(), Work(plan)
    for _ in range(plan.connections):
        await loop.create_connection(lambda: Connection(work), "127.0.0.1", plan.port)
    await work.done
    return work.load()


if __name__ == "__main__":
    # A garbage collection would be a pause of the client, not of the server.
    import gc

    gc.disable()
    print(json.dumps(asdict(asyncio.run(measure(Plan.read(Path(sys.argv[1]).read_text()))))))
