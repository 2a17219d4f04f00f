"""A chain on this machine: anvil, a real node over JSON-RPC, with Ocean's contracts as they are published."""

import contextlib
import json
import subprocess
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

from web3 import HTTPProvider, Web3
from web3.types import RPCEndpoint

from c2d.chain.settings import GWEI, Chain
from c2d.ocean.signatures import PrivateKey
from tests.chain import packages
from tests.data_plane.programs import eventually
from tests.data_plane.s3server import free_port

CHAIN_ID = 8996
COIN = 10**18  # wei
OPERATOR_KEY = "0x" + "c2" * 32
OPERATOR = PrivateKey(OPERATOR_KEY)
ZERO = "0x" + "0" * 40
_EVENTS = ("MetadataCreated", "MetadataUpdated")


@dataclass(frozen=True)
class Evm:
    """The chain, as a test plays with it: the first of anvil's own accounts owns Ocean's contracts."""

    url: str
    factory: str

    @cached_property
    def web3(self) -> Web3:
        return Web3(HTTPProvider(self.url))

    @property
    def chain(self) -> Chain:
        return chain(self.url, self.factory)

    def says(self, method: str, *parameters: Any) -> Any:
        answer = self.web3.provider.make_request(RPCEndpoint(method), parameters)
        assert "error" not in answer, answer
        return answer["result"]

    def gives(self, address: str, coins: float) -> None:
        self.says("anvil_setBalance", address, hex(int(coins * COIN)))

    def mines_at_once(self, on: bool) -> None:
        self.says("evm_setAutomine", on)

    def mines(self, blocks: int = 1) -> None:
        self.says("anvil_mine", hex(blocks))

    def waiting(self) -> int:
        """Transactions that wait for a block."""
        return int(self.says("txpool_status")["pending"], 16)

    def knows(self, hash_: str) -> bool:
        """Whether the transaction waits or is mined."""
        return self.web3.provider.make_request(RPCEndpoint("eth_getTransactionByHash"), [hash_])["result"] is not None

    def drops(self, hash_: str) -> None:
        """The node forgets a transaction that waits."""
        self.says("anvil_dropTransaction", hash_)

    def somebody_sends_as(self, address: str, tip: int = 1) -> None:
        """A transaction of this account that we know nothing of; `tip` in gwei."""
        self.says("anvil_impersonateAccount", address)
        fees = {"maxPriorityFeePerGas": hex(tip * GWEI), "maxFeePerGas": hex(20 * GWEI)}
        self.says("eth_sendTransaction", {"from": address, "to": address, **fees})
        self.says("anvil_stopImpersonatingAccount", address)

    def base_fee(self, gwei: float) -> None:
        """That of the next block."""
        self.says("anvil_setNextBlockBaseFeePerGas", hex(int(gwei * GWEI)))

    def nfts(self) -> list[str]:
        """All data NFTs of the factory."""
        created = self.contract("ERC721Factory", self.factory).events.NFTCreated()
        return [log["args"]["newTokenAddress"] for log in created.get_logs(from_block=0)]

    def nft(self, address: str) -> Any:
        return self.contract("templates/ERC721Template", address)

    def datatoken(self, address: str) -> Any:
        return self.contract("templates/ERC20Template", address)

    def metadata(self, address: str) -> list[Any]:
        """What was ever told of the NFT, in the order of the blocks."""
        events = [getattr(self.nft(address).events, name)() for name in _EVENTS]
        return [log["args"] for event in events for log in event.get_logs(from_block=0)]

    def contract(self, name: str, address: str) -> Any:
        return self.web3.eth.contract(Web3.to_checksum_address(address), abi=artifact(name)["abi"])


def chain(url: str, factory: str, **changes: Any) -> Chain:
    fields = {"chainId": CHAIN_ID, "rpcUrl": url, "factoryAddress": factory}
    return Chain.model_validate({**fields, **changes})


def artifact(name: str) -> dict[str, Any]:
    folder = packages.artifacts() / f"{name}.sol"
    found: dict[str, Any] = json.loads((folder / f"{name.rpartition('/')[2]}.json").read_text())
    return found


@contextlib.contextmanager
def running(binary: Path, *options: str) -> Iterator[str]:
    """The node's URL, as long as it runs; without contracts."""
    port = free_port()
    command = [str(binary), "--port", str(port), "--chain-id", str(CHAIN_ID), "--silent", *options]
    process = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    try:
        url = f"http://127.0.0.1:{port}"
        eventually(lambda: Web3(HTTPProvider(url)).is_connected(), "the chain's node answers")
        yield url
    finally:
        process.kill()
        process.wait(10)


def deployed(url: str) -> Evm:
    """With Ocean's contracts, in the order that their constructors ask for."""
    web3 = Web3(HTTPProvider(url))
    owner = web3.eth.accounts[0]
    datatoken, nft = _deploy(web3, "templates/ERC20Template"), _deploy(web3, "templates/ERC721Template")
    collector = _deploy(web3, "communityFee/OPFCommunityFeeCollector", owner, owner)
    router = _deploy(web3, "pools/FactoryRouter", owner, owner, datatoken, collector, [])
    factory = _deploy(web3, "ERC721Factory", nft, datatoken, router)
    adding = web3.eth.contract(router, abi=artifact("pools/FactoryRouter")["abi"]).functions.addFactory(factory)
    web3.eth.wait_for_transaction_receipt(adding.transact(_paid(web3)))
    return Evm(url, factory)


def _deploy(web3: Web3, name: str, *arguments: Any) -> Any:
    found = artifact(name)
    contract = web3.eth.contract(abi=found["abi"], bytecode=found["bytecode"])
    sent = contract.constructor(*arguments).transact(_paid(web3))
    return web3.eth.wait_for_transaction_receipt(sent)["contractAddress"]


def _paid(web3: Web3) -> Any:
    """By anvil's first account, with the price that chains of every age know."""
    return {"from": web3.eth.accounts[0], "gasPrice": web3.eth.gas_price}
