"""The receipt: what it says, that it is stored beside the manifest, and that only its signer can have signed it."""

import hashlib
import http.server
import json
import os
import threading
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from c2d.api import receipt as receipts
from c2d.api.environment import S3Target
from c2d.api.plan import PublishPlan, Signer
from c2d.api.receipt import Facts, HashedFile, Receipt
from c2d.ocean import signatures
from c2d.ocean.signatures import PrivateKey
from c2d.publish.limits import Limits
from c2d.publish.publication import Publication, World
from c2d.publish.receipts import inputs
from tests.unit.publish.stores import MemoryStore

NOW = datetime(2026, 1, 2, 3, 4, 5, tzinfo=UTC)
KEY = PrivateKey("1" * 64)
FETCHED = HashedFile(path="inputs/a/0", size=3, sha256="a" * 64)


@pytest.fixture
def data(tmp_path: Path) -> Path:
    for name in ("outputs", "logs", "adminlogs"):
        (tmp_path / "data" / name).mkdir(parents=True)
    (tmp_path / "data/outputs/a").write_bytes(b"1")
    return tmp_path / "data"


def publish(data: Path, **plan: Any) -> tuple[MemoryStore, list[str]]:
    said: list[str] = []
    store = MemoryStore()
    told = PublishPlan(job="ns/job", uid="uid", s3=S3Target(bucket="kept"), **plan)
    Publication(told, data, store, World(lambda: NOW, said.append), Limits()).run(with_outputs=True)
    return store, said


def read(store: MemoryStore) -> Receipt:
    return Receipt.model_validate_json(store.objects["ns/uid/receipt.json"])


def test_it_is_for_the_manifest_that_is_stored(data: Path) -> None:
    (data / receipts.INPUTS).write_text(f'{{"version": 1, "files": [{FETCHED.model_dump_json(by_alias=True)}]}}')
    store, _ = publish(data, receipt=Facts(owner="0xowner", isolation="Isolated"))
    found = read(store)
    assert found.manifest_sha256 == hashlib.sha256(store.objects["ns/uid/manifest.json"]).hexdigest()
    assert (found.results, found.bytes, found.inputs, found.signature) == (1, 1, [FETCHED], None)
    assert (found.facts.owner, found.facts.isolation, found.published_at) == ("0xowner", "Isolated", NOW)


def test_without_facts_there_is_none(data: Path) -> None:
    assert set(publish(data)[0].objects) == {"ns/uid/outputs/a", "ns/uid/manifest.json"}


def test_what_configure_did_not_tell_is_not_made_up(data: Path, tmp_path: Path) -> None:
    assert inputs(data) is None
    (data / receipts.INPUTS).write_text("{")
    assert inputs(data) is None
    (data / receipts.INPUTS).unlink()
    os.mkfifo(data / receipts.INPUTS)
    assert inputs(data) is None


class Server(http.server.BaseHTTPRequestHandler):
    answers: list[int] = []  # noqa: RUF012 - of one test
    tokens: list[str] = []  # noqa: RUF012

    def log_message(self, *_: object) -> None:
        pass

    def do_POST(self) -> None:
        asked = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
        self.tokens.append(self.headers["Authorization"])
        signature = signatures.sign_like_a_wallet(receipts.PURPOSE + asked["sha256"], KEY)
        self.send_response(self.answers.pop(0) if self.answers else 200)
        self.end_headers()
        self.wfile.write(json.dumps({"address": KEY.address, "signature": signature}).encode())


@pytest.fixture
def signer(tmp_path: Path) -> Iterator[Signer]:
    (tmp_path / "token").write_text("pod-token\n")
    Server.answers, Server.tokens = [], []
    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), Server) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield Signer(url=f"http://127.0.0.1:{server.server_address[1]}/receipt", token_file=str(tmp_path / "token"))
        server.shutdown()


def test_it_is_signed_over_all_that_it_says(data: Path, signer: Signer) -> None:
    Server.answers = [503, 500]
    found = read(publish(data, receipt=Facts(), signer=signer)[0])
    assert found.signature is not None
    assert signatures.recover(receipts.signed_text(found), found.signature.signature) == KEY.address
    forged = found.model_copy(update={"results": 2})
    assert signatures.recover(receipts.signed_text(forged), found.signature.signature) != KEY.address
    assert set(Server.tokens) == {"Bearer pod-token"}


def test_results_are_published_without_a_signature_if_need_be(data: Path, signer: Signer) -> None:
    Server.answers = [503] * 9
    store, said = publish(data, receipt=Facts(), signer=signer)
    assert read(store).signature is None
    assert "the receipt is not signed: the signer gave no signature" in said
