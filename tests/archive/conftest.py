from collections.abc import AsyncIterator, Iterator

import pytest

from c2d.archive.archive import Archive
from tests.archive.build import settings
from tests.kit import postgres
from tests.kit.postgres import Database, Server


@pytest.fixture(scope="session")
def server_of_all() -> Iterator[Server]:
    binaries = postgres.find()
    if binaries is None:
        pytest.skip(f"PostgreSQL is not here: {postgres.WHERE}")
    with postgres.running(binaries) as server:
        yield server


@pytest.fixture
def server(server_of_all: Server) -> Iterator[Server]:
    """One for all tests, running again after each."""
    yield server_of_all
    server_of_all.mend()


@pytest.fixture
def database(server: Server) -> Iterator[Database]:
    with server.database() as database:
        yield database


@pytest.fixture
async def archive(database: Database) -> AsyncIterator[Archive]:
    async with Archive(settings(database)) as archive:
        yield archive


@pytest.fixture
async def replica(database: Database) -> AsyncIterator[Archive]:
    """Another process's archive, on the same database."""
    async with Archive(settings(database)) as archive:
        yield archive
