"""The engine's port for pods. POST /sign gives a configure pod one signature of the operator's key for one download;
POST /receipt gives a publish pod one for its job's receipt; POST /progress takes how far either is: see listener.py.

The key stays in this process. A pod proves which one it is by its own service-account token, made for this audience
only, and gets signatures for what its own job has ordered, each with a nonce of its own.
"""

import asyncio
import json
import logging
import re
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Any

from aiohttp import web

from c2d.api import receipt
from c2d.engine import entitlement
from c2d.engine.callers import caller_of
from c2d.engine.errors import BadRequest, NoNonce, NotNow, Refused, TooMany
from c2d.engine.listener import Listener
from c2d.engine.nonces import Nonces
from c2d.engine.observe import World
from c2d.engine.rates import Rates
from c2d.kube import errors
from c2d.kube.proof import PodIdentity
from c2d.kube.tokens import Tokens
from c2d.ocean import dids, signatures
from c2d.ocean.signatures import PrivateKey

logger = logging.getLogger(__name__)

PER_SECOND, BURST = 20, 100  # signatures of one pod; a download needs one, and another one where its nonce came late
_BODY = 4096  # bytes; a DID has 71
_ROUTES = "there are only POST /sign, POST /receipt and POST /progress"
_HEADER_ERRORS = {404: _ROUTES, 405: _ROUTES, 413: "the body is too large"}

Handler = Callable[[web.Request], Awaitable[web.StreamResponse]]


@dataclass(frozen=True)
class Signer:
    """What an answer takes. Without a key it refuses everybody."""

    key: PrivateKey | None
    world: World
    tokens: Tokens
    nonces: Nonces
    rates: Rates

    async def sign(self, authorization: str, read: Callable[[], Awaitable[bytes]]) -> dict[str, str]:
        """The answer to a request with this header; its body is read only when the header is good. Raises Refused."""
        key, caller = self._key(), await caller_of(authorization, self.tokens)
        did = parse(await read())
        entitlement.require(self.world, caller, did)
        self._take(caller)
        nonce = str(await self._nonce())
        logger.debug("signed for pod %s/%s, nonce %s", caller.namespace, caller.name, nonce)
        signature = signatures.sign_like_a_wallet(did + nonce, key)
        return {"nonce": nonce, "signature": signature, "consumerAddress": key.address}

    async def sign_receipt(self, authorization: str, read: Callable[[], Awaitable[bytes]]) -> dict[str, str]:
        """The same for a receipt, of which only the hash comes here. Raises Refused."""
        key, caller = self._key(), await caller_of(authorization, self.tokens)
        sha256 = parse_hash(await read())
        entitlement.require_publisher(self.world, caller)
        self._take(caller)
        logger.debug("signed the receipt of pod %s/%s", caller.namespace, caller.name)
        return {"address": key.address, "signature": signatures.sign_like_a_wallet(receipt.PURPOSE + sha256, key)}

    def _key(self) -> PrivateKey:
        if self.key is None:
            raise NotNow("this operator has no key to sign with")
        return self.key

    def _take(self, caller: PodIdentity) -> None:
        if not self.rates.take(caller.uid):
            raise TooMany(f"more than {PER_SECOND} signatures a second; wait a moment")

    async def _nonce(self) -> int:
        try:
            return await self.nonces.next()
        except (NoNonce, errors.KubeError) as error:
            logger.warning("no nonce: %s", error)
            raise NotNow("no nonce can be had now; try again") from error


def parse(body: bytes) -> str:
    """The DID of `{"did": …}`. Raises BadRequest."""
    did = _field(body, "did")
    if not isinstance(did, str) or not dids.is_did(did):
        raise BadRequest('the body must be {"did": "did:op:…"}, with 64 hex digits')
    return did


def parse_hash(body: bytes) -> str:
    """That of `{"sha256": …}`. Raises BadRequest."""
    sha256 = _field(body, "sha256")
    if not isinstance(sha256, str) or not re.fullmatch("[0-9a-f]{64}", sha256):
        raise BadRequest('the body must be {"sha256": "…"}, with 64 hex digits in lower case')
    return sha256


def _field(body: bytes, name: str) -> Any:
    """None where it isn't there. Raises BadRequest."""
    try:
        content = json.loads(body)
    except (ValueError, RecursionError):
        raise BadRequest("the body must be JSON") from None
    return content.get(name) if isinstance(content, dict) else None


def application(signer: Signer, listener: Listener) -> web.Application:
    async def sign(request: web.Request) -> web.Response:
        answer = await signer.sign(request.headers.get("Authorization", ""), request.read)
        return web.json_response(answer, headers={"Cache-Control": "no-store"})

    async def sign_receipt(request: web.Request) -> web.Response:
        answer = await signer.sign_receipt(request.headers.get("Authorization", ""), request.read)
        return web.json_response(answer, headers={"Cache-Control": "no-store"})

    async def hear(request: web.Request) -> web.Response:
        await listener.hear(request.headers.get("Authorization", ""), request.read)
        return web.json_response({})

    made = web.Application(client_max_size=_BODY, middlewares=[_refusals])
    made.router.add_post("/sign", sign)
    made.router.add_post("/receipt", sign_receipt)
    made.router.add_post("/progress", hear)
    return made


@web.middleware
async def _refusals(request: web.Request, handler: Handler) -> web.StreamResponse:
    """Every answer is JSON, and what somebody sends never makes an error of ours out of it."""
    try:
        return await handler(request)
    except Refused as error:
        return _error(error.status, str(error))
    except web.HTTPException as error:
        return _error(error.status, _HEADER_ERRORS.get(error.status, error.reason))


def _error(status: int, text: str) -> web.Response:
    headers = {429: {"Retry-After": "1"}, 503: {"Retry-After": "1"}, 401: {"WWW-Authenticate": "Bearer"}}
    return web.json_response({"error": text}, status=status, headers=headers.get(status))


async def serve_for_ever(made: web.Application, port: int, host: str | None = None) -> None:
    """Until it is cancelled. Raises OSError when the port is taken."""
    runner = web.AppRunner(made, access_log=None, handle_signals=False, shutdown_timeout=2)
    await runner.setup()
    try:
        await web.TCPSite(runner, host, port).start()
        logger.info("the signer listens on port %s", port)
        await asyncio.Event().wait()
    finally:
        await runner.cleanup()
