"""The chart as Helm renders it."""

import json
from typing import Any

import pytest
import yaml

from c2d.api.schema import definitions
from c2d.engine.main import Options
from c2d.engine.pods import Step
from c2d.kube import names
from tests.chart.rendering import CHART, ENVIRONMENT, environment_of, one, pod_of, rendered, run

KEY = "OPERATOR_PRIVATE_KEY"


def test_the_chart_is_clean(helm: str) -> None:
    result = run(helm, "lint --strict", {"environments": [ENVIRONMENT]})
    assert result.returncode == 0, result.stdout + result.stderr


def test_nothing_but_the_namespace_is_touched_and_nothing_is_allowed_wholesale(helm: str) -> None:
    items = rendered(helm)
    assert not [item["kind"] for item in items if item["kind"].startswith("Cluster")]
    roles = [item for item in items if item["kind"] == "Role"]
    assert len(roles) == 2
    for rule in [rule for role in roles for rule in role["rules"]]:
        words = [*rule["apiGroups"], *rule["resources"], *rule["verbs"]]
        assert not [word for word in words if "*" in word], rule
        assert "secrets" not in rule["resources"] or rule["verbs"] == ["create"], "nobody reads a Secret"
        assert not {"escalate", "bind", "impersonate"} & set(rule["verbs"])


@pytest.mark.parametrize("component", ["engine", "service"])
def test_pods_run_restricted(helm: str, component: str) -> None:
    pod = pod_of(rendered(helm), component)
    (container,) = pod["containers"]
    assert pod["securityContext"]["runAsNonRoot"]
    assert pod["securityContext"]["seccompProfile"] == {"type": "RuntimeDefault"}
    assert container["securityContext"] == {
        "allowPrivilegeEscalation": False,
        "readOnlyRootFilesystem": True,
        "capabilities": {"drop": ["ALL"]},
    }


def test_the_engine_gets_every_setting_that_it_reads(helm: str) -> None:
    options = Options.read(environment_of(pod_of(rendered(helm), "engine")))
    assert options.namespaces == ("ns",)
    assert options.canary == "tcp://$(MY_ENGINE_SERVICE_HOST):$(MY_ENGINE_SERVICE_PORT)"
    assert options.signer_url == "http://$(MY_ENGINE_SERVICE_HOST):8081"
    trusting = {"trustedMetadataUris": ["https://a", "https://b"]}
    careful = Options.read(environment_of(pod_of(rendered(helm, operator=trusting), "engine")))
    assert (options.trusted_metadata_uris, careful.trusted_metadata_uris) == ((), ("https://a", "https://b"))


def test_the_engine_gets_its_chains_and_an_url_in_a_secret_stays_there(helm: str) -> None:
    factory = "0x" + "ab" * 20
    chains = [
        {"chainId": 8996, "rpcUrl": "http://node:8545", "factoryAddress": factory, "confirmations": 3},
        {
            "chainId": 1313161554,
            "rpcUrlSecret": {"name": "rpc", "key": "url"},
            "factoryAddress": factory,
            "maxFeeGwei": 0.5,
        },
    ]
    pod = pod_of(rendered(helm, operator={"chains": chains}), "engine")
    told = {item["name"]: item for item in pod["containers"][0]["env"]}
    assert told["RPC_URL_1313161554"]["valueFrom"] == {"secretKeyRef": {"name": "rpc", "key": "url"}}
    assert [item["name"] for item in pod["containers"][0]["env"]].index("RPC_URL_1313161554") < list(told).index(
        "C2D_CHAINS"
    )
    # As Kubernetes puts it in.
    text = told["C2D_CHAINS"]["value"].replace("$(RPC_URL_1313161554)", "https://node.example/key")
    near, far = Options.read({"C2D_IMAGE": "any", "C2D_CHAINS": text}).chains
    assert (near.chain_id, near.rpc_url, near.confirmations) == (8996, "http://node:8545", 3)
    assert (far.chain_id, far.rpc_url, far.max_fee) == (1313161554, "https://node.example/key", 500_000_000)


def test_a_chain_needs_one_way_to_its_node(helm: str) -> None:
    chain = {"chainId": 1, "factoryAddress": "0x" + "ab" * 20}
    both = {**chain, "rpcUrl": "http://node:8545", "rpcUrlSecret": {"name": "rpc", "key": "url"}}
    for wrong in (chain, both):
        assert run(helm, "template my", {"environments": [ENVIRONMENT], "operator": {"chains": [wrong]}}).returncode


def test_the_canary_is_the_first_port_because_the_link_tells_that_one(helm: str) -> None:
    items = rendered(helm)
    ports = [(port["port"], port["targetPort"]) for port in one(items, "Service")["spec"]["ports"]]
    assert ports == [(8080, "health"), (8081, "signer")]
    (container,) = pod_of(items, "engine")["containers"]
    listening = {port["name"]: port["containerPort"] for port in container["ports"]}
    options = Options.read(environment_of(pod_of(items, "engine")))
    assert listening == {"health": options.health_port, "signer": options.signer_port}


def test_the_engine_may_change_no_config_map_but_the_one_of_the_nonces(helm: str) -> None:
    rules = [rule for rule in one(rendered(helm), "Role")["rules"] if "configmaps" in rule["resources"]]
    assert [(rule["verbs"], rule.get("resourceNames")) for rule in rules] == [
        (["create", "get"], None),
        (["patch"], [names.NONCES]),
    ]


AQUARIUS = [
    pytest.param({}, {}, "", id="none"),
    pytest.param({"metadataUri": "https://a"}, {}, "https://a", id="where it belongs"),
    pytest.param({}, {"metadataUri": "https://b"}, "https://b", id="where it was before"),
    pytest.param({"metadataUri": "https://a"}, {"metadataUri": "https://b"}, "https://a", id="both"),
]


@pytest.mark.parametrize(("operator", "service", "expected"), AQUARIUS)
def test_engine_and_service_have_one_aquarius(
    helm: str, operator: dict[str, str], service: dict[str, str], expected: str
) -> None:
    items = rendered(helm, operator=operator, service=service)
    told = [environment_of(pod_of(items, name))["C2D_METADATA_URI"] for name in ("engine", "service")]
    assert told == [expected, expected]


def test_the_operators_key_comes_from_a_secret_that_is_named(helm: str) -> None:
    named = {"privateKeySecret": {"name": "key"}}
    assert environment_of(pod_of(rendered(helm, operator=named), "engine"))[KEY] == f"key/{KEY}"
    assert KEY not in environment_of(pod_of(rendered(helm), "engine"))
    assert KEY not in environment_of(pod_of(rendered(helm, operator=named), "service"))


def test_the_images_secrets_serve_the_jobs_pods_too(helm: str) -> None:
    image = {"repository": "r/c2d", "pullSecrets": [{"name": "a"}, {"name": "b"}]}
    items = rendered(helm, image=image)
    assert Options.read(environment_of(pod_of(items, "engine"))).image_pull_secrets == ("a", "b")
    for component in ("engine", "service"):
        assert pod_of(items, component)["imagePullSecrets"] == [{"name": "a"}, {"name": "b"}]


@pytest.mark.parametrize(
    ("image", "reference"),
    [
        ({"repository": "r/c2d"}, "r/c2d:0.1.0"),
        ({"repository": "r/c2d", "tag": "2"}, "r/c2d:2"),
        ({"repository": "r/c2d", "tag": "2", "digest": "sha256:" + "0" * 64}, "r/c2d@sha256:" + "0" * 64),
    ],
)
def test_one_image_serves_everything(helm: str, image: dict[str, str], reference: str) -> None:
    items = rendered(helm, image=image)
    images = [pod_of(items, component)["containers"][0]["image"] for component in ("engine", "service")]
    assert [*images, environment_of(pod_of(items, "engine"))["C2D_IMAGE"]] == [reference] * 3


def policies(items: list[dict[str, Any]]) -> dict[str, dict[str, Any]]:
    return {item["metadata"]["name"]: item["spec"] for item in items if item["kind"] == "NetworkPolicy"}


def test_the_policies_meet_the_pods_that_the_engine_makes(helm: str) -> None:
    found = policies(rendered(helm))
    algorithm, transfers = found["my-algorithm"], found["my-transfers"]
    assert algorithm["podSelector"] == {"matchLabels": {names.STEP: Step.ALGORITHM.value}}
    assert set(algorithm["policyTypes"]) == {"Ingress", "Egress"}
    assert "egress" not in algorithm
    assert "ingress" not in algorithm
    (expression,) = transfers["podSelector"]["matchExpressions"]
    assert expression["key"] == names.STEP
    assert set(expression["values"]) == {Step.CONFIGURE.value, Step.PUBLISH.value}
    assert "ingress" not in transfers
    for component in ("engine", "service"):
        labels = one(rendered(helm), "Deployment", component)["spec"]["template"]["metadata"]["labels"]
        assert names.STEP not in labels, "it is no job's pod"


def test_only_configure_and_publish_pods_get_to_the_signer(helm: str) -> None:
    items = rendered(helm)
    found = policies(items)
    engine = {"matchLabels": one(items, "Deployment")["spec"]["selector"]["matchLabels"]}
    steps = [Step.CONFIGURE.value, Step.PUBLISH.value]
    ours = {"matchExpressions": [{"key": names.STEP, "operator": "In", "values": steps}]}
    signer = [{"port": 8081, "protocol": "TCP"}]
    assert found["my-engine"] == {
        "podSelector": engine,
        "policyTypes": ["Ingress"],
        "ingress": [
            {"ports": [{"port": 8080, "protocol": "TCP"}]},
            {"from": [{"podSelector": ours}], "ports": signer},
        ],
    }
    assert found["my-to-signer"] == {
        "podSelector": ours,
        "policyTypes": ["Egress"],
        "egress": [{"to": [{"podSelector": engine}], "ports": signer}],
    }


def test_policies_can_be_left_to_somebody_else(helm: str) -> None:
    items = rendered(helm, networkPolicy={"enabled": False})
    assert not [item for item in items if item["kind"] == "NetworkPolicy"]


WRONG = [
    pytest.param({"engine": {"logLevel": "LOUD"}}, "logLevel", id="a log level that isn't one"),
    pytest.param({"image": {"digest": "latest"}}, "digest", id="a tag for a digest"),
    pytest.param({"environments": [{"name": "x"}]}, "spec", id="an environment without a spec"),
    pytest.param({"environments": [{"name": "Über", "spec": {"results": {}}}]}, "name", id="a name that can't be one"),
    pytest.param({"colour": "red"}, "colour", id="a value that doesn't exist"),
    pytest.param({"service": {"colour": "red"}}, "colour", id="one of the service that doesn't exist"),
    pytest.param({"service": {"allowedProviders": ["0x12"]}}, "allowedProviders", id="an address that is too short"),
    pytest.param({"service": {"admins": {"passwords": ["x"]}}}, "passwords", id="passwords in the values"),
    pytest.param({"service": {"postgres": {"password": "x"}}}, "password", id="the database's password in the values"),
    pytest.param({"operator": {"metadataUri": "aquarius"}}, "metadataUri", id="an Aquarius without a scheme"),
    pytest.param({"operator": {"privateKey": "0x1"}}, "privateKey", id="a private key in the values"),
    pytest.param({"service": {"ingress": {"enabled": True}}}, "host", id="an ingress without a host"),
    pytest.param({"service": {"replicas": 0}}, "replicas", id="a service without pods"),
    pytest.param({"service": {"jobTtlSeconds": -1}}, "jobTtlSeconds", id="jobs that go before they end"),
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
        if ".resources." not in path:
            assert schema_of(path, schema)["description"]


def test_the_definitions_come_with_the_chart() -> None:
    assert {path.name for path in (CHART / "crds").iterdir()} == set(definitions())
