"""What an asset costs, in gas: a number of the contracts and of how much is told, the same on every chain.

`pytest tests/chain/test_gas.py -s` prints it for the page that tells it.
"""

import pytest

from tests.chain.evm import Evm
from tests.chain.provider import EncryptingProvider
from tests.chain.story import AssetStory
from tests.docs.kit import ROOT

PAGE = ROOT / "docs" / "howto" / "publish-results-as-assets.md"


@pytest.mark.parametrize("count", [1, 29])
async def test_an_asset_costs_what_the_page_says(evm: Evm, provider: EncryptingProvider, count: int) -> None:
    story = AssetStory(evm, provider).given_job()
    outputs = [
        {"filename": f"results/part-{number:04}.csv", "filesize": 9, "type": "output"} for number in range(count)
    ]
    story.published = {**story.published, "files": outputs, "count": count}
    await story.publishes_results()
    await story.engine_lives()
    receipts = [evm.web3.eth.get_transaction_receipt(mined) for mined in story.asset()["mined"]]
    gas = [int(receipt["gasUsed"]) for receipt in receipts]
    told = sum(gas)
    print(f"\n{count} outputs: {' + '.join(f'{used:,}' for used in gas)} = {told:,} gas")
    # To the next ten thousand: what is encrypted has random bytes, and bytes that are zero cost less.
    assert f"{round(told, -4):,}" in PAGE.read_text()
