"""The uploads' part: what it makes, runs and says."""

from pathlib import Path

import pytest

from bench.uploads import part, programs
from bench.uploads.part import Compared
from bench.uploads.programs import Bucket, Run
from cluster.settings import ClusterError
from tests.data_plane import s3server


@pytest.fixture
def binary() -> Path:
    found = s3server.find()
    if found is None:
        pytest.skip(f"versitygw, an S3 server, is not here: {s3server.WHERE}")
    return found


@pytest.mark.parametrize("name", programs.found())
def test_each_program_brings_every_file(binary: Path, tmp_path: Path, name: str) -> None:
    outputs = programs.outputs(tmp_path / "volume", 20, 1_500_000)
    assert outputs.bytes == 30_000_000 == sum(path.stat().st_size for path in outputs.folder.iterdir())
    with s3server.running(binary, tmp_path / "s3") as server:
        server.client.create_bucket(Bucket=programs.BUCKET)
        bucket = Bucket(server.endpoint, tmp_path / "s3" / programs.BUCKET, s3server.KEY, s3server.SECRET)
        run = programs.upload(name, bucket, outputs)
        assert run.seconds > 0
        assert run.cpu > 0
        assert run.memory > 1_000_000
        assert bucket.stored() == 0


def test_a_program_that_fails_is_told(tmp_path: Path) -> None:
    outputs = programs.outputs(tmp_path / "volume", 1, 1)
    with pytest.raises(ClusterError, match="ended with"):
        programs.upload(programs.OURS, Bucket("http://", tmp_path / "none", "key", "secret"), outputs)


def runs(*seconds: float) -> list[Run]:
    return [Run(second, 1, 100_000_000) for second in seconds]


def test_goals_are_for_the_medians() -> None:
    large = Compared("one large file", 1, 100_000_000, {programs.OURS: runs(2, 9, 1), programs.S5CMD: runs(1, 1.9, 8)})
    small = Compared("2 small files", 2, 1_000_000, {programs.OURS: runs(1)})
    found = list(part.figures([large, small], runs(0.2, 0.4, 0.25)))
    assert [(figure.name, figure.ours, figure.chain, figure.met) for figure in found] == [
        ("MB/s, one large file", 50, pytest.approx(100 / 1.9), True),
        ("MB/s, 2 small files", 1, None, None),
        ("memory at most, MB", 100, None, True),
        ("publish one byte, ms", 250, None, True),
    ]
