"""What only an admin may see: every owner's jobs, their logs, the state of the replica."""

import collections
import contextlib
import re
from collections.abc import AsyncGenerator
from typing import Any

from aiohttp import web

from c2d import __version__
from c2d.api.manifest import Kind
from c2d.api.phases import Phase
from c2d.archive.entry import Cursor
from c2d.archive.errors import ArchiveError
from c2d.kube import errors as kube
from c2d.kube import names
from c2d.kube.resources import PODS
from c2d.service import answers, archiving, context, records
from c2d.service.context import Context
from c2d.service.errors import BadRequest, NotFound, Unavailable
from c2d.service.jobs import order
from c2d.service.parameters import Query, Signed
from c2d.service.records import Published, Record
from c2d.storage.errors import StorageError

PAGE, LARGEST_PAGE = 100, 1000
# The components of a job, and the published log of each.
LOGS = {"configure": Kind.CONFIGURE_LOG, "algorithm": Kind.ALGORITHM_LOG, "publish": Kind.PUBLISH_LOG}
_UNSIGNED = Signed("", None, "", names_owner=False)


async def running_jobs(request: web.Request) -> web.Response:
    service = context.of(request)
    if not service.settings.access.running_jobs_public:
        context.admin(request)
    service.require_news()
    unfinished = sorted((record for record in service.jobs if not record.over), key=order)
    return answers.value([_running(record) for record in unfinished])


async def pgsqlinit(request: web.Request) -> web.Response:
    """Brings the database's schema up to date; harmless at any time."""
    context.admin(request)
    archive = context.of(request).archive
    if archive is not None:
        try:
            await archive.migrate()
        except ArchiveError as error:
            raise Unavailable(str(error)) from error
    return web.Response()


async def info(request: web.Request) -> web.Response:
    context.admin(request)
    service = context.of(request)
    phases = collections.Counter(record.phase.value for record in service.jobs)
    archive = service.archive
    said = {
        "version": __version__,
        "namespace": service.namespace,
        "trouble": service.trouble(),
        "environments": [
            offer.as_json(service.jobs.running(offer.name), service.last_seen) for offer in service.offers
        ],
        "jobs": dict(sorted(phases.items())),
        "archive": None if archive is None else {"up": archive.healthy, "waiting": service.archivist.waiting},
    }
    return answers.value(said)


async def list_jobs(request: web.Request) -> web.Response:
    """The newest first; `next` of one page is the `after` of the following one."""
    context.admin(request)
    service = context.of(request)
    service.require_news()
    after, limit = _cursor(request), _limit(request)
    filters = {name: request.query.get(name) or None for name in ("phase", "environment", "owner")}
    if filters["phase"] not in (None, *Phase):
        raise BadRequest(f'"phase" must be one of {", ".join(Phase)}')
    found = [record for record in service.jobs if _passes(record, filters)]
    found += await _archived(service, limit, after, filters)
    found = sorted(
        (record for record in found if after is None or order(record) < _key(after)), key=order, reverse=True
    )
    page = found[:limit]
    cursor = str(Cursor(page[-1].created, page[-1].uid)) if len(found) > limit else None
    shown = [_shown(record, service.lookup.fetchable(record)) for record in page]
    return answers.value({"jobs": shown, "next": cursor})


async def logs(request: web.Request) -> web.StreamResponse:
    """The log of one of a job's pods: from the pod while it is there, afterwards from where it was published."""
    context.admin(request)
    service = context.of(request)
    component = request.query.get("component", "algorithm")
    if component not in LOGS:
        raise BadRequest(f'"component" must be one of {", ".join(LOGS)}')
    job_id = request.query.get("jobId", "")
    if not job_id:
        raise BadRequest('"jobId" is required in the call to GET:/logs')
    found = await service.lookup.find(Query(job_id, None, None, None, _UNSIGNED))
    if not found:
        raise NotFound(f"there is no job {job_id}")
    follow = request.query.get("follow", "").lower() in ("1", "true", "yes")
    async with contextlib.aclosing(_log(service, found[0], component, follow=follow)) as pieces:
        return await _relay(request, await _first(pieces, component), pieces)


async def _log(service: Context, record: Record, component: str, *, follow: bool) -> AsyncGenerator[bytes, None]:
    """Raises KubeError, StorageError and NotFound."""
    if not record.over:
        pod = await _pod(service, record, component)
        async for piece in service.client.logs(record.namespace, pod, follow=follow):
            yield piece
        return
    published = service.lookup.fetchable(record)
    result = await service.results.log(published, LOGS[component]) if published is not None else None
    if published is None or result is None:
        raise NotFound(f"the job published no log of its {component} pod")
    async with await service.results.open(published, result) as opened:
        async for piece in opened.chunks():
            yield piece


async def _pod(service: Context, record: Record, component: str) -> str:
    """The latest of the job's pods for that."""
    selector = f"{names.JOB_UID}={record.uid},{names.STEP}={component}"
    pods = (await service.client.list(PODS, record.namespace, labelSelector=selector))["items"]
    if not pods:
        raise NotFound(f"there is no {component} pod: the job is {record.phase.value}")
    latest = max(pods, key=lambda pod: int(pod["metadata"]["labels"][names.ATTEMPT]))
    return str(latest["metadata"]["name"])


async def _first(pieces: AsyncGenerator[bytes, None], component: str) -> bytes:
    """Asked for before the answer begins, so that an error still has its status. Raises ServiceError."""
    try:
        return await anext(pieces, b"")
    except (kube.NotFound, kube.Rejected) as error:
        raise NotFound(f"the {component} pod has no log yet") from error
    except (kube.KubeError, StorageError) as error:
        raise Unavailable(str(error)) from error


async def _relay(request: web.Request, first: bytes, rest: AsyncGenerator[bytes, None]) -> web.StreamResponse:
    response = web.StreamResponse(headers={"Content-Type": "text/plain; charset=utf-8"})
    await response.prepare(request)
    try:
        await response.write(first)
        async for piece in rest:
            await response.write(piece)
        await response.write_eof()
    except (kube.KubeError, StorageError, ConnectionError):
        # The head is sent: only a connection that breaks tells the client that something is missing.
        if request.transport is not None:
            request.transport.abort()
    return response


async def _archived(service: Context, limit: int, after: Cursor | None, filters: dict[str, str | None]) -> list[Record]:
    if service.archive is None:
        return []
    try:
        # One more than the page, so that it is known whether there is another.
        saved, _ = await service.archive.page(limit=limit + 1, after=after, **filters)
    except ArchiveError as error:
        raise Unavailable(str(error)) from error
    return [archiving.record_of(entry) for entry in saved if service.jobs.get(entry.uid) is None]


def _passes(record: Record, filters: dict[str, str | None]) -> bool:
    phase, environment, owner = filters["phase"], filters["environment"], filters["owner"]
    return (
        phase in (None, record.phase.value)
        and environment in (None, record.environment)
        and (owner is None or owner.lower() == record.owner.lower())
    )


def _key(cursor: Cursor) -> tuple[Any, str]:
    return cursor.created, cursor.uid


def _cursor(request: web.Request) -> Cursor | None:
    text = request.query.get("after")
    if not text:
        return None
    try:
        return Cursor.read(text)
    except ValueError:
        raise BadRequest('"after" must be the "next" of an earlier page') from None


def _limit(request: web.Request) -> int:
    text = request.query.get("limit", str(PAGE))
    if not re.fullmatch("[0-9]{1,9}", text) or not 0 < int(text) <= LARGEST_PAGE:
        raise BadRequest(f'"limit" must be a whole number from 1 to {LARGEST_PAGE}')
    return int(text)


def _shown(record: Record, published: Published | None) -> dict[str, Any]:
    status = records.status_object(record, published.files if published is not None else ())
    more = {"name": record.name, "namespace": record.namespace, "environment": record.environment}
    return {
        **status,
        **more,
        "phase": record.phase.value,
        "chainId": record.chain_id,
        "provider": record.request.provider,
    }


def _running(record: Record) -> dict[str, Any]:
    """The namespace is what the original called an environment's."""
    return {
        "agreementId": record.agreement_id,
        "jobId": record.job_id,
        "owner": record.owner,
        "status": record.code,
        "statusText": record.text,
        "dateCreated": records.epoch(record.created),
        "namespace": record.environment,
        "algoDID": record.request.algo_did,
        "inputDID": list(record.request.input_dids),
    }
