from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.data_plane import s3server
from tests.data_plane.fileserver import FileServer
from tests.data_plane.s3server import S3Server
from tests.data_plane.volumes import Volume


@pytest.fixture
def files() -> Iterator[FileServer]:
    with FileServer().running() as server:
        yield server


@pytest.fixture(scope="session")
def s3(tmp_path_factory: pytest.TempPathFactory) -> Iterator[S3Server]:
    binary = s3server.find()
    if binary is None:
        pytest.skip(f"versitygw, an S3 server, is not here: {s3server.WHERE}")
    with s3server.running(binary, tmp_path_factory.mktemp("s3") / "buckets") as server:
        yield server


@pytest.fixture
def volume(tmp_path: Path) -> Volume:
    return Volume(tmp_path)
