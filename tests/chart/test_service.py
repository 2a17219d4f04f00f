"""The chart's operator-service as Helm renders it."""

import json
import shutil
from pathlib import Path
from typing import Any

import pytest
import yaml

from c2d.service.settings import Settings
from docs import variables
from tests.chart.rendering import CHART, environment_of, one, pod_of, rendered, run

PROVIDER = "0xe17D2A07EFD5b112F4d675ea2d122ddb145d117B"
EVERYTHING = {
    "allowedProviders": [PROVIDER],
    "admins": {"secretName": "admins"},
    "signatureRequired": False,
    "nonceWindowSeconds": 60,
    "metadataUri": "https://aquarius.example",
    "runningJobsPublic": True,
    "limits": {"streams": 2, "requestsPerSecond": 0, "bodyBytes": 16777216},
    "jobTtlSeconds": 0,
    "postgres": {
        "host": "db",
        "port": 5433,
        "sslmode": "verify-full",
        "passwordSecret": {"name": "db"},
        "authoritiesSecret": {"name": "db-ca"},
    },
    "logLevel": "DEBUG",
}


def environment(name: str, secret: str) -> dict[str, Any]:
    return {"name": name, "spec": {"results": {"s3": {"bucket": "b", "credentialsSecretName": secret}}}}


def test_every_setting_of_the_service_comes_from_a_value(helm: str) -> None:
    given = environment_of(pod_of(rendered(helm, service=EVERYTHING), "service"))
    assert set(given) == set(variables.SERVICE)
    assert (given["ALLOWED_ADMINS"], given["POSTGRES_PASSWORD"]) == ("admins/ALLOWED_ADMINS", "db/POSTGRES_PASSWORD")
    settings = Settings.read({**given, "ALLOWED_ADMINS": json.dumps(["secret"])})
    assert (settings.port, settings.namespace, settings.log_level) == (8050, "ns", "DEBUG")
    assert (settings.metadata_uri, settings.job_ttl_seconds) == ("https://aquarius.example", 0)
    assert settings.access.providers == {PROVIDER.lower()}
    assert (settings.access.signature_required, settings.access.running_jobs_public) == (False, True)
    assert settings.access.window_seconds == 60
    limits = settings.limits
    assert (limits.streams, limits.requests_per_second, limits.body_bytes) == (2, 0, 16777216)
    archive = settings.archive
    assert archive is not None
    assert (archive.host, archive.port, archive.database, archive.user) == ("db", 5433, "c2d", "c2d")
    assert (archive.sslmode, archive.authorities) == ("verify-full", "/c2d/postgres/ca.crt")


def test_the_defaults_are_those_of_the_program(helm: str) -> None:
    given = environment_of(pod_of(rendered(helm), "service"))
    assert Settings.read(given) == Settings.read({"C2D_NAMESPACE": "ns"})


def test_the_role_is_what_the_service_does_and_no_more(helm: str) -> None:
    group = "c2d.oceanprotocol.com"
    verbs = ["create", "get", "list", "watch", "patch"]
    assert one(rendered(helm), "Role", "service")["rules"] == [
        {"apiGroups": [group], "resources": ["computejobs"], "verbs": verbs},
        {"apiGroups": [group], "resources": ["computeenvironments"], "verbs": ["list", "watch"]},
        {"apiGroups": [""], "resources": ["secrets"], "verbs": ["create"]},
        {"apiGroups": [""], "resources": ["pods"], "verbs": ["list"]},
        {"apiGroups": [""], "resources": ["pods/log"], "verbs": ["get"]},
    ]


def test_each_secret_with_credentials_is_mounted_once(helm: str) -> None:
    environments = [environment("one", "s3.a"), environment("two", "s3.a"), environment("three", "s3-b")]
    items = rendered(helm, environments=environments, service={"credentialsSecrets": ["more", "s3-b"]})
    pod = pod_of(items, "service")
    volumes = {volume["name"]: volume["secret"] for volume in pod["volumes"] if "secret" in volume}
    assert volumes == {
        "credentials-0": {"secretName": "more", "optional": True},
        "credentials-1": {"secretName": "s3-b", "optional": True},
        "credentials-2": {"secretName": "s3.a", "optional": True},
    }
    folder = Settings.read(environment_of(pod)).credentials
    for mount in pod["containers"][0]["volumeMounts"]:
        if mount["name"] in volumes:
            assert mount["readOnly"]
            assert Path(mount["mountPath"]) == folder / volumes[mount["name"]]["secretName"]


def test_headers_for_ipfs_are_mounted_like_credentials(helm: str) -> None:
    target = {"apiUrl": "https://node.example", "headersSecretName": "ipfs-headers"}
    environments = [environment("one", "s3-a"), {"name": "two", "spec": {"results": {"ipfs": target}}}]
    pod = pod_of(rendered(helm, environments=environments), "service")
    names = {volume["name"]: volume["secret"]["secretName"] for volume in pod["volumes"] if "secret" in volume}
    assert names == {"credentials-0": "ipfs-headers", "credentials-1": "s3-a"}
    mounts = {mount["name"]: Path(mount["mountPath"]) for mount in pod["containers"][0]["volumeMounts"]}
    assert mounts["credentials-0"] == Settings.read(environment_of(pod)).credentials / "ipfs-headers"


def test_its_service_account_can_stand_for_a_role_in_a_cloud(helm: str) -> None:
    role = {"eks.amazonaws.com/role-arn": "arn:aws:iam::111122223333:role/reader"}
    account = one(rendered(helm, service={"serviceAccountAnnotations": role}), "ServiceAccount", "service")
    assert account["metadata"]["annotations"] == role
    assert account["automountServiceAccountToken"] is False
    assert "annotations" not in one(rendered(helm), "ServiceAccount", "service")["metadata"]


def test_without_credentials_there_is_nothing_to_mount(helm: str) -> None:
    assert [volume["name"] for volume in pod_of(rendered(helm), "service")["volumes"]] == ["tmp", "reader"]


def test_an_upgrade_never_takes_a_pod_away_first(helm: str) -> None:
    items = rendered(helm)
    spec = one(items, "Deployment", "service")["spec"]
    assert spec["replicas"] == 2
    assert spec["strategy"]["rollingUpdate"] == {"maxUnavailable": 0, "maxSurge": 1}
    (container,) = pod_of(items, "service")["containers"]
    paths = {name: container[f"{name}Probe"]["httpGet"]["path"] for name in ("startup", "readiness", "liveness")}
    assert paths == {"startup": "/healthz", "readiness": "/readyz", "liveness": "/healthz"}
    assert "lifecycle" not in container, "the program itself lets what runs end"
    budget = one(items, "PodDisruptionBudget", "service")["spec"]
    assert budget["selector"] == spec["selector"]
    assert budget["maxUnavailable"] == 1


def test_the_only_pod_has_no_budget_or_no_node_could_be_drained(helm: str) -> None:
    items = rendered(helm, service={"replicas": 1})
    assert not [item for item in items if item["kind"] == "PodDisruptionBudget"]


def test_no_service_link_becomes_the_services_port(helm: str) -> None:
    """A Service called c2d-service would set C2D_SERVICE_PORT to an address in every pod that has links."""
    assert pod_of(rendered(helm), "service")["enableServiceLinks"] is False


@pytest.mark.parametrize(
    ("service", "expected"),
    [
        pytest.param({}, ("ClusterIP", 8050, None), id="inside of the cluster"),
        pytest.param({"port": 80, "nodePort": 30850}, ("ClusterIP", 80, None), id="no node port for that type"),
        pytest.param({"serviceType": "NodePort", "nodePort": 30850}, ("NodePort", 8050, 30850), id="a node port"),
        pytest.param({"serviceType": "LoadBalancer"}, ("LoadBalancer", 8050, None), id="a load balancer"),
    ],
)
def test_where_it_is_reached(helm: str, service: dict[str, Any], expected: tuple[str, int, int | None]) -> None:
    items = rendered(helm, service=service)
    spec = one(items, "Service", "service")["spec"]
    (port,) = spec["ports"]
    assert (spec["type"], port["port"], port.get("nodePort")) == expected
    assert port["targetPort"] == "http"
    assert spec["selector"] == one(items, "Deployment", "service")["spec"]["selector"]["matchLabels"]


def test_the_ingress_shows_the_api_only(helm: str) -> None:
    ingress = {"enabled": True, "className": "nginx", "host": "c2d.example", "tlsSecretName": "cert"}
    spec = one(rendered(helm, service={"ingress": ingress}), "Ingress", "service")["spec"]
    (rule,) = spec["rules"]
    paths = {path["path"]: path["pathType"] for path in rule["http"]["paths"]}
    assert paths == {"/": "Exact", "/api/v1": "Prefix", "/spec": "Exact"}
    assert spec["ingressClassName"] == "nginx"
    assert spec["tls"] == [{"hosts": ["c2d.example"], "secretName": "cert"}]


def test_the_service_can_be_left_out(helm: str) -> None:
    items = rendered(helm, service={"enabled": False, "ingress": {"enabled": True, "host": "c2d.example"}})
    assert not [item["kind"] for item in items if item["metadata"]["name"] == "my-service"]


URL = "http://my-service.ns:8050/"
NOTES = [
    pytest.param({"allowedProviders": [PROVIDER]}, [URL], ["WARNING"], id="all is well"),
    pytest.param({}, [URL, "allowedProviders is empty"], [], id="nobody may connect"),
    pytest.param({"signatureRequired": False}, ["signatures are off"], ["empty"], id="everybody may"),
    pytest.param({"enabled": False}, [], ["OPERATOR_SERVICE_URL", "WARNING"], id="no service"),
    pytest.param(
        {"ingress": {"enabled": True, "host": "c2d.example", "tlsSecretName": "cert"}},
        ["https://c2d.example/\n"],
        [URL],
        id="an ingress with a certificate",
    ),
    pytest.param({"ingress": {"enabled": True, "host": "c2d.example"}}, ["http://c2d.example/\n"], [], id="without"),
]


@pytest.mark.parametrize(("service", "told", "untold"), NOTES)
def test_the_notes_tell_the_address_and_warn(
    helm: str, service: dict[str, Any], told: list[str], untold: list[str], tmp_path: Path
) -> None:
    notes = notes_of(helm, service, tmp_path / "c2d")
    assert not [text for text in told if text not in notes], notes
    assert not [text for text in untold if text in notes], notes


def notes_of(helm: str, service: dict[str, Any], chart: Path) -> str:
    """Helm shows notes to who installs only, and for that it wants a cluster: here they become an object."""
    shutil.copytree(CHART, chart)
    notes = (chart / "templates" / "NOTES.txt").read_text()
    (chart / "templates" / "_notes.tpl").write_text(f'{{{{ define "notes" }}}}{notes}{{{{ end }}}}')
    (chart / "templates" / "notes.yaml").write_text('{kind: Notes, text: {{ include "notes" . | toJson }}}')
    result = run(helm, "template my --namespace ns --show-only templates/notes.yaml", {"service": service}, chart)
    assert result.returncode == 0, result.stderr
    return str(yaml.safe_load(result.stdout)["text"])


def test_people_read_volumes_as_an_account_that_may_do_nothing(helm: str) -> None:
    items = rendered(helm)
    (container,) = pod_of(items, "engine")["containers"]
    [readers] = [item["value"] for item in container["env"] if item["name"] == "C2D_READERS"]
    first, service = [name.partition(":")[2] for name in readers.split(",")]
    accounts = {item["metadata"]["name"] for item in items if item["kind"] == "ServiceAccount"}
    assert {first, service} <= accounts
    bound = {subject["name"] for item in items if item["kind"] == "RoleBinding" for subject in item["subjects"]}
    assert first not in bound
    assert service in bound
