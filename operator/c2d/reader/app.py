"""GET /<key> gives an object, or a range of it, to whoever proves to be one of the readers."""

import asyncio
import logging
import time
from collections.abc import Awaitable, Callable
from dataclasses import dataclass

from aiohttp import web

from c2d.api import reading
from c2d.kube import proof
from c2d.kube.errors import InvalidToken
from c2d.kube.proof import TrustedKeys
from c2d.storage.errors import Refused
from c2d.storage.kept import KeptStore

logger = logging.getLogger(__name__)

Handler = Callable[[web.Request], Awaitable[web.StreamResponse]]


@dataclass(frozen=True)
class Access:
    """Who may read: service accounts, as `namespace:name`, whose tokens these keys verify."""

    trusted: TrustedKeys
    readers: frozenset[str]
    now: Callable[[], float] = time.time

    def require(self, token: str) -> None:
        """Raises InvalidToken."""
        account = proof.account(token, self.trusted, reading.AUDIENCE, self.now())
        if account not in self.readers:
            raise InvalidToken(f"{account} is none of the readers")


def application(store: KeptStore, access: Access) -> web.Application:
    """Files are sent by the kernel; what a range is, and whether a file is the same as before, aiohttp knows."""

    async def ready(_: web.Request) -> web.Response:
        return web.Response(text="ok")

    async def get(request: web.Request) -> web.StreamResponse:
        try:
            access.require(request.headers.get(reading.TOKEN_HEADER, ""))
        except InvalidToken as error:
            logger.warning("refused: %s", error)
            return _told(401, f"the header {reading.TOKEN_HEADER} proves nothing: {error}")
        try:
            path = store.path(request.match_info["key"])
        except Refused as error:
            return _told(404, str(error))
        return web.FileResponse(path, headers={"Content-Type": "application/octet-stream"})

    made = web.Application()
    made.router.add_get(reading.READY, ready)
    made.router.add_get("/{key:.+/.+}", get)
    return made


def _told(status: int, text: str) -> web.Response:
    return web.json_response({"error": text}, status=status)


async def serve(made: web.Application, port: int, stop: asyncio.Event) -> None:
    """Until it is told to stop. Raises OSError when the port is taken."""
    runner = web.AppRunner(made, access_log=None, handle_signals=False, shutdown_timeout=2)
    await runner.setup()
    try:
        await web.TCPSite(runner, None, port, backlog=256).start()
        logger.info("results can be read on port %d", port)
        await stop.wait()
    finally:
        await runner.cleanup()
