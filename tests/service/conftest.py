from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from c2d.service import lookup
from tests.kit.service import FakeArchive, Provider, Service, Storage, running


@pytest.fixture(autouse=True)
def impatient(monkeypatch: pytest.MonkeyPatch) -> None:
    """Nobody else starts a job that would be worth a second's wait."""
    monkeypatch.setattr(lookup, "_PATIENCE", 0.02)


@pytest.fixture
def provider() -> Provider:
    return Provider()


@pytest.fixture
async def service() -> AsyncIterator[Service]:
    async with running() as service:
        yield service


@pytest.fixture
async def storage(tmp_path: Path) -> AsyncIterator[Storage]:
    async with Storage().running(tmp_path / "credentials") as storage:
        yield storage


@pytest.fixture
async def stored(storage: Storage, tmp_path: Path) -> AsyncIterator[Service]:
    """A replica that reaches the storage."""
    async with running(C2D_S3_CREDENTIALS=str(tmp_path / "credentials")) as service:
        yield service


@pytest.fixture
def archive() -> FakeArchive:
    return FakeArchive()


@pytest.fixture
async def archived(archive: FakeArchive) -> AsyncIterator[Service]:
    """A replica with an archive."""
    async with running(archive=archive) as service:
        yield service
