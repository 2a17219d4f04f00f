"""Helm, built when it isn't there."""

import pytest

from cluster import tools


@pytest.fixture(scope="session")
def helm() -> str:
    return str(tools.path("helm"))
