"""From the plan to tasks: what has to be on the volume, where, with which mode. Pure."""

import json
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import PurePosixPath

from c2d.api import volume
from c2d.api.plan import ConfigurePlan, PlannedFile
from c2d.configure.errors import PlanInvalid, Role

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


@dataclass(frozen=True)
class UrlFile:
    """The URL is the content of this file, which is a Secret's key."""

    path: PurePosixPath


@dataclass(frozen=True)
class Task:
    """One file for the volume."""

    role: Role
    path: PurePosixPath  # below the volume's root
    source: Text | ContentFile | Url | UrlFile
    sha256: str | None = None

    @property
    def is_here(self) -> bool:
        """Whether nothing has to be fetched for it."""
        return isinstance(self.source, Text | ContentFile)

    @property
    def mode(self) -> int:
        return MODES[self.role]


def tasks_of(plan: ConfigurePlan) -> tuple[Task, ...]:
    """Everything that the plan asks for, custom data included. Raises PlanInvalid."""
    tasks = tuple(_all(plan))
    for path, count in Counter(task.path for task in tasks).items():
        if count > 1:
            raise PlanInvalid(f"{path} is in the plan {count} times")
    return tasks


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


def _source(file: PlannedFile) -> Text | ContentFile | Url | UrlFile:
    given = [source for source in (file.text, file.content_file, file.url, file.url_file) if source is not None]
    if len(given) != 1:
        raise PlanInvalid(f"{file.path} needs exactly one of text, contentFile, url and urlFile")
    if file.text is not None:
        return Text(file.text.encode())
    if file.url is not None:
        return Url(file.url)
    return UrlFile(PurePosixPath(given[0])) if file.url_file is not None else ContentFile(PurePosixPath(given[0]))
