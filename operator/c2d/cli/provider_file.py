"""The file that `c2d provider start` is given: a workflow, or a body of POST /compute. Pure but for reading it."""

import json
import pathlib
import sys
from typing import Any

import yaml

from c2d.cli import errors
from c2d.cli.provider_request import Payload

_LIMIT = 32 * 1024 * 1024  # bytes; more than any service takes
# What such a body may have besides the signature, which is made anew.
_TAKEN = ("workflow", "agreementId", "owner", "environment", "validUntil", "chainId")


def read(path: str) -> Payload:
    """What the file asks for, or the standard input for `-`. Raises Misused."""
    return parse(_bytes(path), "the standard input" if path == "-" else path)


def parse(content: bytes, source: str) -> Payload:
    """The fields of POST /compute in it; the workflow itself is left for the service to judge. Raises Misused."""
    document = _document(content, source)
    if isinstance(document, dict) and "workflow" in document:
        return {name: document[name] for name in _TAKEN if document.get(name) is not None}
    if isinstance(document, dict) and "stages" in document:
        return {"workflow": document}
    remedy = 'Give a workflow, {"stages": […]}, or a body of POST /compute, {"workflow": {"stages": […]}, …}.'
    raise errors.Misused(f"{source} holds no workflow", remedy)


def _bytes(path: str) -> bytes:
    try:
        if path == "-":
            content = sys.stdin.buffer.read(_LIMIT + 1)
        else:
            with pathlib.Path(path).open("rb") as file:
                content = file.read(_LIMIT + 1)
    except OSError as error:
        raise errors.Misused(f"{path} can't be read: {error.strerror}", "Name a file with a workflow.") from error
    if len(content) > _LIMIT:
        raise errors.Misused(f"{path} has more than 32 MiB, which no service takes", "Put large code behind a URL.")
    return content


def _document(content: bytes, source: str) -> Any:
    """JSON is tried first: it is read faster, and YAML knows dates, which JSON doesn't."""
    try:
        return json.loads(content)
    except (ValueError, RecursionError):
        pass
    try:
        document = yaml.safe_load(content)
        json.dumps(document)
    except (yaml.YAMLError, ValueError, TypeError, RecursionError) as error:
        mark, problem = getattr(error, "problem_mark", None), getattr(error, "problem", None)
        where = f" in line {mark.line + 1}" if mark else ""
        why = f"{source} is neither JSON nor YAML of what JSON can hold: {problem or error}{where}"
        raise errors.Misused(why, "Correct it; put dates and numbers that are names into quotes.") from error
    return document
