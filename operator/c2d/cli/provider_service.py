"""Speaks the operator-service's HTTP API as a Provider does: parameters in the query string, bodies for POST only."""

import contextlib
import json
import urllib.parse
from collections.abc import AsyncIterator, Mapping
from typing import Any

import aiohttp

from c2d import __version__
from c2d.cli import errors, wording
from c2d.cli.provider_request import Payload

_BASE = "api/v1/operator/"
# A proxy in front of the service, or the service itself, asks for patience; a Provider tries again then, too.
_PATIENCE = frozenset((429, 502, 503, 504))
# Seconds. Only silence is limited: a result may be large.
_TIMEOUT = aiohttp.ClientTimeout(total=None, sock_connect=10, sock_read=60)
_SHOWN = 1000  # characters of an answer that is not the service's own
_REMEDIES = (
    ("Not Found", "Check --url: it is the operator-service's, without api/v1."),
    ("not authorized", "Add {address} to the service's ALLOWED_PROVIDERS, or give another --key."),
    ("nonce", "Compare this machine's clock with the service's."),
    ("Environment invalid", "See what there is with `c2d provider environments`."),
    ("already in use", "Leave --agreement out to get a new one."),
    ("mismatch for job", "See the owner's jobs and their results with `c2d provider status`; --owner names the owner."),
    (
        "No results for job",
        "See with `c2d provider status` whether it has ended, and whether its results were removed.",
    ),
    ("No such index", "See the job's results with `c2d provider status`; the first has index 0."),
)


class Service:
    """One operator-service. Every method raises Unanswered and Refused."""

    def __init__(self, session: aiohttp.ClientSession, url: str, address: str = "") -> None:
        self._session, self._url, self._address = session, url, address

    async def call(self, method: str, path: str, query: Mapping[str, str]) -> Any:
        """The decoded answer to a request without a body."""
        async with self._request(method, path, params=query) as response:
            return await _decoded(response)

    async def post(self, path: str, payload: Payload) -> Any:
        async with self._request("POST", path, data=json.dumps(payload).encode()) as response:
            return await _decoded(response)

    @contextlib.asynccontextmanager
    async def stream(
        self, path: str, query: Mapping[str, str], headers: Mapping[str, str]
    ) -> AsyncIterator[aiohttp.ClientResponse]:
        """The answer to a GET, its body unread."""
        async with self._request("GET", path, params=query, headers=headers) as response:
            yield response

    @contextlib.asynccontextmanager
    async def _request(
        self, method: str, path: str, headers: Mapping[str, str] | None = None, **parts: Any
    ) -> AsyncIterator[aiohttp.ClientResponse]:
        address = urllib.parse.urljoin(self._url, _BASE + path)
        sent = {"Content-type": "application/json", **(headers or {})}
        try:
            async with self._session.request(method, address, headers=sent, allow_redirects=False, **parts) as response:
                if response.status >= 300:
                    raise self._refusal(response.status, await response.text(errors="replace"))
                yield response
        except (aiohttp.ClientError, TimeoutError, ConnectionError) as error:
            why = f"the operator-service at {self._url} can't be reached: {error or type(error).__name__}"
            raise errors.Unanswered(why, "Check --url, and that the service is up.") from error

    def _refusal(self, status: int, body: str) -> errors.CliError:
        told = _told(body)
        text = wording.plain(told or f"status {status}: {body[:_SHOWN].strip()}")
        if status in _PATIENCE:
            return errors.Unanswered(text, "Try again.")
        if told is None:
            return errors.Refused(text, "Check --url: it is the operator-service's, without api/v1.")
        remedy = next((remedy for part, remedy in _REMEDIES if part in text), "")
        return errors.Refused(text, remedy.format(address=self._address))


def _told(body: str) -> str | None:
    """The service's own words, in `{"error": "…"}`."""
    try:
        answer = json.loads(body)
    except (ValueError, RecursionError):
        return None
    told = answer.get("error") if isinstance(answer, dict) else None
    return told if isinstance(told, str) and told else None


async def _decoded(response: aiohttp.ClientResponse) -> Any:
    try:
        return json.loads(await response.read())
    except (ValueError, RecursionError) as error:
        raise errors.Refused("the answer is no JSON", "Check --url: something else answers there.") from error


@contextlib.asynccontextmanager
async def connect(url: str, address: str = "") -> AsyncIterator[Service]:
    """The service at the URL; `address` is the Provider's own, for advice. Raises Misused."""
    try:
        parts = urllib.parse.urlsplit(url)
        usable = parts.scheme in ("http", "https") and bool(parts.hostname) and parts.port != 0
    except ValueError:
        usable = False
    if not usable:
        raise errors.Misused(f"{wording.plain(url)} is no URL of a service", "Give one like http://localhost:8050.")
    agent = {"User-Agent": f"c2d/{__version__}", "Accept-Encoding": "identity"}
    # Results come as they are stored: a compressed answer could not be continued where it broke off.
    async with aiohttp.ClientSession(timeout=_TIMEOUT, headers=agent, auto_decompress=False) as session:
        yield Service(session, url if url.endswith("/") else url + "/", address)
