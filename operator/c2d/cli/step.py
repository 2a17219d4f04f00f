"""The names of a job's pods. Apart from everything else, because the options need it and must load quickly."""

import enum


class Step(enum.StrEnum):
    """The job's pods, in the order that they run."""

    CONFIGURE = "configure"
    ALGORITHM = "algorithm"
    PUBLISH = "publish"
