"""The access log: one line of JSON a request, with nothing in it that is secret or that a client could forge.

No query, no body, no header: signatures, URLs and parameters are in those.
"""

import json
import logging
import sys
from datetime import UTC, datetime
from typing import Any

from aiohttp.http_exceptions import HttpProcessingError

LOGGER = logging.getLogger("c2d.service.access")


def line(**facts: Any) -> None:
    """Facts that are None or empty are left out."""
    LOGGER.info("request", extra={"facts": {name: value for name, value in facts.items() if value not in (None, "")}})


class Lines(logging.Formatter):
    """Every record as one line of JSON.

    Without a trace where a request was no HTTP: that quotes the request, secrets and all.
    """

    def format(self, record: logging.LogRecord) -> str:
        said: dict[str, Any] = {
            "time": datetime.fromtimestamp(record.created, UTC).isoformat(timespec="milliseconds"),
            "level": record.levelname,
            "message": record.getMessage(),
            **getattr(record, "facts", {}),
        }
        if record.exc_info and not isinstance(record.exc_info[1], HttpProcessingError):
            said["trace"] = self.formatException(record.exc_info)
        return json.dumps(said)


def configure(level: str) -> None:
    """Everything that the process logs goes to its output, line by line."""
    handler = logging.StreamHandler(sys.stdout)
    handler.setFormatter(Lines())
    logging.basicConfig(level=level, handlers=[handler], force=True)
    # What no line of ours shows need not be found out for each (the logging HOWTO, "Optimization").
    logging._srcfile = None
    logging.logThreads = logging.logProcesses = logging.logMultiprocessing = False
    # Tells of each of its tries; what comes of them is told by whoever called.
    logging.getLogger("psycopg.pool").setLevel(logging.ERROR)
    # Says each request once more, with its query.
    logging.getLogger("aiohttp.access").disabled = True
