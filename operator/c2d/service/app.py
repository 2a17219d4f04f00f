"""The aiohttp application: its routes, and what surrounds each of them."""

import asyncio
import logging
import time
from collections.abc import Awaitable, Callable

from aiohttp import web

from c2d.kube import errors as kube
from c2d.service import access, answers
from c2d.service.context import FACTS, KEY, Context
from c2d.service.errors import ServiceError
from c2d.service.routes import admin, compute, docs, environments, probes, results

logger = logging.getLogger(__name__)

Handler = Callable[[web.Request], Awaitable[web.StreamResponse]]

BASE = "/api/v1/operator"
ROUTES: tuple[tuple[str, str, Handler], ...] = (
    ("GET", "/", environments.root),
    ("GET", "/healthz", probes.healthz),
    ("GET", "/readyz", probes.readyz),
    ("GET", "/metrics", probes.prometheus),
    ("GET", "/spec", docs.spec),
    ("GET", "/api/v1/docs", docs.page),
    ("GET", "/api/v1/docs/{file}", docs.file),
    ("POST", f"{BASE}/compute", compute.start),
    ("GET", f"{BASE}/compute", compute.status),
    ("PUT", f"{BASE}/compute", compute.stop),
    ("DELETE", f"{BASE}/compute", compute.remove),
    ("GET", f"{BASE}/getResult", results.get_result),
    ("GET", f"{BASE}/environments", environments.environments),
    ("GET", f"{BASE}/runningjobs", admin.running_jobs),
    ("POST", f"{BASE}/pgsqlinit", admin.pgsqlinit),
    ("GET", f"{BASE}/info", admin.info),
    ("GET", f"{BASE}/list", admin.list_jobs),
    ("GET", f"{BASE}/logs", admin.logs),
)
# Asked for every few seconds by the cluster; they would be most of the log.
_QUIET = ("/healthz", "/readyz", "/metrics")


def create(context: Context) -> web.Application:
    """The application of one replica."""
    app = web.Application(middlewares=[surround], client_max_size=context.settings.limits.body_bytes)
    app[KEY] = context
    for method, path, handler in ROUTES:
        app.router.add_route(method, path, handler)
    return app


@web.middleware
async def surround(request: web.Request, handler: Handler) -> web.StreamResponse:
    """Every error becomes a JSON answer, every request a line in the log and a number in the metrics."""
    request[FACTS] = {}
    begun = time.perf_counter()
    status = 499  # the client left before there was an answer
    try:
        with request.app[KEY].busy():
            response = await _answer(request, handler)
        status = response.status
        return response
    finally:
        _tell(request, status, time.perf_counter() - begun)


async def _answer(request: web.Request, handler: Handler) -> web.StreamResponse:
    try:
        return await _undisturbed(request, handler)
    except ServiceError as error:
        return answers.error(error.status, str(error))
    except web.HTTPRequestEntityTooLarge:
        limit = request.app[KEY].settings.limits.body_bytes
        return answers.error(400, f"the body has more than {limit} bytes; put large parts behind URLs")
    except web.HTTPException as error:
        response = answers.error(error.status, error.reason)
        if "Allow" in error.headers:
            response.headers["Allow"] = error.headers["Allow"]
        return response
    except kube.Unavailable as error:
        return answers.error(503, str(error))
    except Exception:
        logger.exception("%s %s: this is a bug", request.method, _route(request))
        return answers.error(500, "something went wrong in the operator-service; its log says what")


async def _undisturbed(request: web.Request, handler: Handler) -> web.StreamResponse:
    """A client that leaves frees what a GET holds at once; whatever changes something is carried out to its end."""
    if request.method == "GET":
        return await handler(request)
    work = asyncio.ensure_future(handler(request))
    try:
        return await asyncio.shield(work)
    except asyncio.CancelledError:
        # Nobody will ask for its outcome any more.
        work.add_done_callback(lambda done: done.cancelled() or done.exception())
        raise


def _tell(request: web.Request, status: int, seconds: float) -> None:
    route, metrics = _route(request), request.app[KEY].metrics
    metrics.answered(request.method, route, status, seconds)
    if route not in _QUIET:
        access.line(
            method=request.method,
            route=route,
            status=status,
            ms=round(seconds * 1000, 1),
            peer=request.remote,
            **request[FACTS],
        )


def _route(request: web.Request) -> str:
    """The route's pattern: a path that a client made up is neither a metric nor a line of the log."""
    resource = request.match_info.route.resource
    return resource.canonical if resource is not None else "none"
