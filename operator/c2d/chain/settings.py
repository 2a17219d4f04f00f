"""The chains that an operator publishes on, as its settings name them. Loads nothing of web3."""

import json
from typing import Annotated

import pydantic

from c2d.api.model import Model
from c2d.chain.errors import BadChain

Address = Annotated[str, pydantic.Field(pattern="^0x[0-9a-fA-F]{40}$")]
GWEI = 10**9  # wei


class Chain(Model):
    """One chain."""

    model_config = pydantic.ConfigDict(hide_input_in_errors=True)

    chain_id: int = pydantic.Field(ge=1)
    # It may hold a key of the node's, so it is never shown.
    rpc_url: str = pydantic.Field(pattern="^https?://", repr=False)
    factory_address: Address  # of Ocean's ERC721Factory
    max_fee_gwei: float = pydantic.Field(500, gt=0)  # for a unit of gas; above it is waited
    confirmations: int = pydantic.Field(1, ge=1, le=1000)  # blocks, that of the transaction included

    @property
    def max_fee(self) -> int:
        """In wei."""
        return int(self.max_fee_gwei * GWEI)


_chains = pydantic.TypeAdapter(list[Chain])


def parse(text: str) -> tuple[Chain, ...]:
    """From a JSON list; an empty text is none. Raises BadChain, which names the field."""
    if not text.strip():
        return ()
    try:
        chains = _chains.validate_python(json.loads(text))
    except ValueError as error:
        raise BadChain(_explain(error)) from None
    numbers = [chain.chain_id for chain in chains]
    if len(set(numbers)) < len(numbers):
        raise BadChain("two chains have the same chainId")
    return tuple(chains)


def _explain(error: ValueError) -> str:
    if not isinstance(error, pydantic.ValidationError):
        return "it must be a JSON list"
    first = error.errors(include_url=False, include_input=False)[0]
    return f"{'.'.join(str(part) for part in first['loc'])}: {first['msg']}"
