"""HTTP as this program speaks it: guarded sessions, requests whose secrets stay with their server, told errors."""

import contextlib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from http import HTTPStatus

import aiohttp
import yarl

from c2d.configure.guard import LinkLocal, Private, socket_factory
from c2d.configure.response import Interrupted
from c2d.configure.retry import Fault
from c2d.configure.settings import Settings

READ_AHEAD = 256 * 1024  # bytes; what a cut loses of what had arrived
MAX_REDIRECTS = 5  # aiohttp counts the request after the last one, too


@dataclass(frozen=True)
class Request:
    """One request. The URL and the headers may be secret."""

    url: str = field(repr=False)
    method: str = "GET"
    headers: Mapping[str, str] = field(default_factory=dict, repr=False)
    body: bytes | None = field(default=None, repr=False)
    follow: bool = True  # redirects


def open_session(settings: Settings, allow_private: bool) -> aiohttp.ClientSession:
    """For servers that others named."""
    return _session(settings, aiohttp.TCPConnector(socket_factory=socket_factory(allow_private)))


def open_own_session(settings: Settings) -> aiohttp.ClientSession:
    """For the operator's own server, which the plan names: it may be wherever it is."""
    return _session(settings, aiohttp.TCPConnector())


def _session(settings: Settings, connector: aiohttp.TCPConnector) -> aiohttp.ClientSession:
    timeout = aiohttp.ClientTimeout(
        total=None,
        connect=3 * settings.connect_timeout,  # to resolve the name as well
        sock_connect=settings.connect_timeout,
        sock_read=settings.stall_timeout,
    )
    return aiohttp.ClientSession(
        timeout=timeout,
        auto_decompress=False,
        headers={"Accept-Encoding": "identity", "User-Agent": "c2d-configure"},
        cookie_jar=aiohttp.DummyCookieJar(),
        read_bufsize=READ_AHEAD,
        requote_redirect_url=False,
        connector=connector,
    )


async def send(
    session: aiohttp.ClientSession, request: Request, ours: Mapping[str, str] | None = None
) -> aiohttp.ClientResponse:
    """The response, whose body is still to come; `ours` are headers that a redirect to another server keeps."""
    url = _as_given(request.url)
    return await session.request(
        request.method,
        url,
        headers={**request.headers, **(ours or {})},
        data=request.body,
        allow_redirects=request.follow,
        max_redirects=MAX_REDIRECTS + 1,
        middlewares=[_kept_at_home(url, request.headers)] if request.headers else None,
    )


def _kept_at_home(home: yarl.URL, headers: Mapping[str, str]) -> aiohttp.ClientMiddlewareType:
    """Takes the headers from a request that a redirect leads to another server: they may be a password."""

    async def keep(request: aiohttp.ClientRequest, handler: aiohttp.ClientHandlerType) -> aiohttp.ClientResponse:
        if request.url.origin() != home.origin():
            for name in headers:
                request.headers.popall(name, None)
        return await handler(request)

    return keep


def _as_given(url: str) -> yarl.URL:
    """The URL as it was given, so that a signature over it stays valid; only other than ASCII is quoted."""
    return yarl.URL(url, encoded=url.isascii())


def status_text(status: int) -> str:
    """The status with the words of the standard; the server's own words may be anything."""
    try:
        return f"{status} {HTTPStatus(status).phrase}"
    except ValueError:
        return str(status)


async def read_at_most(response: aiohttp.ClientResponse, limit: int) -> bytes:
    """The beginning of the body, which may have a byte more than the limit: then it is longer."""
    content = bytearray()
    while len(content) <= limit:
        chunk = await response.content.read(limit + 1 - len(content))
        if not chunk:
            break
        content += chunk
    return bytes(content)


@contextlib.contextmanager
def foreign_errors() -> Iterator[None]:
    """Turns the errors of aiohttp inside of the block into Interrupted; their texts may hold the URL."""
    try:
        yield
    except aiohttp.TooManyRedirects as error:
        raise Interrupted(Fault.REDIRECTS) from error
    except (aiohttp.InvalidURL, aiohttp.RedirectClientError) as error:
        raise Interrupted(Fault.REDIRECT_BAD) from error
    except LinkLocal as error:
        raise Interrupted(Fault.FORBIDDEN) from error
    except Private as error:
        raise Interrupted(Fault.PRIVATE) from error
    except aiohttp.ClientConnectorCertificateError as error:
        raise Interrupted(Fault.CERTIFICATE) from error
    except (aiohttp.ConnectionTimeoutError, aiohttp.ClientConnectorError) as error:
        raise Interrupted(Fault.CONNECT) from error
    except TimeoutError as error:
        raise Interrupted(Fault.STALLED) from error
    except aiohttp.ClientResponseError as error:
        raise Interrupted(Fault.NONSENSE) from error
    except (aiohttp.ClientError, ConnectionError) as error:
        raise Interrupted(Fault.CUT) from error
