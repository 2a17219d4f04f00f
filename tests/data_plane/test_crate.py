"""A crate of what the real programs fetched and stored, by way of a real S3 server."""

from pathlib import Path

import pytest

from c2d.api.plan import FACTS, PlannedFile
from c2d.api.receipt import Facts
from c2d.cli import crating, verify
from c2d.cli.verify import Expected
from c2d.storage import results
from c2d.storage.s3 import S3Store
from tests.data_plane.s3server import BUCKET, S3Server
from tests.data_plane.volumes import Volume
from tests.kit import crate_validator

NAMES = ("plain", "with space", "new\nline", "per%cent", "back\\slash", "caf\xe9#?", "\udcff" * 255)


@pytest.mark.parametrize("form", ["folder", "crate.zip"])
def test_hostile_names_come_through_the_programs_into_a_valid_crate(
    s3: S3Server, volume: Volume, tmp_path: Path, form: str
) -> None:
    code = PlannedFile(path="transformations/algorithm", text="pass")
    assert volume.configure([PlannedFile(path="inputs/a/0", text="data")], [code]).code == 0
    for name in NAMES:
        (volume.path("outputs") / name).write_text(name, errors="surrogateescape")
    facts = Facts(image="python:3.11", exit_code=0).model_dump_json(by_alias=True)
    done = volume.publish(s3.target(f"crate-{form}"), {**s3.environment, FACTS: facts})
    assert done.code == 0, done.output
    folder, sha256 = tmp_path / "results", str(done.report["manifestSha256"])
    results.fetch_all(S3Store(s3.client, BUCKET), f"crate-{form}/ns/uid", folder, lambda *_: None, sha256)

    crate = crating.make(folder, tmp_path / form, Expected(sha256))

    assert crate_validator.objections(crate) == []
    if form == "folder":
        assert verify.good(verify.check(crate, Expected(sha256)))
        assert len(list((crate / "outputs").iterdir())) == len(NAMES)
