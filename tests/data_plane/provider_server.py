"""A stand-in for Aquarius, for Providers and for the operator's signer, as strict as the real ones, in one server.

The Provider is mounted wherever a DDO says. It takes a download only with the order's own parameters, a signature of
the consumer, and a nonce above all that it has seen: an equal one is answered with 503, a lower one with 400, both in
the words of Ocean's Provider.
"""

import asyncio
import contextlib
import json
import re
import threading
from collections.abc import Awaitable, Callable, Iterator
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import parse_qsl

from aiohttp import web

from c2d.ocean import signatures
from c2d.ocean.signatures import PrivateKey

CONSUMER = PrivateKey("0x1f990f8b013fc5c7955e0f8746f11ded231721b9cf3f99ff06cdc03492b28090")
OTHER = PrivateKey("0x" + "22" * 32)
CHUNK = 64 * 1024
TOKEN = "pods-own-token"  # noqa: S105

Fault = Callable[["OceanServer", web.Request, bytes], Awaitable[web.StreamResponse]]


@dataclass
class Asset:
    """What the server knows of an asset: its DDO, and what the Provider hands out."""

    ddo: dict[str, Any]
    files: list[bytes]
    order: tuple[str, str] = ("service-1", "0xorder")  # service and transaction
    headers: dict[str, str] = field(default_factory=lambda: {"ETag": '"v1"'})
    ranges: bool = True
    faults: list[Fault] = field(default_factory=list)  # each for one download


@dataclass
class OceanServer:
    assets: dict[str, Asset] = field(default_factory=dict)
    host: str = "127.0.0.1"  # to listen at
    consumer: str = CONSUMER.address  # whom everything was ordered for
    origin: str = ""
    discovery: dict[str, Any] | None = field(
        default_factory=lambda: {
            "providerAddress": "0x00bd138abd70e2f00903268f3db08f2d25677c9e",
            "serviceEndpoints": {
                "fileinfo": ["POST", "/api/services/fileinfo"],
                "download": ["GET", "/api/services/download"],
            },
        }
    )
    fileinfo: list[Any] = field(default_factory=list)  # answers (status, JSON) instead of the files; then it behaves
    aquarius: list[int] = field(default_factory=list)  # statuses instead of the DDO; then it behaves
    signer: list[tuple[int, Any]] = field(default_factory=list)  # likewise
    key: PrivateKey = CONSUMER  # that the signer signs with
    token: str = TOKEN
    step: int = 1  # from one nonce to the next
    nonce: int = 1_700_000_000_000
    last: int = 0  # that the Provider has seen
    signed: int = 0
    seen: list[web.Request] = field(default_factory=list)
    holding: threading.Event = field(default_factory=threading.Event)

    def queries(self) -> list[dict[str, str]]:
        """The parameters of each download."""
        downloads = (request for request in self.seen if request.path.endswith("/download"))
        return [dict(parse_qsl(request.rel_url.raw_query_string)) for request in downloads]

    def paths(self) -> list[str]:
        return [f"{request.method} {request.path}" for request in self.seen]

    # --- Aquarius

    async def _ddo(self, request: web.Request) -> web.StreamResponse:
        self.seen.append(request)
        if self.aquarius:
            return web.json_response({"error": "db.geheim is down"}, status=self.aquarius.pop(0))
        asset = self.assets.get(request.match_info["did"])
        if asset is None:
            return web.json_response({"error": f"Asset DID {request.match_info['did']} not found"}, status=404)
        return web.Response(body=verbatim(asset), content_type="application/json")

    # --- the Provider

    async def _root(self, request: web.Request) -> web.StreamResponse:
        self.seen.append(request)
        if self.discovery is None:
            return web.Response(status=404, text="nothing here")
        return web.json_response(self.discovery)

    async def _fileinfo(self, request: web.Request) -> web.StreamResponse:
        self.seen.append(request)
        if self.fileinfo:
            status, body = self.fileinfo.pop(0)
            return web.json_response(body, status=status)
        asked = await request.json()
        asset = self.assets.get(asked["did"])
        if asset is None or asked["serviceId"] != asset.order[0]:
            return web.json_response({"error": "no such service"}, status=400)
        return web.json_response([{"index": n, "valid": True} for n in range(len(asset.files))])

    async def _download(self, request: web.Request) -> web.StreamResponse:
        self.seen.append(request)
        query = dict(parse_qsl(request.rel_url.raw_query_string, keep_blank_values=True))
        asset = self.assets[query["documentId"]]
        refusal = self._refusal(query, asset)
        if refusal is not None:
            return refusal
        content = asset.files[int(query["fileIndex"])]
        fault = asset.faults.pop(0) if asset.faults else None
        return await (fault(self, request, content) if fault else send(request, content, asset))

    def _refusal(self, query: dict[str, str], asset: Asset) -> web.Response | None:
        invalid = {"errors": {"signature": ["Invalid signature provided."]}}
        text = f"{query['documentId']}{query['nonce']}"
        good = query["signature"][-2:] in ("1b", "1c") and re.fullmatch("0x[0-9a-f]{130}", query["signature"])
        if not good or signatures.recover(text, query["signature"]) != query["consumerAddress"]:
            return web.json_response(invalid, status=400)
        if int(query["nonce"]) < self.last:
            return web.json_response(invalid, status=400)
        if (query["serviceId"], query["transferTxId"], query["consumerAddress"]) != (*asset.order, self.consumer):
            return web.json_response({"error": "Order is not valid, see https://geheim.example/geheim?x"}, status=400)
        if int(query["nonce"]) == self.last:
            return web.json_response({"error": "Cannot create nonce: duplicate", "context": {}}, status=503)
        self.last = int(query["nonce"])
        return None

    # --- the operator's signer

    async def _sign(self, request: web.Request) -> web.StreamResponse:
        if request.headers.get("Authorization") != f"Bearer {self.token}":
            return web.json_response({"error": "the token proves nothing"}, status=401)
        if self.signer:
            status, body = self.signer.pop(0)
            return web.json_response(body, status=status)
        did = (await request.json())["did"]
        self.nonce += self.step
        self.signed += 1
        raw = self.key.sign_hash(signatures.text_hash(f"{did}{self.nonce}"))
        signature = f"0x{raw[:64].hex()}{raw[64] + 27:02x}"
        return web.json_response(
            {"nonce": str(self.nonce), "signature": signature, "consumerAddress": self.key.address}
        )

    # --- running

    @contextlib.contextmanager
    def running(self) -> Iterator["OceanServer"]:
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
        router = application.router
        router.add_get("/{below:(.+/)?}api/aquarius/assets/ddo/{did}", self._ddo)
        router.add_post("/sign", self._sign)
        router.add_post("/{below:(.+/)?}api/services/fileinfo", self._fileinfo)
        router.add_get("/{below:(.+/)?}api/services/download", self._download)
        router.add_get("/{below:.*}", self._root)
        runner = web.AppRunner(application, shutdown_timeout=0.1)
        await runner.setup()
        await web.TCPSite(runner, self.host, 0).start()
        host, port = runner.addresses[0][:2]
        self.origin = f"http://{host}:{port}"
        return runner


def verbatim(asset: Asset) -> bytes:
    """The DDO as the server sends it, in a form that no encoder of ours makes."""
    return json.dumps(asset.ddo, indent=3, sort_keys=True).encode() + b"\n\n"


async def send(request: web.Request, content: bytes, asset: Asset, upto: int | None = None) -> web.StreamResponse:
    wanted = request.headers.get("Range", "")
    fresh = request.headers.get("If-Range") in (None, asset.headers.get("ETag"))
    begin = int(wanted.removeprefix("bytes=").removesuffix("-")) if wanted and fresh and asset.ranges else 0
    response = web.StreamResponse(status=206 if begin else 200, headers=asset.headers)
    if begin:
        response.headers["Content-Range"] = f"bytes {begin}-{len(content) - 1}/{len(content)}"
    response.content_length = len(content) - begin
    await response.prepare(request)
    end = len(content) if upto is None else min(begin + upto, len(content))
    for position in range(begin, end, CHUNK):
        await response.write(content[position : min(position + CHUNK, end)])
    return response


def cut(after: int) -> Fault:
    """Breaks the connection after so many bytes."""

    async def answer(server: OceanServer, request: web.Request, content: bytes) -> web.StreamResponse:
        response = await send(request, content, _asset(server, request), after)
        assert request.transport is not None
        request.transport.close()
        return response

    return answer


def hold(after: int) -> Fault:
    """Sends so many bytes, then nothing more."""

    async def answer(server: OceanServer, request: web.Request, content: bytes) -> web.StreamResponse:
        await send(request, content, _asset(server, request), after)
        server.holding.set()
        await asyncio.sleep(3600)
        raise AssertionError("nobody waits that long")

    return answer


def status(code: int, body: object = None) -> Fault:
    async def answer(server: OceanServer, request: web.Request, content: bytes) -> web.StreamResponse:
        return web.json_response(body if body is not None else {"error": "geheim/geheim"}, status=code)

    return answer


def bare_range() -> Fault:
    """As Ocean's Provider answers a range: 206, and not a word about which bytes these are."""

    async def answer(server: OceanServer, request: web.Request, content: bytes) -> web.StreamResponse:
        begin = int(request.headers["Range"].removeprefix("bytes=").removesuffix("-"))
        return web.Response(status=206, body=content[begin:])

    return answer


def overtaken(times: int = 1) -> Fault:
    """Another job's request with a later nonce came first."""

    async def answer(server: OceanServer, request: web.Request, content: bytes) -> web.StreamResponse:
        server.last = server.nonce + times
        return web.json_response({"errors": {"signature": ["Invalid signature provided."]}}, status=400)

    return answer


def _asset(server: OceanServer, request: web.Request) -> Asset:
    return server.assets[request.query["documentId"]]
