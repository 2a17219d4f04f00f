"""A stand-in for a Provider that encrypts, as strict as Ocean's: bytes in, hex out, and only it reads them again."""

import asyncio
import contextlib
import os
import threading
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

from aiohttp import web
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from tests.chain.evm import CHAIN_ID

ADDRESS = "0x00bd138abd70e2f00903268f3db08f2d25677c9e"
PATH = "/api/services/encrypt"


@dataclass
class EncryptingProvider:
    chain_id: int = CHAIN_ID  # the one that it serves
    origin: str = ""
    discovery: Any = field(
        default_factory=lambda: {
            "providerAddresses": {str(CHAIN_ID): ADDRESS},
            "serviceEndpoints": {"encrypt": ["POST", PATH]},
        }
    )
    answers: list[tuple[int, str]] = field(default_factory=list)  # instead of what it should say; then it behaves
    encrypted: int = 0
    _key: AESGCM = field(default_factory=lambda: AESGCM(AESGCM.generate_key(256)))

    def decrypt(self, content: bytes) -> bytes:
        return self._key.decrypt(content[:12], content[12:], None)

    @contextlib.contextmanager
    def running(self) -> Iterator["EncryptingProvider"]:
        loop = asyncio.new_event_loop()
        thread = threading.Thread(target=loop.run_forever, daemon=True)
        thread.start()
        runner = asyncio.run_coroutine_threadsafe(self._start(), loop).result(10)
        try:
            yield self
        finally:
            asyncio.run_coroutine_threadsafe(runner.cleanup(), loop).result(10)
            loop.call_soon_threadsafe(loop.stop)
            thread.join(10)

    async def _start(self) -> web.AppRunner:
        application = web.Application()
        application.router.add_get("/", self._root)
        application.router.add_post(PATH, self._encrypt)
        runner = web.AppRunner(application, shutdown_timeout=0.1)
        await runner.setup()
        await web.TCPSite(runner, "127.0.0.1", 0).start()
        host, port = runner.addresses[0][:2]
        self.origin = f"http://{host}:{port}"
        return runner

    async def _root(self, request: web.Request) -> web.Response:
        return web.json_response(self.discovery)

    async def _encrypt(self, request: web.Request) -> web.Response:
        if self.answers:
            status, text = self.answers.pop(0)
            return web.Response(status=status, text=text)
        if request.content_type != "application/octet-stream":
            return web.Response(status=400, text="Invalid request content type: should be application/octet-stream")
        if request.query.get("chainId") != str(self.chain_id):
            return web.Response(status=400, text="Unsupported chain ID")
        nonce = os.urandom(12)
        self.encrypted += 1
        return web.Response(
            status=201, text="0x" + (nonce + self._key.encrypt(nonce, await request.read(), None)).hex()
        )
