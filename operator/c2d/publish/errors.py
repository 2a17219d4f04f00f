"""Why a job can't be published, apart from what the storage says. Every error of this package is a `PublishError`.

PublishError
├── PlanInvalid   the plan can't be read
├── VolumeBroken  the volume has no outputs folder that can be opened
└── Unreadable    the volume gives an error that no algorithm can cause: worth another pod, maybe on another node
"""


class PublishError(Exception):
    """The job can't be published."""

    may_pass = False


class PlanInvalid(PublishError):
    """The plan can't be read."""


class VolumeBroken(PublishError):
    """The volume has no outputs folder that can be opened."""


class Unreadable(PublishError):
    """The volume gives an error that no algorithm can cause."""

    may_pass = True
