"""What can go wrong with the archive. Every error of this package is an `ArchiveError`.

    ArchiveError
    ├── Unavailable   it can't be reached, gave no answer in time, or is starting or shutting down: worth a retry
    └── Refused       it says no: wrong password, too few rights, a schema that is newer than this program

Messages never contain the password, and nothing of a job's data.
"""


class ArchiveError(Exception):
    """Something is wrong with the archive; the text is fit for an operator."""


class Unavailable(ArchiveError):
    """The database can't serve now; the same call may succeed later."""


class Refused(ArchiveError):
    """The database, or its schema, won't have it; somebody has to change something."""
