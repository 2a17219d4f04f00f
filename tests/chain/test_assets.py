"""Results that become an asset, read back from a real chain with Ocean's contracts."""

import hashlib
import json
import pathlib

from c2d.api.phases import Phase
from c2d.ocean import asset
from tests.chain import evm as chains
from tests.chain.evm import CHAIN_ID, OPERATOR, Evm
from tests.chain.provider import ADDRESS, EncryptingProvider
from tests.chain.story import CID, OWNER, AssetStory
from tests.kit.story import environment_manifest, job_manifest


async def published(evm: Evm, provider: EncryptingProvider) -> AssetStory:
    story = AssetStory(evm, provider).given_job()
    await story.publishes_results()
    await story.engine_lives()
    return story


async def test_the_asset_is_the_consumers_and_nothing_stays_with_the_operator(
    evm: Evm, provider: EncryptingProvider
) -> None:
    story = await published(evm, provider)
    assert story.phase is Phase.SUCCEEDED
    (address,) = evm.nfts()
    nft, found = evm.nft(address), story.asset()
    assert found["nftAddress"] == address
    assert nft.functions.ownerOf(1).call().lower() == OWNER.lower()
    assert all(nft.functions.getPermissions(evm.web3.to_checksum_address(OWNER)).call())
    assert not any(nft.functions.getPermissions(OPERATOR.address).call())
    assert nft.functions.getTokensList().call() == [found["datatokenAddress"]]
    datatoken = evm.datatoken(found["datatokenAddress"])
    assert datatoken.functions.getERC721Address().call() == address
    assert not any(datatoken.functions.getPermissions(OPERATOR.address).call())
    # No collector of its own: what somebody pays goes to the NFT's owner.
    assert datatoken.functions.getPaymentCollector().call().lower() == OWNER.lower()
    assert len(found["mined"]) == 3
    assert "transaction" not in found


async def test_the_consumer_can_mint_and_order_datatokens(evm: Evm, provider: EncryptingProvider) -> None:
    story = await published(evm, provider)
    datatoken = evm.datatoken(story.asset()["datatokenAddress"])
    owner = evm.web3.to_checksum_address(OWNER)
    evm.says("anvil_impersonateAccount", owner)
    evm.gives(owner, 1)
    for call in (datatoken.functions.addMinter(owner), datatoken.functions.mint(owner, 10**18)):
        assert evm.web3.eth.wait_for_transaction_receipt(call.transact({"from": owner}))["status"] == 1
    assert datatoken.functions.balanceOf(owner).call() == 10**18


async def test_the_did_follows_from_the_nft_and_its_metadata_is_the_ddo(evm: Evm, provider: EncryptingProvider) -> None:
    story = await published(evm, provider)
    address, did = story.asset()["nftAddress"], story.status["resultsDid"]
    assert did == "did:op:" + hashlib.sha256(f"{address}{CHAIN_ID}".encode()).hexdigest()
    assert story.condition()["message"] == did
    (told,) = evm.metadata(address)
    clear = provider.decrypt(told["data"])
    assert (told["state"], told["flags"], told["decryptorUrl"]) == (0, b"\x02", provider.origin)
    assert told["metaDataHash"] == hashlib.sha256(clear).digest()
    assert evm.nft(address).functions.getMetaData().call() == [provider.origin, ADDRESS, 0, True]
    ddo = json.loads(clear)
    (service,) = ddo.pop("services")
    assert ddo == {
        "@context": [asset.CONTEXT],
        "id": did,
        "version": "4.1.0",
        "chainId": CHAIN_ID,
        "nftAddress": address,
        "metadata": {
            "created": story.asset()["startTime"],
            "updated": story.asset()["startTime"],
            "type": "dataset",
            "name": "Branin, solved",
            "description": "Results of job branin",
            "author": OWNER,
            "license": "No License Specified",
            "additionalInformation": {"job": "branin-uid", "agreementId": "0xa9", "manifestSha256": "ab" * 32},
        },
    }
    assert service["serviceEndpoint"] == provider.origin
    assert (service["type"], service["datatokenAddress"]) == ("access", story.asset()["datatokenAddress"])
    files = json.loads(provider.decrypt(bytes.fromhex(service["files"][2:])))
    assert files["nftAddress"] == address
    assert files["datatokenAddress"] == service["datatokenAddress"]
    assert [file["hash"] for file in files["files"]] == [
        f"{CID}/outputs/model.bin",
        f"{CID}/outputs/plots/loss%201%2525.png",
    ]


async def test_results_in_a_bucket_are_named_by_the_url_of_the_environment(
    evm: Evm, provider: EncryptingProvider
) -> None:
    story = AssetStory(evm, provider)
    story.published = {**story.published, "location": "s3://results/a/uid", "manifest": "a/uid/manifest.json"}
    offer = {"chainId": CHAIN_ID, "providerUrl": provider.origin, "filesUrl": "https://s3.example.com/results/"}
    story.given(job=job_manifest(owner=OWNER, resultsAsset={}), environment=environment_manifest(resultsAssets=offer))
    await story.publishes_results()
    await story.engine_lives()
    (told,) = evm.metadata(story.asset()["nftAddress"])
    service = json.loads(provider.decrypt(told["data"]))["services"][0]
    files = json.loads(provider.decrypt(bytes.fromhex(service["files"][2:])))["files"]
    assert files[0] == {"type": "url", "url": "https://s3.example.com/results/a/uid/outputs/model.bin", "method": "GET"}


async def test_a_chain_that_knows_no_base_fee_gets_transactions_of_the_older_type(
    anvil: pathlib.Path, provider: EncryptingProvider
) -> None:
    with chains.running(anvil, "--hardfork", "berlin") as url:
        evm = chains.deployed(url)
        evm.gives(OPERATOR.address, 10)
        story = await published(evm, provider)
        (address,) = evm.nfts()
        sent = evm.web3.eth.get_transaction(story.asset()["mined"][0])
        assert sent["type"] == 0
        assert evm.nft(address).functions.ownerOf(1).call().lower() == OWNER.lower()
