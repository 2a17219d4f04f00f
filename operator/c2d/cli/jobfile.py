"""The file that `c2d run` is given: one ComputeJob, as YAML or JSON. Pure but for reading it."""

import pathlib
import sys
from typing import Any

import yaml

from c2d.cli import errors
from c2d.kube.resources import JOBS, Object

_LIMIT = 3 * 1024 * 1024  # bytes; the API server takes no more than that in one object


def read(path: str) -> Object:
    """The job in the file, or in the standard input for `-`. Raises `Misused`."""
    return parse(_bytes(path), "the standard input" if path == "-" else path)


def parse(content: bytes, source: str) -> Object:
    """The one ComputeJob in it. Everything below `spec` is left for the API server to judge. Raises `Misused`."""
    documents = _documents(content, source)
    if len(documents) != 1:
        _refuse(f"{source} has {len(documents)} documents", "Put exactly one ComputeJob into it.")
    job = documents[0]
    if not isinstance(job, dict) or (job.get("apiVersion"), job.get("kind")) != (JOBS.api_version, JOBS.kind):
        what = f"{job.get('apiVersion')} {job.get('kind')}" if isinstance(job, dict) else type(job).__name__
        other = f"Begin it with apiVersion: {JOBS.api_version} and kind: {JOBS.kind}; kubectl creates anything else."
        _refuse(f"{source} holds no ComputeJob but {what}", other)
    metadata: Any = job.get("metadata")
    if not isinstance(metadata, dict) or not (metadata.get("name") or metadata.get("generateName")):
        _refuse(f"the job in {source} has no name", "Give it metadata.name, or metadata.generateName: my-job-.")
    return dict(job)


def placed(job: Object, asked: str | None, default: str) -> Object:
    """The job in its namespace: the one asked for, else its own, else the default. Raises `Misused`."""
    own = job["metadata"].get("namespace")
    if asked and own and asked != own:
        _refuse(f"the job says namespace {own}, the command {asked}", "Leave one of the two out.")
    return {**job, "metadata": {**job["metadata"], "namespace": asked or own or default}}


def _bytes(path: str) -> bytes:
    try:
        if path == "-":
            content = sys.stdin.buffer.read(_LIMIT + 1)
        else:
            with pathlib.Path(path).open("rb") as file:
                content = file.read(_LIMIT + 1)
    except OSError as error:
        raise errors.Misused(f"{path} can't be read: {error.strerror}", "Name a file with a ComputeJob.") from error
    if len(content) > _LIMIT:
        _refuse(f"{path} has more than 3 MiB, which no cluster takes", "Put large code behind a URL: source.files.")
    return content


def _documents(content: bytes, source: str) -> list[Any]:
    try:
        return [document for document in yaml.safe_load_all(content) if document is not None]
    except (yaml.YAMLError, UnicodeDecodeError) as error:
        mark = getattr(error, "problem_mark", None)
        where = f" in line {mark.line + 1}" if mark else ""
        problem = getattr(error, "problem", None) or "it is no text"
        raise errors.Misused(f"{source} is neither YAML nor JSON: {problem}{where}", "Correct that line.") from error


def _refuse(message: str, remedy: str) -> None:
    raise errors.Misused(message, remedy)
