"""Validates a crate against Process Run Crate 0.5, without the network; runs in the environment of pyproject.toml here.

    python check.py CRATE CONTEXT SEVERITY     # CONTEXT: what to take for RO-Crate's own JSON-LD context

Prints one line per objection, ended by its check's name. The profiles come with the validator.
"""

import sys
from io import BytesIO
from pathlib import Path
from typing import Any

import requests
from requests.adapters import BaseAdapter
from rocrate_validator import models, services
from rocrate_validator.utils.http import HttpRequester

CONTEXT = "https://w3id.org/ro/crate/1.1/context"
PROFILE = "process-run-crate"


class Bundled(BaseAdapter):
    """Answers for the whole web: with the context, and for the rest that it is not there."""

    def __init__(self, context: bytes) -> None:
        super().__init__()
        self._context = context

    def send(self, request: requests.PreparedRequest, *_: Any, **__: Any) -> requests.Response:
        response = requests.Response()
        response.request, response.url = request, request.url or ""
        response.status_code = 200 if request.url == CONTEXT else 404
        response.headers["Content-Type"] = "application/ld+json"
        response.raw = BytesIO(self._context if request.url == CONTEXT else b"")
        return response

    def close(self) -> None:
        """There is nothing to close."""


def main(crate: str, context: Path, severity: str) -> int:
    settings = models.ValidationSettings(
        rocrate_uri=models.URI(crate),
        profile_identifier=PROFILE,
        requirement_severity=models.Severity[severity],
        no_cache=True,
    )
    for scheme in ("https://", "http://"):
        HttpRequester().session.mount(scheme, Bundled(context.read_bytes()))
    issues = services.validate(settings).get_issues()
    for issue in issues:
        print(f"{issue.message} [{issue.check.identifier}]")
    return 1 if issues else 0


if __name__ == "__main__":
    raise SystemExit(main(sys.argv[1], Path(sys.argv[2]), sys.argv[3]))
