"""Which of psycopg's many errors is which of ours."""

import re

import psycopg

from c2d.archive.errors import ArchiveError, Refused, Unavailable

_UNDEFINED_TABLE = "42P01"

# SQLSTATEs, or classes of them, that mean patience. Source: PostgreSQL's documentation, appendix A.
_PATIENCE = (
    "08",  # the connection
    "25006",  # a standby that is not promoted yet
    "40",  # deadlock, serialization failure
    "53",  # no memory, no disk, no connection left
    "55P03",  # a lock that somebody else holds
    "57",  # cancelled, shutting down, starting up
    "58",  # the server's own disk
)
_DATA = "22"

# A server that lets nobody in says so in words only: libpq has no SQLSTATE for it. A server that speaks another
# language than English thus counts as unavailable, and its own words are in the message.
_REFUSALS = re.compile(
    "authentication failed|no password supplied|no pg_hba.conf entry|permission denied|does not exist|"
    "not permitted to log in|does not support SSL|certificate",
    re.IGNORECASE,
)
_LONGEST = 300


def from_connecting(error: Exception) -> ArchiveError:
    """For a connection that could not be made; libpq's text names host and user, never the password."""
    text = " ".join(str(error).split()).removeprefix("connection failed: ")[:_LONGEST]
    kind = Refused if _REFUSALS.search(text) else Unavailable
    return kind(f"no connection to the database: {text or type(error).__name__}")


def from_database(doing: str, error: Exception) -> ArchiveError:
    """For an error on a connection that was there, while doing what `doing` says."""
    state = error.sqlstate if isinstance(error, psycopg.Error) else None
    if state is None:
        # Without a SQLSTATE it comes from this side: a lost connection, or a value that can't be sent.
        lost = isinstance(error, psycopg.OperationalError | psycopg.InterfaceError)
        return Unavailable(f"{doing}: the connection was lost") if lost else Refused(f"{doing}: {_name(error)}")
    if state == _UNDEFINED_TABLE:
        return Unavailable(f"{doing}: the tables are gone; the next call makes them again")
    kind = Unavailable if state.startswith(_PATIENCE) else Refused
    return kind(f"{doing}: {_name(error)} ({state}){_words(error)}")


def _name(error: Exception) -> str:
    return type(error).__name__


def _words(error: Exception) -> str:
    """The server's own words, unless they may repeat a value."""
    words = error.diag.message_primary if isinstance(error, psycopg.Error) else None
    state = error.sqlstate if isinstance(error, psycopg.Error) else None
    return f": {words[:_LONGEST]}" if words and not (state or "").startswith(_DATA) else ""
