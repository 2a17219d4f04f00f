import os
from collections.abc import AsyncIterator

import pytest

from tests.kit.live import Live, Site, live


@pytest.fixture(scope="session")
def site() -> Site:
    if "C2D_S3_ENDPOINT" not in os.environ:
        pytest.skip('no cluster is configured: make up && eval "$(make -s env)"')
    return Site.read(os.environ)


@pytest.fixture
async def story(site: Site) -> AsyncIterator[Live]:
    async with live(site) as story:
        yield story
