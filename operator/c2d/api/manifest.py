"""manifest.json: every result of a job with its size and sha256, in the order of getResult's index."""

import enum

from c2d.api.model import Observed, Time


class Kind(enum.StrEnum):
    """What a result is; the spelling of the third is historical and clients know it."""

    OUTPUT = "output"
    ALGORITHM_LOG = "algorithmLog"
    CONFIGURE_LOG = "configrationLog"
    PUBLISH_LOG = "publishLog"


class Result(Observed):
    """One published file. `filename` is relative to the outputs folder, or the log's name.

    What can't be printed in a name is percent-encoded, see c2d/publish/names.py.
    """

    index: int
    type: Kind
    filename: str
    key: str  # the object's key, below the job's location
    filesize: int  # bytes
    sha256: str


class Skipped(Observed):
    """Something in the outputs folder, or a log, that was not published, and why."""

    filename: str
    reason: str


class Manifest(Observed):
    """Everything that a job published.

    The results come last, so that a million of them can be written without being held in memory.
    """

    version: int = 1
    job: str
    uid: str
    agreement_id: str = ""
    published_at: Time
    outputs: bool  # False when only logs were published
    skipped: list[Skipped]  # the first thousand
    skipped_count: int = 0
    results: list[Result]
