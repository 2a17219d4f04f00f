"""receipt.json: what ran, on what, under which limits, and what came of it, in one signed piece.

The engine knows the job's facts, configure the hashes of what it fetched, publish those of what it stored; publish
puts them together. The signature is over the sha256 of everything else, as canonical JSON.
"""

import hashlib
import json
from collections.abc import Mapping
from typing import Annotated, Any

import pydantic

from c2d.api.model import Observed, Time

FILE = "receipt.json"
# Where configure tells what it put on the volume: an `Inputs`.
INPUTS = "adminlogs/inputs.json"
# Before the hash in what is signed, so that a signature of a receipt is good for nothing else.
PURPOSE = "c2d receipt "

Hash = Annotated[str, pydantic.Field(pattern="^[0-9a-f]{64}$")]


class HashedFile(Observed):
    """A file that configure put on the volume."""

    path: str  # below the volume's root
    size: int  # bytes
    sha256: Hash


class Inputs(Observed):
    """All of them: datasets and the algorithm."""

    version: int = 1
    files: list[HashedFile]


class Limits(Observed):
    """What the algorithm had, as Kubernetes writes quantities."""

    cpu: str = ""
    memory: str = ""
    disk: str = ""
    gpu: int = 0
    max_duration_seconds: int | None = None


class Facts(Observed):
    """What the engine knows of a job when its results are published."""

    owner: str = ""
    environment: str = ""
    algorithm: str = ""  # its DID; empty where the code came without one
    image: str = ""  # as it was asked for
    image_id: str = ""  # with the digest that really ran
    exit_code: int | None = None
    reason: str = ""  # how the job ended: Succeeded, or why it did not
    limits: Limits = pydantic.Field(default_factory=Limits)
    isolation: str = ""  # the gate's verdict
    date_created: Time | None = None
    start_time: Time | None = None  # of the algorithm
    finish_time: Time | None = None


class Signature(Observed):
    """Who vouches for a receipt."""

    address: str
    signature: str  # 65 bytes in hex, of `signed_text`, as wallets sign a text


class Receipt(Observed):
    """What is in receipt.json. Without a signature it says what happened, and nobody vouches for it."""

    version: int = 1
    job: str  # namespace/name
    uid: str
    agreement_id: str = ""
    facts: Facts
    inputs: list[HashedFile] | None = None  # None where configure told nothing
    manifest_sha256: Hash  # and with it that of every result
    results: int
    bytes: int
    published_at: Time
    signature: Signature | None = None


def signed_text(receipt: Receipt) -> str:
    """What the operator signs: the sha256 of the receipt without its signature, keys sorted, no white space."""
    return text_to_sign(receipt.model_dump(mode="json", by_alias=True))


def text_to_sign(receipt: Mapping[str, Any]) -> str:
    """The same from JSON, whatever else is in it."""
    content = {name: value for name, value in receipt.items() if name != "signature"}
    text = json.dumps(content, sort_keys=True, separators=(",", ":"), ensure_ascii=False)
    return PURPOSE + hashlib.sha256(text.encode()).hexdigest()
