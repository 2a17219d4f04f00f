"""A TCP proxy that breaks connections as a test says, in the test's own event loop."""

import asyncio
import contextlib
from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass, field
from urllib.parse import urlsplit


@dataclass(frozen=True)
class Fault:
    """What happens to a connection after so many bytes from the server."""

    after: int
    stalls: bool = False  # otherwise it is cut


@dataclass
class Proxy:
    """Each connection takes the next of `faults`; when there are none left, all is well."""

    port: int  # of the server
    faults: list[Fault] = field(default_factory=list)
    connections: int = 0  # that were made
    open: int = 0
    requests: list[bytes] = field(default_factory=list)
    endpoint: str = ""
    broke: asyncio.Event = field(default_factory=asyncio.Event)

    async def connected(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.connections += 1
        self.open += 1
        fault = self.faults.pop(0) if self.faults else None
        with contextlib.suppress(OSError), contextlib.closing(writer):
            up_reader, up_writer = await asyncio.open_connection("127.0.0.1", self.port)
            with contextlib.closing(up_writer):
                passing = {
                    asyncio.ensure_future(self._to_server(reader, up_writer)),
                    asyncio.ensure_future(self._to_client(up_reader, writer, fault)),
                }
                try:
                    await asyncio.wait(passing, return_when=asyncio.FIRST_COMPLETED)
                finally:
                    for one in passing:
                        one.cancel()
                    await asyncio.gather(*passing, return_exceptions=True)
        self.open -= 1

    async def _to_server(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        while data := await reader.read(65536):
            self.requests.append(data)
            writer.write(data)
            await writer.drain()

    async def _to_client(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter, fault: Fault | None) -> None:
        left = fault.after if fault else 1 << 62
        while data := await reader.read(65536):
            writer.write(data[:left])
            await writer.drain()
            left -= len(data)
            if left <= 0:
                self.broke.set()
                await asyncio.sleep(3600 if fault and fault.stalls else 0)
                return


@contextlib.asynccontextmanager
async def proxied(endpoint: str, *faults: Fault) -> AsyncIterator[Proxy]:
    proxy = Proxy(urlsplit(endpoint).port or 0, list(faults))
    server = await asyncio.start_server(proxy.connected, "127.0.0.1", 0)
    host, port = server.sockets[0].getsockname()[:2]
    proxy.endpoint = f"http://{host}:{port}"
    async with server:
        yield proxy
        server.close()


async def until(condition: Callable[[], bool], seconds: float = 10) -> None:
    """Waits until the condition holds."""
    async with asyncio.timeout(seconds):
        while not condition():  # noqa: ASYNC110 - what is waited for is in other processes and libraries
            await asyncio.sleep(0.01)
