"""Where results are, from a target to a location and back."""

import pytest

from c2d.api.environment import IpfsTarget, S3Target
from c2d.storage import targets

CID = "bafybeiczsscdsbs7ffqz55asqdf3smv6klcw3gofszvwlyarci47bgf354"
BUCKET = S3Target(bucket="kept", endpoint="http://s3:7070")
NODE = IpfsTarget(api_url="http://node:5001", prefix="c2d-")


@pytest.mark.parametrize(("target", "prefix"), [(BUCKET, "ns/uid"), (NODE, CID)], ids=["S3", "IPFS"])
def test_a_location_is_read_as_it_was_written(target: targets.Target, prefix: str) -> None:
    assert targets.prefix_of(target, targets.location(target, prefix)) == prefix
    assert targets.parse(target.model_dump_json(by_alias=True)) == target


@pytest.mark.parametrize(
    ("target", "location"),
    [
        pytest.param(BUCKET, "s3://kept-elsewhere/ns/uid", id="another bucket"),
        pytest.param(BUCKET, f"ipfs://{CID}", id="another kind"),
        pytest.param(NODE, "s3://kept/ns/uid", id="another kind, for IPFS"),
        pytest.param(NODE, "ipfs://", id="no CID"),
        pytest.param(NODE, f"ipfs://{CID}/outputs", id="something below a CID"),
        pytest.param(NODE, f"ipfs://{CID}?arg=x", id="more than a CID"),
    ],
)
def test_the_location_of_something_else(target: targets.Target, location: str) -> None:
    assert targets.prefix_of(target, location) is None


def test_what_is_neither_kind() -> None:
    for text in ("{}", '{"region": "us-east-1"}', "[]"):
        with pytest.raises(ValueError, match=r"belongs to any kind|validation errors"):
            targets.parse(text)


def test_each_is_reached_by_its_address_from_here() -> None:
    seen = [targets.seen_from_here(target, "http://127.0.0.1:1") for target in (BUCKET, NODE)]
    assert [targets.server(target) for target in seen] == [("http://127.0.0.1:1", "kept"), ("http://127.0.0.1:1", "")]
    assert targets.seen_from_here(NODE, None) is NODE


def test_a_job_s_folders_have_its_uid() -> None:
    assert targets.folders(NODE, "uid") == ["c2d-uid", "c2d-uid-1", "c2d-uid-2", "c2d-uid-3"]
