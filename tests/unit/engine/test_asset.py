"""What a job's status says of the asset that its results become; the chain itself is in tests/chain."""

import json
from typing import Any, cast

import pytest

from c2d.api.environment import EnvironmentSpec
from c2d.api.job import AssetState, AssetStatus, AssetTransaction, JobStatus, Outcome, ResultsStatus
from c2d.api.phases import Phase
from c2d.api.reasons import ASSET_HINTS, AssetReason, Reason
from c2d.engine import admission_rules, asset
from c2d.engine.decide import decide
from c2d.engine.observe import World
from c2d.engine.pods import Step
from c2d.engine.reconcile import Reconciler
from c2d.engine.state import Settings
from c2d.kube.client import Client
from c2d.kube.resources import JOBS
from tests.kit import build
from tests.kit.story import KEY, job_manifest
from tests.kit.world import Cluster, FakeClient

OWNER = "0x" + "0a" * 20
OFFER = {"chainId": 8996, "providerUrl": "http://provider.example.com"}
IPFS = {"ipfs": {"apiUrl": "http://kubo:5001"}}
OUTPUT = {"filename": "o.txt", "filesize": 3, "type": "output"}
LOG = {"filename": "algorithm.log", "filesize": 3, "type": "algorithmLog"}
TRANSACTION = AssetTransaction(nonce=0, block=1, hashes=["0xaa"], raw="0x02")


def an_environment(**changes: Any) -> EnvironmentSpec:
    return build.environment(**{"results": IPFS, "resultsAssets": OFFER, **changes})


def publishing(**changes: Any) -> JobStatus:
    outcome = Outcome(phase=Phase.SUCCEEDED, reason=Reason.SUCCEEDED)
    fields = {"phase": Phase.PUBLISHING, "resolved_environment": an_environment(), "outcome": outcome}
    return JobStatus(**{**fields, "date_created": build.NOW, **changes})


def making(**changes: Any) -> JobStatus:
    """A job that waits for its asset only."""
    return publishing(asset=AssetStatus(chain_id=8996, start_time=build.NOW, **changes))


def after_publish(files: list[dict[str, Any]], count: int | None = None, **spec: Any) -> JobStatus:
    said = {**build.PUBLISHED, "files": files, "count": len(files) if count is None else count}
    asked = build.spec(**{"owner": OWNER, "resultsAsset": {}, **spec})
    seen = build.observed(build.job(publishing(), spec=asked), build.pod(Step.PUBLISH, "Succeeded", said=said))
    return decide(seen, build.after(9)).status


def decided(status: JobStatus, seconds: float = 9, **spec: Any) -> JobStatus:
    """The publish pod is long gone: nobody looks for it."""
    return decide(build.observed(build.job(status, spec=build.spec(**spec))), build.after(seconds)).status


def condition(status: JobStatus) -> tuple[str, str]:
    found = next(item for item in status.conditions if item.type == asset.CONDITION)
    return found.status, found.reason


def test_a_job_with_results_goes_on_to_its_asset() -> None:
    status = after_publish([OUTPUT, LOG])
    assert status.phase is Phase.PUBLISHING
    assert status.asset == AssetStatus(chain_id=8996, start_time=build.after(9))
    assert status.results is not None, "they can be fetched by now"


def test_a_job_that_asks_for_none_ends_at_once() -> None:
    status = after_publish([OUTPUT], resultsAsset=None)
    assert (status.phase, status.asset) == (Phase.SUCCEEDED, None)


@pytest.mark.parametrize(
    ("files", "count", "reason"),
    [
        pytest.param([LOG], 1, "NoOutputs", id="logs are no asset"),
        pytest.param([], 0, "NoOutputs", id="nothing at all"),
        pytest.param([], 1000, "TooManyOutputs", id="more than the status lists"),
        pytest.param([{**OUTPUT, "filename": "a/" + "x" * 256}], 1, "NameTooLong", id="a part that is no key"),
    ],
)
def test_what_can_not_become_an_asset_costs_nothing(files: list[dict[str, Any]], count: int, reason: str) -> None:
    status = after_publish(files, count)
    assert (status.phase, condition(status)) == (Phase.SUCCEEDED, ("False", reason))
    assert status.asset is not None
    assert status.asset.state is AssetState.FAILED


def test_a_failed_run_publishes_its_logs_and_no_asset() -> None:
    failed = Outcome(phase=Phase.FAILED, reason=Reason.ALGORITHM_FAILED)
    pod = build.pod(Step.PUBLISH, "Succeeded", said={**build.PUBLISHED, "files": [LOG]})
    job = build.job(publishing(outcome=failed), spec=build.spec(owner=OWNER, resultsAsset={}))
    status = decide(build.observed(job, pod), build.after(9)).status
    assert (status.phase, status.asset) == (Phase.FAILED, None)


def test_an_asset_that_is_there_ends_the_job_with_its_did() -> None:
    status = decided(making(state=AssetState.PUBLISHED, nft_address="0x" + "12" * 20))
    assert (status.phase, condition(status)) == (Phase.SUCCEEDED, ("True", "Published"))
    # By sha256sum; an address without letters is its own checksum.
    assert status.results_did == "did:op:0f5dafd2d8dfc298956637ca27dcd6df3610aaa11c2203ae328451af510da751"


def test_an_asset_that_failed_ends_the_job_as_a_success() -> None:
    failed = making(state=AssetState.FAILED, reason=AssetReason.PROVIDER_REFUSED, message="no", transaction=TRANSACTION)
    status = decided(failed)
    assert (status.phase, condition(status)) == (Phase.SUCCEEDED, ("False", "ProviderRefused"))
    assert (status.reason, status.code, status.results_did) == (Reason.SUCCEEDED, 70, "")
    assert status.asset is not None
    assert status.asset.transaction is None


def test_an_asset_is_waited_for_up_to_its_limit() -> None:
    assert decided(making(transaction=TRANSACTION), 1799).phase is Phase.PUBLISHING
    status = decided(making(transaction=TRANSACTION), 1800)
    assert (status.phase, condition(status)) == (Phase.SUCCEEDED, ("False", "TimedOut"))
    assert "0xaa may still be mined" in (status.asset.message if status.asset else "")


def test_what_was_in_the_way_stays_the_reason_when_the_time_is_over() -> None:
    status = decided(making(reason=AssetReason.INSUFFICIENT_FUNDS, message="send it funds"), 1800)
    assert condition(status) == ("False", "InsufficientFunds")


def test_a_job_that_is_stopped_does_not_wait_for_its_asset() -> None:
    status = decided(making(), stop=True)
    assert (status.phase, condition(status)) == (Phase.SUCCEEDED, ("False", "Stopped"))


def test_every_reason_has_a_hint() -> None:
    assert set(ASSET_HINTS) == set(AssetReason)


# --- acceptance

S3 = {"s3": {"bucket": "results"}}
CHAINS = (8996,)


@pytest.mark.parametrize(
    ("environment", "owner", "chains", "words"),
    [
        pytest.param(
            {"resultsAssets": None}, OWNER, CHAINS, "resultsAsset: the environment publishes no", id="no offer"
        ),
        pytest.param(
            {}, OWNER, (), "resultsAsset: this operator can't publish on chain 8996", id="no chain, or no key"
        ),
        pytest.param({}, "", CHAINS, "owner: an asset needs an owner", id="no owner"),
        pytest.param({}, "alice", CHAINS, "owner: an asset needs an owner", id="an owner that is no account"),
        pytest.param({"results": S3}, OWNER, CHAINS, "resultsAsset: no Provider can read the results", id="a bucket"),
    ],
)
def test_a_job_that_can_have_no_asset_is_refused(
    environment: dict[str, Any], owner: str, chains: tuple[int, ...], words: str
) -> None:
    settings = Settings(image="i", image_pull_policy="Never", probes=(), chain_ids=chains)
    asked = build.spec(owner=owner, resultsAsset={})
    found = admission_rules.objection(asked, an_environment(**environment), settings)
    assert found is not None
    assert found.reason is Reason.INVALID_SPEC
    assert found.message.startswith(words)
    assert admission_rules.objection(build.spec(owner=owner), an_environment(**environment), settings) is None


@pytest.mark.parametrize(
    "environment",
    [
        pytest.param({}, id="results on IPFS"),
        pytest.param({"results": S3, "resultsAssets": {**OFFER, "filesUrl": "https://s3/results"}}, id="a public way"),
    ],
)
def test_a_job_that_can_have_one_is_accepted(environment: dict[str, Any]) -> None:
    settings = Settings(image="i", image_pull_policy="Never", probes=(), chain_ids=CHAINS)
    asked = build.spec(owner=OWNER, resultsAsset={})
    assert admission_rules.objection(asked, an_environment(**environment), settings) is None


def test_names_are_quoted_as_urls_want_it() -> None:
    results = ResultsStatus(
        location="s3://results/a",
        manifest="a/manifest.json",
        manifest_sha256="0" * 64,
        count=1,
        bytes=1,
        files=[{"filename": "x y?#%0A/é", "filesize": 1, "type": "output"}],
    )
    offer = {**OFFER, "filesUrl": "https://s3/results/"}
    (file,) = asset.files(results, an_environment(results=S3, resultsAssets=offer))
    assert file["url"] == "https://s3/results/a/outputs/x%20y%3F%23%250A/%C3%A9"


# --- beside the work on jobs


async def test_a_decision_is_not_written_over_what_was_written_while_it_was_made() -> None:
    """Or else a transaction that was written down would be forgotten, and made a second time."""
    cluster, world = Cluster(), World()
    client = cast(Client, FakeClient(cluster))
    before = {**job_manifest(), "status": _dump(making())}
    world.saw_job(cluster.put(JOBS, before))
    reconciler = Reconciler(client, world, build.SETTINGS, lambda: build.NOW)
    old = world.job(world.jobs.get(KEY) or {})
    written = {**before, "status": _dump(making(transaction=TRANSACTION))}
    world.saw_job(cluster.put(JOBS, json.loads(json.dumps(written))))
    given_up = decide(build.observed(old), build.after(3600)).status
    assert not await reconciler._write(KEY, old, given_up, build.NOW)
    assert cluster.job()["status"]["asset"]["transaction"]["hashes"] == ["0xaa"]
    assert len(reconciler.queue) == 1, "it is decided again"


async def test_whoever_makes_assets_is_told_of_a_job_after_every_start() -> None:
    cluster, world, told = Cluster(), World(), list[tuple[str, str]]()
    world.saw_job(cluster.put(JOBS, {**job_manifest(), "status": _dump(making(transaction=TRANSACTION))}))
    reconciler = Reconciler(cast(Client, FakeClient(cluster)), world, build.SETTINGS, lambda: build.NOW)
    reconciler.minters.append(told.append)
    await reconciler.reconcile(KEY)
    assert told == [KEY]
    assert not cluster.requests


def _dump(status: JobStatus) -> dict[str, Any]:
    dumped: dict[str, Any] = status.model_copy(update={"observed_generation": 1}).model_dump(
        mode="json", by_alias=True, exclude_none=True
    )
    return dumped
