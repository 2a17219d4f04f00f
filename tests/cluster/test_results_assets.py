"""Results become an asset: a real API server keeps what was written down, a real chain what was sent; engines die."""

import json
from collections.abc import Iterator

import pytest

from c2d.api.phases import Phase
from c2d.kube.resources import Object
from tests.chain import evm as chains
from tests.chain import packages
from tests.chain.evm import CHAIN_ID, OPERATOR, OPERATOR_KEY, Evm
from tests.chain.provider import EncryptingProvider
from tests.kit.engine_process import engine, namespace_of_its_own
from tests.kit.live import Site, live

OWNER = "0x" + "0a" * 20
ALGORITHM = 'open("/data/outputs/model.txt", "w").write("42")'


@pytest.fixture
def evm() -> Iterator[Evm]:
    """Blocks come by the clock, so that an engine can die between a transaction and its block."""
    try:
        packages.artifacts()
        binary = packages.anvil()
    except packages.NotHere as error:
        pytest.skip(f"no chain to try it on: {error}; {packages.WHERE}")
    with chains.running(binary) as url:
        evm = chains.deployed(url)
        evm.gives(OPERATOR.address, 10)
        evm.mines_at_once(False)
        evm.says("evm_setIntervalMining", 1)
        yield evm


def is_sending(status: Object, mined: int) -> bool:
    asset = status.get("asset", {})
    return ("transaction" in asset and len(asset.get("mined", [])) == mined) or "dateFinished" in status


async def test_engines_that_are_killed_at_each_transaction_make_one_asset(site: Site, evm: Evm) -> None:
    chain = {"chainId": CHAIN_ID, "rpcUrl": evm.url, "factoryAddress": evm.factory}
    # An engine outside of the cluster doesn't know its addresses, so the environment names what must be out of reach.
    probe = site.s3_endpoint_in_cluster.replace("http://", "tcp://")
    with namespace_of_its_own(site) as namespace, EncryptingProvider().running() as provider:
        offer = {"chainId": CHAIN_ID, "providerUrl": provider.origin, "filesUrl": "https://s3.example.com/results"}
        # The engine's variables are templates: a brace is written twice.
        variables = {"C2D_CHAINS": json.dumps([chain]).replace("{", "{{").replace("}", "}}")}
        async with (
            live(site, namespace) as story,
            engine(namespace, site.operator_image, OPERATOR_PRIVATE_KEY=OPERATOR_KEY, **variables) as process,
        ):
            environment = await story.given_environment(isolation={"probes": [probe]}, resultsAssets=offer)
            job = await story.when_submitted(ALGORITHM, environment=environment, owner=OWNER, resultsAsset={})
            for mined in range(3):
                await story.then(job, lambda status, mined=mined: is_sending(status, mined), f"transaction {mined}")
                await process.die_and_come_back()
            status = await story.then_ended(job)
            assert status["phase"] == Phase.SUCCEEDED
            assert status["resultsDid"].startswith("did:op:"), status["asset"]
            await story.then_claims_are_gone(job)
        (address,) = evm.nfts()
        assert evm.nft(address).functions.ownerOf(1).call().lower() == OWNER
        (told,) = evm.metadata(address)
        assert json.loads(provider.decrypt(told["data"]))["id"] == status["resultsDid"]
