"""Writes `results/` beside this file: what `c2d results` leaves of a job, with a signed receipt.

The pages and the tests have it as their example. The key is that of docs/example.py, nobody's.
"""

import hashlib
import pathlib
import shutil

from c2d.api.manifest import Kind, Manifest, Result
from c2d.api.receipt import Facts, HashedFile, Limits, Receipt, Signature, signed_text
from c2d.ocean import signatures
from c2d.ocean.signatures import PrivateKey
from docs import example

FOLDER = pathlib.Path(__file__).parent / "results"
JOB, UID = "c2d/mean-4k7xq", "6f0c5c1e-8a53-4d0b-9d0c-2f1f6f3f9d11"
PUBLISHED = "2026-01-02T03:05:21Z"

DATASET, ALGORITHM = b"a,b\n1,2\n3,4\n", b"import csv\nprint('2 rows')\n"
RESULTS = {
    "outputs/mean.json": (Kind.OUTPUT, b'{"a": 2.0, "b": 3.0}\n'),
    "outputs/report/rows 1-2.csv": (Kind.OUTPUT, b"row,used\n1,yes\n2,yes\n"),
    "logs/algorithm.log": (Kind.ALGORITHM_LOG, b"2 rows\n"),
    "logs/configure.log": (Kind.CONFIGURE_LOG, b"2026-01-02T03:04:09Z 2 files, 39 bytes\n"),
    "logs/publish.log": (Kind.PUBLISH_LOG, b"2026-01-02T03:05:20Z outputs: 2 files, 42 bytes, 0 skipped\n"),
}


def sha256(content: bytes) -> str:
    return hashlib.sha256(content).hexdigest()


def manifest() -> bytes:
    listed = [
        Result(
            index=index,
            type=kind,
            filename=key.partition("/")[2],
            key=key,
            filesize=len(content),
            sha256=sha256(content),
        )
        for index, (key, (kind, content)) in enumerate(RESULTS.items())
    ]
    made = Manifest.model_validate(
        {"job": JOB, "uid": UID, "published_at": PUBLISHED, "outputs": True, "skipped": [], "results": listed}
    )
    return made.model_dump_json(by_alias=True).encode()


def receipt() -> Receipt:
    """Signed, as publish has it signed."""
    digest = "5f3a2b1c0d9e8f7a6b5c4d3e2f1a0b9c8d7e6f5a4b3c2d1e0f9a8b7c6d5e4f3a"
    facts = {
        "owner": example.OWNER,
        "environment": "default",
        "algorithm": f"did:op:{sha256(ALGORITHM)}",
        "image": "registry.example.com/algorithms/python:3.11",
        "image_id": f"registry.example.com/algorithms/python@sha256:{digest}",
        "exit_code": 0,
        "reason": "Succeeded",
        "limits": Limits(cpu="2", memory="4Gi", disk="20Gi", max_duration_seconds=3600),
        "isolation": "Isolated",
        "date_created": "2026-01-02T03:04:02Z",
        "start_time": "2026-01-02T03:04:31Z",
        "finish_time": "2026-01-02T03:05:17Z",
    }
    inputs = {f"inputs/{'0123456789abcdef' * 4}/0": DATASET, "transformations/algorithm": ALGORITHM}
    made = Receipt.model_validate(
        {
            "job": JOB,
            "uid": UID,
            "agreement_id": example.AGREEMENT,
            "facts": Facts.model_validate(facts),
            "inputs": [HashedFile(path=path, size=len(data), sha256=sha256(data)) for path, data in inputs.items()],
            "manifest_sha256": sha256(manifest()),
            "results": len(RESULTS),
            "bytes": sum(len(content) for _, content in RESULTS.values()),
            "published_at": PUBLISHED,
        }
    )
    key = PrivateKey(example.KEY)
    signature = Signature(address=key.address, signature=signatures.sign_like_a_wallet(signed_text(made), key))
    return made.model_copy(update={"signature": signature})


def write(folder: pathlib.Path) -> None:
    shutil.rmtree(folder, ignore_errors=True)
    papers = {"manifest.json": manifest(), "receipt.json": receipt().model_dump_json(by_alias=True).encode()}
    for name, content in {**{key: content for key, (_, content) in RESULTS.items()}, **papers}.items():
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_bytes(content)


if __name__ == "__main__":
    write(FOLDER)
