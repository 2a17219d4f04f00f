"""The operator's account on one chain: transactions are prepared, written down by whoever asks, and only then sent.

Each of them is sent as it was written down, so a second one never does the same. A transaction counts as lost only when
the chain has another one in a block under its number.
"""

from dataclasses import dataclass

from c2d.api.job import AssetTransaction
from c2d.chain import transactions
from c2d.chain.errors import InsufficientFunds, NonceTaken, TooLarge, Underpriced
from c2d.chain.node import Node
from c2d.chain.settings import Chain
from c2d.chain.settled import Mined, Overtaken
from c2d.chain.transactions import Sign, Transaction

# Bytes of data that a transaction may have here; nodes in the field take none of more than 128 KiB altogether.
DATA_LIMIT = 98_304


@dataclass(frozen=True)
class Account:
    chain: Chain
    address: str
    sign: Sign
    node: Node

    async def prepare(self, to: str, data: bytes) -> AssetTransaction:
        """A call of the contract, ready to be sent. Raises ChainError."""
        if len(data) > DATA_LIMIT:
            raise TooLarge(f"the transaction would have {len(data)} bytes of data, above {DATA_LIMIT}")
        block, nonce = await self.node.head(), await self.node.nonce(self.address)
        fees, gas = await self.node.fees(), await self.node.gas(self.address, to, data)
        await self.node.require_funds(self.address, gas, fees)
        signed = transactions.signed(Transaction(self.chain.chain_id, nonce, to, data, gas, fees), self.sign)
        return AssetTransaction(nonce=nonce, block=block, hashes=[signed.hash], raw=signed.raw)

    async def settle(self, written: AssetTransaction) -> Mined | Overtaken | AssetTransaction | None:
        """What became of it; it is sent where the node doesn't know it. Raises ChainError.

        None: it waits. A transaction: the same one for higher fees, to be written down before it is settled.
        """
        mined = await self.node.mined(written.hashes)
        if mined is not None:
            return mined if await self.node.head() >= mined.block + self.chain.confirmations - 1 else None
        if await self.node.nonce(self.address) > written.nonce:
            return await self._overtaken(written)
        if await self.node.knows(written.hashes[-1]):
            return None
        return await self._send(written)

    async def _send(self, written: AssetTransaction) -> AssetTransaction | None:
        try:
            await self.node.send(written.raw)
        except NonceTaken:
            return None  # in this moment: the next look finds by whom
        except Underpriced:
            return self._raised(written)
        except InsufficientFunds:
            asked = transactions.read(written.raw, self.chain.chain_id)
            await self.node.require_funds(self.address, asked.gas, asked.fees)
            raise
        return None

    def _raised(self, written: AssetTransaction) -> AssetTransaction:
        signed = transactions.raised(written.raw, self.chain.chain_id, self.chain.max_fee, self.sign)
        return written.model_copy(update={"hashes": [*written.hashes, signed.hash], "raw": signed.raw})

    async def _overtaken(self, written: AssetTransaction) -> Overtaken | None:
        """Only a proof counts: the other transaction, in a block that is old enough."""
        until = await self.node.head() - (self.chain.confirmations - 1)
        user = await self.node.used_by(self.address, written.nonce, written.block, until)
        return Overtaken() if user is not None and user not in written.hashes else None
