"""Where a job's results are: from its status, and through the archive."""

from typing import Any

import pytest

from c2d.api.environment import IpfsTarget, S3Target
from c2d.service import records
from c2d.storage.targets import Target

CID = "bafybeiczsscdsbs7ffqz55asqdf3smv6klcw3gofszvwlyarci47bgf354"
NODE = {"apiUrl": "http://node:5001", "headersSecretName": "keys"}
BUCKET = {"bucket": "kept", "endpoint": "http://s3:7070"}
BEGIN = "2026-01-02T03:04:05Z"


def job(place: dict[str, Any], location: str) -> dict[str, Any]:
    results = {"location": location, "manifest": "m", "manifestSha256": "0" * 64, "count": 2, "bytes": 3}
    return {
        "metadata": {"name": "job", "namespace": "ns", "uid": "u", "creationTimestamp": BEGIN, "resourceVersion": "7"},
        "status": {
            "phase": "Succeeded",
            "dateFinished": BEGIN,
            "results": {**results, "files": [{"filename": "a", "filesize": 3, "type": "output"}]},
            "resolvedEnvironment": {"results": place},
        },
    }


@pytest.mark.parametrize(
    ("place", "location", "target", "prefix"),
    [
        pytest.param({"s3": BUCKET}, "s3://kept/ns/uid", S3Target.model_validate(BUCKET), "ns/uid", id="S3"),
        pytest.param({"ipfs": NODE}, f"ipfs://{CID}", IpfsTarget.model_validate(NODE), CID, id="IPFS"),
    ],
)
def test_a_status_and_the_archive_say_the_same(
    place: dict[str, Any], location: str, target: Target, prefix: str
) -> None:
    published = records.read(job(place, location)).published
    assert published is not None
    assert (published.target, published.prefix) == (target, prefix)
    assert records.published_at(records.location(published)) == published


@pytest.mark.parametrize(
    ("place", "location"),
    [({"s3": BUCKET}, f"ipfs://{CID}"), ({"ipfs": NODE}, "s3://kept/ns/uid"), ({}, "s3://kept/ns/uid")],
)
def test_a_location_that_is_not_of_the_environment_s_kind(place: dict[str, Any], location: str) -> None:
    assert records.read(job(place, location)).published is None
