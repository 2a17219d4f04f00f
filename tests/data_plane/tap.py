"""A TCP proxy that can be closed like a tap, to kill a program in the middle of an upload, or to cut its network."""

import asyncio
import contextlib
import threading
from collections.abc import Iterator


class Tap:
    """Lets `limit` bytes pass towards the server, then no more until it is opened."""

    def __init__(self, host: str, port: int, limit: int) -> None:
        self._server = (host, port)
        self._limit = self._left = limit
        self._loop = asyncio.new_event_loop()
        self._opened = asyncio.Event()
        self.closed = threading.Event()
        self.endpoint = ""

    @property
    def passed(self) -> int:
        return self._limit - self._left

    def open(self) -> None:
        """Lets everything pass, and what waits as well."""
        self._left = 1 << 62
        self._loop.call_soon_threadsafe(self._opened.set)

    @contextlib.contextmanager
    def running(self) -> Iterator["Tap"]:
        thread = threading.Thread(target=self._loop.run_forever, daemon=True)
        thread.start()
        asyncio.run_coroutine_threadsafe(self._start(), self._loop).result(10)
        try:
            yield self
        finally:
            asyncio.run_coroutine_threadsafe(self._stop(), self._loop).result(10)
            self._loop.call_soon_threadsafe(self._loop.stop)
            thread.join(10)

    async def _start(self) -> None:
        listener = await asyncio.start_server(self._connected, "127.0.0.1", 0)
        host, port = listener.sockets[0].getsockname()[:2]
        self.endpoint = f"http://{host}:{port}"

    async def _stop(self) -> None:
        connections = asyncio.all_tasks() - {asyncio.current_task()}
        for connection in connections:
            connection.cancel()
        await asyncio.gather(*connections, return_exceptions=True)

    async def _connected(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        upstream_reader, upstream_writer = await asyncio.open_connection(*self._server)
        with contextlib.suppress(ConnectionError), contextlib.closing(writer), contextlib.closing(upstream_writer):
            await asyncio.gather(
                self._pass_on(reader, upstream_writer, counted=True),
                self._pass_on(upstream_reader, writer, counted=False),
            )

    async def _pass_on(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter, counted: bool) -> None:
        while data := await reader.read(65536):
            if counted:
                self._left -= len(data)
                if self._left < 0:
                    self.closed.set()
                    await self._opened.wait()
            writer.write(data)
            await writer.drain()
        writer.close()
