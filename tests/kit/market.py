"""A data market of the test's own: an Aquarius and a Provider on this machine, and what was ordered there.

Pods have to reach it, so there is only one where this machine is the cluster's node.
"""

import asyncio
import contextlib
import dataclasses
import threading
import time
import uuid
from collections.abc import Iterator
from typing import Any

from aiohttp import web
from kubernetes import client

from cluster.settings import Network
from tests.data_plane.provider_server import Asset, Fault, OceanServer, send
from tests.kit import ddos
from tests.kit.ddos import did_of
from tests.kit.live import DEADLINE
from tests.kit.provider import Json, raw


@dataclasses.dataclass(frozen=True)
class Ordered:
    """An asset that somebody has paid for."""

    did: str
    asset: Asset
    remote: Json  # as workflows name it

    @property
    def folder(self) -> str:
        return self.did.removeprefix("did:op:")

    @property
    def input(self) -> Json:
        return {"id": self.did, "remote": self.remote}


@dataclasses.dataclass(frozen=True)
class Market:
    ocean: OceanServer
    image: str  # that algorithms run in

    def dataset(self, *files: bytes, user_data: Any = None, **compute: Any) -> Ordered:
        """Raw code may use it unless `compute`, fields of the DDO's compute section, says otherwise."""
        name = uuid.uuid4().hex
        document = ddos.ddo(name, self.ocean.origin, **({"allowRawAlgorithm": True} | compute))
        return self._ordered(name, Asset(document, list(files)), user_data)

    def algorithm(self, code: str) -> Ordered:
        name = uuid.uuid4().hex
        document = ddos.algorithm_ddo(name, self.ocean.origin, self.container)
        return self._ordered(name, Asset(document, [code.encode()]), None)

    def unknown(self) -> Ordered:
        """Aquarius has never heard of it."""
        ordered = self.dataset(b"")
        del self.ocean.assets[ordered.did]
        return ordered

    def raw(self, code: str, *inputs: Ordered) -> Json:
        return self._workflow(raw(code, self.image, [item.input for item in inputs]))

    def workflow(self, algorithm: Ordered, *inputs: Ordered) -> Json:
        """With a published algorithm."""
        asked = {"id": algorithm.did, "rawcode": "", "remote": algorithm.remote, "container": self.container}
        return self._workflow(raw("", self.image, [item.input for item in inputs], **asked))

    @property
    def container(self) -> dict[str, str]:
        """Of published algorithms."""
        image, _, tag = self.image.rpartition(":")
        return {"entrypoint": "python3 $ALGO", "image": image, "tag": tag, "checksum": ""}

    def nonces(self) -> list[int]:
        """Of all requests for files, in the order in which they came."""
        return [int(query["nonce"]) for query in self.ocean.queries()]

    def _ordered(self, name: str, asset: Asset, user_data: Any) -> Ordered:
        did, tx_id = did_of(name), f"0x{uuid.uuid4().hex}"
        asset.order = ("service-1", tx_id)
        self.ocean.assets[did] = asset
        remote = {"txId": tx_id, "serviceId": "service-1"}
        return Ordered(did, asset, remote if user_data is None else {**remote, "userdata": user_data})

    def _workflow(self, workflow: Json) -> Json:
        workflow["stages"][0]["output"] = {"metadataUri": self.ocean.origin}
        return workflow


def address_for_pods() -> str | None:
    """Of this machine; None where it isn't the cluster's node. The client must be configured."""
    network = Network()
    server = client.Configuration.get_default_copy().host
    return network.node_ip if server == network.api_url else None


@contextlib.contextmanager
def market(address: str, consumer: str, image: str) -> Iterator[Market]:
    """Everything in it is ordered for this consumer: the address of the operator's key."""
    with OceanServer(host=address, consumer=consumer).running() as server:
        yield Market(server, image)


# -- what can go wrong with one download


def overtaken() -> Fault:
    """Another job's request, with a later nonce, came first."""

    async def answer(server: OceanServer, request: web.Request, content: bytes) -> web.StreamResponse:
        server.last = int(request.query["nonce"]) + 1
        return web.json_response({"errors": {"signature": ["Invalid signature provided."]}}, status=400)

    return answer


def taken() -> Fault:
    """Another job's request had the same nonce."""

    async def answer(server: OceanServer, request: web.Request, content: bytes) -> web.StreamResponse:
        return web.json_response({"error": "Cannot create nonce: duplicate", "context": {}}, status=503)

    return answer


class Halfway:
    """Holds a download after its first bytes until the test says so; then the connection is cut."""

    def __init__(self, after: int) -> None:
        self.reached = threading.Event()
        self.go_on = threading.Event()
        self._after = after

    def fault(self) -> Fault:
        async def answer(server: OceanServer, request: web.Request, content: bytes) -> web.StreamResponse:
            response = await send(request, content, server.assets[request.query["documentId"]], self._after)
            self.reached.set()
            await _until_set(self.go_on)
            assert request.transport is not None
            request.transport.close()
            return response

        return answer

    async def then_reached(self) -> None:
        await _until_set(self.reached)


async def _until_set(event: threading.Event) -> None:
    """Another thread sets it."""
    deadline = time.monotonic() + DEADLINE
    while not event.is_set():
        assert time.monotonic() < deadline, "nobody came"
        await asyncio.sleep(0.05)
