"""/api/v1/operator/environments, and what the service says of itself at /."""

import logging

from aiohttp import web

from c2d import __version__
from c2d.service import answers, context, parameters
from c2d.service.errors import ServiceError

logger = logging.getLogger(__name__)


async def environments(request: web.Request) -> web.Response:
    """Whatever is wrong with the request or with us: any status but 200 makes a Provider fail as a whole."""
    service = context.of(request)
    try:
        chain = parameters.chain_of(await context.given(request))
    except (ServiceError, web.HTTPException) as error:
        logger.warning("environments are listed without a filter: %s", error)
        chain = None
    offers = [offer for offer in service.offers if offer.serves(chain)]
    return answers.value([offer.as_json(service.jobs.running(offer.name), service.last_seen) for offer in offers])


async def root(request: web.Request) -> web.Response:
    service = context.of(request)
    limits = [offer.spec.max_job_duration_seconds for offer in service.offers]
    said = {
        "address": service.offers.address,
        "algoTimeLimit": max(limits, default=0),
        "software": "Operator service",
        "storageExpiry": max((offer.spec.storage_expiry_seconds for offer in service.offers), default=0),
        "version": __version__,
    }
    return answers.value(said)
