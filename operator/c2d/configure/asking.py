"""Asks a server for something short, such as a DDO: an answer as a whole, tried again where that may help."""

import asyncio
from collections.abc import Callable
from dataclasses import dataclass

import aiohttp

from c2d.configure.response import Interrupted
from c2d.configure.retry import Fault, fault_of_status, parse_retry_after
from c2d.configure.settings import Settings, World
from c2d.configure.transport import Request, foreign_errors, read_at_most, send, status_text
from c2d.configure.waiting import Waiting
from c2d.ocean import provider


@dataclass(frozen=True)
class Question:
    """What is asked, and how it is named in messages."""

    name: str  # what it is about
    shown: str  # who is asked
    request: Callable[[], Request]  # made anew for each try
    limit: int  # bytes of the answer
    passing: frozenset[int] = frozenset()  # statuses that are worth another try, besides the usual ones


@dataclass(frozen=True)
class Asker:
    session: aiohttp.ClientSession
    settings: Settings
    world: World

    async def ask(self, question: Question) -> bytes:
        """The answer's body. Raises DownloadFailed."""
        waiting = Waiting(self.settings, self.world, question.name, question.shown)
        while True:
            try:
                return await self._ask_once(question)
            except Interrupted as interruption:
                await waiting.after(interruption)

    async def _ask_once(self, question: Question) -> bytes:
        # Whatever the request needs is read outside: its errors are not the server's.
        request = question.request()
        with foreign_errors():
            async with asyncio.timeout(self.settings.ask_timeout), await send(self.session, request) as response:
                if not 200 <= response.status < 300:
                    raise await self._refusal(question, response)
                content = await read_at_most(response, question.limit)
        if len(content) > question.limit:
            raise Interrupted(Fault.TOO_LONG, f"it has more than {question.limit} bytes")
        return content

    async def _refusal(self, question: Question, response: aiohttp.ClientResponse) -> Interrupted:
        passes = response.status in question.passing
        fault = Fault.BUSY if passes else fault_of_status(response.status) or Fault.REFUSED
        return refusal(fault, response, await read_at_most(response, provider.REFUSAL_LIMIT), self.world)


def refusal(fault: Fault, response: aiohttp.ClientResponse, body: bytes, world: World) -> Interrupted:
    """What an answer with an error says, with the server's reason as far as it may be shown."""
    reason = provider.refusal(response.status, body[: provider.REFUSAL_LIMIT]).reason
    detail = f"with {status_text(response.status)}" + (f" ({reason})" if reason else "")
    return Interrupted(fault, detail, parse_retry_after(response.headers.get("Retry-After"), world.now()))
