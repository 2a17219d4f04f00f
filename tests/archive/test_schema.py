"""The schema: made once, whoever comes first, and never gone back from."""

import asyncio
from dataclasses import replace

import pytest

from c2d.archive import migrations
from c2d.archive.archive import Archive
from c2d.archive.errors import Refused
from tests.archive import build
from tests.kit.postgres import Database


def versions(database: Database) -> list[object]:
    with database.connect() as connection:
        rows = connection.execute("SELECT version FROM c2d.schema_version ORDER BY version").fetchall()
    return [version for (version,) in rows]


async def test_migrating_twice_is_migrating_once(archive: Archive, database: Database) -> None:
    assert await archive.migrate() == migrations.LATEST
    await archive.save([build.entry()])
    assert await archive.migrate() == migrations.LATEST
    assert versions(database) == list(range(1, migrations.LATEST + 1))
    assert await archive.find(owner=build.OWNER, limit=5) == [build.entry()]
    assert archive.healthy


async def test_replicas_that_start_together(archive: Archive, replica: Archive, database: Database) -> None:
    done = await asyncio.gather(*(one.migrate() for one in (archive, replica) * 5))
    assert set(done) == {migrations.LATEST}
    assert versions(database) == list(range(1, migrations.LATEST + 1))


async def test_every_version_is_a_transaction_of_its_own(
    archive: Archive, database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    later = (*migrations.MIGRATIONS, "CREATE TABLE c2d.later (a int)", "CREATE TABLE c2d.more (a int); SELECT 1/0")
    monkeypatch.setattr(migrations, "MIGRATIONS", later)
    monkeypatch.setattr(migrations, "LATEST", len(later))
    with pytest.raises(Refused, match="DivisionByZero"):
        await archive.migrate()
    assert versions(database) == list(range(1, len(later)))
    with database.connect() as connection:
        made = "SELECT to_regclass('c2d.later') IS NOT NULL, to_regclass('c2d.more') IS NOT NULL"
        assert connection.execute(made).fetchall() == [(True, False)]


async def test_a_schema_newer_than_the_program(archive: Archive, replica: Archive, database: Database) -> None:
    await archive.migrate()
    with database.connect() as connection:
        connection.execute("INSERT INTO c2d.schema_version (version) VALUES (99)")
    with pytest.raises(Refused, match="version 99"):
        await replica.migrate()
    with pytest.raises(Refused, match="version 99"):
        await replica.page(limit=1)


async def test_a_user_who_may_not_make_tables(archive: Archive, database: Database) -> None:
    user = restricted(database)
    async with Archive(build.settings(user)) as poor:
        with pytest.raises(Refused, match="grant it CREATE on the database"):
            await poor.migrate()
        assert not poor.healthy
        assert "grant it CREATE" in poor.last_error
        with database.connect() as connection:
            connection.execute(f"CREATE SCHEMA c2d AUTHORIZATION {user.user}")
        assert await poor.migrate() == migrations.LATEST
        assert poor.healthy


async def test_a_user_who_may_only_use_the_tables(archive: Archive, database: Database) -> None:
    user = restricted(database)
    await archive.migrate()
    with database.connect() as connection:
        connection.execute(f"GRANT USAGE ON SCHEMA c2d TO {user.user}")
        connection.execute(f"GRANT SELECT, INSERT, UPDATE, DELETE ON ALL TABLES IN SCHEMA c2d TO {user.user}")
    async with Archive(build.settings(user)) as poor:
        await poor.save([build.entry()])
        assert await poor.claim(b"k" * 32, "p", build.NOON, build.NOON) == "p"


async def test_a_database_that_was_emptied_under_a_running_service(archive: Archive, database: Database) -> None:
    await archive.save([build.entry()])
    with database.connect() as connection:
        connection.execute("DROP SCHEMA c2d CASCADE")
    assert await build.eventually(lambda: archive.page(limit=1)) == ([], None)


def restricted(database: Database) -> Database:
    user = f"poor_{database.name}"
    with database.connect() as connection:
        connection.execute(f"CREATE ROLE {user} LOGIN PASSWORD 'small-secret'")
    return replace(database, user=user, password="small-secret")  # noqa: S106
