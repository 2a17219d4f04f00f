"""The schema's history. What is in MIGRATIONS never changes after a release: a new version is one more item.

A replica of the version before may still be at work while a migration runs, so a migration only adds.
"""

import psycopg

from c2d.archive.connections import Connection
from c2d.archive.errors import Refused

MIGRATIONS = (
    # CREATE SCHEMA asks for the right to make one even where it is there already; a database's administrator may have
    # made it for a user who has no such right.
    #
    # json and not jsonb: clients see the status object's keys in the order in which they were written. The collation
    # "C" sorts as Python does, and its lower() means the same on every server.
    """
    DO $$ BEGIN
      IF to_regnamespace('c2d') IS NULL THEN CREATE SCHEMA c2d; END IF;
    END $$;
    CREATE TABLE c2d.schema_version (
      version integer PRIMARY KEY,
      applied timestamptz NOT NULL DEFAULT now()
    );
    CREATE TABLE c2d.job (
      uid text COLLATE "C" PRIMARY KEY,
      namespace text NOT NULL,
      name text NOT NULL,
      job_id text COLLATE "C" NOT NULL,
      owner text COLLATE "C" NOT NULL,
      agreement_id text COLLATE "C" NOT NULL,
      environment text NOT NULL,
      chain_id bigint,
      phase text NOT NULL,
      created timestamptz NOT NULL,
      finished timestamptz,
      removed boolean NOT NULL,
      status json NOT NULL,
      location json
    );
    CREATE INDEX job_created ON c2d.job (created, uid);
    CREATE INDEX job_job_id ON c2d.job (job_id);
    CREATE INDEX job_owner ON c2d.job (lower(owner), created, uid);
    CREATE INDEX job_agreement_id ON c2d.job (lower(agreement_id), created, uid);
    CREATE INDEX job_due ON c2d.job (uid)
      WHERE location IS NOT NULL AND (removed OR location->>'expires' IS NOT NULL);
    CREATE TABLE c2d.claim (
      key bytea PRIMARY KEY,
      purpose text NOT NULL,
      expires timestamptz NOT NULL
    );
    CREATE INDEX claim_expires ON c2d.claim (expires);
    """,
)
LATEST = len(MIGRATIONS)
LIMIT = 600.0  # seconds for all of it, the wait for another replica included

_LOCK = "SELECT pg_advisory_xact_lock(hashtextextended('c2d.schema_version', 0))"
_PATIENCE = "SET LOCAL statement_timeout = '600s'"
_IS_THERE = "SELECT to_regclass('c2d.schema_version') IS NOT NULL AS there"
_VERSION = "SELECT coalesce(max(version), 0) AS version FROM c2d.schema_version"
_RECORD = "INSERT INTO c2d.schema_version (version) VALUES (%s)"


async def apply(connection: Connection) -> int:
    """Bring the schema up to date, one transaction for each version; returns the version.

    Any number of replicas may do so at a time: the lock is held until a transaction ends, and who comes second sees
    what the first did. Raises Refused for a schema that is newer than this program.
    """
    version = -1
    while version < LATEST:
        async with connection.transaction():
            await connection.execute(_PATIENCE)
            await connection.execute(_LOCK)
            version = await _step(connection)
    return version


async def _step(connection: Connection) -> int:
    version = await _current(connection)
    if version > LATEST:
        raise Refused(f"the archive's schema has version {version}, and this program knows none after {LATEST}")
    if version == LATEST:
        return version
    try:
        await connection.execute(MIGRATIONS[version])
    except psycopg.errors.InsufficientPrivilege as error:
        raise Refused(
            f"the database's user may not make the archive's tables ({error.diag.message_primary}): "
            "grant it CREATE on the database, or make a schema c2d that it owns"
        ) from error
    await connection.execute(_RECORD, (version + 1,))
    return version + 1


async def _current(connection: Connection) -> int:
    there = await (await connection.execute(_IS_THERE)).fetchone()
    if there is None or not there["there"]:
        return 0
    row = await (await connection.execute(_VERSION)).fetchone()
    return int(row["version"]) if row else 0
