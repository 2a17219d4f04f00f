"""What is read of a DDO, and what is refused."""

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from c2d.ocean import ddo
from c2d.ocean.ddo import Compute, Container, Trusted
from c2d.ocean.errors import AssetInvalid
from tests.kit import ddos

DID = ddos.did_of("data")


def parse(document: Any) -> ddo.Ddo:
    return ddo.parse(json.dumps(document).encode(), DID)


def compute(**fields: Any) -> Compute | None:
    return parse(ddos.ddo("data", "https://p", **fields)).service("service-1").compute


def test_a_real_one() -> None:
    found = parse(ddos.ddo("data", "https://p.example"))
    service = found.service("service-1")
    assert (found.owner, service.type, service.endpoint) == (ddos.OWNER, "compute", "https://p.example")
    assert found.container is None


def test_an_algorithms() -> None:
    content = json.dumps(ddos.algorithm_ddo("data", "https://p")).encode()
    found = ddo.parse(content, DID)
    assert found.container == Container(ddos.CONTAINER["entrypoint"], ddos.CONTAINER["checksum"])
    assert found.service("service-1").compute is None


def test_an_older_aquarius_tells_the_owner_by_the_event() -> None:
    document = ddos.ddo("data", "https://p")
    del document["nft"]["owner"]
    assert parse(document).owner == ddos.OWNER


@pytest.mark.parametrize(
    ("fields", "expected"),
    [
        pytest.param({}, Compute(False, None, None), id="null is no list"),
        pytest.param(
            {"publisherTrustedAlgorithms": ..., "publisherTrustedAlgorithmPublishers": ...},
            Compute(),
            id="nor is none",
        ),
        pytest.param({"publisherTrustedAlgorithms": []}, Compute(False, (), None), id="an empty list is one"),
        pytest.param({"allowRawAlgorithm": True}, Compute(True), id="raw code is welcome"),
        pytest.param({"allowRawAlgorithm": "true"}, Compute(False), id="only true is true"),
        pytest.param(
            {"publisherTrustedAlgorithms": [{"did": "d", "filesChecksum": "F", "containerSectionChecksum": None}, "*"]},
            Compute(False, (Trusted("d", "F", ""), Trusted("*"))),
            id="entries",
        ),
    ],
)
def test_what_is_allowed(fields: dict[str, Any], expected: Compute) -> None:
    assert compute(**fields) == expected


@pytest.mark.parametrize(
    "fields",
    [
        {"publisherTrustedAlgorithms": "did:op:x"},
        {"publisherTrustedAlgorithms": {}},
        {"publisherTrustedAlgorithms": [{}]},
        {"publisherTrustedAlgorithms": ["did:op:x"]},
        {"publisherTrustedAlgorithms": [{"did": "d", "filesChecksum": 5}]},
        {"publisherTrustedAlgorithmPublishers": "0x"},
        {"publisherTrustedAlgorithmPublishers": [None]},
    ],
)
def test_a_restriction_that_can_not_be_read_is_no_permission(fields: dict[str, Any]) -> None:
    with pytest.raises(AssetInvalid):
        compute(**fields)


@pytest.mark.parametrize(
    ("document", "words"),
    [
        (None, "not a JSON object"),
        ([], "not a JSON object"),
        ({}, "another asset"),
        ({"id": DID}, "no list of services"),
        ({"id": DID, "services": [1]}, "no list of services"),
        ({"id": DID, "services": []}, "no service of the id"),
        ({"id": DID, "services": [{"id": "service-1"}]}, "names no Provider"),
        ({"id": DID, "services": [{"id": "service-1", "serviceEndpoint": "x", "compute": []}]}, "not an object"),
    ],
)
def test_what_is_no_ddo(document: Any, words: str) -> None:
    with pytest.raises(AssetInvalid, match=words):
        parse(document).service("service-1")


@given(st.binary() | st.just(b"[" * 100_000))
def test_no_bytes_break_it(content: bytes) -> None:
    with pytest.raises(AssetInvalid):
        ddo.parse(content, DID)
