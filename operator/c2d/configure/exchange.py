"""Asks a source for its file, or for a part of it."""

import contextlib
from collections.abc import AsyncIterator
from dataclasses import dataclass

import aiohttp

from c2d.configure.response import Interrupted
from c2d.configure.retry import Fault, fault_of_status
from c2d.configure.settings import World
from c2d.configure.sources import Source
from c2d.configure.transport import foreign_errors, send


@dataclass(frozen=True)
class Wanted:
    """The bytes from `begin` on, up to but without `end`, of the version that the validator names."""

    validator: str
    begin: int
    end: int | None = None

    @property
    def headers(self) -> dict[str, str]:
        last = "" if self.end is None else self.end - 1
        return {"Range": f"bytes={self.begin}-{last}", "If-Range": self.validator}


@dataclass(frozen=True)
class Exchange:
    session: aiohttp.ClientSession
    world: World
    source: Source

    @contextlib.asynccontextmanager
    async def response(self, wanted: Wanted | None = None) -> AsyncIterator[aiohttp.ClientResponse]:
        """A response with the file, or maybe the part; foreign errors become Interrupted, here and in the block."""
        with foreign_errors():
            async with self.source.turn:
                request = await self.source.request()
                response = await send(self.session, request, wanted.headers if wanted else None)
            async with response:
                if response.status == 416 and wanted is not None:
                    raise Interrupted(Fault.RANGE)
                if fault_of_status(response.status) is not None:
                    raise await self.source.refusal(response, self.world)
                yield response
