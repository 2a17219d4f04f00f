"""What a node of IPFS answers, and what it means."""

import json

import pytest

from c2d.storage import ipfs_errors
from c2d.storage.errors import Denied, Missing, Refused, StorageError, Unavailable


def told(message: str, code: int = 0) -> bytes:
    return json.dumps({"Message": message, "Code": code, "Type": "error"}).encode()


@pytest.mark.parametrize(
    ("status", "body", "kind"),
    [
        pytest.param(500, told("file does not exist"), Missing, id="a name that the MFS doesn't have"),
        pytest.param(500, told('no link named "a" under bafy'), Missing, id="a name below a CID"),
        pytest.param(500, told("path 'bafy' is not pinned"), Missing, id="no pin"),
        pytest.param(500, told("write /data: no space left on device"), Unavailable, id="a full disk"),
        pytest.param(500, told("something else"), Unavailable, id="what nobody foresaw"),
        pytest.param(500, told("invalid path", 1), Refused, id="our own mistake"),
        pytest.param(500, b"<html>", Unavailable, id="a proxy's 500"),
        pytest.param(502, b"", Unavailable, id="a proxy without its node"),
        pytest.param(429, b"", Unavailable, id="too many requests"),
        pytest.param(401, b"", Denied, id="no key"),
        pytest.param(403, b"403 - Forbidden", Denied, id="a wrong key"),
        pytest.param(404, b"404 page not found", Refused, id="no RPC at this address"),
        pytest.param(404, told("file does not exist"), Refused, id="a proxy's page that looks like an answer"),
        pytest.param(307, b"", Refused, id="a redirect"),
    ],
)
def test_an_answer(status: int, body: bytes, kind: type[StorageError]) -> None:
    assert type(ipfs_errors.error("add", status, body)) is kind


def test_nothing_that_the_node_wrote_is_passed_on() -> None:
    assert "secret" not in str(ipfs_errors.error("add", 500, told("secret no space left on device")))
