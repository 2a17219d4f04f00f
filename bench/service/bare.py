"""The least that could answer: aiohttp with one handler that has the answer's bytes already.

`python -m bench.service.bare PORT BODY`, the second being a file.
"""

from __future__ import annotations

import asyncio
import sys
from pathlib import Path

from aiohttp import web

from bench.service import wire

_HEADERS = {"Content-Type": "application/json", "Access-Control-Allow-Origin": "*"}


async def serve(port: int, body: bytes) -> None:
    """For ever."""

    async def answer(_: web.Request) -> web.Response:
        return web.Response(body=body, headers=_HEADERS)

    app = web.Application()
    app.router.add_route("GET", wire.COMPUTE, answer)
    runner = web.AppRunner(app, handler_cancellation=True, access_log=None)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", port, backlog=1024).start()
    await asyncio.Event().wait()


if __name__ == "__main__":
    asyncio.run(serve(int(sys.argv[1]), Path(sys.argv[2]).read_bytes()))
