"""A set of results as an asset of the Ocean network: its DID, its files, its DDO. Pure.

The forms are those of the DDO specification, version 4.1.0, which Aquarius checks them against.
"""

import hashlib
import json
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from c2d.ocean.signatures import checksum_address

VERSION = "4.1.0"
CONTEXT = "https://w3id.org/did/v1"
NO_LICENSE = "No License Specified"

Json = dict[str, Any]


@dataclass(frozen=True)
class Contracts:
    """What of an asset is on a chain."""

    chain_id: int
    nft: str
    datatoken: str


@dataclass(frozen=True)
class Description:
    """What it tells of itself."""

    name: str
    description: str
    author: str
    license: str
    created: str  # ISO 8601
    additional: Json


def did(nft: str, chain_id: int) -> str:
    """`did:op:` and the sha256 of the NFT's address, with its checksum, and the chain's number. Raises BadAddress."""
    return "did:op:" + hashlib.sha256(f"{checksum_address(nft)}{chain_id}".encode()).hexdigest()


def ipfs_file(path: str) -> Json:
    """`path`: a CID, and what is below it, as in a URL."""
    return {"type": "ipfs", "hash": path}


def url_file(url: str) -> Json:
    return {"type": "url", "url": url, "method": "GET"}


def files(contracts: Contracts, listed: Sequence[Json]) -> bytes:
    """What a Provider encrypts for the DDO: it serves these files for this datatoken only."""
    document = {"datatokenAddress": contracts.datatoken, "nftAddress": contracts.nft, "files": list(listed)}
    return _encoded(document)


def document(contracts: Contracts, told: Description, provider_url: str, encrypted_files: str) -> bytes:
    """The DDO: one dataset, for download through this Provider."""
    service = {
        # Any unique text; made of the files, as other clients do.
        "id": hashlib.sha256(encrypted_files.encode()).hexdigest(),
        "type": "access",
        "files": encrypted_files,
        "datatokenAddress": contracts.datatoken,
        "serviceEndpoint": provider_url,
        "timeout": 0,  # an order never expires
    }
    return _encoded(
        {
            "@context": [CONTEXT],
            "id": did(contracts.nft, contracts.chain_id),
            "version": VERSION,
            "chainId": contracts.chain_id,
            "nftAddress": contracts.nft,
            "metadata": _metadata(told),
            "services": [service],
        }
    )


def _metadata(told: Description) -> Json:
    return {
        "created": told.created,
        "updated": told.created,
        "type": "dataset",
        "name": told.name,
        "description": told.description,
        "author": told.author,
        "license": told.license or NO_LICENSE,
        "additionalInformation": told.additional,
    }


def _encoded(document: Json) -> bytes:
    return json.dumps(document, separators=(",", ":"), ensure_ascii=False).encode()
