"""A folder of results is what was published, or the command says what is not."""

import hashlib
import json
from collections.abc import Callable
from pathlib import Path

import pytest

from c2d.api import receipt as receipts
from c2d.api.receipt import Facts, Receipt, Signature
from c2d.cli import errors, verify
from c2d.cli.verify import Expected, Mark
from c2d.ocean import signatures
from c2d.ocean.signatures import PrivateKey
from c2d.storage import results
from tests.unit.publish.stores import MemoryStore

KEY, OTHER = PrivateKey("1" * 64), PrivateKey("2" * 64)
FILES = {"outputs/a": b"1", "outputs/b/c": b"22", "logs/algorithm.log": b"hello"}


def manifest() -> bytes:
    listed = [
        {
            "index": index,
            "type": "output" if key.startswith("outputs") else "algorithmLog",
            "filename": key.partition("/")[2],
            "key": key,
            "filesize": len(content),
            "sha256": hashlib.sha256(content).hexdigest(),
        }
        for index, (key, content) in enumerate(FILES.items())
    ]
    head = {"job": "ns/job", "uid": "u", "publishedAt": "2026-01-02T03:04:05Z", "outputs": True, "skipped": []}
    return json.dumps({**head, "results": listed}).encode()


SHA256 = hashlib.sha256(manifest()).hexdigest()


def receipt(key: PrivateKey | None = KEY, **changes: object) -> bytes:
    said = {
        "job": "ns/job",
        "uid": "u",
        "facts": Facts(),
        "manifest_sha256": SHA256,
        "results": 3,
        "bytes": 8,
        "published_at": "2026-01-02T03:04:05Z",
    }
    made = Receipt.model_validate({**said, **changes})
    if key is not None:
        signature = signatures.sign_like_a_wallet(receipts.signed_text(made), key)
        made = made.model_copy(update={"signature": Signature(address=key.address, signature=signature)})
    return made.model_dump_json(by_alias=True).encode()


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """As `c2d results` writes it."""
    store = MemoryStore()
    store.objects = {f"p/{key}": content for key, content in FILES.items()}
    store.objects |= {"p/manifest.json": manifest(), "p/receipt.json": receipt()}
    results.fetch_all(store, "p", tmp_path / "r", lambda *_: None)
    return tmp_path / "r"


def test_what_was_downloaded_is_good(folder: Path) -> None:
    lines = verify.check(folder, Expected(SHA256, KEY.address.lower()))
    assert [line.mark for line in lines] == [Mark.GOOD] * 4
    assert verify.good(lines)


def test_what_is_not_known_is_said_and_not_judged(folder: Path) -> None:
    (folder / "receipt.json").write_bytes(receipt(None))
    lines = verify.check(folder, Expected())
    assert [(line.subject, line.mark) for line in lines if line.mark is not Mark.GOOD] == [
        ("manifest.json", Mark.UNKNOWN),
        ("signature", Mark.UNKNOWN),
    ]
    (folder / "receipt.json").unlink()
    assert verify.good(verify.check(folder, Expected()))


@pytest.mark.parametrize(
    ("change", "subject", "words"),
    [
        pytest.param(lambda f: (f / "outputs/a").unlink(), "outputs/a", "missing", id="a file is missing"),
        pytest.param(lambda f: (f / "outputs/a").write_bytes(b"2"), "outputs/a", "another content", id="changed"),
        pytest.param(lambda f: (f / "outputs/a").write_bytes(b"12"), "outputs/a", "2 bytes and not 1", id="longer"),
        pytest.param(lambda f: (f / "outputs/d").touch(), "outputs/d", "not in the manifest", id="one more"),
        pytest.param(lambda f: (f / "x").symlink_to("outputs"), "x", "not in the manifest", id="a link to a folder"),
        pytest.param(
            lambda f: [(f / "outputs/a").unlink(), (f / "outputs/a").symlink_to("b/c")],
            "outputs/a",
            "not a file",
            id="a link in a file's place",
        ),
        pytest.param(
            lambda f: (f / "manifest.json").write_bytes(manifest() + b" "), "manifest.json", "another", id="a manifest"
        ),
        pytest.param(lambda f: (f / "receipt.json").write_bytes(b"{"), "receipt.json", "not a receipt", id="nonsense"),
        pytest.param(lambda f: (f / "receipt.json").unlink(), "receipt.json", "nobody vouches", id="no receipt"),
        pytest.param(
            lambda f: (f / "receipt.json").write_bytes(receipt(manifest_sha256="0" * 64)),
            "receipt.json",
            "another manifest",
            id="the receipt of other results",
        ),
        pytest.param(
            lambda f: (f / "receipt.json").write_bytes(receipt(uid="other")), "receipt.json", "another job", id="a job"
        ),
        pytest.param(
            lambda f: (f / "receipt.json").write_bytes(receipt(None)), "signature", "not signed", id="no signature"
        ),
        pytest.param(
            lambda f: (f / "receipt.json").write_bytes(receipt(OTHER)), "signature", "who is not", id="a stranger's"
        ),
        pytest.param(
            lambda f: (f / "receipt.json").write_bytes(receipt().replace(b'"bytes":8', b'"bytes":9')),
            "signature",
            "not of the address",
            id="a receipt that was changed",
        ),
        pytest.param(
            lambda f: (f / "receipt.json").write_bytes(receipt().replace(b'{"version"', b'{"approved":true,"version"')),
            "signature",
            "not of the address",
            id="a receipt with one thing more",
        ),
        pytest.param(
            lambda f: (f / "receipt.json").write_bytes(receipt().replace(b'{"version"', b'{"x":"\\ud800","version"')),
            "receipt.json",
            "not a receipt",
            id="a receipt with half a character",
        ),
        pytest.param(
            lambda f: (f / "ro-crate-metadata.json").symlink_to("outputs/a"),
            "ro-crate-metadata.json",
            "not a file",
            id="a link in a crate's place",
        ),
    ],
)
def test_what_is_wrong(folder: Path, change: Callable[[Path], object], subject: str, words: str) -> None:
    change(folder)
    lines = verify.check(folder, Expected(SHA256, KEY.address))
    assert not verify.good(lines)
    assert any(line.mark is Mark.BAD and line.subject == subject and words in line.finding for line in lines), lines


@pytest.mark.parametrize("content", [None, b"{", b"[]"])
def test_a_folder_of_something_else(tmp_path: Path, content: bytes | None) -> None:
    if content is not None:
        (tmp_path / "manifest.json").write_bytes(content)
    with pytest.raises(errors.Misused):
        verify.check(tmp_path, Expected())
