import pathlib

import pydantic
import pytest
import yaml

from c2d.api import schema
from c2d.api.job import Container, JobSpec
from c2d.api.phases import Phase
from tests.kit import build


@pytest.mark.parametrize(
    ("spec", "field"),
    [
        pytest.param(
            {"inputs": [{"id": "../x", "files": [{"url": "https://a"}]}]}, "inputs.0.id", id="a path as an id"
        ),
        pytest.param({"inputs": [{"id": "x", "files": []}]}, "inputs.0.files", id="an input without files"),
        pytest.param({"inputs": [{"id": "x", "files": [{}]}]}, "inputs.0.files.0", id="a file without a source"),
        pytest.param(
            {"inputs": [{"id": "x", "files": [{"url": "ftp://a"}]}]}, "inputs.0.files.0.url", id="a URL we can't fetch"
        ),
        pytest.param({"validUntil": "2026-01-01T00:00:00"}, "validUntil", id="a time without a zone"),
        pytest.param({"colour": "red"}, "colour", id="a field that doesn't exist"),
        pytest.param({"stop": "perhaps"}, "stop", id="a word for a boolean"),
    ],
)
def test_nonsense_is_refused_with_the_field_that_is_wrong(spec: dict[str, object], field: str) -> None:
    with pytest.raises(pydantic.ValidationError) as caught:
        build.spec(**spec)
    assert [".".join(map(str, error["loc"])) for error in caught.value.errors()] == [field]


@pytest.mark.parametrize(
    ("container", "reference"),
    [
        ({"image": "a/b"}, "a/b"),
        ({"image": "a/b", "tag": "1"}, "a/b:1"),
        ({"image": "a/b", "tag": "1", "checksum": "sha256:" + "0" * 64}, "a/b:1@sha256:" + "0" * 64),
    ],
)
def test_an_image_is_named_as_a_pod_names_it(container: dict[str, str], reference: str) -> None:
    assert Container.model_validate(container).reference == reference


def test_the_definitions_in_crds_are_those_of_the_models() -> None:
    for name, definition in schema.definitions().items():
        assert pathlib.Path("crds", name).read_text() == schema.render(definition), "run `make crds`"


def _nodes(node: dict[str, object], path: str = "") -> list[tuple[str, dict[str, object]]]:
    found = [(path, node)]
    for name, child in dict(node.get("properties") or {}).items():  # type: ignore[call-overload]
        found += _nodes(child, f"{path}.{name}")
    for inner in ("items", "additionalProperties"):
        if isinstance(node.get(inner), dict):
            found += _nodes(node[inner], f"{path}[]")  # type: ignore[arg-type]
    return found


@pytest.mark.parametrize("name", schema.definitions())
def test_every_field_is_described_and_every_list_and_text_is_bounded(name: str) -> None:
    root = yaml.safe_load(schema.render(schema.definitions()[name]))
    schemas = root["spec"]["versions"][0]["schema"]["openAPIV3Schema"]["properties"]
    for path, node in _nodes(schemas["spec"], "spec"):
        described = node.get("description") or path.endswith("[]")
        assert described, f"{path} has no description"
        assert node.get("type") != "array" or "maxItems" in node, f"{path} has no maxItems"
        text = node.get("type") == "string" and not path.endswith("[]")
        bounded = {"maxLength", "enum", "pattern", "format"} & set(node)
        assert not text or bounded, f"{path} has no bound"


def test_the_phases_of_the_definition_are_those_of_the_table() -> None:
    status = schema.structural(schema.JobStatus, keep_defaults=False)
    assert status["properties"]["phase"]["enum"] == list(Phase)


def test_a_spec_survives_the_way_to_the_cluster_and_back() -> None:
    spec = build.spec(validUntil="2026-12-01T00:00:00Z", inputs=[{"id": "x", "files": [{"url": "https://a/b"}]}])
    assert JobSpec.model_validate(spec.model_dump(mode="json", by_alias=True, exclude_none=True)) == spec
