"""A stand-in for an operator-service, in a thread: it answers as it is told, and keeps what it was asked."""

import asyncio
import contextlib
import json
import threading
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

from aiohttp import web

JOB = "6951125396154f2da719f097ae758bb5"


def status(code: int | None = 1, text: str = "Warming up", **fields: Any) -> dict[str, Any]:
    return {"agreementId": "0xag", "jobId": JOB, "owner": "0x1", "status": code, "statusText": text, **fields}


@dataclass(frozen=True)
class Asked:
    method: str
    path: str
    query: dict[str, str]
    body: bytes
    content_type: str
    range: str | None

    @property
    def json(self) -> Any:
        return json.loads(self.body)


@dataclass(frozen=True)
class Answer:
    """`cut`: after so many bytes of the body the connection breaks."""

    body: bytes
    status: int = 200
    headers: dict[str, str] = field(default_factory=dict)
    cut: int | None = None


def said(value: Any, status: int = 200) -> Answer:
    return Answer(json.dumps(value).encode(), status, {"Content-type": "application/json"})


class OperatorService:
    def __init__(self) -> None:
        self.asked: list[Asked] = []
        # Answers in turn; the last one stays.
        self.answers: list[Answer] = [said([status()])]
        self.url = ""
        self._loop = asyncio.new_event_loop()

    def will_say(self, *answers: Answer) -> None:
        self.answers = list(answers)

    async def _answer(self, request: web.Request) -> web.StreamResponse:
        headers, body = request.headers, await request.read()
        self.asked.append(
            Asked(
                request.method,
                request.path,
                dict(request.query),
                body,
                headers.get("Content-Type", ""),
                headers.get("Range"),
            )
        )
        answer = self.answers.pop(0) if len(self.answers) > 1 else self.answers[0]
        if answer.cut is None:
            return web.Response(status=answer.status, headers=answer.headers, body=answer.body)
        response = web.StreamResponse(status=answer.status, headers=answer.headers)
        response.content_length = len(answer.body)
        await response.prepare(request)
        await response.write(answer.body[: answer.cut])
        assert request.transport is not None
        request.transport.close()
        return response

    @contextlib.contextmanager
    def running(self) -> Iterator["OperatorService"]:
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
        application = web.Application(client_max_size=8 * 1024 * 1024)
        application.router.add_route("*", "/{path:.*}", self._answer)
        runner = web.AppRunner(application, shutdown_timeout=0.1)
        await runner.setup()
        await web.TCPSite(runner, "127.0.0.1", 0).start()
        host, port = runner.addresses[0][:2]
        self.url = f"http://{host}:{port}"
        return runner
