"""The chart as Helm renders it."""

import json
import pathlib
import subprocess
from typing import Any

import pytest
import yaml

from c2d.api.schema import definitions
from c2d.engine.main import Options
from c2d.engine.pods import Step
from c2d.kube import names
from cluster import tools

CHART = pathlib.Path("charts/c2d")
ENVIRONMENT = {"name": "default", "spec": {"results": {"s3": {"bucket": "results"}}}}


@pytest.fixture(scope="session")
def helm() -> str:
    return str(tools.path("helm"))


def run(helm: str, command: str, values: dict[str, Any]) -> subprocess.CompletedProcess[str]:
    words = [helm, *command.split(), str(CHART), "--kube-version", "1.34.0", "--values", "-"]
    return subprocess.run(words, input=json.dumps(values), text=True, capture_output=True, check=False)


def rendered(helm: str, **values: Any) -> list[dict[str, Any]]:
    result = run(helm, "template my --namespace ns", {"environments": [ENVIRONMENT], **values})
    assert result.returncode == 0, result.stderr
    return [item for item in yaml.safe_load_all(result.stdout) if item]


def one(items: list[dict[str, Any]], kind: str) -> dict[str, Any]:
    (found,) = [item for item in items if item["kind"] == kind]
    return found


def test_the_chart_is_clean(helm: str) -> None:
    result = run(helm, "lint --strict", {"environments": [ENVIRONMENT]})
    assert result.returncode == 0, result.stdout + result.stderr


def test_nothing_but_the_namespace_is_touched_and_nothing_is_allowed_wholesale(helm: str) -> None:
    items = rendered(helm)
    assert not [item["kind"] for item in items if item["kind"].startswith("Cluster")]
    for rule in one(items, "Role")["rules"]:
        words = [*rule["apiGroups"], *rule["resources"], *rule["verbs"]]
        assert not [word for word in words if "*" in word], rule
        assert "secrets" not in rule["resources"], "the engine never reads a Secret"
        assert not {"escalate", "bind", "impersonate"} & set(rule["verbs"])


def test_the_engine_runs_restricted(helm: str) -> None:
    pod = one(rendered(helm), "Deployment")["spec"]["template"]["spec"]
    (container,) = pod["containers"]
    assert pod["securityContext"]["runAsNonRoot"]
    assert pod["securityContext"]["seccompProfile"] == {"type": "RuntimeDefault"}
    assert container["securityContext"] == {
        "allowPrivilegeEscalation": False,
        "readOnlyRootFilesystem": True,
        "capabilities": {"drop": ["ALL"]},
    }


def test_the_engine_gets_every_setting_that_it_reads(helm: str) -> None:
    (container,) = one(rendered(helm), "Deployment")["spec"]["template"]["spec"]["containers"]
    given = {item["name"]: item["value"] for item in container["env"]}
    options = Options.read(given)
    assert options.namespaces == ("ns",)
    assert options.canary == "tcp://$(MY_ENGINE_SERVICE_HOST):$(MY_ENGINE_SERVICE_PORT)"
    assert one(rendered(helm), "Service")["metadata"]["name"] == "my-engine"


def test_the_images_secrets_serve_the_jobs_pods_too(helm: str) -> None:
    image = {"repository": "r/c2d", "pullSecrets": [{"name": "a"}, {"name": "b"}]}
    pod = one(rendered(helm, image=image), "Deployment")["spec"]["template"]["spec"]
    given = {item["name"]: item["value"] for item in pod["containers"][0]["env"]}
    assert Options.read(given).image_pull_secrets == ("a", "b")
    assert pod["imagePullSecrets"] == [{"name": "a"}, {"name": "b"}]


@pytest.mark.parametrize(
    ("image", "reference"),
    [
        ({"repository": "r/c2d"}, "r/c2d:0.1.0"),
        ({"repository": "r/c2d", "tag": "2"}, "r/c2d:2"),
        ({"repository": "r/c2d", "tag": "2", "digest": "sha256:" + "0" * 64}, "r/c2d@sha256:" + "0" * 64),
    ],
)
def test_one_image_serves_the_engine_and_its_pods(helm: str, image: dict[str, str], reference: str) -> None:
    (container,) = one(rendered(helm, image=image), "Deployment")["spec"]["template"]["spec"]["containers"]
    given = {item["name"]: item["value"] for item in container["env"]}
    assert (container["image"], given["C2D_IMAGE"]) == (reference, reference)


def test_the_policies_meet_the_pods_that_the_engine_makes(helm: str) -> None:
    policies = {item["metadata"]["name"]: item["spec"] for item in rendered(helm) if item["kind"] == "NetworkPolicy"}
    algorithm, transfers = policies["my-algorithm"], policies["my-transfers"]
    assert algorithm["podSelector"] == {"matchLabels": {names.STEP: Step.ALGORITHM.value}}
    assert set(algorithm["policyTypes"]) == {"Ingress", "Egress"}
    assert "egress" not in algorithm
    assert "ingress" not in algorithm
    (expression,) = transfers["podSelector"]["matchExpressions"]
    assert expression["key"] == names.STEP
    assert set(expression["values"]) == {Step.CONFIGURE.value, Step.PUBLISH.value}
    assert "ingress" not in transfers


def test_policies_can_be_left_to_somebody_else(helm: str) -> None:
    items = rendered(helm, networkPolicy={"enabled": False})
    assert not [item for item in items if item["kind"] == "NetworkPolicy"]


WRONG = [
    pytest.param({"engine": {"logLevel": "LOUD"}}, "logLevel", id="a log level that isn't one"),
    pytest.param({"image": {"digest": "latest"}}, "digest", id="a tag for a digest"),
    pytest.param({"environments": [{"name": "x"}]}, "spec", id="an environment without a spec"),
    pytest.param({"environments": [{"name": "Über", "spec": {"results": {}}}]}, "name", id="a name that can't be one"),
    pytest.param({"colour": "red"}, "colour", id="a value that doesn't exist"),
]


@pytest.mark.parametrize(("values", "told"), WRONG)
def test_a_wrong_value_is_refused_with_its_name(helm: str, values: dict[str, Any], told: str) -> None:
    result = run(helm, "template my", values)
    assert result.returncode != 0
    assert told in result.stderr


def schema_of(path: str, schema: dict[str, Any]) -> dict[str, Any]:
    for part in path.split("."):
        schema = schema["properties"][part]
    return schema


def leaves(values: Any, path: str = "") -> list[str]:
    if not isinstance(values, dict) or not values:
        return [path]
    return [leaf for key, value in values.items() for leaf in leaves(value, f"{path}.{key}".lstrip("."))]


def test_every_value_has_a_description() -> None:
    schema = json.loads((CHART / "values.schema.json").read_text())
    values = yaml.safe_load((CHART / "values.yaml").read_text())
    for path in leaves(values):
        if not path.startswith("engine.resources"):
            assert schema_of(path, schema)["description"]


def test_the_definitions_come_with_the_chart() -> None:
    assert {path.name for path in (CHART / "crds").iterdir()} == set(definitions())
