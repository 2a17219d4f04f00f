"""Every example of examples/inputs: taken and planned by the engine, fetched by the real program `c2d-configure`.

Hosts in the examples are replaced by servers of this test; Secrets are mounted as the engine's pod has the kubelet do.
"""

import dataclasses
import hashlib
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml

from c2d.api import job as jobs
from c2d.api import plan as plans
from c2d.api.environment import EnvironmentSpec
from c2d.api.job import JobSpec
from c2d.api.plan import ConfigurePlan
from c2d.api.report import EXIT_OK
from c2d.cli import jobfile
from c2d.engine import admission_rules
from c2d.engine.manifests import algorithm, plan, programs
from c2d.engine.state import Settings
from tests.data_plane.fileserver import FileServer
from tests.data_plane.provider_server import TOKEN, Asset, OceanServer, verbatim
from tests.data_plane.s3server import KEY, SECRET, S3Server
from tests.data_plane.volumes import Volume
from tests.kit import build, ddos

FOLDER = Path(__file__).parents[2] / "examples" / "inputs"
EXAMPLES = sorted(path.stem for path in FOLDER.glob("*.yaml") if path.stem != "secrets")
BUCKET = "example-datasets"
NUMBERS = b"a,b\n1,2\n3,4\n"
MAIN = b"print(open('/data/transformations/algorithm1').read())\n"
DATA, ALGO = (ddos.did_of(name).removeprefix("did:op:") for name in ("data", "algorithm"))
CIDS = (
    "bafkreifzjbfdrfakdf2gugsyoz4lusqgetugcbryrsxw2sg5tmonhzzkli",
    "bafybeigdyrzt5sfp7udm7hu76uh7y26nf3efuylqabf3oclgtqy55fbzdi/2025/may.csv",
)
PRIVATE = ("example-token", "example-secret", "Zürich", "0.25")

# What is on the volume then, but for what every job has.
EXPECTED: dict[str, dict[str, bytes]] = {
    "url": {"inputs/numbers/0": NUMBERS, "inputs/numbers/1": b"exported"},
    "url-in-secret": {"inputs/private/0": b"private"},
    "content-in-secret": {"inputs/small/0": NUMBERS},
    "ipfs": {"inputs/from-ipfs/0": b"on IPFS", "inputs/from-ipfs/1": b"in a folder"},
    "arweave": {"inputs/from-arweave/0": b"on Arweave"},
    "s3": {"inputs/from-s3/0": NUMBERS},
    "volume": {"inputs/images/.volume": b"", "inputs/labels/.volume": b""},
    "asset": {f"inputs/{DATA}/0": b"first", f"inputs/{DATA}/1": b"second"},
    "asset-algorithm": {
        f"inputs/{DATA}/0": b"first",
        f"inputs/{DATA}/1": b"second",
        "transformations/algorithm": MAIN,
        "transformations/algorithm1": b"beside it",
    },
    "algorithm-files": {
        "transformations/algorithm": MAIN,
        "transformations/algorithm1": b'{"depth": 3}\n',
        "transformations/algorithm2": b"model",
        "inputs/algoCustomData.json": b'{"threshold": 0.5}',
    },
    "custom-data": {"inputs/algoCustomData.json": b'{"threshold": 0.25}\n'},
}


@pytest.fixture
def ocean() -> Iterator[OceanServer]:
    with OceanServer().running() as server:
        data = ddos.ddo("data", server.origin, allowRawAlgorithm=True, publisherTrustedAlgorithmPublishers=["*"])
        server.assets[ddos.did_of("data")] = Asset(data, [b"first", b"second"])
        code = ddos.algorithm_ddo("algorithm", server.origin)
        server.assets[ddos.did_of("algorithm")] = Asset(code, [MAIN, b"beside it"])
        yield server


class Web:
    """Everything that the examples name, on this machine."""

    def __init__(self, files: FileServer, ocean: OceanServer, s3: S3Server) -> None:
        self.files, self.ocean = files, ocean
        self._local = {
            "https://data.example.com": files.origin,
            "https://code.example.com": files.origin,
            "https://aquarius.example.com": ocean.origin,
            "https://s3.example.com": s3.endpoint,
            "example-key": KEY,
            "example-secret": SECRET,
        }
        for path, content in {"/numbers.csv": NUMBERS, "/export": b"exported", "/private.csv": b"private"}.items():
            files.put(path, content)
        files.put("/main.py", MAIN)
        for cid, content in zip(CIDS, (b"on IPFS", b"in a folder"), strict=True):
            files.put(f"/gateway/ipfs/{cid}", content)
        files.put("/arweave/cZ7KYwUFZpMAfVLuDJBjQ4xHUuSCAlBL0kEbyLIr-0w", b"on Arweave")
        if BUCKET not in [bucket["Name"] for bucket in s3.client.list_buckets()["Buckets"]]:
            s3.client.create_bucket(Bucket=BUCKET)
        for key, content in {"2025/numbers 1.csv": NUMBERS, "model.bin": b"model"}.items():
            s3.client.put_object(Bucket=BUCKET, Key=key, Body=content)

    @property
    def environment(self) -> EnvironmentSpec:
        gateways = {"ipfsGateway": f"{self.files.origin}/gateway", "arweaveGateway": f"{self.files.origin}/arweave"}
        return build.environment(assets={"allowPrivateAddresses": True, "allowVolumes": True, **gateways})

    @property
    def settings(self) -> Settings:
        return dataclasses.replace(build.SETTINGS, signer_url=self.ocean.origin)

    def local(self, text: str) -> str:
        for there, here in self._local.items():
            text = text.replace(there, here)
        return text

    def spec(self, name: str) -> JobSpec:
        path = FOLDER / f"{name}.yaml"
        return JobSpec.model_validate(jobfile.parse(self.local(path.read_text()).encode(), path.name)["spec"])

    def secrets(self) -> dict[str, dict[str, str]]:
        documents = yaml.safe_load_all(self.local((FOLDER / "secrets.yaml").read_text()))
        return {secret["metadata"]["name"]: secret["stringData"] for secret in documents}


@pytest.fixture
def web(files: FileServer, ocean: OceanServer, s3: S3Server) -> Web:
    return Web(files, ocean, s3)


def mounted(web: Web, spec: JobSpec, folder: Path) -> None:
    """The Secrets' keys that the configure pod names, where it names them; and its token."""
    pod = programs.configure(build.job(spec=spec), spec, web.environment, web.settings, 0)
    secrets = web.secrets()
    for volume in pod["spec"]["volumes"]:
        for source in volume.get("projected", {}).get("sources", ()):
            if "secret" in source:
                for item in source["secret"]["items"]:
                    path = folder / "secrets" / item["path"]
                    path.parent.mkdir(parents=True, exist_ok=True)
                    path.write_text(secrets[source["secret"]["name"]][item["key"]])
            elif "serviceAccountToken" in source:
                (folder / "token").write_text(TOKEN)


def planned(web: Web, spec: JobSpec, folder: Path) -> str:
    """The plan as it is in the ConfigMap, for a volume and mounts in this folder."""
    config_map = plan.plans(build.job(spec=spec), spec, web.environment, web.settings)
    text: str = config_map["data"][plans.CONFIGURE_FILE]
    return text.replace(plans.SECRETS, str(folder / "secrets")).replace(plans.SIGNER_TOKEN, str(folder / "token"))


@pytest.mark.parametrize("name", EXAMPLES)
def test_an_example_brings_what_it_says(web: Web, volume: Volume, name: str) -> None:
    spec = web.spec(name)
    assert admission_rules.objection(spec, web.environment, web.settings) is None
    mounted(web, spec, volume.folder)
    text = planned(web, spec, volume.folder)
    done = volume.start_plan(ConfigurePlan.model_validate_json(text), "--attempts", 2).wait()
    assert done.code == EXIT_OK, done.output
    assert not [word for word in PRIVATE if word in text + done.output]
    found = {path: content for path, (_, content) in volume.contents().items()}
    assert found == {**always(web, spec), **EXPECTED[name]}


def always(web: Web, spec: JobSpec) -> dict[str, bytes]:
    """The runner, inline code, parameters where none are given, and the DDO of each asset."""
    there = {"bin/c2d-runner": b"the static runner", "inputs/algoCustomData.json": b"null"}
    if spec.algorithm.source.inline is not None:
        there["transformations/algorithm"] = spec.algorithm.source.inline.encode()
    services = [item.id for item in spec.inputs if item.service is not None]
    services += [spec.algorithm.id] if spec.algorithm.source.service is not None else []
    return there | {f"ddos/{did.removeprefix('did:op:')}": verbatim(web.ocean.assets[did]) for did in services}


def test_a_post_has_the_headers_of_its_secret(web: Web, volume: Volume) -> None:
    test_an_example_brings_what_it_says(web, volume, "url")
    [asked] = [seen for seen in web.files.requests if seen.path == "/export"]
    assert (asked.method, asked.authorization, asked.headers["X-Purpose"]) == (
        "POST",
        "Bearer example-token",
        "research",
    )


def test_a_provider_gets_the_consumers_parameters(web: Web, volume: Volume) -> None:
    test_an_example_brings_what_it_says(web, volume, "asset")
    sent = [json.loads(query["userdata"]) for query in web.ocean.queries()]
    assert sent == [{"years": [2024, 2025], "region": "Zürich"}] * 2


def test_a_volume_is_mounted_read_only_in_place_of_the_inputs_folder(web: Web) -> None:
    spec = web.spec("volume")
    pod = algorithm.algorithm(build.job(spec=spec), spec, web.environment, 0, 60)["spec"]
    [claim] = [
        item for item in pod["volumes"] if item.get("persistentVolumeClaim", {}).get("claimName") == "example-data"
    ]
    assert claim["persistentVolumeClaim"]["readOnly"] is True
    mounts = [mount for mount in pod["containers"][0]["volumeMounts"] if mount["name"] == claim["name"]]
    assert mounts == [
        {"name": claim["name"], "mountPath": "/data/inputs/images", "readOnly": True, "subPath": "images/2025"},
        {"name": claim["name"], "mountPath": "/data/inputs/labels", "readOnly": True, "subPath": "labels"},
    ]


def test_every_kind_has_an_example() -> None:
    used: set[str] = set()
    for name in EXAMPLES:
        used |= fields(yaml.safe_load((FOLDER / f"{name}.yaml").read_text())["spec"])
    models = (
        jobs.Input,
        jobs.File,
        jobs.Source,
        jobs.Service,
        jobs.VolumeInput,
        jobs.S3File,
        jobs.IpfsFile,
        jobs.ArweaveFile,
    )
    known = {field.alias or name for model in models for name, field in model.model_fields.items()}
    assert known | {"customData", "customDataFrom"} <= used
    assert set(EXPECTED) == set(EXAMPLES)


def fields(node: Any) -> set[str]:
    if isinstance(node, list):
        return {found for item in node for found in fields(item)}
    return {*node, *(found for item in node.values() for found in fields(item))} if isinstance(node, dict) else set()


def test_declared_sums_are_those_of_the_files() -> None:
    declared = (FOLDER / "url.yaml").read_text() + (FOLDER / "algorithm-files.yaml").read_text()
    assert hashlib.sha256(NUMBERS).hexdigest() in declared
    assert hashlib.sha256(MAIN).hexdigest() in declared
