"""Whether an environment takes a job, and what it says when it doesn't."""

import dataclasses
from typing import Any

import pytest

from c2d.api.job import JobSpec
from c2d.api.reasons import Reason
from c2d.engine import admission_rules
from tests.kit import build
from tests.kit.build import SETTINGS

DID = "did:op:" + "aa" * 32
SIGNING = dataclasses.replace(SETTINGS, signer_url="http://10.96.0.7:8081")
COMPLETE = dataclasses.replace(SIGNING, metadata_uri="https://aquarius")
CAREFUL = dataclasses.replace(COMPLETE, trusted_metadata_uris=("https://a",))
VOLUMES = {"assets": {"allowVolumes": True}}


def service(uri: str = "") -> dict[str, Any]:
    return {"service": {"serviceId": "s", "transferTxId": "0x1", "metadataUri": uri}}


def with_inputs(*inputs: dict[str, Any]) -> JobSpec:
    return build.spec(inputs=list(inputs))


def with_algorithm(source: dict[str, Any], **changes: Any) -> JobSpec:
    return build.spec(algorithm={"source": source, "container": {"image": "python"}, **changes})


def files(**file: Any) -> JobSpec:
    return with_inputs({"id": "x", "files": [file]})


def volume(claim: str) -> JobSpec:
    return with_inputs({"id": "x", "volume": {"claimName": claim}})


HEADERS = {"headersFrom": {"secretKeyRef": {"name": "s", "key": "h"}}}
TAKEN = [
    pytest.param(with_inputs({"id": DID, **service("https://a")}), SIGNING, {}, id="an asset with its Aquarius"),
    pytest.param(with_inputs({"id": DID, **service()}), COMPLETE, {}, id="an asset for the operator's Aquarius"),
    pytest.param(with_algorithm(service(), id=DID), COMPLETE, {}, id="an algorithm of a Provider"),
    pytest.param(with_inputs({"id": DID, **service("https://aquarius/")}), COMPLETE, {}, id="the only Aquarius"),
    pytest.param(with_inputs({"id": DID, **service("https://a/")}), CAREFUL, {}, id="an Aquarius that is trusted"),
    pytest.param(with_inputs({"id": DID, **service("https://aquarius")}), CAREFUL, {}, id="the operator's own"),
    pytest.param(with_inputs({"id": DID, **service()}), CAREFUL, {}, id="the operator's own, not named"),
    pytest.param(with_inputs({"id": "x", "files": [{"url": "https://a"}]}), SETTINGS, {}, id="a URL without a key"),
    pytest.param(volume("lake"), SETTINGS, VOLUMES, id="a volume where volumes are allowed"),
    pytest.param(volume("lake-data"), SETTINGS, VOLUMES, id="a volume with a name that is almost a job's"),
    pytest.param(files(url="https://a", method="POST", **HEADERS), SETTINGS, {}, id="headers for a URL"),
    pytest.param(files(ipfs={"cid": "Qm/a/b.c..d"}), SETTINGS, {}, id="dots in a name on IPFS"),
]


@pytest.mark.parametrize(("spec", "settings", "environment"), TAKEN)
def test_it_is_taken(spec: JobSpec, settings: Any, environment: dict[str, Any]) -> None:
    assert admission_rules.objection(spec, build.environment(**environment), settings) is None


INPUT, ALGORITHM, INVALID = (
    (Reason.INPUT_DOWNLOAD_FAILED, 31),
    (Reason.ALGORITHM_DOWNLOAD_FAILED, 32),
    (Reason.INVALID_SPEC, 70),
)
NO_KEY = "this operator has no key to sign with; set operator.privateKeySecret"
REFUSED = [
    pytest.param(with_inputs({"id": DID, **service("https://a")}), SETTINGS, {}, INPUT, NO_KEY, id="no key"),
    pytest.param(with_algorithm(service("https://a"), id=DID), SETTINGS, {}, ALGORITHM, NO_KEY, id="no key either"),
    pytest.param(
        with_inputs({"id": DID, **service()}), SIGNING, {}, INPUT, "set operator.metadataUri", id="no Aquarius"
    ),
    pytest.param(
        with_algorithm(service(), id=DID), SIGNING, {}, ALGORITHM, "set operator.metadataUri", id="none for it"
    ),
    pytest.param(
        with_inputs({"id": DID, **service("https://b")}), CAREFUL, {}, INPUT, "trustedMetadataUris", id="no trust"
    ),
    pytest.param(
        with_algorithm(service("https://a.b"), id=DID), CAREFUL, {}, ALGORITHM, "trustedMeta", id="none for it"
    ),
    pytest.param(
        with_inputs({"id": DID, **service("https://b")}), COMPLETE, {}, INPUT, "trustedMetadata", id="not the only one"
    ),
    pytest.param(with_inputs({"id": "x", **service()}), COMPLETE, {}, INVALID, "inputs: x: ", id="no DID"),
    pytest.param(
        with_inputs({"id": DID + "9", **service()}), COMPLETE, {}, INVALID, "64 hex digits", id="a DID and a digit"
    ),
    pytest.param(with_algorithm(service()), COMPLETE, {}, INVALID, "algorithm.id: ", id="an algorithm without a DID"),
    pytest.param(volume("lake"), SETTINGS, {}, INVALID, "assets.allowVolumes", id="a volume where none is allowed"),
    pytest.param(
        volume("branin-6f1c0c9e-data"), SETTINGS, VOLUMES, INVALID, "volume.claimName", id="another job's volume"
    ),
    pytest.param(
        with_inputs({"id": "did:op:a", "volume": {"claimName": "lake"}}, {"id": "a", **service()}),
        COMPLETE,
        VOLUMES,
        INVALID,
        "inputs: a",
        id="two inputs with one folder",
    ),
    pytest.param(
        with_inputs({"id": "did:op:a", "volume": {"claimName": "b"}}, {"id": "a", "volume": {"claimName": "c"}}),
        COMPLETE,
        VOLUMES,
        INVALID,
        "two of them have the folder a",
        id="two volumes with one folder",
    ),
    pytest.param(
        files(ipfs={"cid": "Qm"}, method="POST"), SETTINGS, {}, INVALID, "inputs: x, file 0: method", id="POST to IPFS"
    ),
    pytest.param(
        with_algorithm({"files": [{"s3": {"bucket": "abc", "key": "k"}, **HEADERS}]}),
        SETTINGS,
        {},
        INVALID,
        "algorithm.source, file 0: method and headersFrom",
        id="headers for a bucket",
    ),
    pytest.param(
        files(ipfs={"cid": "Qm/%2e%2E/api"}), SETTINGS, {}, INVALID, "ipfs.cid can't have", id="an encoded way out"
    ),
    pytest.param(
        files(ipfs={"cid": "Qm/../../api"}), SETTINGS, {}, INVALID, "ipfs.cid can't have", id="a way out of a CID"
    ),
]


@pytest.mark.parametrize(("spec", "settings", "environment", "ending", "told"), REFUSED)
def test_it_is_not_taken(
    spec: JobSpec, settings: Any, environment: dict[str, Any], ending: tuple[Reason, int], told: str
) -> None:
    outcome = admission_rules.objection(spec, build.environment(**environment), settings)
    assert outcome is not None
    assert (outcome.reason, outcome.code) == ending
    assert told in outcome.message
