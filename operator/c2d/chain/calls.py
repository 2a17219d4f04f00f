"""What the contracts are asked, and what their events answer. Pure.

The operator makes the data NFT for itself, describes it, and hands it over. With the NFT goes every right: the contract
takes all roles from everybody else, so that a key of the operator that is stolen rules over no asset of others.
"""

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from web3 import Web3
from web3.logs import DISCARD

from c2d.chain import abi
from c2d.chain.errors import Reverted

TEMPLATE = 1  # of the NFT, and of the datatoken: the standard ones
CAP = 2**256 - 1  # datatokens; the owner decides how many there are
ACTIVE = 0  # the state of the metadata
ENCRYPTED = b"\x02"  # its flags
ZERO = "0x" + "0" * 40
_NAME_LIMIT = 64  # characters of a name on the chain; each costs
SYMBOL = "C2D-RESULTS"

# Without a provider: it encodes and decodes only.
_eth = Web3().eth
_factory = _eth.contract(abi=abi.FACTORY)
_nft = _eth.contract(abi=abi.NFT)


@dataclass(frozen=True)
class Created:
    """The contracts of a new asset; addresses with checksums."""

    nft: str
    datatoken: str


@dataclass(frozen=True)
class Encryption:
    """The Provider that can read what it encrypted."""

    url: str
    address: str


def create(name: str, operator: str) -> bytes:
    """A data NFT of the operator's, with a datatoken that nobody can mint yet: its roles come with the NFT."""
    short = name[:_NAME_LIMIT]
    nft = (short, SYMBOL, TEMPLATE, "", True, operator)
    datatoken: tuple[Any, ...] = (TEMPLATE, [short, SYMBOL], [operator, operator, ZERO, ZERO], [CAP, 0], [])
    return _data(_factory.encode_abi("createNftWithErc20", [nft, datatoken]))


def describe(document: bytes, encrypted: bytes, by: Encryption) -> bytes:
    """The DDO, as the Provider encrypted it; its hash is that of the clear text."""
    digest = hashlib.sha256(document).digest()
    return _data(_nft.encode_abi("setMetaData", [ACTIVE, by.url, by.address, ENCRYPTED, encrypted, digest, []]))


def hand_over(operator: str, owner: str) -> bytes:
    """Between addresses with their checksums.

    Not the safe transfer: that one asks a contract whether it wants the NFT, and some wallets are contracts that can't
    answer.
    """
    return _data(_nft.encode_abi("transferFrom", [operator, owner, 1]))


def created(receipt: Any, factory: str) -> Created:
    """What the factory made. Raises Reverted where it says nothing of it."""
    return Created(
        _address_in(_factory.events.NFTCreated(), receipt, factory),
        _address_in(_factory.events.TokenCreated(), receipt, ""),
    )


def _address_in(event: Any, receipt: Any, emitter: str) -> str:
    found: Sequence[Any] = event.process_receipt(receipt, errors=DISCARD)
    for log in found:
        if not emitter or log["address"].lower() == emitter.lower():
            return str(log["args"]["newTokenAddress"])
    raise Reverted("the factory made no NFT and datatoken that it tells of")


def _data(encoded: str) -> bytes:
    return bytes.fromhex(encoded.removeprefix("0x"))
