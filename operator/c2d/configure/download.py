"""Fetches one file over HTTP: streamed, resumed after a cut or a kill, tried again where that may help.

The bytes are stored as the server sends them: no content encoding is asked for and none is undone, so that sizes,
ranges and checksums are those of the file itself.
"""

import asyncio
import contextlib
import hashlib
from collections.abc import AsyncIterator, Iterator
from http import HTTPStatus

import aiohttp
import yarl

from c2d.configure.address import Address
from c2d.configure.errors import DownloadFailed
from c2d.configure.guard import LinkLocal, open_socket
from c2d.configure.partial import Origin, Partial
from c2d.configure.progress import Progress
from c2d.configure.response import Answer, Interrupted, read_answer
from c2d.configure.retry import Fault, fault_of_status, parse_retry_after
from c2d.configure.settings import Settings, World

CHUNK = 1024 * 1024
READ_AHEAD = 256 * 1024  # bytes; what a cut loses of what had arrived
MAX_REDIRECTS = 5  # aiohttp counts the request after the last one, too
# A try that brought as much as this is no failure in a row with the one before it.
PROGRESS = 64 * 1024


def open_session(settings: Settings) -> aiohttp.ClientSession:
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
        connector=aiohttp.TCPConnector(socket_factory=open_socket),
    )


class Download:
    """One file on its way into a partial file."""

    def __init__(
        self, session: aiohttp.ClientSession, settings: Settings, world: World, name: str, address: Address
    ) -> None:
        self._session = session
        self._settings = settings
        self._world = world
        self._name = name
        self._address = address
        self._progress = Progress(name, world.now, world.say)
        self._url_sha256 = hashlib.sha256(address.url.encode()).hexdigest()

    async def run(self, partial: Partial) -> None:
        """Completes the partial file, whatever it holds. Raises DownloadFailed; an OSError is the volume's."""
        await asyncio.to_thread(partial.recover, self._world.boot, self._url_sha256)
        if partial.size:
            self._world.say(f"{self._name}: an earlier run left {partial.size} bytes")
        if partial.origin is None or partial.origin.total != partial.size:
            await self._try_until_complete(partial)

    async def run_from_start(self, partial: Partial) -> None:
        """Like `run`, and trusts nothing that is there."""
        partial.begin(None)
        await self._try_until_complete(partial)

    async def _try_until_complete(self, partial: Partial) -> None:
        failures = 0
        while True:
            before = partial.size
            try:
                return await self._try_once(partial)
            except Interrupted as interruption:
                failures = 1 if partial.size - before >= PROGRESS and partial.origin else failures + 1
                await self._wait(interruption, failures)

    async def _wait(self, interruption: Interrupted, failures: int) -> None:
        """Sleeps until the next try, or raises DownloadFailed where there is none."""
        policy = self._settings.policy
        told = f"{self._name}: {self._address.shown} {interruption}"
        if not interruption.fault.may_pass:
            raise DownloadFailed(told)
        if failures >= policy.attempts:
            raise DownloadFailed(f"{told}, {failures} times in a row", may_pass=True)
        delay = policy.delay(failures, self._world.chance(), interruption.retry_after)
        self._world.say(f"{told}; next try in {delay:.1f} s")
        await asyncio.sleep(delay)

    async def _try_once(self, partial: Partial) -> None:
        asked = partial.size if partial.origin else 0
        async with self._request(asked, partial) as response:
            answer = read_answer(response.status, response.headers, asked)
            self._prepare(partial, answer)
            async for chunk in response.content.iter_chunked(CHUNK):
                await asyncio.to_thread(partial.append, chunk)
                self._progress.reached(partial.size, answer.total)
        if answer.total is not None and partial.size != answer.total:
            raise Interrupted(Fault.CUT, f"after {partial.size} of {answer.total} bytes")

    @contextlib.asynccontextmanager
    async def _request(self, offset: int, partial: Partial) -> AsyncIterator[aiohttp.ClientResponse]:
        """The response to a GET from the offset on; foreign errors become Interrupted, here and in the block."""
        headers = {}
        if offset and partial.origin:
            headers = {"Range": f"bytes={offset}-", "If-Range": partial.origin.validator}
        with _foreign_errors():
            async with self._session.get(
                _as_given(self._address.url), headers=headers, max_redirects=MAX_REDIRECTS + 1
            ) as response:
                self._check_status(response, partial)
                yield response

    def _check_status(self, response: aiohttp.ClientResponse, partial: Partial) -> None:
        if response.status == 416 and partial.size:
            partial.begin(None)
            raise Interrupted(Fault.CHANGED)
        fault = fault_of_status(response.status)
        if fault is None:
            return
        retry_after = parse_retry_after(response.headers.get("Retry-After"), self._world.now())
        raise Interrupted(fault, f"with {_status_text(response.status)}", retry_after)

    def _prepare(self, partial: Partial, answer: Answer) -> None:
        """Makes the partial file end where the answer's body begins."""
        if answer.start > 0:
            if partial.origin is None or answer.contradicts(partial.origin):
                partial.begin(None)
                raise Interrupted(Fault.CHANGED)
            partial.resumed = True
            return
        origin = None
        if answer.validator:
            origin = Origin(self._world.boot, self._url_sha256, answer.validator, answer.total)
        partial.begin(origin)


def _as_given(url: str) -> yarl.URL:
    """The URL as it was given, so that a signature over it stays valid; only other than ASCII is quoted."""
    return yarl.URL(url, encoded=url.isascii())


def _status_text(status: int) -> str:
    """The status with the words of the standard; the server's own words may be anything."""
    try:
        return f"{status} {HTTPStatus(status).phrase}"
    except ValueError:
        return str(status)


@contextlib.contextmanager
def _foreign_errors() -> Iterator[None]:
    """Turns the errors of aiohttp inside of the block into Interrupted; their texts may hold the URL."""
    try:
        yield
    except aiohttp.TooManyRedirects as error:
        raise Interrupted(Fault.REDIRECTS) from error
    except (aiohttp.InvalidURL, aiohttp.RedirectClientError) as error:
        raise Interrupted(Fault.REDIRECT_BAD) from error
    except LinkLocal as error:
        raise Interrupted(Fault.FORBIDDEN) from error
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
