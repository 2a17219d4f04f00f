"""The engine dies at any moment of an asset's publication, and another one goes on: there is one NFT, whole."""

import asyncio
import contextlib
import random
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from c2d.api.phases import Phase
from tests.chain import killed
from tests.chain.evm import OPERATOR, Evm
from tests.chain.provider import EncryptingProvider
from tests.chain.story import OWNER, AssetStory
from tests.data_plane.programs import eventually
from tests.kit.world import Died

# Of the asset: three transactions are written down, three times it is written that one is mined; then the job ends.
WRITES = 7


def dies_at(number: int) -> Callable[[str], None]:
    count = 0

    def write(_: str) -> None:
        nonlocal count
        count += 1
        if count == number:
            raise Died

    return write


def require_one_asset(story: AssetStory) -> None:
    assert story.phase is Phase.SUCCEEDED
    (address,) = story.evm.nfts()
    assert story.asset()["nftAddress"] == address
    assert story.evm.nft(address).functions.ownerOf(1).call().lower() == OWNER.lower()
    assert len(story.evm.nft(address).functions.getTokensList().call()) == 1
    assert len(story.evm.metadata(address)) == 1
    assert story.evm.web3.eth.get_transaction_count(story.evm.web3.to_checksum_address(OPERATOR.address)) == 3
    assert story.condition()["status"] == "True"


@pytest.mark.parametrize("moment", ["before", "after"])
@pytest.mark.parametrize("number", range(1, WRITES + 1))
async def test_there_is_one_asset_whenever_the_engine_dies(
    evm: Evm, provider: EncryptingProvider, moment: str, number: int
) -> None:
    story = AssetStory(evm, provider).given_job()
    await story.publishes_results()
    await story.engine_lives(**{moment: dies_at(number)})
    assert story.deaths == 1
    await story.engine_lives()
    require_one_asset(story)


@pytest.mark.parametrize("passes", [1, 2, 3])
async def test_there_is_one_asset_when_no_engine_lives_for_long(
    evm: Evm, provider: EncryptingProvider, passes: int
) -> None:
    story = AssetStory(evm, provider).given_job()
    await story.publishes_results()
    for _ in range(40):
        if story.phase is Phase.SUCCEEDED:
            break
        await story.engine_lives(passes)
    require_one_asset(story)


@pytest.mark.parametrize("step", range(3))
async def test_a_transaction_that_was_sent_and_waits_is_found_by_the_next_engine(
    evm: Evm, provider: EncryptingProvider, step: int
) -> None:
    story = AssetStory(evm, provider).given_job()
    await story.publishes_results()
    evm.mines_at_once(False)
    for _ in range(step):
        await story.engine_lives(until=story.is_sent)
        evm.mines()
        await story.engine_lives(2)
    await story.engine_lives(until=story.is_sent)
    waits = story.asset()["transaction"]
    await story.engine_lives(3)
    assert story.asset()["transaction"] == waits
    assert evm.waiting() == 1
    evm.mines()
    evm.mines_at_once(True)
    await story.engine_lives()
    require_one_asset(story)
    assert waits["hashes"][0] in story.asset()["mined"]


async def test_a_transaction_that_the_node_lost_is_sent_again_as_it_was(evm: Evm, provider: EncryptingProvider) -> None:
    story = AssetStory(evm, provider).given_job()
    await story.publishes_results()
    evm.mines_at_once(False)
    await story.engine_lives(until=story.is_sent)
    waits = story.asset()["transaction"]
    evm.drops(waits["hashes"][0])
    assert evm.waiting() == 0
    evm.mines_at_once(True)
    await story.engine_lives()
    require_one_asset(story)
    assert story.asset()["mined"][0] == waits["hashes"][0]


async def test_a_number_that_somebody_else_used_is_given_up_for_another(evm: Evm, provider: EncryptingProvider) -> None:
    """The same key elsewhere: the transaction that was written down is in no block, so it is made once more."""
    story = AssetStory(evm, provider).given_job()
    await story.publishes_results()
    evm.mines_at_once(False)
    await story.engine_lives(until=story.is_sent)
    waits = story.asset()["transaction"]
    evm.drops(waits["hashes"][0])
    evm.mines_at_once(True)
    evm.somebody_sends_as(OPERATOR.address)
    await story.engine_lives()
    assert story.phase is Phase.SUCCEEDED
    assert waits["hashes"][0] not in story.asset()["mined"]
    assert len(evm.nfts()) == 1


async def test_a_transaction_that_blocks_the_number_is_replaced_for_a_higher_fee(
    evm: Evm, provider: EncryptingProvider
) -> None:
    """That of a job that was deleted, for instance."""
    story = AssetStory(evm, provider).given_job()
    await story.publishes_results()
    evm.mines_at_once(False)
    evm.somebody_sends_as(OPERATOR.address, tip=3)
    await story.engine_lives(until=lambda: evm.knows(story.sent_hash()))
    asset = story.asset()
    assert len(asset["transaction"]["hashes"]) > 1
    assert evm.waiting() == 1
    evm.mines_at_once(True)
    evm.mines()
    await story.engine_lives()
    require_one_asset(story)
    assert story.asset()["mined"][0] in asset["transaction"]["hashes"]


async def test_a_transaction_that_fees_have_overtaken_is_sent_for_a_higher_one(
    evm: Evm, provider: EncryptingProvider
) -> None:
    story = AssetStory(evm, provider).given_job()
    await story.publishes_results()
    evm.mines_at_once(False)
    await story.engine_lives(until=story.is_sent)
    waits = story.asset()["transaction"]
    evm.drops(waits["hashes"][0])
    evm.base_fee(8)
    await story.engine_lives(until=lambda: evm.knows(story.sent_hash()))
    assert story.asset()["transaction"]["nonce"] == waits["nonce"]
    assert len(story.asset()["transaction"]["hashes"]) > 1
    evm.mines_at_once(True)
    evm.mines()
    await story.engine_lives()
    require_one_asset(story)


async def test_two_jobs_take_turns(evm: Evm, provider: EncryptingProvider) -> None:
    names = ("branin", "other")
    story = AssetStory(evm, provider).given_job("branin").given_job("other", agreementId="0xb0")
    for name in names:
        await story.publishes_results(name)

    def is_alone() -> bool:
        assert sum("transaction" in story.asset(name) for name in names) <= 1
        return False

    await story.engine_lives(names=names, until=is_alone)
    assert len(evm.nfts()) == 2
    assert {evm.nft(nft).functions.ownerOf(1).call().lower() for nft in evm.nfts()} == {OWNER.lower()}
    assert story.asset("branin")["nftAddress"] != story.asset("other")["nftAddress"]


async def test_there_is_one_asset_when_processes_are_killed_at_any_moment(
    evm: Evm, provider: EncryptingProvider, tmp_path: Path
) -> None:
    """With SIGKILL, between a request to the node and its answer, for instance."""
    story, file = AssetStory(evm, provider).given_job(), tmp_path / "cluster"
    await story.publishes_results()
    killed.save(story, file)
    command = [sys.executable, "-m", "tests.chain.killed", str(file), evm.url, evm.factory, provider.origin]
    for life in range(5):
        await asyncio.to_thread(_die_at_work, command, file, life * 0.007)
    await asyncio.to_thread(subprocess.run, command, check=True)
    killed.load(story, file)
    require_one_asset(story)


def _die_at_work(command: list[str], file: Path, seconds: float) -> None:
    """Killed so long after its first write, unless it is done by then."""
    before, process = file.read_bytes(), subprocess.Popen(command)
    try:
        eventually(lambda: file.read_bytes() != before or process.poll() is not None, "the process has written")
        with contextlib.suppress(subprocess.TimeoutExpired):
            process.wait(seconds)
    finally:
        process.kill()
        process.wait()


@pytest.mark.parametrize("seed", range(10))
async def test_there_is_one_asset_whatever_happens(evm: Evm, provider: EncryptingProvider, seed: int) -> None:
    """Engines die at their writes, the node forgets, blocks come late, and the key is used elsewhere."""
    chance = random.Random(seed)  # noqa: S311 - not for secrets
    story = AssetStory(evm, provider).given_job()
    await story.publishes_results()
    for _ in range(12):
        evm.mines_at_once(chance.random() < 0.5)
        await story.engine_lives(
            chance.randint(1, 4), **{chance.choice(["before", "after"]): dies_at(chance.randint(1, 3))}
        )
        match chance.randint(0, 3):
            case 0 if story.is_sent():
                evm.drops(story.sent_hash())
            case 1 if evm.waiting() == 0:
                evm.somebody_sends_as(OPERATOR.address)
            case 2:
                evm.mines()
    evm.mines_at_once(True)
    evm.mines()
    await story.engine_lives()
    (address,) = evm.nfts()
    assert evm.nft(address).functions.ownerOf(1).call().lower() == OWNER.lower()
    assert len(evm.metadata(address)) == 1
    assert story.condition()["status"] == "True"
