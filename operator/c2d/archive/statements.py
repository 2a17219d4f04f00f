"""The statements of the archive, and what goes between an Entry and a row.

A filter that is None folds away when a statement is planned, so that the other filters find their index.
"""

from datetime import UTC
from typing import Any

from psycopg.rows import DictRow
from psycopg.types.json import Json

from c2d.archive.entry import Cursor, Entry

# A replica that is late may bring a state from before the end, which the archive has already: the end stays. The rest
# of an entry can't change, because a ComputeJob's spec can't.
SAVE = """
INSERT INTO c2d.job AS held (
  uid, namespace, name, job_id, owner, agreement_id, environment, chain_id,
  phase, created, finished, removed, status, location
) VALUES (
  %(uid)s, %(namespace)s, %(name)s, %(job_id)s, %(owner)s, %(agreement_id)s, %(environment)s, %(chain_id)s,
  %(phase)s, %(created)s, %(finished)s, %(removed)s, %(status)s, %(location)s
)
ON CONFLICT (uid) DO UPDATE SET
  phase = CASE WHEN held.finished IS NULL OR excluded.finished IS NOT NULL THEN excluded.phase ELSE held.phase END,
  status = CASE WHEN held.finished IS NULL OR excluded.finished IS NOT NULL THEN excluded.status ELSE held.status END,
  finished = coalesce(excluded.finished, held.finished),
  removed = held.removed OR excluded.removed,
  location = coalesce(excluded.location, held.location)
"""

FIND = """
SELECT * FROM c2d.job
WHERE (%(job_id)s::text IS NULL OR job_id = %(job_id)s::text)
  AND (%(agreement_id)s::text IS NULL OR lower(agreement_id) = lower(%(agreement_id)s::text COLLATE "C"))
  AND (%(owner)s::text IS NULL OR lower(owner) = lower(%(owner)s::text COLLATE "C"))
  AND (%(chain_id)s::numeric IS NULL OR chain_id = %(chain_id)s::numeric)
  AND (%(phase)s::text IS NULL OR phase = %(phase)s::text)
  AND (%(environment)s::text IS NULL OR environment = %(environment)s::text)
  AND (%(created)s::timestamptz IS NULL OR (created, uid) < (%(created)s::timestamptz, %(uid)s::text))
ORDER BY created DESC, uid DESC
LIMIT %(limit)s
"""

MARK_REMOVED = "UPDATE c2d.job SET removed = true WHERE uid = %s RETURNING *"

# In no order, so that those that fail again and again hold up none. The first two lines are the index's.
DUE = """
SELECT * FROM c2d.job
WHERE location IS NOT NULL
  AND (removed OR location->>'expires' IS NOT NULL)
  AND (removed OR location->>'expires' <= %(now)s)
ORDER BY random()
LIMIT %(limit)s
"""

FORGET_RESULTS = "UPDATE c2d.job SET location = NULL WHERE uid = %s"

KNOWN = "SELECT uid FROM c2d.job WHERE uid = ANY(%s::text[]) AND finished IS NOT NULL"

# DO UPDATE also where nothing changes: DO NOTHING would return no row.
CLAIM = """
INSERT INTO c2d.claim AS held (key, purpose, expires) VALUES (%(key)s, %(purpose)s, %(expires)s)
ON CONFLICT (key) DO UPDATE SET
  purpose = CASE WHEN held.expires <= %(now)s THEN excluded.purpose ELSE held.purpose END,
  expires = CASE WHEN held.expires <= %(now)s THEN excluded.expires ELSE held.expires END
RETURNING purpose
"""

# Replicas that clean at the same time take different rows.
FORGET = """
DELETE FROM c2d.claim WHERE key IN (
  SELECT key FROM c2d.claim WHERE expires <= %(now)s ORDER BY expires LIMIT %(limit)s FOR UPDATE SKIP LOCKED
)
"""


def storable(text: str) -> str:
    """The text without what PostgreSQL can't hold: NUL, and halves of surrogate pairs."""
    return text.replace("\0", "\ufffd").encode(errors="replace").decode()


def row(entry: Entry) -> dict[str, Any]:
    return {
        "uid": storable(entry.uid),
        "namespace": storable(entry.namespace),
        "name": storable(entry.name),
        "job_id": storable(entry.job_id),
        "owner": storable(entry.owner),
        "agreement_id": storable(entry.agreement_id),
        "environment": storable(entry.environment),
        "chain_id": entry.chain_id,
        "phase": storable(entry.phase),
        "created": entry.created,
        "finished": entry.finished,
        "removed": entry.removed,
        "status": Json(entry.status),
        "location": None if entry.location is None else Json(entry.location),
    }


def filters(cursor: Cursor | None, limit: int, **values: str | int | None) -> dict[str, Any]:
    """The parameters of FIND; what isn't given doesn't filter."""
    names = ("job_id", "agreement_id", "owner", "chain_id", "phase", "environment")
    given = {name: storable(value) if isinstance(value, str) else value for name, value in values.items()}
    place = {"created": cursor and cursor.created, "uid": cursor and storable(cursor.uid)}
    return {**dict.fromkeys(names), **given, **place, "limit": limit}


def entry(found: DictRow) -> Entry:
    finished, status = found["finished"], found["status"]
    if "removed" in status:
        # Else the two could contradict each other, since a job is also marked as removed without its status.
        status["removed"] = int(found["removed"])
    return Entry(
        **{
            **found,
            "created": found["created"].astimezone(UTC),
            "finished": finished and finished.astimezone(UTC),
            "status": status,
        }
    )
