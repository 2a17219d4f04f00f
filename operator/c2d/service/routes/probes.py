"""/healthz, /readyz and /metrics, for the cluster and for Prometheus."""

from aiohttp import web

from c2d.service import answers, context, metrics


async def healthz(_: web.Request) -> web.Response:
    return answers.value({"alive": True})


async def readyz(request: web.Request) -> web.Response:
    why = context.of(request).trouble()
    return answers.value({"ready": False, "why": why}, 503) if why else answers.value({"ready": True})


async def prometheus(request: web.Request) -> web.Response:
    service = context.of(request)
    numbers = service.metrics
    numbers.jobs.set(len(service.jobs))
    numbers.streams.set(service.streams.now)
    numbers.waiting.set(service.archivist.waiting)
    numbers.archive.set(int(service.archive is not None and service.archive.healthy))
    for mirror in service.mirrors:
        numbers.lost.labels(mirror.resource.plural).set(mirror.lost_for)
    return web.Response(body=numbers.text(), headers={"Content-Type": metrics.CONTENT_TYPE})
