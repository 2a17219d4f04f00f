"""A job with a Provider's assets, with and without a key."""

import dataclasses
import json
from typing import Any

import pytest

from c2d.api.phases import Phase
from c2d.kube.resources import CONFIG_MAPS, PODS, Object
from tests.kit import build
from tests.kit.story import Story, job_manifest

DID = "did:op:" + "aa" * 32
SERVICE = {"service": {"serviceId": "s", "transferTxId": "0x1"}}
WITH_KEY = dataclasses.replace(build.SETTINGS, signer_url="http://10.96.0.7:8081", metadata_uri="https://aquarius")


def job_with_asset() -> Object:
    return job_manifest(inputs=[{"id": DID, **SERVICE}])


def given(**settings: Any) -> Story:
    story = Story().given(job=job_with_asset())
    story.settings = dataclasses.replace(WITH_KEY, **settings)
    return story


async def test_with_a_key_it_runs() -> None:
    story = given()
    await story.runs_to_the_end()
    assert story.phase is Phase.SUCCEEDED


async def test_its_configure_pod_is_told_who_signs() -> None:
    story = given()
    await story.engine_works()
    (plans,) = story.cluster.all(CONFIG_MAPS)
    plan = json.loads(plans["data"]["configure.json"])
    assert plan["signer"] == {"url": "http://10.96.0.7:8081/sign", "tokenFile": "/c2d/signer/token"}
    assert [asset["did"] for asset in plan["assets"]] == [DID]


WITHOUT = [
    pytest.param({"signer_url": ""}, "set operator.privateKeySecret", id="no key"),
    pytest.param({"metadata_uri": ""}, "set operator.metadataUri", id="no Aquarius"),
]


@pytest.mark.parametrize(("settings", "told"), WITHOUT)
async def test_without_it_ends_at_once_and_says_what_to_set(settings: dict[str, str], told: str) -> None:
    story = given(**settings)
    await story.engine_works()
    assert story.phase is Phase.FAILED
    assert (story.status["code"], story.status["text"]) == (31, "Data provisioning failed")
    assert told in story.status["message"]
    assert not story.cluster.all(PODS)
