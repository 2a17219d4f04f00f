"""The engine as its own process, the way that it runs in a pod."""

from __future__ import annotations

import asyncio
import sys
import urllib.error
import urllib.request
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from bench.plane import NAMESPACE, Plane, free_port
from bench.subject import Jobs
from c2d.kube.client import Client
from cluster import processes
from cluster.processes import Daemon
from cluster.settings import ClusterError

NAME = "c2d-engine"
_READY_SECONDS = 60.0


@asynccontextmanager
async def running(plane: Plane, client: Client) -> AsyncIterator[None]:
    """Ready and warm: its connections are open, its watches established."""
    port = free_port()
    environment = {
        "C2D_IMAGE": "example.com/c2d:1",
        "C2D_NAMESPACES": NAMESPACE,
        "C2D_HEALTH_PORT": str(port),
        "C2D_SIGNER_PORT": str(free_port()),
        "KUBECONFIG": str(plane.kubeconfig),
    }
    processes.start(plane.places, Daemon(NAME, [sys.executable, "-m", "c2d.engine.main"], environment))
    try:
        await _ready(plane, port)
        await _warm(client)
        yield
    finally:
        await asyncio.to_thread(processes.stop, plane.places, [NAME])


async def _ready(plane: Plane, port: int) -> None:
    deadline = asyncio.get_running_loop().time() + _READY_SECONDS
    while not await asyncio.to_thread(_healthy, port):
        late = asyncio.get_running_loop().time() > deadline
        if late or processes.find(plane.places, NAME) is None:
            raise ClusterError(f"the engine is not ready:\n{processes.tail(plane.places, NAME)}")
        await asyncio.sleep(0.2)


def _healthy(port: int) -> bool:
    opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))
    try:
        with opener.open(f"http://127.0.0.1:{port}/healthz", timeout=2) as response:
            return bool(response.status == 200)
    except (urllib.error.URLError, OSError):
        return False


async def _warm(client: Client) -> None:
    jobs = Jobs(client)
    async with jobs.watching():
        await jobs.one("warm")
    await jobs.clean()
