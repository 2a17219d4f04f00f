"""The whole program `c2d-publish` against a real S3 server, and what holds for every storage against IPFS, too."""

import asyncio
import hashlib
import json
import os
import re
import signal
from collections.abc import Callable
from pathlib import Path
from urllib.parse import urlsplit

import pytest

from c2d.api.environment import Encryption, S3Target
from c2d.api.plan import FACTS
from c2d.api.receipt import Facts, Receipt
from c2d.api.report import EXIT_FAILED, EXIT_OK, EXIT_RETRY
from tests.data_plane import s3server
from tests.data_plane.benches import Bench, S3Bench
from tests.data_plane.faults import proxied
from tests.data_plane.programs import eventually
from tests.data_plane.s3server import S3Server, free_port
from tests.data_plane.tap import Tap
from tests.data_plane.volumes import Volume

MIB = 1024 * 1024
LARGE = os.urandom(30 * MIB + 1)


@pytest.fixture
def bench(s3: S3Server, volume: Volume, place_name: str) -> S3Bench:
    return S3Bench(s3, volume, place_name)


@pytest.fixture(params=["bench", "on_ipfs", "kept"], ids=["S3", "IPFS", "volume"])
def each(request: pytest.FixtureRequest) -> Bench:
    """One storage after the other."""
    found: Bench = request.getfixturevalue(request.param)
    return found


def test_outputs_and_logs_are_stored_and_listed(each: Bench) -> None:
    each.output("model.bin", LARGE)
    each.output("b/2.txt", b"two")
    each.output("b/1\n.txt", b"one")
    each.output("empty", b"")
    each.log("logs/algorithm.log", b"hello")
    each.log("adminlogs/configure.log", b"configured")

    done = each.publish()

    assert done.code == EXIT_OK, done.output
    stored = each.stored()
    assert [(result.index, result.type.value, result.filename) for result in each.manifest().results] == [
        (0, "output", "b/1%0A.txt"),
        (1, "output", "b/2.txt"),
        (2, "output", "empty"),
        (3, "output", "model.bin"),
        (4, "algorithmLog", "algorithm.log"),
        (5, "configrationLog", "configure.log"),
        (6, "publishLog", "publish.log"),
    ]
    assert stored["outputs/model.bin"] == LARGE
    assert stored["outputs/b/1%0A.txt"] == b"one"
    assert stored["logs/algorithm.log"] == b"hello"
    assert stored["logs/publish.log"].decode() in done.output
    manifest = each.read("manifest.json")
    location, key = each.place()
    assert done.report == {
        "message": "",
        "location": location,
        "manifest": key,
        "manifestSha256": hashlib.sha256(manifest).hexdigest(),
        "count": 7,
        "bytes": sum(len(content) for content in stored.values()),
        "files": [
            {"filename": result.filename, "filesize": result.filesize, "type": result.type.value}
            for result in each.manifest().results
        ],
    }
    each.assert_nothing_else()


def test_logs_only(each: Bench) -> None:
    each.output("secret")
    each.log("logs/algorithm.log", b"hello")
    done = each.publish("--logs-only")
    assert done.code == EXIT_OK
    assert list(each.stored()) == ["logs/algorithm.log", "logs/publish.log"]
    assert not each.manifest().outputs
    each.assert_nothing_else()


def test_outputs_that_were_published_before_are_deleted_when_only_logs_shall_leave(each: Bench) -> None:
    for number in range(20):
        each.output(f"{number}")
    each.publish()
    each.publish("--logs-only")
    assert list(each.stored()) == ["logs/publish.log"]
    each.assert_nothing_else()


def test_another_job_is_left_alone(bench: S3Bench) -> None:
    """Its UID may begin with this one's."""
    other = f"{bench.prefix.rstrip('/')}-2/outputs/x"
    bench.s3.client.put_object(Bucket="results", Key=other, Body=b"x")
    bench.publish()
    assert bench.s3.read(other) == b"x"


def test_a_second_run_has_the_same_result(each: Bench) -> None:
    each.output("model.bin", LARGE)
    each.output("a/b")
    each.publish()
    first = each.manifest()
    each.publish()
    outputs = [result for result in each.manifest().results if result.type == "output"]
    assert outputs == [result for result in first.results if result.type == "output"]
    each.assert_nothing_else()


def test_hostile_outputs_leak_nothing(each: Bench, tmp_path: Path) -> None:
    (tmp_path / "secret").write_text("geheim")
    outputs = each.volume.path("outputs")
    each.output("good")
    (outputs / "link").symlink_to(tmp_path / "secret")
    (outputs / "up").symlink_to("..")
    (outputs / "environ").symlink_to("/proc/self/environ")
    os.mkfifo(outputs / "fifo")
    with (outputs / "sparse").open("wb") as file:
        file.truncate(1024**4)
    each.volume.path("logs/algorithm.log").symlink_to("/proc/self/environ")

    done = each.publish()

    assert done.code == EXIT_OK
    assert list(each.stored()) == ["outputs/good", "logs/publish.log"]
    manifest = each.manifest()
    skipped = {item.filename for item in manifest.skipped}
    assert skipped == {"link", "up", "environ", "fifo", "sparse", "algorithm.log"}
    assert manifest.skipped_count == 6
    assert str(done.report["message"]).startswith("6 things were not published")
    everything = b"".join(each.read(key) for key in each.names())
    assert b"geheim" not in everything
    assert b"test-secret" not in everything


def test_what_its_owner_may_not_read_is_read_all_the_same(each: Bench) -> None:
    """The algorithm runs as the same user, who may change that."""
    each.output("closed/inner/file", b"1").chmod(0)
    each.volume.path("outputs/closed/inner").chmod(0)
    each.volume.path("outputs/closed").chmod(0o200)
    each.output("listable/file", b"2")
    each.volume.path("outputs/listable").chmod(0o444)
    done = each.publish()
    assert done.code == EXIT_OK, done.output
    assert [key for key in each.stored() if key.startswith("outputs")] == [
        "outputs/closed/inner/file",
        "outputs/listable/file",
    ]


@pytest.mark.skipif(os.geteuid() != 0, reason="only root gives files away")
def test_what_belongs_to_another_user_and_may_not_be_read_is_skipped(bench: S3Bench) -> None:
    theirs = bench.output("theirs/file")
    theirs.chmod(0o600)
    os.chown(theirs, 12345, 12345)
    folder = bench.output("folder/file").parent
    folder.chmod(0o700)
    os.chown(folder, 12345, 12345)
    bench.output("ours")
    done = bench.publish()
    assert done.code == EXIT_OK
    assert {item.filename: item.reason for item in bench.manifest().skipped} == {
        "theirs/file": "it can't be opened: Permission denied",
        "folder": "the folder can't be read: Permission denied",
    }


def test_a_cap_on_all_outputs(each: Bench) -> None:
    each.output("a", b"x" * 100)
    each.output("b", b"x" * 100)
    assert each.publish("--max-bytes", 150).code == EXIT_OK
    assert [item.filename for item in each.manifest().skipped] == ["b"]


@pytest.mark.parametrize(
    ("change", "words", "code"),
    [
        pytest.param(
            lambda target: target.model_copy(update={"bucket": "missing"}),
            "NoSuchBucket",
            EXIT_FAILED,
            id="a bucket that is not there",
        ),
        pytest.param(
            lambda target: target.model_copy(update={"endpoint": f"http://127.0.0.1:{free_port()}"}),
            "EndpointConnectionError",
            EXIT_RETRY,
            id="a server that is not there",
        ),
        pytest.param(
            lambda target: target.model_copy(update={"endpoint": "http://"}),
            "the endpoint is not a URL",
            EXIT_FAILED,
            id="an endpoint that is no URL",
        ),
    ],
)
def test_what_is_wrong_with_the_storage_is_told(
    bench: S3Bench, change: Callable[[S3Target], S3Target], words: str, code: int
) -> None:
    done = bench.publish(target=change(bench.target))
    assert (done.report["reason"], done.code) == ("PublishFailed", code)
    assert words in str(done.report["message"])


@pytest.mark.parametrize(
    ("environment", "words"),
    [
        ({"AWS_ACCESS_KEY_ID": "test-key", "AWS_SECRET_ACCESS_KEY": "geheim"}, "SignatureDoesNotMatch"),
        ({"AWS_ACCESS_KEY_ID": "geheim", "AWS_SECRET_ACCESS_KEY": "geheim"}, "UserNotFound"),
        ({"AWS_EC2_METADATA_DISABLED": "true"}, "no complete credentials"),
    ],
)
def test_wrong_credentials_are_told_and_never_shown(bench: S3Bench, environment: dict[str, str], words: str) -> None:
    bench.output("a")
    done = bench.volume.publish(bench.target, environment)
    assert (done.report["reason"], done.code) == ("PublishFailed", EXIT_FAILED)
    assert words in str(done.report["message"])
    assert "geheim" not in done.output + json.dumps(done.report)


def test_a_volume_without_outputs_is_told(each: Bench) -> None:
    each.volume.path("outputs").rmdir()
    done = each.publish()
    assert (done.report["reason"], done.code) == ("PublishFailed", EXIT_FAILED)
    assert "outputs can't be opened: No such file" in str(done.report["message"])


def test_it_publishes_although_its_own_log_can_not_be_written(each: Bench) -> None:
    each.output("a")
    each.volume.path("adminlogs").chmod(0o555)
    assert each.publish().code == EXIT_OK
    assert list(each.stored()) == ["outputs/a"]


class TestKilled:
    """Whatever a killed run left in the bucket, the next one ends with exactly what its manifest names."""

    @pytest.mark.parametrize("limit", [20_000, 3 * MIB, 20 * MIB, 32_300_000])
    def test_in_the_middle_of_an_upload(self, bench: S3Bench, limit: int) -> None:
        bench.output("a/large", LARGE)
        for number in range(10):
            bench.output(f"small {number}", b"x" * 100_000)
        self.kill_after(bench, limit)
        assert "manifest.json" not in bench.s3.keys(bench.prefix)
        for number in range(5):
            bench.volume.path(f"outputs/small {number}").unlink()

        assert bench.publish().code == EXIT_OK
        assert bench.stored()["outputs/a/large"] == LARGE
        bench.assert_nothing_else()

    def kill_after(self, bench: S3Bench, limit: int) -> None:
        address = urlsplit(bench.s3.endpoint)
        assert address.hostname is not None
        assert address.port is not None
        with Tap(address.hostname, address.port, limit).running() as tap:
            target = bench.target.model_copy(update={"endpoint": tap.endpoint})
            program = bench.volume.start_publish(target, bench.s3.environment)
            assert tap.closed.wait(60)
            program.kill()

    def test_sigterm_ends_it_at_once_with_a_report(self, bench: S3Bench) -> None:
        bench.output("large", LARGE)
        address = urlsplit(bench.s3.endpoint)
        assert address.hostname is not None
        assert address.port is not None
        with Tap(address.hostname, address.port, 9 * MIB).running() as tap:
            target = bench.target.model_copy(update={"endpoint": tap.endpoint})
            program = bench.volume.start_publish(target, bench.s3.environment)
            assert tap.closed.wait(60)
            program.process.send_signal(signal.SIGTERM)
            done = program.wait()
        assert (done.report["reason"], done.code) == ("PublishFailed", EXIT_RETRY)
        assert "told to end" in str(done.report["message"])


class TestOvertaken:
    """A pod that was given up may live on, on a node that lost contact: two attempts of one job are at work."""

    @pytest.mark.parametrize(
        "left",
        [
            pytest.param(25 * MIB, id="while it sends outputs"),
            pytest.param(3_000, id="before its manifest"),
            pytest.param(300, id="before it looks for what is stale"),
        ],
    )
    def test_the_later_one_s_results_stay_what_its_report_says(self, bench: S3Bench, left: int) -> None:
        bench.output("a/large", LARGE)
        bench.output("small", b"x" * 100_000)
        address = urlsplit(bench.s3.endpoint)
        assert address.hostname is not None
        assert address.port is not None
        with Tap(address.hostname, address.port, 1 << 62).running() as tap:
            target = bench.target.model_copy(update={"endpoint": tap.endpoint, "prefix": f"{bench.target.prefix}0"})
            assert bench.publish(target=target).code == EXIT_OK
            whole = tap.passed
        with Tap(address.hostname, address.port, whole - left).running() as tap:
            target = bench.target.model_copy(update={"endpoint": tap.endpoint})
            first = bench.volume.start_publish(target, bench.s3.environment)
            assert tap.closed.wait(60)
            second = bench.publish("--attempt", 1)
            assert second.code == EXIT_OK, second.output
            tap.open()
            first.wait()

        bench.prefix = f"{bench.prefix.rstrip('/')}-1/"
        assert second.report["location"] == f"s3://results/{bench.prefix.rstrip('/')}"
        assert hashlib.sha256(bench.read("manifest.json")).hexdigest() == second.report["manifestSha256"]
        assert bench.stored()["outputs/a/large"] == LARGE
        bench.assert_nothing_else()

    def test_what_an_earlier_attempt_left_is_deleted(self, each: Bench) -> None:
        each.output("large", LARGE)
        assert each.publish().code == EXIT_OK
        done = each.publish("--attempt", 2)
        assert done.code == EXIT_OK, done.output
        each.assert_left(attempt=2)


def test_an_upload_that_ran_out_of_patience_leaves_no_parts(bench: S3Bench) -> None:
    bench.output("large", LARGE)
    upload = bench.s3.client.create_multipart_upload(Bucket="results", Key=f"{bench.prefix}outputs/left")["UploadId"]
    bench.s3.client.upload_part(
        Bucket="results", Key=f"{bench.prefix}outputs/left", UploadId=upload, PartNumber=1, Body=b"x"
    )
    eventually(lambda: bool(bench.s3.unfinished(bench.prefix)), "the server lists the unfinished upload")
    assert bench.publish().code == EXIT_OK
    bench.assert_nothing_else()


def test_a_receipt_tells_what_ran(each: Bench) -> None:
    facts = Facts(image="python:3.11", image_id="python@sha256:ab", exit_code=0)
    each.environment = {**each.environment, FACTS: facts.model_dump_json(by_alias=True)}
    each.output("a", b"content")
    fetched = {"path": "inputs/a/0", "size": 3, "sha256": "ab" * 32}
    each.log("adminlogs/inputs.json", json.dumps({"files": [fetched]}).encode())

    assert each.publish().code == EXIT_OK
    receipt = Receipt.model_validate_json(each.read("receipt.json"))
    assert (receipt.facts, receipt.signature) == (facts, None)
    assert [file.path for file in receipt.inputs or []] == ["inputs/a/0"]
    assert receipt.manifest_sha256 == hashlib.sha256(each.read("manifest.json")).hexdigest()
    each.stored()


def test_facts_that_can_not_be_read(bench: S3Bench) -> None:
    bench.environment = {**bench.environment, FACTS: '{"exitCode": "many"}'}
    assert bench.publish().code == EXIT_FAILED


async def test_encryption_is_asked_for_with_every_object(bench: S3Bench) -> None:
    """versitygw takes these headers and has no KMS, so it is the requests that count here."""
    encrypted = {"server_side_encryption": Encryption.KMS, "kms_key_id": "alias/results"}
    bench.output("large", LARGE[: 9 * MIB])
    bench.output("small")
    bench.log("logs/algorithm.log", b"hello")
    bench.environment = {**bench.environment, FACTS: Facts().model_dump_json(by_alias=True)}
    async with proxied(bench.s3.endpoint) as proxy:
        target = bench.target.model_copy(update={"endpoint": proxy.endpoint, **encrypted})
        done = await asyncio.to_thread(bench.publish, target=target)
    assert done.code == EXIT_OK, done.output
    assert bench.stored()["outputs/large"] == LARGE[: 9 * MIB]
    heads = re.findall(rb"(?:PUT|POST) /results/\S*/ns/uid/\S* HTTP.*?\r\n\r\n", b"".join(proxy.requests), re.DOTALL)
    asked = {}
    for head in heads:
        method, url, _ = head.decode().split(" ", 2)
        name, _, query = url.partition("/ns/uid/")[2].partition("?")
        asked[method, name, query.partition("=")[0]] = (
            b"x-amz-server-side-encryption: aws:kms\r\n" in head
            and b"x-amz-server-side-encryption-aws-kms-key-id: alias/results\r\n" in head
        )
    named = {name for (_, name, query), yes in asked.items() if yes and query in ("", "uploads")}
    assert named == bench.names()


def test_a_server_whose_connections_stay_open_gets_the_same(tmp_path: Path, volume: Volume, place_name: str) -> None:
    binary = s3server.find()
    if binary is None:
        pytest.skip(f"versitygw, an S3 server, is not here: {s3server.WHERE}")
    with s3server.running(binary, tmp_path / "buckets", "--keep-alive") as s3:
        bench = S3Bench(s3, volume, place_name)
        bench.output("large", LARGE)
        for number in range(200):
            bench.output(f"small {number}", str(number).encode())
        assert bench.publish().code == EXIT_OK
        assert bench.stored()["outputs/small 7"] == b"7"
        bench.assert_nothing_else()
