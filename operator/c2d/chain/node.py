"""One chain's node, over JSON-RPC. Whatever web3 and its transport raise becomes an error of ours here.

No error quotes the node's URL, which may hold a key.
"""

import contextlib
import re
from collections.abc import Awaitable, Callable, Sequence
from typing import Any, TypeVar, cast

import aiohttp
from hexbytes import HexBytes
from web3 import AsyncHTTPProvider, AsyncWeb3
from web3.exceptions import (
    ContractLogicError,
    TransactionIndexingInProgress,
    TransactionNotFound,
    Web3Exception,
    Web3RPCError,
)
from web3.middleware import ExtraDataToPOAMiddleware

from c2d.chain.errors import (
    ChainError,
    FeesTooHigh,
    InsufficientFunds,
    NonceTaken,
    Refused,
    Reverted,
    Underpriced,
    Unreachable,
    WrongChain,
)
from c2d.chain.settings import GWEI, Chain
from c2d.chain.settled import Mined
from c2d.chain.transactions import Fees

T = TypeVar("T")

_URL = re.compile(r"\S*://\S*")

TIMEOUT = 20.0  # seconds for one answer
_TIP = 1 * GWEI  # where a node proposes none
_TOLD = 200  # characters of a node's answer
# Words of nodes in the field (geth, erigon, nethermind, besu, reth), in lower case.
_ALREADY = ("already known", "alreadyknown", "known transaction", "already imported", "already in mempool")
_UNDERPRICED = ("underpriced", "replacement", "gas price too low", "base fee", "basefee", "feecap too low")
_TAKEN = ("nonce too low", "nonce is too low", "oldnonce", "nonce has already been used")
_POOR = ("insufficient funds", "insufficient balance", "insufficientfunds")


class Node:
    """Asks a node. Every method raises a ChainError, mostly Unreachable."""

    def __init__(self, chain: Chain) -> None:
        self._chain = chain
        timeout = aiohttp.ClientTimeout(total=TIMEOUT)
        # Who asks us tries again anyway, and says why.
        self._provider = AsyncHTTPProvider(
            chain.rpc_url, request_kwargs={"timeout": timeout}, exception_retry_configuration=None
        )
        self._web3 = AsyncWeb3(self._provider)
        # Blocks of some chains have longer extra data than the specification of Ethereum says.
        self._web3.middleware_onion.inject(ExtraDataToPOAMiddleware, layer=0)

    async def close(self) -> None:
        with contextlib.suppress(Exception):  # what is closed is not needed any more
            await self._provider.disconnect()

    async def check(self) -> None:
        """Raises WrongChain unless it serves our chain and has the factory."""
        served = await _asked(self._web3.eth.chain_id)
        if served != self._chain.chain_id:
            raise WrongChain(f"the RPC of chain {self._chain.chain_id} serves chain {served}")
        code = await _asked(self._web3.eth.get_code(self._address(self._chain.factory_address)))
        if not code:
            raise WrongChain(f"there is no contract at {self._chain.factory_address} on chain {served}")

    async def head(self) -> int:
        """The number of the latest block."""
        return int(await _asked(self._web3.eth.block_number))

    async def nonce(self, account: str, block: int | None = None) -> int:
        """How many transactions of the account are mined, up to this block."""
        count = self._web3.eth.get_transaction_count(self._address(account), "latest" if block is None else block)
        return int(await _asked(count))

    async def fees(self) -> Fees:
        """What is surely enough for the next blocks. Raises FeesTooHigh where that is more than the operator allows."""
        block = await _asked(self._web3.eth.get_block("latest"))
        base = block.get("baseFeePerGas")
        if base is None:
            return self._bounded(Fees(int(await _asked(self._web3.eth.gas_price)), None))
        tip = await self._tip()
        if base + tip > self._chain.max_fee:
            raise self._too_high(base + tip)
        return self._bounded(Fees(min(2 * base + tip, self._chain.max_fee), tip))

    async def _tip(self) -> int:
        try:
            return int(await _asked(self._web3.eth.max_priority_fee))
        except Refused:  # not every node knows the question
            return _TIP

    def _bounded(self, fees: Fees) -> Fees:
        if fees.max_fee > self._chain.max_fee:
            raise self._too_high(fees.max_fee)
        return fees

    def _too_high(self, fee: int) -> FeesTooHigh:
        wanted = f"{fee / GWEI:g} gwei for a unit of gas"
        return FeesTooHigh(f"chain {self._chain.chain_id} wants {wanted}, above {self._chain.max_fee_gwei:g}")

    async def gas(self, account: str, to: str, data: bytes) -> int:
        """What the call of a contract will use, and a fifth more. Raises Reverted where it would fail."""
        if not await _asked(self._web3.eth.get_code(self._address(to))):
            # Behind one address there may be several nodes, and not all know the latest block.
            raise Unreachable(f"the chain's RPC does not know the contract {to} yet")
        asked: Any = {"from": self._address(account), "to": self._address(to), "data": "0x" + data.hex()}
        used = int(await _asked(self._web3.eth.estimate_gas(asked)))
        return used + used // 5

    async def require_funds(self, account: str, gas: int, fees: Fees) -> None:
        """Raises InsufficientFunds, which says whom to send how much."""
        has, needs = int(await _asked(self._web3.eth.get_balance(self._address(account)))), gas * fees.max_fee
        if has < needs:
            where = f"on chain {self._chain.chain_id}"
            raise InsufficientFunds(
                f"the operator's account {account} has {_coins(has)} {where} and needs {_coins(needs)}; send it funds"
            )

    async def knows(self, hash_: str) -> bool:
        """Whether it has the transaction, mined or waiting."""
        with contextlib.suppress(TransactionNotFound):
            await _asked(self._web3.eth.get_transaction(cast(Any, HexBytes(hash_))))
            return True
        return False

    async def send(self, raw: str) -> None:
        """One that it has already is as good."""
        await _asked(self._web3.eth.send_raw_transaction(HexBytes(raw)), _of_sending)

    async def mined(self, hashes: Sequence[str]) -> Mined | None:
        """The one of these that is in a block."""
        for hash_ in hashes:
            with contextlib.suppress(TransactionNotFound, TransactionIndexingInProgress):
                found = await _asked(self._web3.eth.get_transaction_receipt(cast(Any, HexBytes(hash_))))
                return Mined(hash_, int(found["blockNumber"]), found["status"] == 1, found)
        return None

    async def used_by(self, account: str, nonce: int, since: int, until: int) -> str | None:
        """The hash of the transaction that has this number, if it was mined in these blocks; None: it can't be told."""
        address = self._address(account)
        low, high = since, until
        try:
            if await self.nonce(account, high) <= nonce:
                return None
            while low < high:
                middle = (low + high) // 2
                low, high = (low, middle) if await self.nonce(account, middle) > nonce else (middle + 1, high)
            block = await _asked(self._web3.eth.get_block(low, full_transactions=True))
        except Refused:  # it doesn't keep the states of blocks so old
            return None
        for found in cast(Sequence[Any], block["transactions"]):
            if found["from"] == address and found["nonce"] == nonce:
                return "0x" + bytes(found["hash"]).hex()
        return None

    def _address(self, address: str) -> Any:
        return self._web3.to_checksum_address(address)


def _of_sending(message: str) -> ChainError | None:
    """What a node's words about a transaction mean; None: that it has it already."""
    lower = message.lower()
    if any(word in lower for word in _ALREADY):
        return None
    for words, error in ((_TAKEN, NonceTaken), (_UNDERPRICED, Underpriced), (_POOR, InsufficientFunds)):
        if any(word in lower for word in words):
            return error(_told(message))
    return Refused(_told(message))


def _of_asking(message: str) -> ChainError:
    lower = message.lower()
    if any(word in lower for word in _POOR):
        return InsufficientFunds(_told(message))
    return Reverted(_told(message)) if "revert" in lower else Refused(_told(message))


async def _asked(asked: Awaitable[T], explain: Callable[[str], ChainError | None] = _of_asking) -> T:
    """The answer. TransactionNotFound and TransactionIndexingInProgress pass: they are answers."""
    try:
        return await asked
    except (TransactionNotFound, TransactionIndexingInProgress):
        raise
    except ContractLogicError as error:
        raise Reverted(_told(str(error.message or error))) from None
    except Web3RPCError as error:
        explained = explain(_message(error))
        if explained is None:
            return cast(T, None)
        raise explained from None
    except (TimeoutError, aiohttp.ClientError, OSError, ValueError, Web3Exception) as error:
        raise Unreachable(f"the chain's RPC does not answer as a node does ({type(error).__name__})") from None


def _message(error: Web3RPCError) -> str:
    response = error.rpc_response or {}
    found = response.get("error")
    return str(found.get("message", "")) if isinstance(found, dict) else str(error.message)


def _told(message: str) -> str:
    """A node's words on one line, not long, and without URLs."""
    line = " ".join("".join(char if char.isprintable() else " " for char in message).split())
    line = _URL.sub("…", line)
    return line if len(line) <= _TOLD else line[:_TOLD] + "…"


def _coins(wei: int) -> str:
    return f"{wei / 10**18:.6f} coins"
