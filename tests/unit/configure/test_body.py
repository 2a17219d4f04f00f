"""The body of a response whose connection was taken over from aiohttp."""

import asyncio
import contextlib
import os
import ssl
from collections.abc import AsyncIterator, Awaitable, Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path

import aiohttp
import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

from c2d.configure import body
from c2d.configure.body import Chunk, chunks_of
from c2d.configure.response import Interrupted
from c2d.configure.retry import Fault
from c2d.configure.transport import foreign_errors

CONTENT = os.urandom(20_000_017)
HEAD = f"HTTP/1.1 200 OK\r\nContent-Length: {len(CONTENT)}\r\n\r\n".encode()
CHUNKED = b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\nConnection: close\r\n\r\n"

Answer = Callable[[asyncio.StreamWriter], Awaitable[None]]


def sends(*texts: bytes) -> Answer:
    async def answer(writer: asyncio.StreamWriter) -> None:
        for text in texts:
            writer.write(text)
            await writer.drain()

    return answer


async def stalls(writer: asyncio.StreamWriter) -> None:
    await sends(HEAD, CONTENT[:3_000_000])(writer)
    await asyncio.Event().wait()


@pytest.fixture
def certified(tmp_path: Path) -> tuple[ssl.SSLContext, ssl.SSLContext]:
    """For the server and for its client."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "localhost")])
    now = datetime.now(UTC)
    certificate = (
        x509.CertificateBuilder(name, name, key.public_key(), x509.random_serial_number())
        .not_valid_before(now - timedelta(hours=1))
        .not_valid_after(now + timedelta(hours=1))
        .add_extension(x509.SubjectAlternativeName([x509.DNSName("localhost")]), critical=False)
        .sign(key, hashes.SHA256())
    )
    pem = tmp_path / "both.pem"
    secret = key.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )
    pem.write_bytes(secret + certificate.public_bytes(serialization.Encoding.PEM))
    server = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    server.load_cert_chain(pem)
    return server, ssl.create_default_context(cafile=str(pem))


@contextlib.asynccontextmanager
async def response_of(
    answer: Answer, tls: tuple[ssl.SSLContext, ssl.SSLContext] | None = None
) -> AsyncIterator[aiohttp.ClientResponse]:
    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        with contextlib.suppress(ConnectionError, asyncio.CancelledError):
            await reader.readuntil(b"\r\n\r\n")
            await answer(writer)
            writer.close()

    server = await asyncio.start_server(serve, "127.0.0.1", 0, ssl=tls[0] if tls else None)
    port = server.sockets[0].getsockname()[1]
    url = f"https://localhost:{port}/" if tls else f"http://127.0.0.1:{port}/"
    connector = aiohttp.TCPConnector(ssl=tls[1] if tls else True)
    session = aiohttp.ClientSession(connector=connector, read_bufsize=65536)
    async with server, session, session.get(url) as response:
        yield response


async def read(response: aiohttp.ClientResponse, stall_timeout: float = 30) -> bytes:
    found = bytearray()
    with foreign_errors():
        async for chunk in chunks_of(response, stall_timeout):
            found += chunk.content
            chunk.done()
    return bytes(found)


@pytest.mark.parametrize("tls", [False, True], ids=["http", "https"])
async def test_all_bytes_come_in_their_order(tls: bool, certified: tuple[ssl.SSLContext, ssl.SSLContext]) -> None:
    async with response_of(sends(HEAD, CONTENT), certified if tls else None) as response:
        assert await read(response) == CONTENT
        assert response.closed


async def test_what_comes_after_the_length_is_not_the_body() -> None:
    async with response_of(sends(HEAD, CONTENT + b"more")) as response:
        assert await read(response) == CONTENT


async def test_a_body_that_aiohttp_had_received_already() -> None:
    async with response_of(sends(b"HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhello")) as response:
        assert await read(response) == b"hello"


async def test_a_body_without_a_length_is_left_to_aiohttp() -> None:
    async with response_of(sends(CHUNKED, b"5\r\nhello\r\n0\r\n\r\n")) as response:
        assert await read(response) == b"hello"


@pytest.mark.parametrize("tls", [False, True], ids=["http", "https"])
async def test_it_waits_for_whoever_keeps_all_buffers(
    tls: bool, certified: tuple[ssl.SSLContext, ssl.SSLContext]
) -> None:
    """That time is not the server's, so it is no stall."""
    kept: list[Chunk] = []
    found = bytearray()
    async with response_of(sends(HEAD, CONTENT), certified if tls else None) as response:
        async for chunk in chunks_of(response, 0.2):
            kept.append(chunk)
            if sum(not isinstance(each.content.obj, bytes) for each in kept) == body.BUFFERS:
                await asyncio.sleep(0.5)
                for each in kept:
                    found += each.content
                    await asyncio.to_thread(each.done)
                kept.clear()
    for each in kept:
        found += each.content
    assert bytes(found) == CONTENT


@pytest.mark.parametrize("tls", [False, True], ids=["http", "https"])
async def test_an_early_end_is_a_cut(tls: bool, certified: tuple[ssl.SSLContext, ssl.SSLContext]) -> None:
    async with response_of(sends(HEAD, CONTENT[:-1]), certified if tls else None) as response:
        with pytest.raises(Interrupted) as caught:
            await read(response)
    assert caught.value.fault is Fault.CUT


async def test_silence_is_a_stall() -> None:
    async with response_of(stalls) as response:
        with pytest.raises(Interrupted) as caught:
            await read(response, 0.2)
    assert caught.value.fault is Fault.STALLED


async def test_whoever_leaves_closes_the_connection() -> None:
    async with response_of(sends(HEAD, CONTENT)) as response:
        chunks = chunks_of(response, 30)
        await anext(chunks)
        await chunks.aclose()
        assert response.closed
