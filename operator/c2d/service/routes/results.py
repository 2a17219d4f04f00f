"""/api/v1/operator/getResult: a result's bytes, from wherever they are to the client."""

import asyncio

from aiohttp import web

from c2d.api.manifest import Result
from c2d.service import context, parameters
from c2d.service.context import Context
from c2d.service.disposition import content_type, disposition
from c2d.service.errors import BadRequest, NotFound, Unsatisfiable
from c2d.service.parameters import Fetch, Query
from c2d.service.records import Published
from c2d.storage import errors as storage
from c2d.storage.errors import StorageError
from c2d.storage.stream import Opened

# A client that takes nothing for so long has left, or might as well have.
STALLED = 120.0  # seconds


async def get_result(request: web.Request) -> web.StreamResponse:
    asked = parameters.fetch(await context.given(request))
    service = context.of(request)
    service.replay.read(context.authenticated(request, asked.signed))
    context.note(request, job=asked.job_id)
    index = parameters.index_of(asked)
    service.require_news()
    published = await _published(service, asked)
    try:
        result = await _result(service, published, index)
        with service.streams.one():
            return await _send(request, service, published, result)
    except storage.Unsatisfiable as error:
        raise Unsatisfiable(f"Error getResult: {error}") from error
    except StorageError as error:
        raise BadRequest(f"Error getResult: {error}") from error


async def _published(service: Context, asked: Fetch) -> Published:
    """Raises NotFound."""
    found = await service.lookup.find(Query(asked.job_id, None, asked.owner, None, asked.signed))
    if not found or not found[0].finished:
        raise NotFound(f"Owner {asked.owner} mismatch for job {asked.job_id}")
    published = service.lookup.fetchable(found[0])
    if published is None:
        raise NotFound(f"No results for job {asked.job_id}")
    return published


async def _result(service: Context, published: Published, index: int) -> Result:
    """Raises NotFound and StorageError."""
    if index < 0:
        raise NotFound(f"Negative index {index}")
    result = await service.results.at(published, index)
    if result is None:
        raise NotFound(f"No such index {index} in this compute job")
    return result


async def _send(request: web.Request, service: Context, published: Published, result: Result) -> web.StreamResponse:
    async with await _open(request, service, published, result) as opened:
        if opened.status == 200 and opened.length != result.filesize:
            raise storage.Corrupt(f"{result.filename} is not what was published")
        response = web.StreamResponse(status=opened.status, headers=_headers(opened, result))
        response.content_length = opened.length
        await response.prepare(request)
        try:
            await _pump(opened, response, service)
        except (StorageError, TimeoutError, ConnectionError):
            # The head is sent: only a connection that breaks tells the client that something is missing.
            if request.transport is not None:
                request.transport.abort()
        return response


async def _open(request: web.Request, service: Context, published: Published, result: Result) -> Opened:
    """The range that the client asks for; all of it where its part is of another version (RFC 9110, If-Range)."""
    span, version = request.headers.get("Range"), request.headers.get("If-Range")
    opened = await service.results.open(published, result, span)
    if opened.status == 206 and version is not None and version != opened.etag:
        opened.close()
        return await service.results.open(published, result)
    return opened


def _headers(opened: Opened, result: Result) -> dict[str, str]:
    headers = {
        "Content-Type": content_type(result.filename),
        "Content-Disposition": disposition(result.filename),
        "Access-Control-Expose-Headers": "Content-Disposition",
        "Access-Control-Allow-Origin": "*",
        "Accept-Ranges": "bytes",
        # What an algorithm wrote must not run in a browser, whatever its name says.
        "X-Content-Type-Options": "nosniff",
    }
    if opened.content_range:
        headers["Content-Range"] = opened.content_range
    if opened.etag:
        headers["ETag"] = opened.etag
    return headers


async def _pump(opened: Opened, response: web.StreamResponse, service: Context) -> None:
    """Piece by piece, as fast as the client takes them. Raises TimeoutError when it takes none for long."""
    loop = asyncio.get_running_loop()
    told = loop.time()
    async with asyncio.timeout(STALLED) as patience:
        async for chunk in opened.chunks():
            await response.write(chunk)
            service.metrics.streamed.inc(len(chunk))
            # A timer for each piece would cost more than the piece.
            if loop.time() - told > 1:
                told = loop.time()
                patience.reschedule(told + STALLED)
        await response.write_eof()
