"""manifest.json: every result of a job with its size and sha256, in the order of getResult's index."""

import enum

from c2d.api.model import Model, Time


class Kind(enum.StrEnum):
    """What a result is; the spelling of the third is historical and clients know it."""

    OUTPUT = "output"
    ALGORITHM_LOG = "algorithmLog"
    CONFIGURE_LOG = "configrationLog"
    PUBLISH_LOG = "publishLog"


class Result(Model):
    """One published file. `filename` is relative to the outputs folder, or the log's name."""

    index: int
    type: Kind
    filename: str
    key: str  # the object's key, below the job's location
    filesize: int  # bytes
    sha256: str


class Skipped(Model):
    """Something in the outputs folder that was not published, and why."""

    filename: str
    reason: str


class Manifest(Model):
    """Everything that a job published."""

    version: int = 1
    job: str
    uid: str
    agreement_id: str = ""
    published_at: Time
    outputs: bool  # False when only logs were published
    results: list[Result]
    skipped: list[Skipped]
