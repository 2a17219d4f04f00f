"""Whatever comes back from the API server's address, nothing but a KubeError crosses the client's edge.

A foreign error would be taken for a bug, and end the process.
"""

import asyncio
import contextlib
from collections.abc import AsyncIterator

import pytest
from kubernetes.aio.client import Configuration

from c2d.kube import errors
from c2d.kube.client import Client
from c2d.kube.resources import JOBS

ANSWERS = {
    "a list that is cut": b"HTTP/1.1 200 OK\r\nContent-Length: 1000\r\n\r\n" + b'{"items": [',
    "a page of a proxy": b"HTTP/1.1 200 OK\r\nContent-Length: 6\r\n\r\n<html>",
    "an error that is cut": b"HTTP/1.1 500 Oops\r\nContent-Length: 1000\r\n\r\n{",
    "an error that is no JSON": b"HTTP/1.1 502 Bad Gateway\r\nContent-Length: 6\r\n\r\n<html>",
    "nothing": b"",
    "no HTTP": b"SSH-2.0\r\n\r\n",
}


@contextlib.asynccontextmanager
async def answering(content: bytes) -> AsyncIterator[Client]:
    async def answer(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readuntil(b"\r\n\r\n")
        writer.write(content)
        await writer.drain()
        writer.close()

    server = await asyncio.start_server(answer, "127.0.0.1", 0)
    configuration = Configuration()
    configuration.host = f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}"
    async with Client(configuration, "ns", "tests") as client:
        yield client
    server.close()


@pytest.mark.parametrize("content", ANSWERS.values(), ids=ANSWERS)
async def test_an_answer_that_is_none_is_worth_a_retry(content: bytes) -> None:
    async with answering(content) as client:
        with pytest.raises(errors.Unavailable):
            await client.list(JOBS, "ns")


WATCHES = {
    "half a line": b'{"type": "ADDED", "object": {}}\n{"type": "AD',
    "a line that is no JSON": b"<html>\n",
}


@pytest.mark.parametrize("lines", WATCHES.values(), ids=WATCHES)
async def test_a_watch_that_says_nonsense(lines: bytes) -> None:
    content = b"HTTP/1.1 200 OK\r\nContent-Length: 1000\r\n\r\n" + lines
    async with answering(content) as client:
        with pytest.raises(errors.Unavailable):
            async for _ in client.watch(JOBS, "ns", "1"):
                pass
