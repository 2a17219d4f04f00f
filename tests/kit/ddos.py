"""DDOs, version 4, as Aquarius has them."""

import hashlib
from typing import Any

OWNER = "0xBBd33AFa85539fa65cc08A2e61a001876D2f13FE"
CONTAINER = {
    "entrypoint": "python3 $ALGO",
    "image": "oceanprotocol/algo_dockers",
    "tag": "python-branin",
    "checksum": "sha256:8221d20c1c16491d7d56b9657ea09082c0ee4a8ab1a6621fa720da58b09580e4",
}
NFT = "0xa072B0D477fae1aBE3537Ff66A8389B184E18F4d"


def did_of(name: str) -> str:
    return f"did:op:{hashlib.sha256(name.encode()).hexdigest()}"


def ddo(name: str, endpoint: str, kind: str = "compute", **compute: Any) -> dict[str, Any]:
    """A dataset; `compute` are fields of the compute section, None for null, and ... leaves one out."""
    section = {
        "allowRawAlgorithm": False,
        "allowNetworkAccess": True,
        "publisherTrustedAlgorithmPublishers": None,
        "publisherTrustedAlgorithms": None,
    } | compute
    service = {
        "id": "service-1",
        "type": kind,
        "files": "0x04d8a1b0f2c3",
        "datatokenAddress": "0x2473f4F7bf40ed9310838edFCA6262C17A59DF64",
        "serviceEndpoint": endpoint,
        "timeout": 3600,
    }
    if kind == "compute":
        service["compute"] = {field: value for field, value in section.items() if value is not ...}
    return {
        "@context": ["https://w3id.org/did/v1"],
        "id": did_of(name),
        "version": "4.1.0",
        "chainId": 8996,
        "nftAddress": NFT,
        "metadata": {
            "created": "2026-11-22T12:00:00Z",
            "updated": "2026-11-22T12:00:00Z",
            "name": name,
            "description": "Branin data, mit Umlaut: ä",
            "type": "dataset",
            "author": "Trent",
            "license": "CC0",
        },
        "services": [{**service, "id": "other", "serviceEndpoint": "https://elsewhere.example"}, service],
        "credentials": {"allow": [], "deny": []},
        "nft": {"address": NFT, "name": "NFT", "symbol": "N", "state": 0, "owner": OWNER},
        "datatokens": [{"address": "0x2473f4F7bf40ed9310838edFCA6262C17A59DF64", "serviceId": "service-1"}],
        "event": {"tx": "0x8d127de5", "block": 15, "from": OWNER, "contract": NFT, "datetime": "2026-11-22T12:00:00"},
        "stats": {"orders": 1},
    }


def algorithm_ddo(name: str, endpoint: str, container: dict[str, str] | None = None) -> dict[str, Any]:
    document = ddo(name, endpoint, kind="access")
    document["metadata"] |= {
        "type": "algorithm",
        "algorithm": {"language": "python", "version": "1.0.0", "container": container or CONTAINER},
    }
    return document


def container_checksum(container: dict[str, str] = CONTAINER) -> str:
    return hashlib.sha256((container["entrypoint"] + container["checksum"]).encode()).hexdigest()


def files_checksum(files: list[bytes]) -> str:
    return "".join(hashlib.sha256(file).hexdigest() for file in files)
