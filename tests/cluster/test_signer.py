"""What the signer builds on, on a real API server: tokens that prove a pod, and a ceiling that two can't both raise."""

import asyncio
import functools
import time
import uuid
from collections.abc import AsyncIterator, Callable

import pytest

from c2d.api.plan import SIGNER_AUDIENCE
from c2d.engine import nonces
from c2d.engine.nonces import Nonces
from c2d.kube import errors
from c2d.kube.client import Client
from c2d.kube.proof import PodIdentity
from c2d.kube.resources import CONFIG_MAPS, PODS, Object
from c2d.kube.tokens import Tokens, fetch_keys
from tests.kit.live import Live
from tests.kit.pod_tokens import token_of


def pod_that_never_starts(namespace: str) -> Object:
    security = {
        "allowPrivilegeEscalation": False,
        "runAsNonRoot": True,
        "capabilities": {"drop": ["ALL"]},
        "seccompProfile": {"type": "RuntimeDefault"},
    }
    return {
        "apiVersion": "v1",
        "kind": "Pod",
        "metadata": {"name": f"test-{uuid.uuid4().hex[:8]}", "namespace": namespace},
        "spec": {
            "schedulingGates": [{"name": "example.com/never"}],
            "containers": [{"name": "none", "image": "example.com/none", "securityContext": security}],
        },
    }


@pytest.fixture
async def pod(story: Live) -> AsyncIterator[Object]:
    made = await story.client.create(PODS, pod_that_never_starts(story.namespace))
    yield made
    await story.client.delete(PODS, story.namespace, made["metadata"]["name"])


def tokens(client: Client) -> Tokens:
    return Tokens(functools.partial(fetch_keys, client), SIGNER_AUDIENCE, time.time, time.monotonic)


async def test_a_pods_token_proves_which_pod_it_is(story: Live, pod: Object) -> None:
    held = tokens(story.client)
    token = await token_of(story.client, story.namespace, SIGNER_AUDIENCE, pod)
    expected = PodIdentity(story.namespace, pod["metadata"]["name"], pod["metadata"]["uid"])
    assert await held.pod_of(token) == expected


async def test_other_tokens_prove_nothing(story: Live, pod: Object) -> None:
    held = tokens(story.client)
    elsewhere = await token_of(story.client, story.namespace, "elsewhere", pod)
    with pytest.raises(errors.InvalidToken, match="audience"):
        await held.pod_of(elsewhere)
    unbound = await token_of(story.client, story.namespace, SIGNER_AUDIENCE, None)
    with pytest.raises(errors.InvalidToken, match="no pod"):
        await held.pod_of(unbound)


@pytest.fixture
async def own_ceiling(story: Live) -> AsyncIterator[str]:
    """A ConfigMap of the test's own: the engine of this cluster has one, too."""
    name = f"test-nonces-{uuid.uuid4().hex[:8]}"
    yield name
    await story.client.delete(CONFIG_MAPS, story.namespace, name)


def nonces_of(story: Live, name: str, clock: Callable[[], int]) -> Nonces:
    return Nonces(story.client, story.namespace, clock, name)


async def test_engines_that_race_for_the_ceiling_never_share_a_nonce(story: Live, own_ceiling: str) -> None:
    engines = [nonces_of(story, own_ceiling, lambda: time.time_ns() // 1_000_000) for _ in range(3)]
    found = await asyncio.gather(*(engine.next() for engine in engines for _ in range(20)))
    assert len(set(found)) == 60
    item = await story.client.get(CONFIG_MAPS, story.namespace, own_ceiling)
    assert nonces.read_ceiling(item) >= max(found)
    assert await nonces_of(story, own_ceiling, lambda: 1).next() > max(found)
