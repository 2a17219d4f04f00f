"""Connections to the database, of which none makes a caller wait past its deadline.

psycopg's pool keeps them. What it lacks is here: the reason why no connection came, an end to waiting as soon as none
can come, and an end to a call that a frozen server or a dead network would never answer.
"""

import asyncio
import contextlib
import os
import select
import socket
from collections.abc import AsyncIterator, Callable, Iterator
from typing import Any, Self, TypeAlias

import psycopg
import psycopg_pool
from psycopg.pq import TransactionStatus
from psycopg.rows import DictRow, dict_row

from c2d.archive import psycopg_errors
from c2d.archive.errors import ArchiveError, Unavailable
from c2d.archive.settings import Settings

Connection: TypeAlias = psycopg.AsyncConnection[DictRow]
Report: TypeAlias = Callable[[Exception | None], None]

_SIZE = 8
_CONNECT_TIMEOUT = 2  # seconds, for each address of the host
# The server ends a statement before we cut the connection, because the statement would go on without us.
_SETUP = "SET statement_timeout = '2500ms'"


class Connections:
    """A pool that is empty until somebody asks. Deadlines are times of the event loop's clock."""

    def __init__(self, settings: Settings) -> None:
        # Nothing is retried in the background: a retry's pause, which doubles, would outlast the database's absence.
        # The next caller asks for a connection instead, and the pool makes one at a time.
        self._pool = psycopg_pool.AsyncConnectionPool(
            kwargs={**_parameters(settings), "report": self._report},
            connection_class=_Own,
            min_size=0,
            max_size=_SIZE,
            open=False,
            name="archive",
            reconnect_timeout=0,
            reconnect_failed=self._attempt_failed,
        )
        self._waiting: set[asyncio.Timeout] = set()
        self._failure: Exception | None = None

    async def open(self) -> None:
        """Neither fails nor waits: no connection is made yet."""
        await self._pool.open(wait=False)

    async def close(self) -> None:
        await self._pool.close(timeout=_CONNECT_TIMEOUT)

    @contextlib.asynccontextmanager
    async def lend(self, doing: str, deadline: float, end: float) -> AsyncIterator[Connection]:
        """A connection in autocommit mode, had by the deadline; at the end, what is under way on it is cut.

        Raises ArchiveError, also for what psycopg raises inside of the block.
        """
        connection = await self._take(deadline)
        try:
            with _cut_off(connection, end):
                yield connection
        except (psycopg.Error, UnicodeError) as error:
            if asyncio.get_running_loop().time() >= end:
                raise Unavailable(f"{doing}: the database gave no answer in time") from error
            raise psycopg_errors.from_database(doing, error) from error
        finally:
            # One that is still in the middle of something is no use to the next caller.
            if connection.pgconn.transaction_status != TransactionStatus.IDLE:
                await connection.close()
            await self._pool.putconn(connection)

    async def _take(self, deadline: float) -> "_Own":
        try:
            async with asyncio.timeout_at(deadline) as patience:
                self._waiting.add(patience)
                try:
                    return await self._take_sound()
                finally:
                    self._waiting.discard(patience)
        except psycopg_pool.PoolClosed as error:
            raise Unavailable("the archive is closed") from error
        except (TimeoutError, psycopg_pool.PoolTimeout) as error:
            raise self._why_none() from self._failure or error

    async def _take_sound(self) -> "_Own":
        """The pool would only notice a dead connection when a call fails on it."""
        while True:
            connection = await self._pool.getconn()
            if _is_sound(connection):
                return connection
            await connection.close()
            await self._pool.putconn(connection)

    def _why_none(self) -> ArchiveError:
        if self._failure is None:
            return Unavailable("no connection to the database in time")
        return psycopg_errors.from_connecting(self._failure)

    def _report(self, failure: Exception | None) -> None:
        self._failure = failure

    def _attempt_failed(self, pool: psycopg_pool.AsyncConnectionPool[Any]) -> None:
        """Ends the wait of all, unless there are connections that will be given back or attempts that go on."""
        if pool.get_stats()["pool_size"] > 0:
            return
        for patience in self._waiting:
            if not patience.expired():
                patience.reschedule(0)


class _Own(psycopg.AsyncConnection[DictRow]):
    """Tells why it could not be made, where the pool only knows that it took too long; is cut, where psycopg asks."""

    @classmethod
    async def connect(cls, conninfo: str = "", *, report: Report, **parameters: Any) -> Self:  # type: ignore[override]
        try:
            connection = await super().connect(conninfo, **parameters)
            await _set_up(connection)
        except Exception as error:
            report(error)
            raise
        report(None)
        return connection

    async def cancel_safe(self, *, timeout: float = 0) -> None:  # noqa: ARG002 - there is nothing to wait for
        """What psycopg does when the caller is cancelled: it would ask the server, and wait for the answer."""
        _cut(self)


async def _set_up(connection: Connection) -> None:
    end = asyncio.get_running_loop().time() + _CONNECT_TIMEOUT
    try:
        with _cut_off(connection, end):
            await connection.execute(_SETUP)
    except BaseException:
        await connection.close()
        raise


def _parameters(settings: Settings) -> dict[str, Any]:
    return {
        "host": settings.host,
        "port": settings.port,
        "dbname": settings.database,
        "user": settings.user,
        "password": settings.password or None,
        "sslmode": settings.sslmode,
        **({"sslrootcert": settings.authorities} if settings.authorities else {}),
        "application_name": "c2d",
        "client_encoding": "utf8",
        "connect_timeout": _CONNECT_TIMEOUT,
        # A node that is gone says nothing; the kernel finds out in some ten seconds, and `_is_sound` asks the kernel.
        "keepalives_idle": 5,
        "keepalives_interval": 2,
        "keepalives_count": 3,
        "row_factory": dict_row,
        "autocommit": True,
        # Prepared statements would break behind a PgBouncer, and in the moment when another replica migrates.
        "prepare_threshold": None,
    }


def _is_sound(connection: Connection) -> bool:
    """Without a word to the server: nobody sends anything on an idle connection but its end."""
    if connection.closed:
        return False
    poll = select.poll()
    poll.register(connection.fileno(), select.POLLIN)
    return not poll.poll(0)


@contextlib.contextmanager
def _cut_off(connection: Connection, end: float) -> Iterator[None]:
    """Cuts the connection when the block lasts until then, so that whatever waits in it fails at once."""
    alarm = asyncio.get_running_loop().call_at(end, _cut, connection)
    try:
        yield
    finally:
        alarm.cancel()


def _cut(connection: Connection) -> None:
    if connection.closed:
        return
    with contextlib.suppress(OSError), socket.socket(fileno=os.dup(connection.fileno())) as ours:
        ours.shutdown(socket.SHUT_RDWR)
