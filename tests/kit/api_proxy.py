"""The API server behind a door: a process under test has its address, and the test decides what comes through.

Plain HTTP, with this machine's own rights, as `kubectl proxy` does it.
"""

import asyncio
import contextlib
from collections.abc import AsyncIterator
from pathlib import Path

import aiohttp
import yaml
from aiohttp import web
from kubernetes.aio import config
from kubernetes.aio.client import ApiClient, Configuration

_TAKEN = ("Content-Type", "Accept", "User-Agent")


class ApiProxy:
    """Open at first."""

    def __init__(self, api: ApiClient, upstream: aiohttp.ClientSession) -> None:
        self._api = api
        self._upstream = upstream
        self._open = asyncio.Event()
        self._open.set()
        self._cut = False
        self._transports: set[asyncio.BaseTransport] = set()
        self._trap: tuple[str, str] | None = None
        self.caught = asyncio.Event()

    def silence(self) -> None:
        """Connections stay, and nothing comes through any more: a network that drops packets."""
        self._open.clear()

    def cut(self) -> None:
        """Every connection breaks, and every new one: an API server that is gone."""
        self._cut = True
        for transport in self._transports:
            transport.abort()  # type: ignore[attr-defined]

    def mend(self) -> None:
        self._cut = False
        self._open.set()

    def catch(self, method: str, ending: str) -> None:
        """Let nothing through from the first such request on, that one included; `caught` is set then."""
        self._trap = (method, ending)

    async def handle(self, request: web.Request) -> web.StreamResponse:
        transport = request.transport
        if transport is None or self._cut:
            if transport is not None:
                transport.abort()
            raise ConnectionResetError
        self._transports.add(transport)
        if self._trap and request.method == self._trap[0] and request.path.endswith(self._trap[1]):
            self.silence()
            self.caught.set()
        try:
            return await self._pass(request)
        finally:
            self._transports.discard(transport)

    async def _pass(self, request: web.Request) -> web.StreamResponse:
        body = await request.read()
        await self._open.wait()
        headers = {name: request.headers[name] for name in _TAKEN if name in request.headers}
        await self._api.update_params_for_auth(headers, [], ["BearerToken"], request.path, request.method, body)
        url = self._api.configuration.host + request.raw_path
        async with self._upstream.request(request.method, url, headers=headers, data=body) as answer:
            response = web.StreamResponse(status=answer.status, headers={"Content-Type": answer.content_type})
            await self._open.wait()
            await response.prepare(request)
            async for piece in answer.content.iter_any():
                await self._open.wait()
                await response.write(piece)
            await self._open.wait()
            await response.write_eof()
            return response


@contextlib.asynccontextmanager
async def api_proxy(folder: Path) -> AsyncIterator[tuple[ApiProxy, Path]]:
    """The proxy, and a kubeconfig that leads to it."""
    configuration = Configuration()
    await config.load_kube_config(client_configuration=configuration)
    async with ApiClient(configuration) as api:
        timeout = aiohttp.ClientTimeout(total=None)
        connector = aiohttp.TCPConnector(ssl=api.rest_client.ssl_context, limit=0)
        async with aiohttp.ClientSession(connector=connector, timeout=timeout) as upstream:
            proxy = ApiProxy(api, upstream)
            runner = web.ServerRunner(web.Server(proxy.handle, handler_cancellation=True), shutdown_timeout=0)
            await runner.setup()
            site = web.TCPSite(runner, "127.0.0.1", 0)
            await site.start()
            try:
                port = runner.addresses[0][1]
                path = folder / "through-the-proxy"
                path.write_text(yaml.safe_dump(_kubeconfig(port)))
                yield proxy, path
            finally:
                proxy.cut()
                await runner.cleanup()


def _kubeconfig(port: int) -> dict[str, object]:
    return {
        "apiVersion": "v1",
        "kind": "Config",
        "clusters": [{"name": "proxy", "cluster": {"server": f"http://127.0.0.1:{port}"}}],
        "users": [{"name": "nobody", "user": {}}],
        "contexts": [{"name": "proxy", "context": {"cluster": "proxy", "user": "nobody"}}],
        "current-context": "proxy",
    }
