"""What we call is what is published, and what we sign is what Ethereum knows."""

from typing import Any

import pytest
from eth_account import Account
from hypothesis import given
from hypothesis import strategies as st

from c2d.chain import abi, transactions
from c2d.chain.errors import FeesTooHigh
from c2d.chain.transactions import Fees, Transaction
from c2d.ocean.signatures import PrivateKey, checksum_address
from tests.chain import packages
from tests.chain.evm import artifact

KEY = "0x" + "c2" * 32
SIGN = PrivateKey(KEY).sign_hash
TO = checksum_address("0x" + "ab" * 20)


def without_internals(node: Any) -> Any:
    """An ABI as it counts: without the names that Solidity has for its types."""
    if isinstance(node, list):
        return [without_internals(item) for item in node]
    if isinstance(node, dict):
        left = {name: without_internals(value) for name, value in node.items() if name != "internalType"}
        return {**left, "outputs": []} if node.get("type") == "function" else left
    return node


@pytest.mark.parametrize("name,ours", [("ERC721Factory", abi.FACTORY), ("templates/ERC721Template", abi.NFT)])
def test_our_abi_is_a_part_of_the_published_one(name: str, ours: list[Any]) -> None:
    try:
        published = without_internals(artifact(name)["abi"])
    except packages.NotHere as error:
        pytest.skip(f"no contracts to compare with: {error}; {packages.WHERE}")
    assert not [item for item in ours if item not in published]


amounts = st.integers(0, 2**64 - 1)
dynamic = st.builds(Fees, max_fee=amounts, tip=amounts)
legacy = st.builds(Fees, max_fee=amounts, tip=st.none())
asked = st.builds(
    Transaction,
    chain_id=st.integers(1, 2**32),
    nonce=st.integers(0, 2**40),
    to=st.just(TO.lower()),
    data=st.binary(max_size=100),
    gas=st.integers(21_000, 2**32),
    fees=dynamic | legacy,
)


def as_wallets_sign(given: Transaction) -> str:
    fields: dict[str, Any] = {"nonce": given.nonce, "to": TO, "value": 0, "data": given.data, "gas": given.gas}
    if given.fees.tip is None:
        fields |= {"gasPrice": given.fees.max_fee}
    else:
        fields |= {"type": 2, "maxFeePerGas": given.fees.max_fee, "maxPriorityFeePerGas": given.fees.tip}
    signed = Account.sign_transaction({**fields, "chainId": given.chain_id}, KEY)
    return "0x" + bytes(signed.raw_transaction).hex()


@given(asked)
def test_a_transaction_is_signed_as_wallets_do(given: Transaction) -> None:
    assert transactions.signed(given, SIGN).raw == as_wallets_sign(given)


@given(asked)
def test_what_was_signed_can_be_read_again(given: Transaction) -> None:
    assert transactions.read(transactions.signed(given, SIGN).raw, given.chain_id) == given


@given(asked)
def test_raised_fees_are_a_tenth_higher_at_least_and_nothing_else_changes(given: Transaction) -> None:
    raised = transactions.raised(transactions.signed(given, SIGN).raw, given.chain_id, 2**70, SIGN)
    after = transactions.read(raised.raw, given.chain_id)
    assert (after.nonce, after.to, after.data, after.gas) == (given.nonce, given.to, given.data, given.gas)
    assert after.fees.max_fee * 10 >= given.fees.max_fee * 11
    assert (after.fees.tip is None) == (given.fees.tip is None)
    assert after.fees.tip is None or after.fees.tip * 10 >= (given.fees.tip or 0) * 11


def test_fees_are_not_raised_above_the_bound() -> None:
    given = Transaction(1, 0, TO, b"", 21_000, Fees(100, 1))
    with pytest.raises(FeesTooHigh):
        transactions.raised(transactions.signed(given, SIGN).raw, 1, 125, SIGN)
