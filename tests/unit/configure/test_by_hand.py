"""A plan straight from a workflow, and the key in the same process."""

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from c2d.api.plan import ConfigurePlan, PlannedAsset, PlannedContainer, PlannedFile
from c2d.configure import by_hand
from c2d.configure.own_key import KeySigner
from c2d.ocean import signatures, workflow
from c2d.ocean.errors import WorkflowInvalid
from c2d.ocean.signatures import PrivateKey
from tests.kit.ddos import did_of

DATA, ALGO = did_of("data"), did_of("algorithm")
SHORT = DATA.removeprefix("did:op:")
REMOTE = {"txId": "0xorder", "serviceId": "1", "userdata": '{"a": 1}'}
CONTAINER = {"image": "python", "tag": "3.11", "entrypoint": "python3 $ALGO"}
URI = "https://aquarius.example"


def planned(inputs: list[Any], algorithm: dict[str, Any], uri: str = URI) -> ConfigurePlan:
    stage = {"input": inputs, "algorithm": algorithm, "compute": {}, "output": {"metadataUri": uri}}
    return by_hand.plan(workflow.parse({"stages": [stage]}), "job", True)


def test_every_source_has_its_place() -> None:
    inputs = [{"id": DATA, "remote": REMOTE}, {"url": ["https://a.example/0", "https://a.example/1"]}]
    algorithm = {"rawcode": "print(1)", "container": CONTAINER, "algocustomdata": {"n": 7}}
    assert planned(inputs, algorithm) == ConfigurePlan(
        job="job",
        inputs=[
            PlannedFile(path="inputs/1/0", url="https://a.example/0"),
            PlannedFile(path="inputs/1/1", url="https://a.example/1"),
        ],
        algorithm=[PlannedFile(path="transformations/algorithm", text="print(1)")],
        assets=[
            PlannedAsset(
                did=DATA,
                path=f"inputs/{SHORT}/0",
                service_id="1",
                transfer_tx_id="0xorder",
                metadata_uri=URI,
                user_data={"a": 1},
            )
        ],
        container=PlannedContainer(entrypoint="python3 $ALGO", checksum=""),
        allow_private_addresses=True,
        custom_data={"n": 7},
    )


def test_a_published_algorithm() -> None:
    plan = planned([], {"id": ALGO, "remote": REMOTE, "container": CONTAINER})
    [asset] = plan.assets
    assert (asset.did, asset.path, asset.algorithm) == (ALGO, "transformations/algorithm", True)
    assert (plan.algorithm, plan.algorithm_did) == ([], ALGO)


def test_an_algorithm_of_several_urls() -> None:
    plan = planned([], {"url": ["https://a.example/0", "https://a.example/1"], "container": CONTAINER})
    assert [file.path for file in plan.algorithm] == ["transformations/algorithm", "transformations/algorithm1"]


def test_what_is_private_is_not_shown() -> None:
    plan = planned([{"id": DATA, "remote": {**REMOTE, "userdata": "geheim"}}], {"rawcode": "1", "container": CONTAINER})
    assert "geheim" not in repr(plan)


@pytest.mark.parametrize(
    ("inputs", "uri", "field"),
    [
        pytest.param([{"id": "name", "remote": REMOTE}], URI, "workflow.stages[0].input", id="no DID"),
        pytest.param([{"id": DATA, "remote": REMOTE}], "", "workflow.stages[0].output.metadataUri", id="no Aquarius"),
    ],
)
def test_what_can_not_be_found_is_refused(inputs: list[Any], uri: str, field: str) -> None:
    with pytest.raises(WorkflowInvalid) as refused:
        planned(inputs, {"rawcode": "1", "container": CONTAINER}, uri)
    assert refused.value.field == field
    assert field in str(refused.value)


async def test_nonces_are_milliseconds_and_rise_although_the_clock_does_not() -> None:
    key = PrivateKey("0x" + "22" * 32)
    start = datetime(2026, 11, 22, tzinfo=UTC)
    moments = iter([start, start, start - timedelta(hours=1), start + timedelta(seconds=1)])
    signer = KeySigner(key, lambda: next(moments))
    signed = [await signer.sign(DATA) for _ in range(4)]
    first = int(start.timestamp() * 1000)
    assert [int(each.nonce) - first for each in signed] == [0, 1, 2, 1000]
    for each in signed:
        assert each.consumer_address == key.address
        assert signatures.recover(f"{DATA}{each.nonce}", each.signature) == key.address
        assert each.signature[-2:] in ("1b", "1c")
