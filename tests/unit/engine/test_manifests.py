"""Whole objects: what the API server is sent is what stands here."""

import dataclasses
import json
from typing import Any

from c2d.api.receipt import Facts
from c2d.engine import admission_rules
from c2d.engine.manifests import algorithm, plan, programs, volume
from tests.kit import build
from tests.kit.build import SETTINGS, UID

ENVIRONMENT = build.environment(
    resources={"cpu": "2", "memory": "4Gi", "disk": "20Gi", "gpu": 1},
    pod={
        "runtimeClassName": "airgap",
        "nodeSelector": {"pool": "compute"},
        "tolerations": [{"key": "gpu", "operator": "Exists"}],
        "imagePullSecrets": ["registry"],
    },
    volume={"storageClassName": "fast"},
    results={"s3": {"bucket": "results", "credentialsSecretName": "s3"}},
    isolation={"probes": ["tcp://10.96.0.1:443"]},
)
SPEC = build.spec(
    inputs=[
        {
            "id": "did:op:abc",
            "files": [{"url": "https://a/b"}, {"urlFrom": {"secretKeyRef": {"name": "s", "key": "url"}}}],
        }
    ],
    agreementId="0xag",
)
HEAD: dict[str, Any] = {
    "namespace": "ns",
    "labels": {
        "c2d.oceanprotocol.com/job-uid": UID,
        "c2d.oceanprotocol.com/job": "branin",
        "app.kubernetes.io/managed-by": "c2d-engine",
    },
    "ownerReferences": [
        {
            "apiVersion": "c2d.oceanprotocol.com/v1alpha1",
            "kind": "ComputeJob",
            "name": "branin",
            "uid": UID,
            "controller": True,
        }
    ],
}


def head(name: str, **labels: str) -> dict[str, Any]:
    more = {f"c2d.oceanprotocol.com/{key}": value for key, value in labels.items()}
    return {**HEAD, "name": f"branin-6f1c0c9e-{name}", "labels": {**HEAD["labels"], **more}}


POD_SECURITY = {
    "runAsNonRoot": True,
    "runAsUser": 10001,
    "runAsGroup": 10001,
    "fsGroup": 10001,
    "fsGroupChangePolicy": "OnRootMismatch",
    "seccompProfile": {"type": "RuntimeDefault"},
}
CONTAINER_SECURITY = {
    "allowPrivilegeEscalation": False,
    "readOnlyRootFilesystem": True,
    "capabilities": {"drop": ["ALL"]},
}


def frame(deadline: int, scratch: str) -> dict[str, Any]:
    return {
        "restartPolicy": "Never",
        "automountServiceAccountToken": False,
        "enableServiceLinks": False,
        "terminationGracePeriodSeconds": 30,
        "activeDeadlineSeconds": deadline,
        "securityContext": POD_SECURITY,
        "nodeSelector": {"pool": "compute"},
        "tolerations": [{"key": "gpu", "operator": "Exists"}],
        "imagePullSecrets": [{"name": "registry"}],
        "volumes": [
            {"name": "data", "persistentVolumeClaim": {"claimName": "branin-6f1c0c9e-data"}},
            {"name": "tmp", "emptyDir": {"sizeLimit": scratch}},
        ],
    }


def test_the_volume() -> None:
    assert volume.volume(build.job(), ENVIRONMENT) == {
        "apiVersion": "v1",
        "kind": "PersistentVolumeClaim",
        "metadata": head("data"),
        "spec": {
            "accessModes": ["ReadWriteOnce"],
            "resources": {"requests": {"storage": "20Gi"}},
            "storageClassName": "fast",
        },
    }


def test_the_plans_hold_no_secret() -> None:
    manifest = plan.plans(build.job(), SPEC, ENVIRONMENT, SETTINGS)
    data = {name: json.loads(text) for name, text in manifest.pop("data").items()}
    assert manifest == {"apiVersion": "v1", "kind": "ConfigMap", "metadata": head("plan"), "immutable": True}
    assert data == {
        "configure.json": {
            "job": "ns/branin",
            "inputs": [
                {"path": "inputs/abc/0", "url": "https://a/b", "method": "GET"},
                {"path": "inputs/abc/1", "urlFile": "/c2d/secrets/s/url", "method": "GET"},
            ],
            "algorithm": [{"path": "transformations/algorithm", "text": "print(1)", "method": "GET"}],
            "assets": [],
            "algorithmDid": "",
            "container": {"entrypoint": "python3 $ALGO", "checksum": ""},
            "allowPrivateAddresses": False,
        },
        "publish.json": {
            "job": "ns/branin",
            "uid": UID,
            "agreementId": "0xag",
            "s3": {"region": "us-east-1", "bucket": "results", "prefix": "", "credentialsSecretName": "s3"},
        },
    }


def test_the_configure_pod() -> None:
    manifest = programs.configure(build.job(), SPEC, ENVIRONMENT, SETTINGS, 0)
    expected = frame(600 + 3600 + 60, "64Mi")
    secrets = {"secret": {"name": "s", "items": [{"key": "url", "path": "s/url"}]}}
    assert manifest == {
        "apiVersion": "v1",
        "kind": "Pod",
        "metadata": head("configure-0", step="configure", attempt="0"),
        "spec": {
            **expected,
            "volumes": [
                *expected["volumes"],
                {"name": "plan", "configMap": {"name": "branin-6f1c0c9e-plan"}},
                {"name": "secrets", "projected": {"defaultMode": 0o440, "sources": [secrets]}},
            ],
            "containers": [
                {
                    "name": "configure",
                    "image": "c2d/operator:1",
                    "imagePullPolicy": "IfNotPresent",
                    "command": ["c2d-configure", "--plan", "/c2d/plan/configure.json"],
                    "env": [{"name": "HOME", "value": "/tmp"}],
                    "resources": {
                        "requests": {"cpu": "50m", "memory": "64Mi"},
                        "limits": {"cpu": "1", "memory": "512Mi", "ephemeral-storage": "256Mi"},
                    },
                    "volumeMounts": [
                        {"name": "data", "mountPath": "/data"},
                        {"name": "tmp", "mountPath": "/tmp"},
                        {"name": "plan", "mountPath": "/c2d/plan", "readOnly": True},
                        {"name": "secrets", "mountPath": "/c2d/secrets", "readOnly": True},
                    ],
                    "securityContext": CONTAINER_SECURITY,
                }
            ],
        },
    }


def test_the_algorithm_pod() -> None:
    manifest = algorithm.algorithm(build.job(), SPEC, ENVIRONMENT, 0, 300)
    runner = next(e for e in manifest["spec"]["containers"][0]["env"] if e["name"] == "C2D_RUNNER")
    assert json.loads(runner.pop("value")) == {
        "entrypoint": "python3 $ALGO",
        "algorithm": "/data/transformations/algorithm",
        "log": "/data/logs/algorithm.log",
        "logLimitBytes": 100 * 2**20,
        "deadlineSeconds": 300,
        "graceSeconds": 10,
        "once": "/data/logs/.started",
        "gate": {
            "mode": "Required",
            "probes": ["tcp://10.96.0.1:443"],
            "timeoutSeconds": 30,
            "probeTimeoutMilliseconds": 1000,
        },
    }
    sold = {"cpu": "2", "memory": "4Gi", "nvidia.com/gpu": "1"}
    assert manifest == {
        "apiVersion": "v1",
        "kind": "Pod",
        "metadata": head("algorithm-0", step="algorithm", attempt="0"),
        "spec": {
            **frame(600 + 30 + 300 + 120, "1Gi"),
            "runtimeClassName": "airgap",
            "containers": [
                {
                    "name": "algorithm",
                    "image": "python",
                    "imagePullPolicy": "IfNotPresent",
                    "command": ["/data/bin/c2d-runner"],
                    "workingDir": "/",
                    "env": [
                        {"name": "DIDS", "value": '["abc"]'},
                        {"name": "TRANSFORMATION_DID", "value": ""},
                        {"name": "VOLUME", "value": "/data"},
                        {"name": "LOGS", "value": "/data/logs"},
                        {"name": "INPUTS", "value": "/data/inputs"},
                        {"name": "OUTPUTS", "value": "/data/outputs"},
                        {"name": "HOME", "value": "/tmp"},
                        {"name": "C2D_RUNNER"},
                    ],
                    "resources": {"requests": sold, "limits": sold},
                    "volumeMounts": [
                        *(
                            {"name": "data", "mountPath": f"/data/{name}", "subPath": name, "readOnly": True}
                            for name in ("inputs", "transformations", "ddos", "bin")
                        ),
                        {"name": "data", "mountPath": "/data/outputs", "subPath": "outputs"},
                        {"name": "data", "mountPath": "/data/logs", "subPath": "logs"},
                        {"name": "tmp", "mountPath": "/tmp"},
                    ],
                    "securityContext": CONTAINER_SECURITY,
                }
            ],
        },
    }


def test_the_publish_pod_gets_the_credentials_and_nothing_else() -> None:
    manifest = programs.publish(build.job(), ENVIRONMENT, SETTINGS, 1, outputs=False)
    (container,) = manifest["spec"]["containers"]
    assert manifest["metadata"] == head("publish-1", step="publish", attempt="1")
    assert container["envFrom"] == [{"secretRef": {"name": "s3"}}]
    assert container["command"] == ["c2d-publish", "--plan", "/c2d/plan/publish.json", "--attempt", "1", "--logs-only"]
    assert "serviceAccountName" not in manifest["spec"]


def test_only_the_publish_pod_gets_the_workload_identity_of_the_bucket_and_no_token_of_the_cluster() -> None:
    environment = build.environment(results={"s3": {"bucket": "results", "serviceAccountName": "results-writer"}})
    pod = programs.publish(build.job(), environment, SETTINGS, 0, outputs=True)["spec"]
    assert pod["serviceAccountName"] == "results-writer"
    assert pod["automountServiceAccountToken"] is False
    assert [item["name"] for item in pod["volumes"]] == ["data", "tmp", "plan"]
    assert "envFrom" not in pod["containers"][0]
    for other in (
        programs.configure(build.job(), SPEC, environment, SETTINGS, 0),
        algorithm.algorithm(build.job(), SPEC, environment, 0, 300),
    ):
        assert "serviceAccountName" not in other["spec"]


ASSET, CODE = "did:op:" + "aa" * 32, "did:op:" + "bb" * 32
WITH_SIGNER = dataclasses.replace(SETTINGS, signer_url="http://10.96.0.7:8081", metadata_uri="https://aquarius")
FETCHING = build.environment(
    assets={
        "allowPrivateAddresses": True,
        "allowVolumes": True,
        "maxFileBytes": 1000,
        "ipfsGateway": "https://gateway/",
        "arweaveGateway": "https://weave",
    }
)


def key_of(secret: str, key: str) -> dict[str, Any]:
    return {"secretKeyRef": {"name": secret, "key": key}}


EVERY_SOURCE = build.spec(
    inputs=[
        {
            "id": ASSET,
            "service": {"serviceId": "s1", "transferTxId": "0x1", "userDataFrom": key_of("private", "user-data")},
        },
        {
            "id": "files",
            "files": [
                {"urlFrom": key_of("private", "url"), "method": "POST", "headersFrom": key_of("private", "headers")},
                {"ipfs": {"cid": "bafy/a%20folder/é.csv"}, "sha256": "0" * 64},
                {"arweave": {"transactionId": "t" * 43}},
                {"s3": {"bucket": "open", "key": "a/b"}},
                {
                    "s3": {
                        "endpoint": "https://s3",
                        "region": "eu",
                        "bucket": "closed",
                        "key": "c",
                        "credentialsSecretName": "s3.in",
                    }
                },
            ],
        },
        {"id": "did:op:large", "volume": {"claimName": "lake", "path": "2026/may"}},
        {"id": "larger", "volume": {"claimName": "lake"}},
        {"id": "other", "volume": {"claimName": "pond"}},
    ],
    algorithm={
        "id": CODE,
        "source": {
            "service": {"serviceId": "s2", "transferTxId": "0x2", "metadataUri": "https://another"},
        },
        "container": {"image": "python", "checksum": "sha256:" + "1" * 64, "entrypoint": "python3 $ALGO"},
    },
)


def test_the_plan_of_every_source() -> None:
    made = plan.configure_plan(build.job(), EVERY_SOURCE, FETCHING, WITH_SIGNER)
    get = {"method": "GET"}
    secrets = "/c2d/secrets"
    assert made.model_dump(mode="json", by_alias=True, exclude_none=True) == {
        "job": "ns/branin",
        "inputs": [
            {
                "path": "inputs/files/0",
                "urlFile": f"{secrets}/private/url",
                "method": "POST",
                "headersFile": f"{secrets}/private/headers",
            },
            {"path": "inputs/files/1", "url": "https://gateway/ipfs/bafy/a%20folder/%C3%A9.csv", "sha256": "0" * 64}
            | get,
            {"path": "inputs/files/2", "url": f"https://weave/{'t' * 43}"} | get,
            {"path": "inputs/files/3", "s3": {"region": "us-east-1", "bucket": "open", "key": "a/b"}} | get,
            {
                "path": "inputs/files/4",
                "s3": {
                    "endpoint": "https://s3",
                    "region": "eu",
                    "bucket": "closed",
                    "key": "c",
                    "credentials": f"{secrets}/s3.in",
                },
            }
            | get,
            {"path": "inputs/large/.volume", "text": ""} | get,
            {"path": "inputs/larger/.volume", "text": ""} | get,
            {"path": "inputs/other/.volume", "text": ""} | get,
        ],
        "algorithm": [],
        "assets": [
            {
                "did": ASSET,
                "path": f"inputs/{'aa' * 32}/0",
                "algorithm": False,
                "serviceId": "s1",
                "transferTxId": "0x1",
                "metadataUri": "https://aquarius",
                "userDataFile": f"{secrets}/private/user-data",
            },
            {
                "did": CODE,
                "path": "transformations/algorithm",
                "algorithm": True,
                "serviceId": "s2",
                "transferTxId": "0x2",
                "metadataUri": "https://another",
            },
        ],
        "algorithmDid": CODE,
        "container": {"entrypoint": "python3 $ALGO", "checksum": "sha256:" + "1" * 64},
        "signer": {"url": "http://10.96.0.7:8081/sign", "tokenFile": "/c2d/signer/token"},
        "allowPrivateAddresses": True,
        "maxFileBytes": 1000,
    }


def test_the_configure_pod_mounts_what_the_plan_reads_and_a_token_for_the_signer_only() -> None:
    pod = programs.configure(build.job(), EVERY_SOURCE, FETCHING, WITH_SIGNER, 0)["spec"]
    (container,) = pod["containers"]
    assert pod["automountServiceAccountToken"] is False
    assert "serviceAccountName" not in pod
    assert pod["volumes"][3:] == [
        {
            "name": "secrets",
            "projected": {
                "defaultMode": 0o440,
                "sources": [
                    {"secret": {"name": name, "items": [{"key": key, "path": f"{name}/{key}"}]}}
                    for name, key in [
                        ("private", "headers"),
                        ("private", "url"),
                        ("private", "user-data"),
                        ("s3.in", "AWS_ACCESS_KEY_ID"),
                        ("s3.in", "AWS_SECRET_ACCESS_KEY"),
                    ]
                ],
            },
        },
        {
            "name": "signer",
            "projected": {
                "defaultMode": 0o440,
                "sources": [
                    {"serviceAccountToken": {"audience": "c2d-signer", "expirationSeconds": 600, "path": "token"}}
                ],
            },
        },
    ]
    assert container["volumeMounts"][3:] == [
        {"name": "secrets", "mountPath": "/c2d/secrets", "readOnly": True},
        {"name": "signer", "mountPath": "/c2d/signer", "readOnly": True},
    ]


def test_the_receipt_is_signed_where_there_is_a_key() -> None:
    pod = programs.publish(build.job(), ENVIRONMENT, WITH_SIGNER, 0, outputs=True)["spec"]
    token = {"audience": "c2d-signer", "expirationSeconds": 600, "path": "token"}
    source = {"defaultMode": 0o440, "sources": [{"serviceAccountToken": token}]}
    assert pod["volumes"][3:] == [{"name": "signer", "projected": source}]
    mount = {"name": "signer", "mountPath": "/c2d/signer", "readOnly": True}
    assert pod["containers"][0]["volumeMounts"][3:] == [mount]
    planned = plan.publish_plan(build.job(), SPEC, ENVIRONMENT, WITH_SIGNER)
    signer = {"url": "http://10.96.0.7:8081/receipt", "token_file": "/c2d/signer/token"}
    assert planned.signer is not None
    assert planned.signer.model_dump() == signer
    assert plan.publish_plan(build.job(), SPEC, ENVIRONMENT, SETTINGS).signer is None


def test_the_facts_reach_the_publish_pod_as_they_are() -> None:
    """The kubelet would put another variable in the place of $(HOME)."""
    facts = Facts(owner="$(HOME) $$", image="python:3.11", exit_code=0)
    pod = programs.publish(build.job(), ENVIRONMENT, SETTINGS, 0, outputs=True, facts=facts)["spec"]
    variables = {item["name"]: item["value"] for item in pod["containers"][0]["env"]}
    assert set(variables) == {"HOME", "C2D_RECEIPT"}
    assert "$" not in variables["C2D_RECEIPT"]
    assert Facts.model_validate_json(variables["C2D_RECEIPT"]) == facts


def test_only_a_job_with_assets_gets_a_token_to_download() -> None:
    for manifest in (
        programs.configure(build.job(), SPEC, ENVIRONMENT, WITH_SIGNER, 0),
        programs.publish(build.job(), FETCHING, SETTINGS, 0, outputs=True),
        algorithm.algorithm(build.job(), EVERY_SOURCE, FETCHING, 0, 300),
    ):
        assert "serviceAccountToken" not in json.dumps(manifest)


def test_the_data_owners_volumes_are_read_only_for_the_algorithm_and_unseen_by_the_others() -> None:
    pod = algorithm.algorithm(build.job(), EVERY_SOURCE, FETCHING, 0, 300)["spec"]
    claims = [item for item in pod["volumes"] if item["name"].startswith("input-")]
    assert claims == [
        {"name": "input-0", "persistentVolumeClaim": {"claimName": "lake", "readOnly": True}},
        {"name": "input-1", "persistentVolumeClaim": {"claimName": "pond", "readOnly": True}},
    ]
    mounts = [item for item in pod["containers"][0]["volumeMounts"] if item["name"].startswith("input-")]
    assert mounts == [
        {"name": "input-0", "mountPath": "/data/inputs/large", "readOnly": True, "subPath": "2026/may"},
        {"name": "input-0", "mountPath": "/data/inputs/larger", "readOnly": True},
        {"name": "input-1", "mountPath": "/data/inputs/other", "readOnly": True},
    ]
    for other in (
        programs.configure(build.job(), EVERY_SOURCE, FETCHING, WITH_SIGNER, 0),
        programs.publish(build.job(), FETCHING, WITH_SIGNER, 0, outputs=True),
    ):
        assert "lake" not in json.dumps(other)


def test_results_on_ipfs_come_with_the_headers_of_their_node() -> None:
    target = {"apiUrl": "https://ipfs", "headersSecretName": "ipfs.headers"}
    environment = build.environment(results={"ipfs": target})
    (container,) = programs.publish(build.job(), environment, SETTINGS, 0, outputs=True)["spec"]["containers"]
    assert "envFrom" not in container
    assert container["volumeMounts"][3:] == [
        {"name": "headers", "mountPath": "/c2d/secrets/ipfs.headers", "readOnly": True}
    ]
    volumes = programs.publish(build.job(), environment, SETTINGS, 0, outputs=True)["spec"]["volumes"]
    assert volumes[3:] == [{"name": "headers", "secret": {"secretName": "ipfs.headers", "defaultMode": 0o440}}]
    planned = plan.publish_plan(build.job(), SPEC, environment, SETTINGS)
    assert planned.s3 is None
    assert planned.ipfs == environment.results.ipfs


def test_a_node_without_headers_needs_no_secret() -> None:
    environment = build.environment(results={"ipfs": {"apiUrl": "https://ipfs"}})
    pod = programs.publish(build.job(), environment, SETTINGS, 0, outputs=True)["spec"]
    assert [item["name"] for item in pod["volumes"]] == ["data", "tmp", "plan"]


def test_the_operators_own_image_is_pulled_with_its_own_secrets() -> None:
    settings = dataclasses.replace(SETTINGS, image_pull_secrets=("ours", "registry"))
    manifest = programs.configure(build.job(), SPEC, ENVIRONMENT, settings, 0)
    assert manifest["spec"]["imagePullSecrets"] == [{"name": "registry"}, {"name": "ours"}]
    theirs = algorithm.algorithm(build.job(), SPEC, ENVIRONMENT, 0, 300)
    assert theirs["spec"]["imagePullSecrets"] == [{"name": "registry"}]


def test_an_algorithm_cannot_override_our_variables() -> None:
    spec = build.spec(algorithm=SPEC.algorithm.model_dump(by_alias=True) | {"env": [{"name": "HOME", "value": "/x"}]})
    manifest = algorithm.algorithm(build.job(), spec, ENVIRONMENT, 0, 300)
    assert [e for e in manifest["spec"]["containers"][0]["env"] if e["name"] == "HOME"] == [
        {"name": "HOME", "value": "/tmp"}
    ]


def test_a_budget_at_the_end_of_the_order_is_still_a_minute() -> None:
    spec = build.spec(validUntil=build.NOW.isoformat())
    assert admission_rules.budget(spec, ENVIRONMENT, build.after(10)) == 60


def test_no_end_of_the_order_means_the_environments_maximum() -> None:
    assert admission_rules.budget(build.spec(validUntil="1970-01-01T00:00:00Z"), ENVIRONMENT, build.NOW) == 3600


def test_where_the_engine_can_be_reached_both_programs_can_tell_it_how_far_they_are() -> None:
    """With a key or without: here nothing is ever signed."""
    settings = dataclasses.replace(SETTINGS, engine_url="http://10.96.0.7:8081")
    listener = {"url": "http://10.96.0.7:8081/progress", "token_file": "/c2d/signer/token"}
    for made in (
        plan.configure_plan(build.job(), SPEC, ENVIRONMENT, settings),
        plan.publish_plan(build.job(), SPEC, ENVIRONMENT, settings),
    ):
        assert made.progress is not None
        assert made.progress.model_dump() == listener
        assert made.signer is None
    token = {"audience": "c2d-signer", "expirationSeconds": 600, "path": "token"}
    for manifest in (
        programs.configure(build.job(), SPEC, ENVIRONMENT, settings, 0),
        programs.publish(build.job(), ENVIRONMENT, settings, 0, outputs=True),
    ):
        projected = {"defaultMode": 0o440, "sources": [{"serviceAccountToken": token}]}
        assert {"name": "signer", "projected": projected} in manifest["spec"]["volumes"]
        (container,) = manifest["spec"]["containers"]
        assert {"name": "signer", "mountPath": "/c2d/signer", "readOnly": True} in container["volumeMounts"]
