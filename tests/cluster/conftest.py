import os
from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import pytest

from tests.kit import postgres, service_process
from tests.kit.live import Live, Site, live
from tests.kit.postgres import Database, Server
from tests.kit.provider import Provider, clear, provider
from tests.kit.service_process import Services


@pytest.fixture(scope="session")
def site() -> Site:
    if "C2D_S3_ENDPOINT" not in os.environ:
        pytest.skip('no cluster is configured: make up && eval "$(make -s env)"')
    return Site.read(os.environ)


@pytest.fixture
async def story(site: Site) -> AsyncIterator[Live]:
    async with live(site) as story:
        yield story


@pytest.fixture
async def consumer(story: Live) -> AsyncIterator[Provider]:
    """Somebody of the test's own, through a Provider, at the service that is installed."""
    async with provider(os.environ["C2D_SERVICE_URL"], os.environ["C2D_PROVIDER_KEY"]) as consumer:
        yield consumer
        await clear(story.client, story.namespace, consumer.owner)


@pytest.fixture(scope="session")
def province(site: Site) -> Iterator[str]:
    """A namespace for services of the tests' own; one for each worker."""
    if not service_process.reachable(site.s3_endpoint_in_cluster):
        pytest.skip("a service on this machine could not fetch results: the cluster's network is out of reach")
    with service_process.province(site) as namespace:
        yield namespace


@pytest.fixture
async def there(site: Site, province: str) -> AsyncIterator[Live]:
    async with live(site, province) as story:
        yield story


@pytest.fixture
async def services(province: str, tmp_path: Path) -> AsyncIterator[Services]:
    services = Services(province, os.environ["C2D_PROVIDER_KEY"], tmp_path)
    yield services
    await services.close()


@pytest.fixture
async def customer(there: Live) -> AsyncIterator[Provider]:
    """Like the consumer, but in the province: to be told which service to speak to."""
    async with provider("http://nowhere.invalid", os.environ["C2D_PROVIDER_KEY"]) as customer:
        yield customer
        await clear(there.client, there.namespace, customer.owner, let_go=True)


@pytest.fixture(scope="session")
def database_server() -> Iterator[Server]:
    binaries = postgres.find()
    if binaries is None:
        pytest.skip(f"PostgreSQL is not here: {postgres.WHERE}")
    with postgres.running(binaries) as server:
        yield server


@pytest.fixture
def database(database_server: Server) -> Iterator[Database]:
    with database_server.database() as database:
        yield database
