"""Builders: what a test doesn't say is as usual."""

import asyncio
import time
import uuid
from collections.abc import Awaitable, Callable
from datetime import UTC, datetime, timedelta
from typing import Any, TypeVar

import pytest

from c2d.archive.archive import Archive
from c2d.archive.entry import Entry
from c2d.archive.errors import Unavailable
from c2d.archive.settings import Settings
from tests.kit.postgres import Database

T = TypeVar("T")

NOON = datetime(2026, 1, 2, 12, tzinfo=UTC)
OWNER = "0xC41808BBef371AD5CFc76466dDF9dEe228d2BdAA"
DEADLINE = 60.0  # seconds; a wait that takes this long on any machine has failed
PROMPT = 10.0  # seconds; what promises three, on a slow machine


def settings(database: Database) -> Settings:
    found = Settings.read(database.environment)
    assert found is not None
    return found


def entry(number: int = 0, **changes: Any) -> Entry:
    """The job of that number, created so many seconds after noon."""
    uid = str(uuid.UUID(int=number))
    usual: dict[str, Any] = {
        "uid": uid,
        "namespace": "c2d",
        "name": f"job-{number}",
        "job_id": uid.replace("-", ""),
        "owner": OWNER,
        "agreement_id": f"0xAbC{number}",
        "environment": "default",
        "chain_id": 8996,
        "phase": "Running",
        "created": NOON + timedelta(seconds=number),
        "finished": None,
        "removed": False,
        "status": {"agreementId": f"0xAbC{number}", "status": 40, "dateFinished": None, "removed": 0, "algoDID": ""},
        "location": None,
    }
    return Entry(**{**usual, **changes})


def finished(number: int = 0, **changes: Any) -> Entry:
    usual = {"phase": "Succeeded", "finished": NOON + timedelta(hours=1), "location": {"prefix": f"jobs/{number}"}}
    return entry(number, **{**usual, **changes})


CALLS: dict[str, Callable[[Archive], Awaitable[Any]]] = {
    "migrate": lambda archive: archive.migrate(),
    "save": lambda archive: archive.save([entry()]),
    "find": lambda archive: archive.find(owner=OWNER, limit=1),
    "page": lambda archive: archive.page(limit=1),
    "mark_removed": lambda archive: archive.mark_removed("u"),
    "known": lambda archive: archive.known(["u"]),
    "claim": lambda archive: archive.claim(b"k" * 32, "p", NOON, NOON),
    "forget_expired": lambda archive: archive.forget_expired(NOON),
}


async def assert_unavailable(archive: Archive) -> None:
    """Every call says so, at once, and says nothing else."""
    for name, call in CALLS.items():
        before = time.monotonic()
        with pytest.raises(Unavailable):
            await call(archive)
        assert time.monotonic() - before < PROMPT, name
        assert not archive.healthy
        assert archive.last_error


async def eventually(call: Callable[[], Awaitable[T]]) -> T:
    """What it returns as soon as the database can be reached; anything but Unavailable fails the test."""
    async with asyncio.timeout(DEADLINE):
        while True:
            try:
                return await call()
            except Unavailable:
                await asyncio.sleep(0.05)


async def until(holds: Callable[[], bool]) -> None:
    async with asyncio.timeout(DEADLINE):
        while not holds():  # noqa: ASYNC110 - what changes has no event
            await asyncio.sleep(0.01)
