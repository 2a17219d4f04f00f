"""What became of a transaction."""

from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True)
class Mined:
    """It is in a block."""

    hash: str
    block: int
    succeeded: bool
    receipt: Any  # as web3 has it


@dataclass(frozen=True)
class Overtaken:
    """Somebody else used its number: it is in no block, and never will be."""
