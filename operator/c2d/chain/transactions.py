"""Signed transactions: what is written down before it is sent, and sent again as it was. Pure.

Of the types that there are, those of EIP-1559 are made, and those of EIP-155 for chains that know no base fee.
"""

from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Any

import rlp
from eth_hash.auto import keccak

from c2d.chain.errors import FeesTooHigh

# Gives r, s and v (0 or 1), 65 bytes, for a hash.
Sign = Callable[[bytes], bytes]

_DYNAMIC = b"\x02"  # the type of EIP-1559
# Nodes replace what waits for at least a tenth more.
_RAISE = (5, 4)


@dataclass(frozen=True)
class Fees:
    """In wei, for a unit of gas. Without a tip, the chain knows but one price."""

    max_fee: int
    tip: int | None

    def raised(self) -> "Fees":
        """A quarter more."""
        tip = None if self.tip is None else _more(self.tip)
        return Fees(_more(self.max_fee), tip)


@dataclass(frozen=True)
class Transaction:
    """A call of a contract, without any value."""

    chain_id: int
    nonce: int
    to: str
    data: bytes
    gas: int
    fees: Fees


@dataclass(frozen=True)
class Signed:
    raw: str  # hex, with 0x
    hash: str


def signed(asked: Transaction, sign: Sign) -> Signed:
    """The same transaction always gives the same bytes, if `sign` does so."""
    raw = _dynamic(asked, sign) if asked.fees.tip is not None else _legacy(asked, sign)
    return Signed("0x" + raw.hex(), "0x" + keccak(raw).hex())


def raised(raw: str, chain_id: int, limit: int, sign: Sign) -> Signed:
    """The same transaction for higher fees, which takes the first one's place. Raises FeesTooHigh above the limit."""
    before = read(raw, chain_id)
    fees = before.fees.raised()
    if fees.max_fee > limit:
        raise FeesTooHigh("the transaction that waits can't be replaced below maxFeeGwei")
    return signed(replace(before, fees=fees), sign)


def read(raw: str, chain_id: int) -> Transaction:
    """The transaction in the bytes that `signed` made."""
    content = bytes.fromhex(raw.removeprefix("0x"))
    if content[:1] == _DYNAMIC:
        _, nonce, tip, max_fee, gas, to, _, data, *_ = rlp.decode(content[1:])
        fees = Fees(_number(max_fee), _number(tip))
    else:
        nonce, price, gas, to, _, data, *_ = rlp.decode(content)
        fees = Fees(_number(price), None)
    return Transaction(chain_id, _number(nonce), "0x" + to.hex(), data, _number(gas), fees)


def _dynamic(asked: Transaction, sign: Sign) -> bytes:
    tip, max_fee = asked.fees.tip or 0, asked.fees.max_fee
    fields: list[Any] = [asked.chain_id, asked.nonce, tip, max_fee, asked.gas, _to(asked), 0, asked.data, []]
    r, s, parity = _parts(sign(keccak(_DYNAMIC + rlp.encode(fields))))
    return _DYNAMIC + bytes(rlp.encode([*fields, parity, r, s]))


def _legacy(asked: Transaction, sign: Sign) -> bytes:
    fields: list[Any] = [asked.nonce, asked.fees.max_fee, asked.gas, _to(asked), 0, asked.data]
    r, s, parity = _parts(sign(keccak(rlp.encode([*fields, asked.chain_id, 0, 0]))))
    return bytes(rlp.encode([*fields, 35 + 2 * asked.chain_id + parity, r, s]))


def _to(asked: Transaction) -> bytes:
    return bytes.fromhex(asked.to.removeprefix("0x"))


def _parts(signature: bytes) -> tuple[int, int, int]:
    return _number(signature[:32]), _number(signature[32:64]), signature[64]


def _number(content: bytes) -> int:
    return int.from_bytes(content, "big")


def _more(fee: int) -> int:
    above, below = _RAISE
    return -(-fee * above // below) + 1
