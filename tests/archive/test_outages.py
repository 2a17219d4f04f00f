"""The database is away, late, killed, frozen or strict: every call says so in time, and works again afterwards."""

import asyncio
import contextlib
import logging
import socket
import threading
import time
import traceback
from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest

from c2d.archive.archive import Archive
from c2d.archive.errors import ArchiveError, Refused, Unavailable
from tests.archive import build
from tests.archive.build import NOON, OWNER, assert_unavailable, entry, eventually, until
from tests.kit.postgres import Database, Server

LATER = NOON + timedelta(minutes=10)


async def test_a_database_that_comes_late(server: Server, database: Database) -> None:
    server.stop()
    async with Archive(build.settings(database)) as archive:
        assert not archive.healthy
        await assert_unavailable(archive)
        assert "onnection refused" in archive.last_error
        server.start()
        await eventually(lambda: archive.save([entry()]))
        assert archive.healthy
        assert archive.last_error == ""
        assert await archive.find(owner=OWNER, limit=1) == [entry()]


@pytest.mark.parametrize("end", [Server.kill, Server.stop], ids=["killed", "stopped"])
async def test_away_and_back(archive: Archive, server: Server, end: Callable[[Server], None]) -> None:
    await asyncio.gather(*(archive.save([entry(number)]) for number in range(20)))
    end(server)
    await assert_unavailable(archive)
    server.start()
    assert await eventually(lambda: archive.find(owner=OWNER, limit=50)) == [entry(number) for number in range(20)]
    for call in build.CALLS.values():
        await call(archive)


async def test_connections_of_before_are_not_noticed_by_anybody(archive: Archive, server: Server) -> None:
    await asyncio.gather(*(archive.save([entry(number)]) for number in range(20)))
    server.kill()
    server.start()
    found = await asyncio.gather(*(archive.find(job_id=entry(number).job_id, limit=1) for number in range(20)))
    assert found == [[entry(number)] for number in range(20)]


async def test_away_is_told_at_once_to_everybody(archive: Archive, server: Server) -> None:
    await archive.migrate()
    server.stop()
    before = time.monotonic()
    answers = await asyncio.gather(*(archive.page(limit=1) for _ in range(200)), return_exceptions=True)
    assert {type(answer) for answer in answers} == {Unavailable}
    assert time.monotonic() - before < build.PROMPT


async def test_killed_in_the_middle_of_everything(archive: Archive, replica: Archive, server: Server) -> None:
    """Callers that never rest, while the server dies and comes back three times."""
    await archive.migrate()
    over = asyncio.Event()
    strange: list[BaseException] = []
    slow: list[float] = []
    served = 0

    async def caller(one: Archive, number: int) -> None:
        nonlocal served
        calls = [*build.CALLS.values(), save_many]
        while not over.is_set():
            before = time.monotonic()
            try:
                await calls[number % len(calls)](one)
                served += 1
            except Unavailable:
                await asyncio.sleep(0)
            except BaseException as error:
                strange.append(error)
                raise
            slow.append(time.monotonic() - before)

    async def save_many(archive: Archive) -> None:
        await archive.save([entry(number) for number in range(800)])

    async def fifty_more() -> None:
        enough = served + 50
        await until(lambda: served >= enough)

    async with asyncio.TaskGroup() as callers:
        for number in range(24):
            callers.create_task(caller((archive, replica)[number % 2], number))
        for _ in range(3):
            await fifty_more()
            await asyncio.to_thread(server.kill)
            await until(lambda: not archive.healthy)
            await asyncio.to_thread(server.start)
        await fifty_more()
        over.set()
    assert strange == []
    assert max(slow) < build.PROMPT
    await archive.page(limit=1)


async def test_a_frozen_server_holds_nobody_up(archive: Archive, server: Server) -> None:
    await archive.save([entry()])
    server.freeze()
    before = time.monotonic()
    answers = await asyncio.gather(*(archive.page(limit=1) for _ in range(30)), return_exceptions=True)
    assert {type(answer) for answer in answers} == {Unavailable}
    assert time.monotonic() - before < build.PROMPT
    server.thaw()
    assert await eventually(lambda: archive.page(limit=1)) == ([entry()], None)


async def test_a_caller_who_gives_up_breaks_nothing(archive: Archive, server: Server) -> None:
    await archive.save([entry()])
    server.freeze()
    before = time.monotonic()
    with pytest.raises(TimeoutError):
        async with asyncio.timeout(0.1):
            await archive.page(limit=1)
    assert time.monotonic() - before < 4.5, "psycopg would have waited for the server for five seconds"
    server.thaw()
    answers = await asyncio.gather(*(eventually(lambda: archive.page(limit=1)) for _ in range(20)))
    assert answers == [([entry()], None)] * 20


async def test_an_address_that_never_answers() -> None:
    """It takes connections and says nothing, as a proxy does whose server is gone."""
    with socket.create_server(("127.0.0.1", 0)) as silent:
        database = Database("127.0.0.1", silent.getsockname()[1], "none")
        async with Archive(build.settings(database)) as archive:
            before = time.monotonic()
            answers = await asyncio.gather(*(archive.page(limit=1) for _ in range(20)), return_exceptions=True)
            assert {type(answer) for answer in answers} == {Unavailable}
            assert time.monotonic() - before < build.PROMPT


async def test_a_row_that_somebody_holds(archive: Archive, database: Database) -> None:
    await archive.claim(b"k" * 32, "p", LATER, NOON)
    with database.connect() as other, other.transaction():
        other.execute("SELECT * FROM c2d.claim FOR UPDATE")
        with pytest.raises(Unavailable):
            await archive.claim(b"k" * 32, "p", LATER, NOON)
        assert await archive.claim(b"l" * 32, "p", LATER, NOON) == "p"
    assert await archive.claim(b"k" * 32, "q", LATER, NOON) == "p"


async def test_tables_that_another_replica_is_making(archive: Archive, database: Database) -> None:
    with database.connect() as other, other.transaction():
        other.execute("SELECT pg_advisory_xact_lock(hashtextextended('c2d.schema_version', 0))")
        migrating = asyncio.create_task(archive.migrate())
        with pytest.raises(Unavailable, match="are being made"):
            await archive.page(limit=1)
        assert not migrating.done()
    assert await migrating == 1
    assert await archive.page(limit=1) == ([], None)


async def test_all_connections_taken_by_others(archive: Archive, database: Database) -> None:
    with database.connect() as other:
        other.execute(f"ALTER DATABASE {database.name} CONNECTION LIMIT 0")
        other.execute("CREATE ROLE guest LOGIN PASSWORD 'guest'")
        try:
            guest = replace(database, user="guest", password="guest")  # noqa: S106
            async with Archive(build.settings(guest)) as poor:
                with pytest.raises(Unavailable, match="too many connections"):
                    await poor.migrate()
        finally:
            other.execute("DROP ROLE guest")


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        pytest.param({"password": "very-wrong-secret"}, "password authentication failed", id="a wrong password"),
        pytest.param({"password": ""}, "no password supplied", id="no password"),
        pytest.param({"name": "nowhere"}, 'database "nowhere" does not exist', id="an unknown database"),
    ],
)
async def test_refused(
    database: Database, changes: dict[str, Any], words: str, caplog: pytest.LogCaptureFixture
) -> None:
    wrong = replace(database, **changes)
    caplog.set_level(logging.DEBUG)
    async with Archive(build.settings(wrong)) as archive:
        for call in build.CALLS.values():
            with pytest.raises(Refused, match=words) as caught:
                await call(archive)
            told = "".join(traceback.format_exception(caught.value))
            assert not wrong.password or wrong.password not in told
    assert not wrong.password or wrong.password not in caplog.text


async def test_a_server_that_does_not_speak_tls(database: Database) -> None:
    async with Archive(replace(build.settings(database), sslmode="require")) as archive:
        with pytest.raises(Refused, match="SSL"):
            await archive.page(limit=1)


async def test_a_host_that_nobody_knows(database: Database) -> None:
    async with Archive(replace(build.settings(database), host="nobody.invalid")) as archive:
        with pytest.raises(Unavailable):
            await archive.page(limit=1)


async def test_values_that_the_database_refuses(archive: Archive) -> None:
    for wrong in (entry(chain_id=2**70), entry(status={"n": float("nan")})):
        with pytest.raises(Refused) as caught:
            await archive.save([wrong])
        assert OWNER not in str(caught.value)
    with pytest.raises(Refused):
        await archive.claim(b"k" * 32, "\ud800", LATER, NOON)
    assert not archive.healthy
    await archive.save([entry()])
    assert archive.healthy


async def test_before_it_is_opened_and_after_it_is_closed(database: Database) -> None:
    archive = Archive(build.settings(database))
    await assert_unavailable(archive)
    await archive.open()
    await archive.migrate()
    await archive.close()
    await archive.close()
    await assert_unavailable(archive)


async def test_closing_while_the_tables_are_being_made(archive: Archive, database: Database) -> None:
    with database.connect() as other, other.transaction():
        other.execute("SELECT pg_advisory_xact_lock(hashtextextended('c2d.schema_version', 0))")
        migrating = asyncio.create_task(archive.migrate())
        waiting = "SELECT 1 FROM pg_locks WHERE locktype = 'advisory' AND NOT granted"
        await until(lambda: bool(other.execute(waiting).fetchall()))
        await archive.close()
        with pytest.raises(ArchiveError):
            await migrating


async def test_a_proxy_that_cuts_every_answer(database: Database) -> None:
    """A network that breaks at any byte is the database's absence and nothing else."""
    with Cutter(database.port) as cutter:
        through = replace(database, port=cutter.port)
        async with Archive(build.settings(through)) as archive:
            for length in range(0, 1600, 40):
                cutter.length = length
                try:
                    await archive.claim(b"k" * 32, "p", LATER, NOON)
                except ArchiveError as error:
                    assert isinstance(error, Unavailable), (length, error)
            cutter.length = 1_000_000
            purpose = await eventually(lambda: archive.claim(b"k" * 32, "q", LATER, NOON))
            # A connection of before may be cut only now.
            assert await eventually(lambda: archive.claim(b"k" * 32, "r", LATER, NOON)) == purpose


class Cutter:
    """A proxy that cuts a connection after so many bytes of the server's."""

    def __init__(self, to: int) -> None:
        self.length = 0
        self._to = to
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.port: int = self._listener.getsockname()[1]

    def __enter__(self) -> "Cutter":
        threading.Thread(target=self._serve, daemon=True).start()
        return self

    def __exit__(self, *_: object) -> None:
        self._listener.close()

    def _serve(self) -> None:
        while True:
            try:
                client, _ = self._listener.accept()
            except OSError:
                return
            server = socket.create_connection(("127.0.0.1", self._to))
            threading.Thread(target=_pump, args=(client, server, 1 << 40), daemon=True).start()
            threading.Thread(target=_pump, args=(server, client, self.length), daemon=True).start()


def _pump(source: socket.socket, sink: socket.socket, left: int) -> None:
    with contextlib.suppress(OSError):
        while left > 0 and (piece := source.recv(min(left, 65536))):
            sink.sendall(piece)
            left -= len(piece)
    for end in (source, sink):
        with contextlib.suppress(OSError):
            end.shutdown(socket.SHUT_RDWR)
