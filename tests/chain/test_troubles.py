"""Whatever is in an asset's way, the job succeeds, and its status says what it was."""

import dataclasses

import pytest

from c2d.api.phases import Phase
from c2d.kube.resources import JOBS
from tests.chain import evm as chains
from tests.chain.evm import CHAIN_ID, OPERATOR, Evm
from tests.chain.provider import EncryptingProvider
from tests.chain.story import AssetStory, offered
from tests.data_plane.s3server import free_port
from tests.kit.story import environment_manifest, job_manifest

LIMIT = 1800


async def ready(evm: Evm, provider: EncryptingProvider, **settings: object) -> AssetStory:
    story = AssetStory(evm, provider, chains.chain(**{"url": evm.url, "factory": evm.factory, **settings}))
    story.given_job()
    await story.publishes_results()
    return story


async def lasts(story: AssetStory, reason: str, words: str) -> None:
    """The trouble is told while it lasts, and is what is left when the time is over."""
    await story.engine_lives(3)
    assert story.phase is Phase.PUBLISHING
    assert story.asset()["reason"] == reason
    assert words in story.asset()["message"]
    story.pass_time(LIMIT)
    await story.engine_lives(3)
    gives_up(story, reason, words)


def gives_up(story: AssetStory, reason: str, words: str) -> None:
    assert story.phase is Phase.SUCCEEDED
    assert (story.condition()["status"], story.condition()["reason"]) == ("False", reason)
    assert words in story.condition()["message"]
    assert story.status["resultsDid"] == ""
    assert story.status["results"]["count"] == 3
    assert "transaction" not in story.asset()
    assert story.evm.url not in str(story.cluster.job()), "an RPC's URL may hold a key"


async def test_without_funds_it_says_whom_to_send_how_much(evm: Evm, provider: EncryptingProvider) -> None:
    evm.gives(OPERATOR.address, 0)
    story = await ready(evm, provider)
    await lasts(
        story, "InsufficientFunds", f"the operator's account {OPERATOR.address} has 0.000000 coins on chain 8996"
    )


async def test_with_funds_it_goes_on(evm: Evm, provider: EncryptingProvider) -> None:
    evm.gives(OPERATOR.address, 0)
    story = await ready(evm, provider)
    await story.engine_lives(3)
    evm.gives(OPERATOR.address, 1)
    await story.engine_lives()
    assert story.condition()["status"] == "True"
    assert "reason" not in story.asset()


async def test_an_rpc_that_is_down(evm: Evm, provider: EncryptingProvider) -> None:
    story = await ready(evm, provider, url=f"http://127.0.0.1:{free_port()}")
    await lasts(story, "ChainUnreachable", "the chain's RPC does not answer")


async def test_an_rpc_that_is_no_node(evm: Evm, provider: EncryptingProvider) -> None:
    story = await ready(evm, provider, url=provider.origin)
    await lasts(story, "ChainUnreachable", "the chain's RPC does not answer as a node does")


async def test_an_rpc_of_another_chain(evm: Evm, provider: EncryptingProvider) -> None:
    story = AssetStory(evm, provider)
    story.settings = dataclasses.replace(story.settings, chain_ids=(1,))
    story.chain = chains.chain(evm.url, evm.factory, chainId=1)
    offer = offered(provider, chainId=1)
    story.given(job=job_manifest(owner="0x" + "0a" * 20, resultsAsset={}), environment=ipfs_environment(offer))
    await story.publishes_results()
    await lasts(story, "WrongChain", f"the RPC of chain 1 serves chain {CHAIN_ID}")


def ipfs_environment(offer: dict[str, object], **spec: object) -> dict[str, object]:
    return environment_manifest(results={"ipfs": {"apiUrl": "http://kubo:5001"}}, resultsAssets=offer, **spec)


async def test_an_address_without_a_factory(evm: Evm, provider: EncryptingProvider) -> None:
    story = await ready(evm, provider, factory="0x" + "12" * 20)
    await lasts(story, "WrongChain", "there is no contract at 0x1212")


async def test_a_contract_that_refuses(evm: Evm, provider: EncryptingProvider) -> None:
    """Something else is at the factory's address."""
    router = evm.contract("ERC721Factory", evm.factory).functions.router().call()
    story = await ready(evm, provider, factory=router)
    await story.engine_lives()
    gives_up(story, "TransactionReverted", "")


async def test_fees_above_the_bound(evm: Evm, provider: EncryptingProvider) -> None:
    story = await ready(evm, provider, maxFeeGwei=0.001)
    await lasts(story, "FeesTooHigh", "above 0.001")


async def test_a_provider_that_is_down(evm: Evm, provider: EncryptingProvider) -> None:
    story = AssetStory(evm, provider)
    offer = offered(provider, providerUrl=f"http://127.0.0.1:{free_port()}")
    story.given(job=job_manifest(owner="0x" + "0a" * 20, resultsAsset={}), environment=ipfs_environment(offer))
    await story.publishes_results()
    await story.engine_lives(8)
    await lasts(story, "ProviderUnreachable", "the Provider does not answer")
    assert len(evm.nfts()) == 1, "it is the operator's, and stays without metadata"


async def test_a_provider_with_trouble_of_its_own_is_asked_again(evm: Evm, provider: EncryptingProvider) -> None:
    provider.answers = [(503, ""), (500, "")]
    story = await ready(evm, provider)
    await story.engine_lives()
    assert story.condition()["status"] == "True"


@pytest.mark.parametrize("answer", [(400, "Unsupported chain ID"), (201, "not hex")])
async def test_a_provider_that_does_not_encrypt(
    evm: Evm, provider: EncryptingProvider, answer: tuple[int, str]
) -> None:
    provider.answers = [answer]
    story = await ready(evm, provider)
    await story.engine_lives()
    gives_up(story, "ProviderRefused", "the Provider")


async def test_an_encrypted_ddo_that_is_too_large(evm: Evm, provider: EncryptingProvider) -> None:
    provider.answers = [(201, "0x" + "ab" * 120_000)] * 2
    story = await ready(evm, provider)
    await story.engine_lives()
    gives_up(story, "DdoTooLarge", "bytes of data")


async def test_a_transaction_that_is_never_mined(evm: Evm, provider: EncryptingProvider) -> None:
    story = await ready(evm, provider)
    evm.mines_at_once(False)
    await story.engine_lives(until=story.is_sent)
    sent = story.sent_hash()
    story.pass_time(LIMIT)
    await story.engine_lives(3)
    gives_up(story, "TimedOut", f"transaction {sent} may still be mined")


async def test_a_job_that_is_stopped_ends_at_once(evm: Evm, provider: EncryptingProvider) -> None:
    story = await ready(evm, provider)
    evm.mines_at_once(False)
    await story.engine_lives(until=story.is_sent)
    story.cluster.change(JOBS, "branin", lambda item: item["spec"].update(stop=True))
    await story.engine_lives(3)
    gives_up(story, "Stopped", "may still be mined")


async def test_confirmations_are_waited_for(evm: Evm, provider: EncryptingProvider) -> None:
    story = await ready(evm, provider, confirmations=3)
    await story.engine_lives(5)
    assert "mined" not in story.asset() or not story.asset()["mined"]
    evm.mines(2)
    await story.engine_lives(2)
    assert len(story.asset()["mined"]) == 1
