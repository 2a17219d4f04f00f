"""What a replica consists of: made once in `main`, used by the routes."""

import asyncio
import contextlib
import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

from aiohttp import web

from c2d.archive.archive import Archive
from c2d.kube.client import Client
from c2d.kube.mirror import Mirror
from c2d.service import auth, parameters
from c2d.service.archiving import Archivist
from c2d.service.auth import Provider
from c2d.service.control import Control
from c2d.service.environments import Offers
from c2d.service.errors import BadRequest, NoBody, Unavailable
from c2d.service.holding import Holding
from c2d.service.jobs import Jobs
from c2d.service.limits import Rate, Streams
from c2d.service.lookup import Lookup
from c2d.service.metrics import Metrics
from c2d.service.parameters import Signed
from c2d.service.removal import Removal
from c2d.service.replay import Replay
from c2d.service.results import Results
from c2d.service.settings import Settings
from c2d.service.start import Starter

# For how long what was last seen of the cluster still counts as news.
OLD_NEWS = 15.0  # seconds


@dataclass
class Context:
    """One replica."""

    settings: Settings
    client: Client
    namespace: str
    jobs: Jobs
    offers: Offers
    mirrors: tuple[Mirror, ...]
    archive: Archive | None
    archivist: Archivist
    lookup: Lookup
    starter: Starter
    control: Control
    results: Results
    holding: Holding
    removal: Removal
    replay: Replay
    rate: Rate
    streams: Streams
    metrics: Metrics = field(default_factory=Metrics)
    draining: bool = False
    answering: int = 0  # requests under way
    idle: asyncio.Event = field(default_factory=asyncio.Event)  # set while there are none

    @contextlib.contextmanager
    def busy(self) -> Iterator[None]:
        """A request is under way."""
        self.answering += 1
        self.idle.clear()
        try:
            yield
        finally:
            self.answering -= 1
            if not self.answering:
                self.idle.set()

    def trouble(self) -> str:
        """Why this replica must not be asked; empty when it may."""
        if self.draining:
            return "it is shutting down"
        for mirror in self.mirrors:
            if not mirror.synced:
                return f"it has not seen all {mirror.resource.plural} yet"
            if mirror.lost_for > OLD_NEWS:
                return f"it has not heard of {mirror.resource.plural} for {mirror.lost_for:.0f} seconds"
        return ""

    def require_news(self) -> None:
        """Raises Unavailable rather than to let old news be taken for new ones."""
        why = "" if self.draining else self.trouble()
        if why:
            raise Unavailable(f"this replica can't answer now: {why}; try again in a moment")

    @property
    def last_seen(self) -> float:
        """When the cluster was last heard, in seconds since 1970."""
        return time.time() - max((mirror.lost_for for mirror in self.mirrors), default=0.0)


KEY = web.AppKey("context", Context)
FACTS = web.RequestKey("facts", dict)


def of(request: web.Request) -> Context:
    return request.app[KEY]


def note(request: web.Request, **facts: Any) -> None:
    """For the access log."""
    request[FACTS].update(facts)


async def given(request: web.Request) -> parameters.Parameters:
    """The call's parameters: the query if there is one, as a whole, otherwise the body. Raises BadRequest, NoBody."""
    if request.query_string:
        return dict(request.query)
    try:
        content = await request.read()
    except web.RequestPayloadError:
        raise BadRequest("the body can't be read: it is not as its headers say") from None
    if content.strip():
        return parameters.body(content)
    if request.method == "POST":
        raise NoBody("the call's parameters are missing: send them as a JSON object")
    return {}


def authenticated(request: web.Request, signed: Signed) -> Provider:
    """The Provider that asks, within its rate. Raises BadRequest, Unauthorized, TooMany."""
    context = of(request)
    try:
        provider = auth.provider(signed, context.settings.access, time.time_ns())
    except auth.Stranger as stranger:
        note(request, signer=stranger.address)
        raise
    note(request, provider=provider.address)
    context.rate.take(provider.address)
    return provider


def admin(request: web.Request) -> None:
    """Raises BadRequest and Unauthorized."""
    auth.admin(request.headers.get("Admin"), of(request).settings.access)
