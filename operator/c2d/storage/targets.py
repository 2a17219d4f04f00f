"""The places where results can be, and how they are named. Pure.

A location is what a job's status tells: `s3://<bucket>/<prefix>`, `ipfs://<CID>` or `volume://<claim>/<UID>`. What is
behind it is the prefix of all keys there, so that one and the same `<prefix>/manifest.json` is read everywhere.
"""

import functools
import re

import pydantic

from c2d.api import plan
from c2d.api.environment import IpfsTarget, S3Target, VolumeTarget

Target = S3Target | IpfsTarget | VolumeTarget

_CID = re.compile("[A-Za-z0-9]{46,128}")
_target: pydantic.TypeAdapter[Target] = pydantic.TypeAdapter(Target)


@functools.lru_cache(maxsize=1024)
def parse(text: str) -> Target:
    """From JSON; one object for the thousands of jobs of an environment. Raises ValueError."""
    target = _target.validate_json(text)
    if isinstance(target, VolumeTarget) and not target.model_fields_set:
        raise ValueError("nothing of it belongs to any kind of target")
    return target


def location(target: Target, prefix: str) -> str:
    """The location of what has this prefix."""
    return f"{_base(target)}{prefix}"


def prefix_of(target: Target, location: str) -> str | None:
    """The inverse; None where the location is not one of this target."""
    base = _base(target)
    prefix = location.removeprefix(base)
    if not location.startswith(base) or (isinstance(target, IpfsTarget) and not _CID.fullmatch(prefix)):
        return None
    return prefix


def server(target: Target) -> tuple[str, str]:
    """What tells the objects of one target from those of another."""
    if isinstance(target, IpfsTarget):
        return target.api_url, ""
    if isinstance(target, VolumeTarget):
        return "", ""  # a prefix has the job's UID
    return target.endpoint or "", target.bucket


def seen_from_here(target: Target, endpoint: str | None) -> Target:
    """The same target by the address that it has for us, if that is another one."""
    if not endpoint or isinstance(target, VolumeTarget):
        return target
    name = "api_url" if isinstance(target, IpfsTarget) else "endpoint"
    return target.model_copy(update={name: endpoint})


def folders(target: IpfsTarget, uid: str) -> list[str]:
    """The names that a job's folder, and its pin, may have: one for each attempt of publishing it."""
    return [f"{target.prefix}{plan.own_place(uid, attempt)}" for attempt in range(plan.ATTEMPTS)]


def _base(target: Target) -> str:
    match target:
        case IpfsTarget():
            return "ipfs://"
        case VolumeTarget():
            return "volume://"
        case S3Target():
            return f"s3://{target.bucket}/"
