"""The whole program `c2d-configure` on assets: Aquarius, the Provider, the signer, and what a kill leaves."""

import hashlib
import json
import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from c2d.api.plan import ConfigurePlan, PlannedAsset, PlannedContainer, PlannedFile
from c2d.api.plan import Signer as PlannedSigner
from c2d.api.report import EXIT_FAILED, EXIT_OK, EXIT_RETRY
from tests.data_plane import provider_server
from tests.data_plane.programs import Finished, Program, eventually
from tests.data_plane.provider_server import TOKEN, Asset, OceanServer
from tests.data_plane.volumes import Volume
from tests.kit import ddos
from tests.kit.ddos import CONTAINER, OWNER, did_of

CONTENT = os.urandom(5 * 1024 * 1024)
CODE = b"#!/usr/bin/env python3\nprint(1)\n"
DATA, ALGO = did_of("data"), did_of("algorithm")
SHORT = DATA.removeprefix("did:op:")
RAW = PlannedFile(path="transformations/algorithm", text="print(1)\n")


@pytest.fixture
def ocean() -> Iterator[OceanServer]:
    with OceanServer().running() as server:
        yield server


class Job:
    """A job on one dataset, which each test changes where it matters."""

    def __init__(self, ocean: OceanServer, volume: Volume) -> None:
        self.ocean = ocean
        self.volume = volume
        self.token = volume.folder / "token"
        self.token.write_text(f"{TOKEN}\n")
        self.fields: dict[str, Any] = {}
        self.assets: list[PlannedAsset] = []
        self.algorithm = [RAW]

    def dataset(
        self,
        *files: bytes,
        did: str = DATA,
        name: str = "data",
        path: str = "",
        user_data: object = None,
        **compute: Any,
    ) -> Asset:
        """Publishes it; with raw code allowed unless the test says otherwise."""
        did, endpoint = did_of(name), f"{self.ocean.origin}{path}"
        document = ddos.ddo(name, endpoint, **({"allowRawAlgorithm": True} | compute))
        asset = Asset(document, list(files))
        self.ocean.assets[did] = asset
        self.assets.append(
            PlannedAsset(
                did=did,
                path=f"inputs/{did.removeprefix('did:op:')}/0",
                service_id="service-1",
                transfer_tx_id="0xorder",
                metadata_uri=f"{self.ocean.origin}/",
                user_data_file=self._user_data(user_data),
            )
        )
        return asset

    def published_algorithm(self, *files: bytes, container: dict[str, str] | None = None) -> Asset:
        asset = Asset(ddos.algorithm_ddo("algorithm", self.ocean.origin, container), list(files))
        self.ocean.assets[ALGO] = asset
        self.algorithm = []
        self.assets.append(
            PlannedAsset(
                did=ALGO,
                path="transformations/algorithm",
                algorithm=True,
                service_id="service-1",
                transfer_tx_id="0xorder",
                metadata_uri=self.ocean.origin,
            )
        )
        self.fields |= {
            "algorithm_did": ALGO,
            "container": PlannedContainer(entrypoint=CONTAINER["entrypoint"], checksum=CONTAINER["checksum"]),
        }
        return asset

    def _user_data(self, value: object) -> str | None:
        if value is None:
            return None
        path = self.volume.folder / "userdata"
        path.write_text(json.dumps(value))
        return str(path)

    def start(self, *options: object) -> Program:
        fields = {
            "job": "ns/job",
            "inputs": [],
            "algorithm": self.algorithm,
            "assets": self.assets,
            "signer": PlannedSigner(url=f"{self.ocean.origin}/sign", token_file=str(self.token)),
            "allow_private_addresses": True,
        }
        return self.volume.start_plan(ConfigurePlan(**(fields | self.fields)), *options)

    def run(self, *options: object) -> Finished:
        return self.start(*(options or ("--attempts", 3, "--stall-timeout", 2))).wait()

    def succeeds(self) -> Finished:
        done = self.run()
        assert done.code == EXIT_OK, done.output
        assert "geheim" not in done.output
        return done

    def fails(self, reason: str, words: str, code: int = EXIT_FAILED) -> Finished:
        done = self.run()
        assert (done.report["reason"], done.code) == (reason, code), done.output
        assert words in str(done.report["message"])
        assert "geheim" not in done.output + str(done.report)
        return done

    def read(self, name: str = f"inputs/{SHORT}/0") -> bytes:
        return self.volume.read(name)


@pytest.fixture
def job(ocean: OceanServer, volume: Volume) -> Job:
    return Job(ocean, volume)


def test_an_asset_comes_with_its_ddo_byte_for_byte(job: Job) -> None:
    asset = job.dataset(CONTENT, b"second")
    done = job.succeeds()
    assert job.read() == CONTENT
    assert job.read(f"inputs/{SHORT}/1") == b"second"
    assert job.read(f"ddos/{SHORT}") == provider_server.verbatim(asset)
    assert done.report["files"] == 5  # two of the input, its DDO, the algorithm, the custom data


def test_the_requests_are_what_aquarius_and_the_provider_expect(job: Job) -> None:
    job.dataset(b"x", user_data={"a": "ä&b=c", "n": [1, None]})
    job.succeeds()
    assert job.ocean.paths() == [
        f"GET /api/aquarius/assets/ddo/{DATA}",
        "GET /",
        "POST /api/services/fileinfo",
        "GET /api/services/download",
    ]
    assert job.ocean.queries() == [
        {
            "fileIndex": "0",
            "documentId": DATA,
            "transferTxId": "0xorder",
            "serviceId": "service-1",
            "consumerAddress": provider_server.CONSUMER.address,
            "nonce": str(job.ocean.nonce),
            "signature": job.ocean.queries()[0]["signature"],
            "userdata": '{"a":"ä&b=c","n":[1,null]}',
        }
    ]
    assert "userdata=%7B%22a%22%3A%22%C3%A4%26b%3Dc%22" in job.ocean.seen[-1].raw_path


def test_user_data_that_is_a_text_is_sent_as_it_is(job: Job) -> None:
    job.dataset(b"x", user_data='{"a": 1} &+')
    job.succeeds()
    assert job.ocean.queries()[0]["userdata"] == '{"a": 1} &+'


@pytest.mark.parametrize(
    "path",
    ["", "/", "/api/services", "/api/v1/services/", "/provider", "/provider/", "/a/b/api/services/"],
)
def test_providers_anywhere(job: Job, path: str) -> None:
    job.dataset(b"x", path=path)
    job.succeeds()
    prefix = path.split("/api", maxsplit=1)[0].rstrip("/")
    assert job.ocean.paths()[-1] == f"GET {prefix}/api/services/download"


@pytest.mark.parametrize(
    "discovery", [None, {}, {"serviceEndpoints": {"download": "odd"}}], ids=["none", "empty", "odd"]
)
def test_without_a_useful_discovery_the_usual_places_are_taken(job: Job, discovery: dict[str, Any] | None) -> None:
    job.ocean.discovery = discovery
    job.dataset(b"x")
    job.succeeds()


def test_several_assets_at_once_share_the_providers_nonces(job: Job) -> None:
    for name in ("data", "two", "three"):
        job.dataset(*[os.urandom(300_000) for _ in range(5)], name=name)
    job.succeeds()
    nonces = [int(query["nonce"]) for query in job.ocean.queries()]
    assert nonces == sorted(set(nonces))
    assert len(nonces) == 15
    for name in ("data", "two", "three"):
        short = did_of(name).removeprefix("did:op:")
        assert [job.read(f"inputs/{short}/{n}") for n in range(5)] == job.ocean.assets[did_of(name)].files


class TestNonces:
    def test_an_overtaken_request_gets_another_nonce(self, job: Job) -> None:
        job.dataset(b"x").faults = [provider_server.overtaken(), provider_server.overtaken(2)]
        job.succeeds()
        assert job.ocean.signed >= 3

    def test_an_equal_nonce_as_well(self, job: Job) -> None:
        job.ocean.step = 0
        job.ocean.last = job.ocean.nonce
        job.dataset(b"x")
        done = job.fails("InputDownloadFailed", "had seen a later request of ours with 503", EXIT_RETRY)
        assert "8 times in a row" in str(done.report["message"])
        assert job.ocean.signed == 8

    def test_a_signature_that_nobody_takes_is_final(self, job: Job) -> None:
        job.dataset(b"x").faults = [provider_server.overtaken(-(10**9))] * 20
        done = job.fails("InputDownloadFailed", "(signature: Invalid signature provided.)")
        assert "did not take the signature with 400" in str(done.report["message"])
        assert job.ocean.signed == 8

    def test_a_signature_by_another_key_fails_with_the_providers_reason(self, job: Job) -> None:
        job.ocean.key = provider_server.OTHER
        job.dataset(b"x")
        job.fails("InputDownloadFailed", "(Order is not valid, see …)")
        assert job.ocean.signed == 1


class TestProvider:
    def test_a_cut_is_resumed_with_a_signature_of_its_own(self, job: Job) -> None:
        job.dataset(CONTENT).faults = [provider_server.cut(3_000_000), provider_server.status(503)]
        job.succeeds()
        assert job.read() == CONTENT
        *_, first, busy, rest = job.ocean.seen
        assert first.headers.get("Range") is None
        assert rest.headers["Range"] == busy.headers["Range"] != "bytes=0-"
        assert len({query["nonce"] for query in job.ocean.queries()}) == 3

    def test_one_that_ignores_ranges_sends_everything_again(self, job: Job) -> None:
        asset = job.dataset(CONTENT)
        asset.ranges, asset.faults = False, [provider_server.cut(3_000_000)]
        job.succeeds()
        assert job.read() == CONTENT

    def test_one_that_answers_ranges_without_saying_which(self, job: Job) -> None:
        job.dataset(CONTENT).faults = [provider_server.cut(3_000_000), provider_server.bare_range()]
        job.succeeds()
        assert job.read() == CONTENT
        assert "Range" not in job.ocean.seen[-1].headers

    def test_a_stall_counts_as_a_cut(self, job: Job) -> None:
        job.dataset(CONTENT).faults = [provider_server.hold(3_000_000)]
        job.succeeds()
        assert job.read() == CONTENT

    def test_an_order_that_is_not_valid(self, job: Job) -> None:
        job.dataset(b"x").order = ("service-1", "0xanother")
        job.fails("InputDownloadFailed", "refused with 400 Bad Request (Order is not valid, see …)")
        assert len(job.ocean.queries()) == 1

    def test_one_that_stays_broken_is_worth_another_pod(self, job: Job) -> None:
        job.dataset(b"x").faults = [provider_server.status(500)] * 20
        job.fails("InputDownloadFailed", "asked for patience with 500", EXIT_RETRY)

    @pytest.mark.parametrize(
        ("answer", "words"),
        [
            ((400, {"error": "Unable to read geheim/path"}), "refused with 400 Bad Request (Unable to read …)"),
            ((200, []), "says that it has no files"),
            ((200, {"error": "x"}), "did not list the files"),
            ((200, [{}] * 257), "more than 256 files"),
            ((200, ["x" * 1_100_000]), "longer answer"),
        ],
        ids=["refused", "empty", "an error with 200", "many", "huge"],
    )
    def test_a_failing_fileinfo_is_never_an_empty_input(self, job: Job, answer: tuple[int, Any], words: str) -> None:
        job.ocean.fileinfo = [answer]
        job.dataset(b"x")
        job.fails("InputDownloadFailed", words)
        assert job.ocean.queries() == []

    def test_a_busy_fileinfo_is_asked_again(self, job: Job) -> None:
        job.ocean.fileinfo = [(503, {}), (500, {})]
        job.dataset(b"x")
        job.succeeds()


class TestAquarius:
    def test_a_ddo_without_the_service(self, job: Job) -> None:
        job.dataset(b"x").ddo["services"].pop()
        job.fails("InputDownloadFailed", "has no service of the id that was ordered")

    def test_a_ddo_of_another_asset(self, job: Job) -> None:
        job.dataset(b"x").ddo["id"] = did_of("another")
        job.fails("InputDownloadFailed", "is that of another asset")

    def test_a_huge_ddo(self, job: Job) -> None:
        job.dataset(b"x").ddo["metadata"]["name"] = "x" * 10_000_001
        job.fails("InputDownloadFailed", "longer answer")

    def test_an_asset_that_it_does_not_know(self, job: Job) -> None:
        job.dataset(b"x")
        del job.ocean.assets[DATA]
        job.fails("InputDownloadFailed", "refused with 404 Not Found (Asset DID did:op:")

    def test_one_that_comes_back(self, job: Job) -> None:
        job.ocean.aquarius = [500, 503]
        job.dataset(b"x")
        job.succeeds()

    def test_one_that_does_not(self, job: Job) -> None:
        job.ocean.aquarius = [502] * 9
        job.dataset(b"x")
        job.fails("InputDownloadFailed", "3 times in a row", EXIT_RETRY)


class TestSigner:
    def test_its_token_is_read_each_time(self, job: Job) -> None:
        """The kubelet replaces it; the old one may still have been sent."""
        job.dataset(CONTENT).faults = [provider_server.hold(1_000_000)]
        program = job.start("--stall-timeout", 2)
        assert job.ocean.holding.wait(60)
        job.ocean.token = "another"  # noqa: S105
        job.token.write_text("another")
        assert program.wait().code == EXIT_OK
        assert job.read() == CONTENT

    @pytest.mark.parametrize("status", [401, 429, 500, 503])
    def test_a_busy_one_is_asked_again(self, job: Job, status: int) -> None:
        job.ocean.signer = [(status, {"error": "wait"})] * 2
        job.dataset(b"x")
        job.succeeds()

    def test_a_refusal_is_final(self, job: Job) -> None:
        job.ocean.signer = [(403, {"error": "this job has not ordered that asset"})]
        job.dataset(b"x")
        job.fails("InputDownloadFailed", "the signer of downloads refused with 403 Forbidden (this job has not")

    @pytest.mark.parametrize("answer", [[], {}, {"nonce": "1&x=1", "signature": "0x", "consumerAddress": "0x"}])
    def test_nonsense_is_not_sent_on(self, job: Job, answer: object) -> None:
        job.ocean.signer = [(200, answer)]
        job.dataset(b"x")
        job.fails("InputDownloadFailed", "something else than a signature")
        assert job.ocean.queries() == []

    def test_its_address_may_be_private_and_no_other(self, job: Job) -> None:
        job.fields["allow_private_addresses"] = False
        job.dataset(b"x")
        job.fails("InputDownloadFailed", "assets.allowPrivateAddresses")
        assert job.ocean.seen == []

    def test_no_secret_is_in_the_log(self, job: Job) -> None:
        job.dataset(CONTENT, user_data="geheim").faults = [provider_server.cut(100), provider_server.status(500)]
        output = job.succeeds().output
        signature = job.ocean.queries()[0]["signature"]
        assert not any(secret in output for secret in (TOKEN, signature, "0xorder"))


class TestTrust:
    def test_a_published_algorithm_on_open_data(self, job: Job) -> None:
        job.dataset(b"x", allowRawAlgorithm=False)
        job.published_algorithm(CODE, b"helper")
        job.succeeds()
        assert job.read("transformations/algorithm") == CODE
        assert job.read("transformations/algorithm1") == b"helper"
        assert job.volume.path("transformations/algorithm").stat().st_mode & 0o777 == 0o755
        assert job.volume.path(f"ddos/{ALGO.removeprefix('did:op:')}").exists()

    def test_raw_code_is_not_let_near_the_data(self, job: Job) -> None:
        job.dataset(b"x", allowRawAlgorithm=False)
        job.fails("AlgorithmNotTrusted", "allowRawAlgorithm is not set")
        assert job.ocean.queries() == []

    def test_a_trusted_one_with_its_checksums(self, job: Job) -> None:
        job.dataset(b"x", publisherTrustedAlgorithms=[trusted(CODE, b"helper")], allowRawAlgorithm=False)
        job.published_algorithm(CODE, b"helper")
        job.succeeds()

    def test_other_files_than_were_trusted(self, job: Job) -> None:
        job.dataset(b"x", publisherTrustedAlgorithms=[trusted(CODE)], allowRawAlgorithm=False)
        job.published_algorithm(CODE + b"#")
        job.fails("AlgorithmNotTrusted", "with other files (filesChecksum)")
        assert [query["documentId"] for query in job.ocean.queries()] == [ALGO]

    def test_its_publisher_is_trusted(self, job: Job) -> None:
        job.dataset(b"x", publisherTrustedAlgorithmPublishers=[OWNER.lower()], allowRawAlgorithm=False)
        job.published_algorithm(CODE)
        job.succeeds()

    def test_an_algorithm_that_its_provider_does_not_give(self, job: Job) -> None:
        job.dataset(b"x")
        job.published_algorithm(CODE).faults = [provider_server.status(404)]
        job.fails("AlgorithmDownloadFailed", "refused with 404")


def trusted(*files: bytes) -> dict[str, str]:
    return {
        "did": ALGO,
        "filesChecksum": "".join(hashlib.sha256(file).hexdigest() for file in files),
        "containerSectionChecksum": ddos.container_checksum(),
    }


def test_a_kill_in_the_middle_loses_nothing(job: Job) -> None:
    job.dataset(CONTENT).faults = [provider_server.hold(3_000_000)]
    program = job.start()
    assert job.ocean.holding.wait(60)
    eventually(lambda: any(part.stat().st_size > 2_000_000 for part in parts(job.volume)), "bytes are on the volume")
    program.kill()

    job.succeeds()
    assert job.read() == CONTENT
    assert job.ocean.seen[-1].headers["Range"] != "bytes=0-"
    assert job.ocean.queries()[-1]["nonce"] != job.ocean.queries()[0]["nonce"]
    assert not job.volume.path(".configure").exists()


def parts(volume: Volume) -> list[Path]:
    return list(volume.data.glob(".configure/*.part"))


def test_a_file_larger_than_allowed(job: Job) -> None:
    job.fields["max_file_bytes"] = len(CONTENT) - 1
    job.dataset(CONTENT)
    job.fails("InputDownloadFailed", "assets.maxFileBytes")


def test_files_that_share_a_place(job: Job) -> None:
    job.dataset(b"x", b"y")
    job.fields["inputs"] = [PlannedFile(path=f"inputs/{SHORT}/1", text="z")]
    job.fails("ConfigureFailed", "2 times")


def test_assets_without_a_signer(job: Job) -> None:
    job.dataset(b"x")
    job.fields["signer"] = None
    job.fails("ConfigureFailed", "nobody who signs")
