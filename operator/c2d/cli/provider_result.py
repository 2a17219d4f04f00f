"""Fetches one result through the operator-service, from where it broke off if need be."""

import asyncio
import contextlib
import os
import pathlib
import re
from collections.abc import AsyncGenerator, Awaitable, Callable, Iterator
from typing import BinaryIO

import aiohttp

from c2d.cli import errors
from c2d.cli.provider_service import Service

Sleep = Callable[[float], Awaitable[None]]

_CHUNK = 256 * 1024
_PAUSE_SECONDS = 1.0
_FAILURES = 5  # in a row, without a byte
_NAME_LIMIT = 200  # bytes
_NAME = re.compile(r'filename=(?:"([^"]*)"|([^;]*))', re.IGNORECASE)
_RANGE = re.compile(r"bytes (\d{1,18})-\d{1,18}/(?:\d{1,18}|\*)", re.ASCII)


class Download:
    """The bytes of a result. `disposition`, which names it, is known when the first of them come, or the end."""

    def __init__(self, service: Service, query: Callable[[], dict[str, str]], sleep: Sleep = asyncio.sleep) -> None:
        """`query` gives the parameters of a request, signed anew each time."""
        self._service, self._query, self._sleep = service, query, sleep
        self._tag = ""
        self.size = 0
        self.disposition = ""

    async def chunks(self) -> AsyncGenerator[bytes, None]:
        """Raises Unanswered after five tries in a row without a byte, and Refused."""
        failures = 0
        while True:
            before = self.size
            try:
                async with contextlib.aclosing(self._rest()) as chunks:
                    async for chunk in chunks:
                        self.size += len(chunk)
                        yield chunk
                return
            except errors.Unanswered:
                failures = 1 if self.size > before else failures + 1
                if failures >= _FAILURES:
                    raise
            await self._sleep(_PAUSE_SECONDS)

    async def _rest(self) -> AsyncGenerator[bytes, None]:
        """What has not come yet."""
        wanted = {"Range": f"bytes={self.size}-"} if self.size else {}
        async with self._service.stream("getResult", self._query(), wanted) as head:
            self._check(head)
            skip = self.size if head.status != 206 else 0
            async for chunk in head.content.iter_chunked(_CHUNK):
                if len(chunk) > skip:
                    yield chunk[skip:]
                skip = max(0, skip - len(chunk))

    def _check(self, head: aiohttp.ClientResponse) -> None:
        tag = head.headers.get("ETag", "")
        found = _RANGE.fullmatch(head.headers.get("Content-Range", ""))
        begins_elsewhere = head.status == 206 and (found is None or int(found[1]) != self.size)
        if begins_elsewhere or (self.size and tag != self._tag):
            raise errors.Refused("the service goes on with other bytes than it began with", "Fetch the result again.")
        self._tag = tag
        self.disposition = head.headers.get("Content-Disposition", "")


def safe_name(disposition: str, index: int) -> str:
    """A name for the current folder: the service's own, without folders, leading dots and what can't be printed."""
    found = _NAME.search(disposition)
    name = (found[1] or found[2] or "") if found else ""
    last = re.split(r"[/\\]", name)[-1]
    shown = "".join(char for char in last if char.isprintable()).strip().lstrip(".~-").strip()
    return shown.encode()[:_NAME_LIMIT].decode(errors="ignore") or f"result-{index}"


@contextlib.contextmanager
def new_file(path: pathlib.Path, *, force: bool) -> Iterator[BinaryIO]:
    """A file to write to. It stands at the path when it is whole; what was there is kept, without force by refusal.

    Raises Misused.
    """
    # The place is taken at once: nobody's file is replaced, whatever appears there meanwhile.
    with _misuse_told(path):
        if not force:
            path.open("xb").close()
    draft = path.with_name(f".c2d-result-{os.getpid()}")
    try:
        with _misuse_told(path):
            with draft.open("wb") as file:
                yield file
            draft.replace(path)
    except BaseException:
        draft.unlink(missing_ok=True)
        if not force:
            path.unlink(missing_ok=True)
        raise


@contextlib.contextmanager
def _misuse_told(path: pathlib.Path) -> Iterator[None]:
    try:
        yield
    except FileExistsError as error:
        raise errors.Misused(f"{path} is there already", "Name another file with -o, or say --force.") from error
    except OSError as error:
        why = f"the result can't be written to {path}: {error.strerror or error}"
        raise errors.Misused(why, "Name another file with -o.") from error
