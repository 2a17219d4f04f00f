"""An HTTP server of files that misbehaves on demand, in a thread of its own."""

import asyncio
import contextlib
import threading
from collections.abc import Awaitable, Callable, Iterator
from dataclasses import dataclass, field

from aiohttp import web

CHUNK = 64 * 1024


@dataclass(frozen=True)
class Seen:
    """A request as it came."""

    path: str
    range: str | None
    if_range: str | None
    authorization: str | None = None
    method: str = "GET"
    headers: dict[str, str] = field(default_factory=dict)


@dataclass
class File:
    """What the server has at a path; each fault is for one request, then it behaves."""

    content: bytes
    headers: dict[str, str] = field(default_factory=lambda: {"ETag": '"v1"'})
    ranges: bool = True
    faults: "list[Fault]" = field(default_factory=list)


Fault = Callable[["FileServer", web.Request, File], Awaitable[web.StreamResponse]]


class FileServer:
    def __init__(self) -> None:
        self.files: dict[str, File] = {}
        self.requests: list[Seen] = []
        self.origin = ""
        # Set when a response waits in the middle, for a test that kills its client there.
        self.holding = threading.Event()
        self._loop = asyncio.new_event_loop()

    def put(self, path: str, content: bytes, *faults: Fault, **settings: object) -> str:
        """Serves the content; gives its URL."""
        self.files[path] = File(content, faults=list(faults), **settings)  # type: ignore[arg-type]
        return f"{self.origin}{path}"

    @property
    def ranges(self) -> list[str | None]:
        return [seen.range for seen in self.requests]

    async def _answer(self, request: web.Request) -> web.StreamResponse:
        headers = request.headers
        self.requests.append(
            Seen(
                request.path,
                headers.get("Range"),
                headers.get("If-Range"),
                headers.get("Authorization"),
                request.method,
                dict(headers),
            )
        )
        file = self.files.get(request.path)
        if file is None:
            return web.Response(status=404)
        fault = file.faults.pop(0) if file.faults else None
        return await (fault(self, request, file) if fault else self.send(request, file))

    async def send(self, request: web.Request, file: File, upto: int | None = None) -> web.StreamResponse:
        """The file or the asked range of it, as the standard says; at most `upto` bytes of the body."""
        begin = _begin(request, file)
        response = web.StreamResponse(status=206 if begin else 200, headers=file.headers)
        if begin:
            response.headers["Content-Range"] = f"bytes {begin}-{len(file.content) - 1}/{len(file.content)}"
        response.content_length = len(file.content) - begin
        await response.prepare(request)
        end = len(file.content) if upto is None else min(begin + upto, len(file.content))
        for position in range(begin, end, CHUNK):
            await response.write(file.content[position : min(position + CHUNK, end)])
        return response

    @contextlib.contextmanager
    def running(self) -> Iterator["FileServer"]:
        thread = threading.Thread(target=self._loop.run_forever, daemon=True)
        thread.start()
        runner = asyncio.run_coroutine_threadsafe(self._start(), self._loop).result(10)
        try:
            yield self
        finally:
            asyncio.run_coroutine_threadsafe(runner.cleanup(), self._loop).result(10)
            self._loop.call_soon_threadsafe(self._loop.stop)
            thread.join(10)

    async def _start(self) -> web.AppRunner:
        application = web.Application()
        application.router.add_get("/{path:.*}", self._answer)
        application.router.add_post("/{path:.*}", self._answer)
        runner = web.AppRunner(application, shutdown_timeout=0.1)
        await runner.setup()
        site = web.TCPSite(runner, "127.0.0.1", 0)
        await site.start()
        host, port = runner.addresses[0][:2]
        self.origin = f"http://{host}:{port}"
        return runner


def _begin(request: web.Request, file: File) -> int:
    wanted = request.headers.get("Range", "")
    if_range = request.headers.get("If-Range")
    current = (file.headers.get("ETag"), file.headers.get("Last-Modified"))
    if not file.ranges or not wanted or (if_range is not None and if_range not in current):
        return 0
    return int(wanted.removeprefix("bytes=").removesuffix("-"))


def cut(after: int) -> Fault:
    """Breaks the connection after so many bytes of the body."""

    async def answer(server: FileServer, request: web.Request, file: File) -> web.StreamResponse:
        response = await server.send(request, file, after)
        assert request.transport is not None
        # Not `abort`: what was written shall arrive.
        request.transport.close()
        return response

    return answer


def hold(after: int) -> Fault:
    """Sends so many bytes of the body, then nothing more, with the connection open."""

    async def answer(server: FileServer, request: web.Request, file: File) -> web.StreamResponse:
        await server.send(request, file, after)
        server.holding.set()
        await asyncio.sleep(3600)
        raise AssertionError("nobody waits that long")

    return answer


def pause(after: int, go_on: threading.Event) -> Fault:
    """Sends so many bytes of the body, and the others once it is told to."""

    async def answer(server: FileServer, request: web.Request, file: File) -> web.StreamResponse:
        begin = _begin(request, file)
        response = await server.send(request, file, after)
        await asyncio.to_thread(go_on.wait, 60)
        await response.write(file.content[begin + after :])
        return response

    return answer


def status(code: int, **headers: str) -> Fault:
    """Answers with a status instead of the file."""
    named = {name.replace("_", "-"): value for name, value in headers.items()}

    async def answer(server: FileServer, request: web.Request, file: File) -> web.StreamResponse:
        return web.Response(status=code, headers=named, reason="geheim", text="geheim")

    return answer


def change(content: bytes, etag: str, then: Fault | None = None) -> Fault:
    """Replaces the file before it answers."""

    async def answer(server: FileServer, request: web.Request, file: File) -> web.StreamResponse:
        file.content = content
        file.headers = {"ETag": etag}
        return await (then(server, request, file) if then else server.send(request, file))

    return answer


def wrong_range(shift: int) -> Fault:
    """Answers a range with another one."""

    async def answer(server: FileServer, request: web.Request, file: File) -> web.StreamResponse:
        begin = _begin(request, file) + shift
        size = len(file.content)
        headers = {**file.headers, "Content-Range": f"bytes {begin}-{size - 1}/{size}"}
        return web.Response(status=206, headers=headers, body=file.content[begin:])

    return answer


def unsafe_range() -> Fault:
    """Honours Range without looking at If-Range, and says nothing of the version: a broken cache."""

    async def answer(server: FileServer, request: web.Request, file: File) -> web.StreamResponse:
        begin = int(request.headers["Range"].removeprefix("bytes=").removesuffix("-"))
        size = len(file.content)
        headers = {"Content-Range": f"bytes {begin}-{size - 1}/{size}"}
        return web.Response(status=206, headers=headers, body=file.content[begin:])

    return answer
