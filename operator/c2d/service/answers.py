"""Responses, as clients in the field expect them."""

import json
from typing import Any

from aiohttp import web

_LATER = (429, 503)
_HEADERS = {"Content-Type": "application/json", "Access-Control-Allow-Origin": "*"}


def text(content: bytes, status: int = 200) -> web.Response:
    """JSON that is text already."""
    return web.Response(body=content, status=status, headers=_HEADERS)


def value(content: Any, status: int = 200) -> web.Response:
    """As `json.dumps` writes it, keys in their order."""
    return text(json.dumps(content).encode(), status)


def error(status: int, message: str) -> web.Response:
    response = value({"error": message}, status)
    if status in _LATER:
        response.headers["Retry-After"] = "1"
    return response
