"""The base of every type that crosses an edge as JSON or YAML."""

from datetime import UTC, datetime
from typing import Annotated

import pydantic
from pydantic.alias_generators import to_camel


class Model(pydantic.BaseModel):
    """Frozen; camelCase outside, snake_case inside; unknown fields are an error."""

    model_config = pydantic.ConfigDict(frozen=True, extra="forbid", alias_generator=to_camel, populate_by_name=True)


class Observed(Model):
    """A model of something that a newer version may have written: unknown fields are passed over."""

    model_config = pydantic.ConfigDict(extra="ignore")


def _to_seconds(moment: datetime) -> datetime:
    return moment.astimezone(UTC).replace(microsecond=0)


def format_time(moment: datetime) -> str:
    """`2026-01-02T03:04:05Z`: how Kubernetes writes `metav1.Time`."""
    return moment.strftime("%Y-%m-%dT%H:%M:%SZ")


def _require_zone(moment: datetime) -> datetime:
    if moment.tzinfo is None:
        raise ValueError("needs a time zone, as in 2026-01-02T03:04:05Z")
    return moment


# Kubernetes keeps whole seconds; a moment is cut to them so that what is written equals what is read back.
Time = Annotated[
    datetime,
    pydantic.AfterValidator(_require_zone),
    pydantic.AfterValidator(_to_seconds),
    pydantic.PlainSerializer(format_time, return_type=str),
]
