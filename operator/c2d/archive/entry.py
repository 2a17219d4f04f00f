"""What the archive holds of a job, and a place in the order of jobs."""

from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, Self


@dataclass(frozen=True, slots=True)
class Cursor:
    """A job's place in the order of all: by creation, then by UID. Its text is fit for a query string."""

    created: datetime
    uid: str

    def __str__(self) -> str:
        # Not +00:00: in a query, a plus is a blank.
        return f"{self.created.astimezone(UTC):%Y-%m-%dT%H:%M:%S.%fZ}/{self.uid}"

    @classmethod
    def read(cls, text: str) -> Self:
        """The cursor of that text. Raises ValueError for any other."""
        created, slash, uid = text.partition("/")
        moment = datetime.fromisoformat(created)
        if not slash or moment.tzinfo is None:
            raise ValueError("not a cursor of this archive")
        return cls(moment, uid)


@dataclass(frozen=True, slots=True)
class Entry:
    """A job as it was last seen. Times have a time zone; those that come back are in UTC.

    `job_id` is the UID without dashes. `owner` and `agreement_id` are kept as they were given. `status` is the API's
    status object: the order of its keys is kept, and what comes back has `removed` in it as the entry says.
    `location` says where the results are.
    """

    uid: str
    namespace: str
    name: str
    job_id: str
    owner: str
    agreement_id: str
    environment: str
    chain_id: int | None
    phase: str
    created: datetime
    finished: datetime | None
    removed: bool
    status: dict[str, Any]
    location: dict[str, Any] | None

    @property
    def cursor(self) -> Cursor:
        return Cursor(self.created, self.uid)
