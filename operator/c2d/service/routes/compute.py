"""/api/v1/operator/compute: start, watch, stop and remove jobs."""

from aiohttp import web

from c2d.archive.errors import ArchiveError
from c2d.kube import errors as kube
from c2d.service import answers, context, parameters
from c2d.service.errors import BadRequest, Unavailable
from c2d.service.records import Record


async def start(request: web.Request) -> web.Response:
    asked = parameters.start(await context.given(request))
    provider = context.authenticated(request, asked.signed)
    service = context.of(request)
    service.require_news()
    record = await service.starter.start(asked, provider, service.replay)
    context.note(request, job=record.job_id)
    return answers.text(await service.lookup.texts([record]))


async def status(request: web.Request) -> web.Response:
    query = parameters.status(await context.given(request))
    service = context.of(request)
    service.replay.read(context.authenticated(request, query.signed))
    context.note(request, job=query.job_id)
    service.require_news()
    return answers.text(await service.lookup.texts(await service.lookup.find(query)))


async def stop(request: web.Request) -> web.Response:
    found = await _meant(request, await context.given(request))
    return await _carried_out(request, found, remove=False)


async def remove(request: web.Request) -> web.Response:
    given = await context.given(request)
    if not given:
        # What the original answered; it did nothing either.
        return answers.value("")
    return await _carried_out(request, await _meant(request, given), remove=True)


async def _meant(request: web.Request, given: parameters.Parameters) -> list[Record]:
    """The jobs that a signed request is about."""
    query = parameters.control(given, request.method)
    provider = context.authenticated(request, query.signed)
    context.note(request, job=query.job_id)
    service = context.of(request)
    purpose = f"{request.method} {query.job_id or ''} {query.agreement_id or ''} {query.chain_id or ''}"
    await service.replay.write(provider, purpose)
    service.require_news()
    return await service.lookup.find(query)


async def _carried_out(request: web.Request, found: list[Record], *, remove: bool) -> web.Response:
    service = context.of(request)
    try:
        now = await (service.control.remove(found) if remove else service.control.stop(found))
    except (kube.Unavailable, ArchiveError) as error:
        raise Unavailable(f"Exception when stopping compute job: {error}") from error
    except kube.KubeError as error:
        raise BadRequest(f"Exception when stopping compute job: {error}") from error
    if remove:
        for record in now:
            service.removal.also(record)
    return answers.text(await service.lookup.texts(now))
