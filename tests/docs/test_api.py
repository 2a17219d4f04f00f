"""The page on the API: every route is in it, and its example is what the service takes and answers."""

import json
import re
from typing import Any

import pytest

from c2d.api.environment import EnvironmentSpec
from c2d.api.phases import TABLE
from c2d.ocean import signatures
from c2d.service import app, environments, openapi, parameters, records, translate
from docs import example, generate
from tests.docs.kit import ROOT

Json = dict[str, Any]

PAGE = (ROOT / "docs" / "reference" / "api.md").read_text()
# What the page that shows the document needs, and the probes' machinery: not the API.
UNLISTED = {"/api/v1/docs/{file}"}
KINDS: dict[str, Any] = {
    "string": str,
    "integer": int,
    "number": (int, float),
    "array": list,
    "object": dict,
    "boolean": bool,
}


def objections(value: Any, schema: Json) -> list[str]:
    """What an OpenAPI schema has against a value; as much of the language as the document uses."""
    if "$ref" in schema:
        return objections(value, openapi.SCHEMAS[schema["$ref"].rpartition("/")[2]])
    if "oneOf" in schema:
        fitting = [each for each in schema["oneOf"] if not objections(value, each)]
        return [] if len(fitting) == 1 else [f"{value!r} fits {len(fitting)} of oneOf"]
    if value is None:
        return [] if schema.get("nullable") else ["null"]
    if not isinstance(value, KINDS[schema["type"]]) or (isinstance(value, bool) and schema["type"] != "boolean"):
        return [f"{value!r} is no {schema['type']}"]
    return [*_bounds(value, schema), *_inside(value, schema)]


def _bounds(value: Any, schema: Json) -> list[str]:
    if "enum" in schema and value not in schema["enum"]:
        return [f"{value!r} is none of {schema['enum']}"]
    if isinstance(value, str) and not schema.get("minLength", 0) <= len(value) <= schema.get("maxLength", 1 << 30):
        return [f"{value!r} has {len(value)} characters"]
    return []


def _inside(value: Any, schema: Json) -> list[str]:
    if isinstance(value, list):
        return [found for item in value for found in objections(item, schema["items"])]
    if not isinstance(value, dict) or "properties" not in schema:
        return []
    missing = [f"{name} is missing" for name in schema["required"] if name not in value]
    unknown = [f"{name} is not described" for name in value if name not in schema["properties"]]
    known = {name: value[name] for name in schema["properties"].keys() & value.keys()}
    return (
        missing
        + unknown
        + [f"{name}: {it}" for name in known for it in objections(known[name], schema["properties"][name])]
    )


@pytest.mark.parametrize(
    ("value", "schema"),
    [
        pytest.param(example.START, "Start", id="the body of a start"),
        pytest.param(example.STARTED, "Status", id="the status of a job that has just started"),
        pytest.param(example.FINISHED, "Status", id="the status of a finished job"),
        pytest.param(example.ENVIRONMENT, "Environment", id="an environment"),
    ],
)
def test_the_example_fits_its_schema(value: Json, schema: str) -> None:
    assert objections(value, {"$ref": f"#/components/schemas/{schema}"}) == []


def test_the_schemas_would_notice() -> None:
    status = {"$ref": "#/components/schemas/Status"}
    assert objections({**example.FINISHED, "status": "70"}, status)
    assert objections({**example.FINISHED, "results": [{"filename": "a"}]}, status)
    assert objections({name: example.FINISHED[name] for name in ("jobId", "owner")}, status)


def test_the_service_takes_the_example() -> None:
    asked = parameters.start(example.START)
    assert translate.job(asked, "private", "").spec["environment"] == "default"
    assert signatures.recover(asked.signed.text, asked.signed.signature) == example.ADDRESS
    assert signatures.PrivateKey(example.KEY).address == example.ADDRESS
    watched = parameters.status(
        {
            "owner": example.OWNER,
            "jobId": example.JOB,
            "nonce": str(example.NONCE),
            "providerSignature": example.JOB_SIGNATURE,
        }
    )
    assert signatures.recover(watched.signed.text, watched.signed.signature) == example.ADDRESS


def test_the_service_answers_as_in_the_example() -> None:
    offer = environments.Offer(
        "default", EnvironmentSpec.model_validate({"results": {"s3": {"bucket": "results"}}}), "0x0"
    )
    assert list(example.ENVIRONMENT) == list(offer.as_json(0, 0.0))
    item = {
        "metadata": {
            "uid": "69511253-9615-4f2d-a719-f097ae758bb5",
            "namespace": "c2d",
            "name": "job",
            "resourceVersion": "1",
            "creationTimestamp": "2023-11-14T22:13:21Z",
            "annotations": {records.REQUEST: json.dumps({"algoDID": "raw", "inputDID": ["numbers"]})},
        },
        "spec": {"owner": example.OWNER, "agreementId": example.AGREEMENT},
    }
    assert json.dumps(records.status_object(records.read(item), ())) == json.dumps(example.STARTED)


def test_the_codes_of_the_status_are_those_of_the_phases() -> None:
    described = openapi.SCHEMAS["Status"]["properties"]["status"]["description"]
    codes = {int(code) for code in re.findall(r"\b\d+\b", described)}
    assert {row.code for row in TABLE.values()} | {31, 32} == codes


def test_every_route_is_on_the_page() -> None:
    for method, path, _ in app.ROUTES:
        assert path in UNLISTED or f"### {method} {path}\n" in PAGE


def test_every_admin_route_and_metric_has_its_how_to() -> None:
    text = (ROOT / "docs" / "howto" / "run-the-service.md").read_text()
    for _, path, _ in app.ROUTES:
        if "/operator/" in path and path.rpartition("/")[2] in ("info", "list", "logs", "runningjobs", "pgsqlinit"):
            assert path.rpartition("/")[2] in text, path
    exposed = re.findall(r'"(c2d_service_\w+)"', (ROOT / "operator/c2d/service/metrics.py").read_text())
    assert exposed
    assert not [name for name in exposed if name not in text]


def test_the_page_is_generated() -> None:
    assert generate.pages()[ROOT / "docs" / "reference" / "api.md"] == PAGE
