"""What a job published is removed, and nothing of its neighbours."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from c2d.storage.errors import Denied, Refused
from c2d.storage.presign import Clients
from c2d.storage.removal import Remover
from tests.data_plane.s3server import BUCKET, S3Server
from tests.data_plane.test_stream import mount, target

UID = "6b0e0f5e-4f0c-4a43-9c0e-1f2d3c4b5a69"


@pytest.fixture
def remover(tmp_path: Path) -> Iterator[Remover]:
    opened = Remover(Clients(mount(tmp_path)))
    yield opened
    opened.close()


async def test_only_the_job_s_own_objects(s3: S3Server, remover: Remover) -> None:
    others = {f"{UID}x/outputs/a", f"{UID}2/manifest.json", f"{UID}-", f"x{UID}/a", "manifest.json"}
    own = {f"{UID}/outputs/a", f"{UID}/outputs/b/c", f"{UID}/logs/l", f"{UID}/manifest.json"}
    for key in others | own:
        s3.client.put_object(Bucket=BUCKET, Key=f"removal/ns/{key}", Body=b"x")
    unfinished = f"removal/ns/{UID}/outputs/unfinished"
    s3.client.create_multipart_upload(Bucket=BUCKET, Key=unfinished)

    assert await remover.remove(target(s3), f"removal/ns/{UID}", UID) == len(own)
    assert s3.keys("removal/ns/") == others
    assert s3.unfinished("removal/") == []
    assert await remover.remove(target(s3), f"removal/ns/{UID}", UID) == 0


async def test_more_than_one_request_s_worth(s3: S3Server, remover: Remover, tmp_path: Path) -> None:
    for number in range(1_100):
        s3.client.put_object(Bucket=BUCKET, Key=f"removal2/ns/{UID}/{number}", Body=b"")
    assert await remover.remove(target(s3), f"removal2/ns/{UID}", UID) == 1_100
    assert s3.keys("removal2/") == set()


async def test_what_earlier_attempts_wrote_too_late_goes_as_well(s3: S3Server, remover: Remover) -> None:
    for place in (UID, f"{UID}-1", f"{UID}-2", f"{UID}-3"):
        s3.client.put_object(Bucket=BUCKET, Key=f"removal3/ns/{place}/outputs/a", Body=b"x")
    assert await remover.remove(target(s3), f"removal3/ns/{UID}-2", UID) == 3
    assert s3.keys("removal3/ns/") == {f"{UID}-3/outputs/a"}


@pytest.mark.parametrize(
    ("prefix", "uid"),
    [
        pytest.param("", "", id="nothing"),
        pytest.param("ns/", "", id="no UID"),
        pytest.param("ns/uid", "uid", id="a short UID"),
        pytest.param(UID, UID, id="no namespace"),
        pytest.param(f"ns/{UID}/outputs", UID, id="something below the UID"),
        pytest.param(f"ns/{UID}/", UID, id="a slash at the end"),
        pytest.param(f"ns/{UID}x", UID, id="a longer UID"),
        pytest.param(f"ns/{UID}-9", UID, id="an attempt that never is"),
        pytest.param(f"/ns/{UID}", UID, id="an empty part"),
        pytest.param(f"ns/../{UID}", UID, id="a way up"),
        pytest.param(f"ns/{UID[:20]}/../{UID}", f"../{UID}", id="a UID that is none"),
    ],
)
async def test_a_prefix_that_could_be_another_s(s3: S3Server, remover: Remover, prefix: str, uid: str) -> None:
    with pytest.raises(Refused, match="own UID"):
        await remover.remove(target(s3), prefix, uid)


async def test_without_credentials(s3: S3Server, remover: Remover) -> None:
    with pytest.raises(Denied):
        await remover.remove(target(s3, secret_name="another"), f"ns/{UID}", UID)  # noqa: S106
