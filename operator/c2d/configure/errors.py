"""Why the volume can't be filled. Every error of this package is a `ConfigureError`.

    ConfigureError
    ├── PlanInvalid      the plan asks for something impossible
    ├── DownloadFailed   a file could not be fetched; `may_pass` says whether a new pod could help
    ├── WrongChecksum    a file is not what it was declared to be
    ├── NotTrusted       the publisher of a dataset doesn't let the algorithm near it
    ├── DiskFull         the volume has no room
    └── TaskFailed       any of these while working on one file, whose role it adds

Messages name files by their place on the volume and servers by scheme, host and port: a URL may be a secret.
"""

import enum


class Role(enum.Enum):
    """What a file is to the job; it decides the reason that a failure has."""

    INPUT = "input"
    ALGORITHM = "algorithm"


class ConfigureError(Exception):
    """The volume can't be filled."""

    may_pass = False


class PlanInvalid(ConfigureError):
    """The plan asks for something impossible."""


class DownloadFailed(ConfigureError):
    """A file could not be fetched."""

    def __init__(self, message: str, may_pass: bool = False) -> None:
        super().__init__(message)
        self.may_pass = may_pass


class WrongChecksum(ConfigureError):
    """A file is not what it was declared to be."""


class NotTrusted(ConfigureError):
    """The publisher of a dataset doesn't let the algorithm near it."""


class DiskFull(ConfigureError):
    """The volume has no room."""


class TaskFailed(ConfigureError):
    """What went wrong with one file."""

    def __init__(self, role: Role, error: ConfigureError) -> None:
        super().__init__(str(error))
        self.role = role
        self.error = error
        self.may_pass = error.may_pass
