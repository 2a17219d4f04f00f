"""The archive of jobs and the memory for signatures that were seen, in PostgreSQL."""

import asyncio
import contextlib
from collections.abc import AsyncIterator, Collection, Iterator, Sequence
from datetime import UTC, datetime
from typing import Self

import psycopg

from c2d.archive import migrations, statements
from c2d.archive.connections import Connection, Connections
from c2d.archive.entry import Cursor, Entry
from c2d.archive.errors import ArchiveError, Refused, Unavailable
from c2d.archive.settings import Settings

_LIMIT = 3.0  # seconds for one call, whatever state the database is in
_SAVED_AT_ONCE = 500
_FORGOTTEN_AT_ONCE = 5000


class Archive:
    """Every method raises ArchiveError and nothing foreign, and answers within some three seconds.

    `migrate` may take longer; `save` and `forget_expired` have three seconds for each batch. Every call may be
    repeated. The schema is brought up to date before the first call that needs it, so that a database which comes
    late, or is replaced by an empty one, just works.
    """

    def __init__(self, settings: Settings) -> None:
        self._connections = Connections(settings)
        self._version: int | None = None
        self._migrating: asyncio.Task[int] | None = None
        self._last_error = "no call yet"

    async def __aenter__(self) -> Self:
        await self.open()
        return self

    async def __aexit__(self, *_: object) -> None:
        await self.close()

    async def open(self) -> None:
        """Neither fails nor waits, wherever the database is."""
        await self._connections.open()

    async def close(self) -> None:
        if self._migrating is not None:
            self._migrating.cancel()
            await asyncio.wait([self._migrating])
        await self._connections.close()

    @property
    def healthy(self) -> bool:
        """Whether the last call came back without an error."""
        return not self._last_error

    @property
    def last_error(self) -> str:
        """The text of the last call's error; empty while healthy."""
        return self._last_error

    async def migrate(self) -> int:
        """Bring the schema up to date, and return its version.

        Waits without a deadline of its own for a migration that another replica has begun; where the database is away
        it raises Unavailable as fast as any other call.
        """
        with self._told():
            return await asyncio.shield(self._migration())

    async def save(self, entries: Sequence[Entry]) -> None:
        """Take in what is newer: an end stays an end, `removed` and the results' location stay once they are there.

        Saved in batches; after an error, some of them may be there.
        """
        # Always in the same order, or two replicas could wait for each other's rows.
        rows = sorted(map(statements.row, entries), key=lambda row: str(row["uid"]))
        for start in range(0, len(rows), _SAVED_AT_ONCE):
            async with self._connected("saving jobs") as connection, connection.transaction():
                await connection.cursor().executemany(statements.SAVE, rows[start : start + _SAVED_AT_ONCE])

    async def find(
        self,
        *,
        job_id: str | None = None,
        agreement_id: str | None = None,
        owner: str | None = None,
        chain_id: int | None = None,
        limit: int,
        before: Cursor | None = None,
    ) -> list[Entry]:
        """The newest jobs, before a cursor if there is one, that pass all filters; ordered by creation, then UID.

        Upper and lower case are the same in an owner and in an agreement. Raises ValueError without any filter: a
        mistake in a caller must not show everybody's jobs.
        """
        if (job_id, agreement_id, owner, chain_id) == (None, None, None, None):
            raise ValueError("find needs a filter")
        asked = statements.filters(
            before, limit, job_id=job_id, agreement_id=agreement_id, owner=owner, chain_id=chain_id
        )
        async with self._connected("finding jobs") as connection:
            found = await (await connection.execute(statements.FIND, asked)).fetchall()
        return [statements.entry(row) for row in reversed(found)]

    async def page(
        self,
        *,
        limit: int,
        after: Cursor | None = None,
        phase: str | None = None,
        environment: str | None = None,
        owner: str | None = None,
    ) -> tuple[list[Entry], Cursor | None]:
        """The next jobs of the list of all, newest first, and the cursor of the page after; None on the last."""
        asked = statements.filters(after, limit + 1, phase=phase, environment=environment, owner=owner)
        async with self._connected("listing jobs") as connection:
            found = await (await connection.execute(statements.FIND, asked)).fetchall()
        entries = [statements.entry(row) for row in found[:limit]]
        return entries, entries[-1].cursor if entries and len(found) > limit else None

    async def mark_removed(self, uid: str) -> Entry | None:
        """The job's results are gone. None: no such job here."""
        async with self._connected("marking a job as removed") as connection:
            found = await (await connection.execute(statements.MARK_REMOVED, (statements.storable(uid),))).fetchone()
        return statements.entry(found) if found else None

    async def due(self, now: datetime, limit: int) -> list[Entry]:
        """Jobs whose results are to be deleted: it was asked for, or their time is over. In no order."""
        asked = {"now": f"{now.astimezone(UTC):%Y-%m-%dT%H:%M:%SZ}", "limit": limit}
        async with self._connected("finding results to remove") as connection:
            found = await (await connection.execute(statements.DUE, asked)).fetchall()
        return [statements.entry(row) for row in found]

    async def forget_results(self, uid: str) -> None:
        """They are deleted, so it no longer counts where they were."""
        async with self._connected("forgetting removed results") as connection:
            await connection.execute(statements.FORGET_RESULTS, (statements.storable(uid),))

    async def known(self, uids: Collection[str]) -> set[str]:
        """Those that are here with their end, so that there is nothing more to save."""
        asked = [statements.storable(uid) for uid in uids]
        async with self._connected("looking for known jobs") as connection:
            found = await (await connection.execute(statements.KNOWN, (asked,))).fetchall()
        return {row["uid"] for row in found}

    async def claim(self, key: bytes, purpose: str, expires: datetime, now: datetime) -> str:
        """Record, in one step, that the signed text with this key was used for the purpose, until it expires.

        Returns the purpose that is on record: this one, unless the text was used for another before. Of callers at
        the same time, here or in other replicas, all get the same answer.
        """
        asked = {"key": key, "purpose": purpose, "expires": expires, "now": now}
        async with self._connected("claiming a signature") as connection:
            found = await (await connection.execute(statements.CLAIM, asked)).fetchone()
        if found is None:
            raise Refused("claiming a signature: a rule of the database keeps it from being recorded")
        return str(found["purpose"])

    async def forget_expired(self, now: datetime) -> int:
        """Drop the claims that have expired; returns how many."""
        asked, total = {"now": now, "limit": _FORGOTTEN_AT_ONCE}, 0
        while True:
            async with self._connected("forgetting signatures") as connection:
                count = (await connection.execute(statements.FORGET, asked)).rowcount
            total += count
            if count < _FORGOTTEN_AT_ONCE:
                return total

    @contextlib.asynccontextmanager
    async def _connected(self, doing: str) -> AsyncIterator[Connection]:
        """A connection to a database with the tables in it, all within one deadline."""
        deadline = asyncio.get_running_loop().time() + _LIMIT
        with self._told():
            await self._tables(deadline)
            async with self._connections.lend(doing, deadline, deadline) as connection:
                yield connection

    @contextlib.contextmanager
    def _told(self) -> Iterator[None]:
        try:
            yield
        except ArchiveError as error:
            self._last_error = str(error)
            if isinstance(error.__cause__, psycopg.errors.UndefinedTable):
                self._version = None
            raise
        self._last_error = ""

    async def _tables(self, deadline: float) -> None:
        if self._version is not None:
            return
        try:
            async with asyncio.timeout_at(deadline):
                await asyncio.shield(self._migration())
        except TimeoutError as error:
            raise Unavailable("the archive's tables are being made") from error

    def _migration(self) -> asyncio.Task[int]:
        """The attempt that is under way: all wait for the same one, instead of one after the other."""
        if self._migrating is None or self._migrating.done():
            self._migrating = asyncio.create_task(self._migrate())
            # Somebody may give up waiting; the error then is no loss.
            self._migrating.add_done_callback(lambda task: task.cancelled() or task.exception())
        return self._migrating

    async def _migrate(self) -> int:
        now = asyncio.get_running_loop().time()
        lent = self._connections.lend("making the archive's tables", now + _LIMIT, now + migrations.LIMIT)
        try:
            async with lent as connection:
                self._version = await migrations.apply(connection)
        except asyncio.CancelledError:
            # Nobody but `close` cancels this task, and those who wait for it were not cancelled themselves.
            raise Unavailable("the archive is closed") from None
        return self._version
