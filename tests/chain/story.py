"""A job whose results become an asset: the cluster is in memory, the chain is a real one, engines come and go."""

import dataclasses
import json
from collections.abc import Callable
from typing import Any, cast

from c2d.chain.settings import Chain
from c2d.engine.minting import Minter
from c2d.engine.observe import World
from c2d.engine.reconcile import Reconciler
from c2d.kube.client import Client
from c2d.kube.resources import PODS, Object
from c2d.ocean.signatures import PrivateKey
from tests.chain.evm import CHAIN_ID, OPERATOR, Evm
from tests.chain.provider import EncryptingProvider
from tests.kit import build
from tests.kit.story import Story, environment_manifest, job_manifest
from tests.kit.world import Died, FakeClient

NO_HASH = "0x" + "0" * 64
OWNER = "0x" + "0A" * 20
CID = "bafybeigdyrzt5sfp7udm7hu76uh7y26nf3efuylqabf3oclgtqy55fbzdi"
FILES = [
    {"filename": "model.bin", "filesize": 30, "type": "output"},
    {"filename": "plots/loss 1%25.png", "filesize": 9, "type": "output"},
    {"filename": "algorithm.log", "filesize": 3, "type": "algorithmLog"},
]
IPFS = {"ipfs": {"apiUrl": "http://kubo:5001"}}
PUBLISHED = {
    "location": f"ipfs://{CID}",
    "manifest": f"{CID}/manifest.json",
    "manifestSha256": "ab" * 32,
    "count": 3,
    "bytes": 42,
    "files": FILES,
}


def offered(provider: EncryptingProvider, **changes: Any) -> dict[str, Any]:
    """Of an environment."""
    return {"chainId": CHAIN_ID, "providerUrl": provider.origin, **changes}


class AssetStory(Story):
    """Engines with a minter; every pass of theirs takes a second."""

    def __init__(self, evm: Evm, provider: EncryptingProvider, chain: Chain | None = None) -> None:
        super().__init__()
        self.settings = dataclasses.replace(build.SETTINGS, chain_ids=(CHAIN_ID,))
        self.evm, self.provider, self.chain = evm, provider, chain or evm.chain
        self.key: PrivateKey = OPERATOR
        self.published: Object = PUBLISHED

    def given_job(self, name: str = "branin", **changes: Any) -> "AssetStory":
        asked = {"owner": OWNER, "agreementId": "0xa9", "resultsAsset": {"name": "Branin, solved"}, **changes}
        environment = environment_manifest(results=IPFS, resultsAssets=offered(self.provider))
        self.given(job=job_manifest(name, **asked), environment=environment)
        return self

    async def publishes_results(self, name: str = "branin") -> None:
        """From the start to where only the asset is missing."""
        for _ in range(20):
            await self.engine_works(("ns", name))
            if "asset" in self.cluster.job(name).get("status", {}):
                return
            for pod in self.cluster.all(PODS):
                if pod["metadata"]["ownerReferences"][0]["name"] == name:
                    self._goes_on(pod)
        raise AssertionError(f"no results: {self.cluster.job(name)['status']}")

    def _goes_on(self, pod: Object) -> None:
        match pod["status"]["phase"]:
            case "Pending":
                self.pod_runs(pod)
            case "Running" if "-publish-" in pod["metadata"]["name"]:
                self.pod_ends(pod, said=json.dumps(self.published))
            case "Running":
                self.pod_ends(pod)

    async def engine_lives(
        self,
        passes: int = 60,
        names: tuple[str, ...] = ("branin",),
        until: Callable[[], bool] = lambda: False,
        **client: Callable[[str], None],
    ) -> None:
        """A fresh engine works until the jobs have ended, the test says so, it has lived so long, or it dies."""
        world, fake = World(), cast(Client, FakeClient(self.cluster, **client))
        reconciler = Reconciler(fake, world, self.settings, lambda: self.now)
        minter = Minter(fake, world, self.chain, self.key, lambda _: None)
        try:
            for _ in range(passes):
                for name in names:
                    self._tell(world)
                    await reconciler.reconcile(("ns", name))
                    await minter.advance(("ns", name))
                if until() or all(self.cluster.job(name)["status"].get("dateFinished") for name in names):
                    return
                self.pass_time(1)
        except Died:
            self.deaths += 1
        finally:
            await minter._disconnect()

    def asset(self, name: str = "branin") -> Object:
        return cast(Object, self.cluster.job(name)["status"]["asset"])

    def condition(self, name: str = "branin") -> Object:
        conditions = self.cluster.job(name)["status"]["conditions"]
        return cast(Object, next(item for item in conditions if item["type"] == "AssetPublished"))

    def sent_hash(self, name: str = "branin") -> str:
        """That of the transaction under way, as it was written down last."""
        return str(self.asset(name).get("transaction", {}).get("hashes", [NO_HASH])[-1])

    def is_sent(self, name: str = "branin") -> bool:
        """Whether a transaction of the job waits in the node."""
        return bool(self.asset(name).get("transaction")) and self.evm.waiting() > 0
