"""`c2d configure` and `c2d publish` as a person runs them: processes, real servers, no cluster."""

import json
import os
import re
import shutil
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest

from c2d.api.manifest import Manifest
from tests.data_plane import provider_server
from tests.data_plane.fileserver import FileServer
from tests.data_plane.ipfs_server import IpfsServer
from tests.data_plane.programs import DEADLINE, OPERATOR
from tests.data_plane.provider_server import Asset, OceanServer
from tests.data_plane.s3server import BUCKET, S3Server
from tests.kit import ddos
from tests.kit.ddos import did_of

KEY = "0x1f990f8b013fc5c7955e0f8746f11ded231721b9cf3f99ff06cdc03492b28090"  # of provider_server.CONSUMER
DATA, ALGO = did_of("data"), did_of("algorithm")
CONTAINER = {**ddos.CONTAINER}
CODE = b"print(1)\n"


@pytest.fixture
def ocean() -> Iterator[OceanServer]:
    with OceanServer().running() as server:
        yield server


@dataclass
class Hand:
    """A person's folder, and what is typed there."""

    folder: Path
    ocean: OceanServer
    inputs: list[dict[str, Any]] = field(default_factory=list)
    algorithm: dict[str, Any] = field(default_factory=lambda: {"rawcode": CODE.decode(), "container": CONTAINER})
    environment: dict[str, str] = field(default_factory=lambda: {"OPERATOR_PRIVATE_KEY": KEY})

    @property
    def volume(self) -> Path:
        return self.folder / "volume"

    def dataset(self, *files: bytes, **compute: Any) -> Asset:
        document = ddos.ddo("data", self.ocean.origin, **({"allowRawAlgorithm": True} | compute))
        asset = self.ocean.assets[DATA] = Asset(document, list(files))
        remote = {"txId": "0xorder", "serviceId": "service-1", "userdata": {"secret": "geheim"}}
        self.inputs.append({"index": len(self.inputs), "id": DATA, "remote": remote})
        return asset

    def workflow(self) -> dict[str, Any]:
        output = {"metadataUri": self.ocean.origin}
        return {"stages": [{"input": self.inputs, "algorithm": self.algorithm, "compute": {}, "output": output}]}

    def c2d(self, *arguments: object) -> "subprocess.CompletedProcess[str]":
        inherited = {name: value for name, value in os.environ.items() if not name.startswith(("AWS_", "C2D_"))}
        return subprocess.run(
            [sys.executable, "-m", "c2d.cli.main", *map(str, arguments)],
            env={**inherited, "PYTHONPATH": str(OPERATOR), **self.environment},
            cwd=self.folder,
            capture_output=True,
            text=True,
            timeout=DEADLINE,
            check=False,
        )

    def configure(self, *options: object, asked: object = None) -> "subprocess.CompletedProcess[str]":
        path = self.folder / "workflow.json"
        path.write_text(json.dumps(self.workflow() if asked is None else asked))
        done = self.c2d("configure", "--workflow", path, "--path", "volume", *(options or ("--private-addresses",)))
        assert "geheim" not in done.stdout + done.stderr
        assert KEY[2:] not in done.stdout + done.stderr
        return done

    def fails(self, status: str, words: str) -> None:
        done = self.configure()
        last = done.stdout.splitlines()[-1]
        assert (last.partition(":")[0], done.returncode) == (status, 1), done.stderr
        assert words in last

    def output(self, name: str, content: bytes) -> None:
        path = self.volume / "outputs" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content)

    def publish(self, *arguments: object) -> dict[str, str]:
        """What it says of where things are."""
        done = self.c2d("publish", "--path", "volume", *arguments)
        assert done.returncode == 0, done.stderr
        rows = [re.split(r"\s{2,}", line.strip()) for line in done.stdout.splitlines()]
        return {row[0]: row[1] for row in rows}


@pytest.fixture
def hand(tmp_path: Path, ocean: OceanServer) -> Hand:
    return Hand(tmp_path, ocean)


class TestConfigure:
    def test_remote_assets_urls_and_code_come_as_in_the_pod(self, hand: Hand, files: FileServer) -> None:
        asset = hand.dataset(b"first", b"second")
        hand.inputs.append({"index": 1, "url": [files.put("/geheim.csv", b"1,2\n")]})
        hand.algorithm["algocustomdata"] = {"n": 7}
        done = hand.configure()
        assert done.returncode == 0, done.stderr
        assert done.stdout == "STATUS=30\n"
        short = DATA.removeprefix("did:op:")
        assert {
            str(path.relative_to(hand.volume)): path.read_bytes()
            for path in hand.volume.rglob("*")
            if path.is_file() and "adminlogs" not in path.parts
        } == {
            f"inputs/{short}/0": b"first",
            f"inputs/{short}/1": b"second",
            "inputs/1/0": b"1,2\n",
            "inputs/algoCustomData.json": b'{"n": 7}',
            "transformations/algorithm": CODE,
            f"ddos/{short}": provider_server.verbatim(asset),
        }
        assert "done: " in (hand.volume / "adminlogs/configure.log").read_text()
        assert json.loads(hand.ocean.queries()[0]["userdata"]) == {"secret": "geheim"}
        nonces = [int(query["nonce"]) for query in hand.ocean.queries()]
        assert nonces == sorted(set(nonces))

    def test_the_whole_body_of_a_start_does_as_well(self, hand: Hand) -> None:
        hand.dataset(b"x")
        body = {"workflow": hand.workflow(), "agreementId": "0xa", "owner": "0xo", "environment": "default"}
        assert hand.configure(asked=body).stdout == "STATUS=30\n"

    def test_a_published_algorithm(self, hand: Hand) -> None:
        hand.dataset(b"x", publisherTrustedAlgorithmPublishers=[ddos.OWNER], allowRawAlgorithm=False)
        hand.ocean.assets[ALGO] = Asset(ddos.algorithm_ddo("algorithm", hand.ocean.origin), [CODE, b"helper"])
        remote = {"txId": "0xorder", "serviceId": "service-1"}
        hand.algorithm = {"id": ALGO, "rawcode": "", "remote": remote, "container": CONTAINER}
        assert hand.configure().stdout == "STATUS=30\n"
        assert (hand.volume / "transformations/algorithm1").read_bytes() == b"helper"

    def test_a_signature_that_was_overtaken_is_replaced(self, hand: Hand) -> None:
        hand.dataset(b"x").faults = [provider_server.overtaken()]
        assert hand.configure().stdout == "STATUS=30\n"
        first, second = (int(query["nonce"]) for query in hand.ocean.queries())
        assert first < second

    def test_an_order_that_is_not_valid(self, hand: Hand) -> None:
        hand.dataset(b"x").order = ("service-1", "0xanother")
        hand.fails("STATUS=31 InputDownloadFailed", "refused with 400 Bad Request (Order is not valid")

    def test_an_algorithm_that_is_not_trusted(self, hand: Hand) -> None:
        hand.dataset(b"x", allowRawAlgorithm=False)
        hand.fails("STATUS=32 AlgorithmNotTrusted", "allowRawAlgorithm is not set")
        assert hand.ocean.queries() == []

    def test_private_addresses_are_refused_unless_asked_for(self, hand: Hand) -> None:
        hand.dataset(b"x")
        done = hand.configure("--path", "volume")
        assert done.stdout.startswith("STATUS=31 InputDownloadFailed: ")
        assert hand.ocean.seen == []

    def test_without_a_key_nothing_is_asked(self, hand: Hand) -> None:
        hand.environment = {"OPERATOR_PRIVATE_KEY": ""}
        hand.dataset(b"x")
        done = hand.configure()
        assert (done.returncode, done.stdout) == (2, "")
        assert "OPERATOR_PRIVATE_KEY is not set" in done.stderr
        assert hand.ocean.seen == []
        assert not hand.volume.exists()

    def test_a_key_that_is_none(self, hand: Hand) -> None:
        hand.environment = {"OPERATOR_PRIVATE_KEY": "0xgeheim"}
        hand.dataset(b"x")
        done = hand.configure()
        assert (done.returncode, "a private key is 64 hex digits" in done.stderr) == (2, True)

    def test_raw_code_needs_no_key(self, hand: Hand) -> None:
        hand.environment = {}
        assert hand.configure().stdout == "STATUS=30\n"

    def test_a_malformed_workflow_is_told_by_its_field(self, hand: Hand) -> None:
        hand.inputs.append({"index": 0, "url": "ftp://geheim.example"})
        done = hand.configure()
        assert (done.returncode, done.stdout) == (2, "")
        assert "workflow.stages[0].input[0].url must be a URL" in done.stderr
        assert "Traceback" not in done.stderr

    def test_a_file_without_any(self, hand: Hand) -> None:
        assert hand.configure(asked=[1, 2]).returncode == 2


class TestPublish:
    @pytest.fixture(autouse=True)
    def volume(self, hand: Hand) -> None:
        hand.environment = {}
        assert hand.configure().returncode == 0
        hand.output("a/b.txt", b"result")
        hand.output("%\n.txt", b"odd")
        hand.output("é" * 120, b"long")  # 240 bytes
        (hand.volume / "outputs/link").symlink_to("/etc/passwd")

    def test_a_folder_of_results_can_be_verified(self, hand: Hand) -> None:
        told = hand.publish("--to", "results")
        place = Path(told["location"])
        assert place == hand.folder / "results/by-hand" / told["job"]
        assert (place / "outputs/a/b.txt").read_bytes() == b"result"
        assert {path.name for path in (hand.folder / "results").iterdir()} == {"by-hand"}
        options = ("--manifest-sha256", told["manifest sha256"])
        assert hand.c2d("verify", place, *options).returncode == 0
        (place / "outputs/a/b.txt").write_bytes(b"RESULT")
        assert hand.c2d("verify", place, *options).returncode == 1

    def test_names_too_long_for_a_key_can_be_verified(self, hand: Hand) -> None:
        deep = "/".join(["x" * 200] * 4)
        hand.output(deep, b"deep")
        hand.output("%" * 200, b"encoded")  # 600 characters as text
        place = Path(hand.publish("--to", "results")["location"])
        assert len(list((place / "long").iterdir())) == 2
        done = hand.c2d("verify", place)
        assert done.returncode == 0, done.stdout

    def test_each_run_has_a_job_of_its_own(self, hand: Hand) -> None:
        first, second = hand.publish("--to", "results"), hand.publish("--to", "results", "--logs-only")
        assert first["location"] != second["location"]
        manifest = Manifest.model_validate_json((Path(second["location"]) / "manifest.json").read_bytes())
        assert not manifest.outputs
        assert {result.filename for result in manifest.results} == {"configure.log", "publish.log"}
        assert (Path(first["location"]) / "outputs/a/b.txt").exists()

    def test_into_a_bucket(self, hand: Hand, s3: S3Server) -> None:
        hand.environment = s3.environment
        told = hand.publish("--to", f"s3://{BUCKET}/tests/mine", "--endpoint", s3.endpoint)
        prefix = f"tests/mine/by-hand/{told['job']}"
        assert told["location"] == f"s3://{BUCKET}/{prefix}"
        assert s3.read(f"{prefix}/outputs/a/b.txt") == b"result"
        assert told["skipped"].startswith("1; ")

    def test_to_a_node_of_ipfs(self, hand: Hand, ipfs: IpfsServer) -> None:
        told = hand.publish("--to", ipfs.target().api_url.replace("http://", "ipfs://"))
        cid = told["location"].removeprefix("ipfs://")
        assert ipfs.read(f"{cid}/outputs/a/b.txt") == b"result"

    @pytest.mark.parametrize(
        "place", ["ftp://host/x", "s3://", "ipfs://host", "ipfs://host:x", "ipfs://host:1/path", "volume/outputs"]
    )
    def test_no_place_to_publish_to(self, hand: Hand, place: str) -> None:
        done = hand.c2d("publish", "--path", "volume", "--to", place)
        assert (done.returncode, done.stdout) == (2, ""), done.stderr
        assert len(done.stderr.splitlines()) == 2

    def test_a_folder_that_is_not_there(self, hand: Hand) -> None:
        assert hand.c2d("publish", "--path", "nowhere", "--to", "results").returncode == 2

    def test_a_folder_without_outputs(self, hand: Hand) -> None:
        shutil.rmtree(hand.volume / "outputs")
        done = hand.c2d("publish", "--path", "volume", "--to", "results")
        assert (done.returncode, "Traceback" in done.stderr) == (1, False)

    def test_a_place_that_can_not_be_written_to(self, hand: Hand, s3: S3Server) -> None:
        hand.environment = s3.environment | {"AWS_SECRET_ACCESS_KEY": "wrong"}
        for options, remedy in (
            (("workflow.json",), "Name a folder with --to"),
            ((f"s3://{BUCKET}/x", "--endpoint", s3.endpoint), "keys that may write"),
        ):
            done = hand.c2d("publish", "--path", "volume", "--to", *options)
            assert (done.returncode, done.stdout) == (1, "")
            assert remedy in done.stderr
