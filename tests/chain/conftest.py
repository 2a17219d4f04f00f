from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.chain import evm as chains
from tests.chain import packages
from tests.chain.evm import Evm
from tests.chain.provider import EncryptingProvider


@pytest.fixture(scope="session")
def anvil() -> Path:
    try:
        packages.artifacts()
        return packages.anvil()
    except packages.NotHere as error:
        pytest.skip(f"no chain to try it on: {error}; {packages.WHERE}")


@pytest.fixture(scope="session")
def ocean_chain(anvil: Path) -> Iterator[Evm]:
    with chains.running(anvil) as url:
        yield chains.deployed(url)


@pytest.fixture
def evm(ocean_chain: Evm) -> Iterator[Evm]:
    """Ocean's contracts and nothing else; what a test does to the chain is undone."""
    before = ocean_chain.says("evm_snapshot")
    ocean_chain.gives(chains.OPERATOR.address, 10)
    yield ocean_chain
    ocean_chain.mines_at_once(True)
    ocean_chain.says("anvil_dropAllTransactions")
    ocean_chain.says("evm_revert", before)


@pytest.fixture
def provider() -> Iterator[EncryptingProvider]:
    with EncryptingProvider().running() as server:
        yield server
