"""What we call of Ocean's contracts, and the events that answer. tests/chain compares it with what is published.

Source: @oceanprotocol/contracts 2.6.0, ERC721Factory and ERC721Template.
"""

from typing import Any

Abi = dict[str, Any]


def _inputs(signature: str) -> list[Abi]:
    """From `type name, type name`."""
    pairs = (part.split() for part in signature.split(",") if part.strip())
    return [{"type": kind, "name": name} for kind, name in pairs]


def _function(name: str, inputs: list[Abi]) -> Abi:
    return {"type": "function", "name": name, "inputs": inputs, "outputs": [], "stateMutability": "nonpayable"}


def _event(name: str, signature: str) -> Abi:
    """In the signature, an indexed input has a star before its name."""
    inputs = _inputs(signature)
    marked = [{**it, "name": it["name"].lstrip("*"), "indexed": it["name"].startswith("*")} for it in inputs]
    return {"type": "event", "name": name, "inputs": marked, "anonymous": False}


def _tuple(kind: str, name: str, signature: str) -> Abi:
    return {"type": kind, "name": name, "components": _inputs(signature)}


FACTORY = [
    _function(
        "createNftWithErc20",
        [
            _tuple(
                "tuple",
                "_NftCreateData",
                "string name, string symbol, uint256 templateIndex, string tokenURI, bool transferable, address owner",
            ),
            _tuple(
                "tuple",
                "_ErcCreateData",
                "uint256 templateIndex, string[] strings, address[] addresses, uint256[] uints, bytes[] bytess",
            ),
        ],
    ),
    _event(
        "NFTCreated",
        "address newTokenAddress, address *templateAddress, string tokenName, address *admin, string symbol, "
        "string tokenURI, bool transferable, address *creator",
    ),
    _event(
        "TokenCreated",
        "address *newTokenAddress, address *templateAddress, string name, string symbol, uint256 cap, address creator",
    ),
]

NFT = [
    _function(
        "setMetaData",
        [
            *_inputs(
                "uint8 _metaDataState, string _metaDataDecryptorUrl, string _metaDataDecryptorAddress, bytes flags, "
                "bytes data, bytes32 _metaDataHash"
            ),
            _tuple("tuple[]", "_metadataProofs", "address validatorAddress, uint8 v, bytes32 r, bytes32 s"),
        ],
    ),
    _function("transferFrom", _inputs("address from, address to, uint256 tokenId")),
]
