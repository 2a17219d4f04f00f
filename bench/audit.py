"""The API server's audit log: who asked for what, and when, to the microsecond."""

from __future__ import annotations

import collections
import json
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any

ENGINE = ("c2d-engine", "kopf")
"""User agents of the engine: its own client, and kopf's."""


@dataclass(frozen=True)
class Request:
    """One answered request; a watch counts from when it was opened. Times are seconds since 1970."""

    agent: str
    verb: str
    resource: str  # with its subresource: pods/status
    name: str
    code: int
    received: float
    answered: float
    phase: str = ""  # that a status write of a job sets

    @property
    def kind(self) -> str:
        return f"{self.verb} {self.resource}"


def mark(log: Path) -> int:
    """Where the log ends now."""
    return log.stat().st_size


def since(log: Path, start: int) -> list[Request]:
    """What was logged after the mark."""
    with log.open("rb") as file:
        file.seek(start)
        # The last line may be half written.
        return list(parse(line for line in file if line.endswith(b"\n")))


def parse(lines: Iterable[bytes]) -> Iterator[Request]:
    for line in lines:
        record = json.loads(line)
        opened = record["stage"] == "ResponseStarted"
        if opened == (record["verb"] == "watch") and "objectRef" in record:
            yield _request(record)


def _request(record: dict[str, Any]) -> Request:
    reference = record["objectRef"]
    resource = "/".join(part for part in (reference["resource"], reference.get("subresource")) if part)
    body = record.get("requestObject") or {}
    return Request(
        agent=record.get("userAgent", "").partition("/")[0],
        verb=record["verb"],
        resource=resource,
        name=reference.get("name", ""),
        code=record.get("responseStatus", {}).get("code", 0),
        received=_seconds(record["requestReceivedTimestamp"]),
        answered=_seconds(record["stageTimestamp"]),
        phase=body.get("status", {}).get("phase", ""),
    )


def _seconds(text: str) -> float:
    return datetime.fromisoformat(text).timestamp()


def by_engine(requests: Iterable[Request]) -> list[Request]:
    return [request for request in requests if request.agent in ENGINE]


def counts(requests: Iterable[Request], key: Callable[[Request], str]) -> dict[str, int]:
    """The most frequent first."""
    return dict(collections.Counter(key(request) for request in requests).most_common())


def conflicts(requests: Sequence[Request]) -> int:
    """Of the engine's writes: created twice, or written on old news."""
    return sum(request.code == 409 and request.verb in ("create", "patch", "update") for request in by_engine(requests))
