"""From the plan to tasks: what has to be on the volume, where, with which mode. Pure."""

import json
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import PurePosixPath

from c2d.api import volume
from c2d.api.plan import ConfigurePlan, PlannedAsset, PlannedFile, PlannedObject
from c2d.configure.errors import PlanInvalid, Role
from c2d.ocean.provider import Order

# An empty entrypoint executes the algorithm's file itself.
MODES = {Role.INPUT: 0o644, Role.ALGORITHM: 0o755}


@dataclass(frozen=True)
class Text:
    content: bytes


@dataclass(frozen=True)
class ContentFile:
    """The content is that of this file, which is a Secret's key."""

    path: PurePosixPath


@dataclass(frozen=True)
class Url:
    value: str
    method: str = "GET"
    headers: PurePosixPath | None = None  # a file that holds them


@dataclass(frozen=True)
class UrlFile:
    """The URL is the content of this file, which is a Secret's key."""

    path: PurePosixPath
    method: str = "GET"
    headers: PurePosixPath | None = None


@dataclass(frozen=True)
class Object:
    """An object in a bucket."""

    place: PlannedObject


@dataclass(frozen=True)
class AssetFile:
    """One of the files that a Provider hands out against an order."""

    endpoint: str  # the URL of its downloads
    order: Order
    index: int


Source = Text | ContentFile | Url | UrlFile | Object | AssetFile


@dataclass(frozen=True)
class Task:
    """One file for the volume."""

    role: Role
    path: PurePosixPath  # below the volume's root
    source: Source
    sha256: str | None = None

    @property
    def is_here(self) -> bool:
        """Whether nothing has to be fetched for it."""
        return isinstance(self.source, Text | ContentFile)

    @property
    def mode(self) -> int:
        return MODES[self.role]


@dataclass(frozen=True)
class Stored:
    """A file that is on the volume."""

    path: PurePosixPath
    size: int  # bytes
    sha256: str


def tasks_of(plan: ConfigurePlan) -> tuple[Task, ...]:
    """Everything that the plan asks for, custom data included, but for the files of assets. Raises PlanInvalid."""
    tasks = tuple(_all(plan))
    require_places([task.path for task in tasks] + [_first_path(asset) for asset in plan.assets])
    return tasks


def require_places(paths: Sequence[PurePosixPath]) -> None:
    """Each file has a place of its own. Raises PlanInvalid."""
    for path, count in Counter(paths).items():
        if count > 1:
            raise PlanInvalid(f"{path} is in the plan {count} times")


def tasks_of_asset(asset: PlannedAsset, endpoint: str, order: Order, count: int) -> tuple[Task, ...]:
    """A task for each of its files. Raises PlanInvalid."""
    role = role_of(asset)
    return tuple(
        Task(role, _further(_first_path(asset), index), AssetFile(endpoint, order, index)) for index in range(count)
    )


def role_of(asset: PlannedAsset) -> Role:
    return Role.ALGORITHM if asset.algorithm else Role.INPUT


def _first_path(asset: PlannedAsset) -> PurePosixPath:
    path = _path(asset.path)
    if path.name != ("algorithm" if asset.algorithm else "0"):
        raise PlanInvalid(f"{asset.path!r} is not the place of an asset's first file")
    return path


def _further(first: PurePosixPath, index: int) -> PurePosixPath:
    """inputs/…/0 goes on with 1, transformations/algorithm with algorithm1."""
    if index == 0:
        return first
    return first.with_name(f"{first.name.removesuffix('0')}{index}")


def _all(plan: ConfigurePlan) -> Iterator[Task]:
    yield from (_task(Role.INPUT, file) for file in plan.inputs)
    yield from (_task(Role.ALGORITHM, file) for file in plan.algorithm)
    yield Task(Role.INPUT, PurePosixPath(volume.CUSTOM_DATA), _custom_data(plan))


def _custom_data(plan: ConfigurePlan) -> Text | ContentFile:
    if plan.custom_data_file is not None:
        return ContentFile(PurePosixPath(plan.custom_data_file))
    return Text(json.dumps(plan.custom_data, ensure_ascii=False, allow_nan=False).encode())


def _task(role: Role, file: PlannedFile) -> Task:
    return Task(role, _path(file.path), _source(file), file.sha256)


def _path(text: str) -> PurePosixPath:
    path = PurePosixPath(text)
    if path.is_absolute() or ".." in path.parts or len(path.parts) < 2:
        raise PlanInvalid(f"{text!r} is not a path below one of the volume's folders")
    return path


def _source(file: PlannedFile) -> Source:
    given = [file.text, file.content_file, file.url, file.url_file, file.s3]
    if sum(source is not None for source in given) != 1:
        raise PlanInvalid(f"{file.path} needs exactly one of text, contentFile, url, urlFile and s3")
    if file.text is not None:
        return Text(file.text.encode())
    if file.content_file is not None:
        return ContentFile(PurePosixPath(file.content_file))
    return Object(file.s3) if file.s3 is not None else _url(file)


def _url(file: PlannedFile) -> Url | UrlFile:
    if file.method not in ("GET", "POST"):
        raise PlanInvalid(f"{file.path} can't be asked for with that method")
    headers = PurePosixPath(file.headers_file) if file.headers_file is not None else None
    if file.url is not None:
        return Url(file.url, file.method, headers)
    return UrlFile(PurePosixPath(file.url_file or ""), file.method, headers)
