"""An engine as a process of the test's own, to be killed at any moment."""

import asyncio
import contextlib
import os
import signal
import socket
import sys
import uuid
from collections.abc import AsyncIterator, Iterator, Mapping

from kubernetes import client, config

from tests.kit.live import Site


class EngineProcess:
    """Starts the real program; its death by SIGKILL is what a node's crash is to it."""

    def __init__(self, namespace: str, image: str, variables: Mapping[str, str]) -> None:
        self.signer_port = _free_port()
        self._environment = {
            **os.environ,
            "C2D_NAMESPACES": namespace,
            "C2D_IMAGE": image,
            "C2D_HEALTH_PORT": str(_free_port()),
            "C2D_SIGNER_PORT": str(self.signer_port),
            **{name: value.format(signer_port=self.signer_port) for name, value in variables.items()},
        }
        self._process: asyncio.subprocess.Process | None = None

    async def start(self) -> None:
        self._process = await asyncio.create_subprocess_exec(
            sys.executable, "-m", "c2d.engine.main", env=self._environment, stderr=asyncio.subprocess.DEVNULL
        )

    async def kill(self) -> None:
        if self._process is not None:
            with contextlib.suppress(ProcessLookupError):
                self._process.send_signal(signal.SIGKILL)
            await self._process.wait()
            self._process = None

    async def die_and_come_back(self) -> None:
        await self.kill()
        await self.start()


@contextlib.asynccontextmanager
async def engine(namespace: str, image: str, **variables: str) -> AsyncIterator[EngineProcess]:
    """`{signer_port}` in a variable's value stands for the signer's port, which stays the same over its lives."""
    process = EngineProcess(namespace, image, variables)
    await process.start()
    try:
        yield process
    finally:
        await process.kill()


@contextlib.contextmanager
def namespace_of_its_own(site: Site) -> Iterator[str]:
    """A namespace without an engine, where the results' credentials are."""
    config.load_kube_config()
    core, name = client.CoreV1Api(), f"c2d-crash-{uuid.uuid4().hex[:6]}"
    labels = {"pod-security.kubernetes.io/enforce": "restricted"}
    core.create_namespace(client.V1Namespace(metadata=client.V1ObjectMeta(name=name, labels=labels)))
    secret = core.read_namespaced_secret("c2d-results-s3", site.namespace)
    metadata = client.V1ObjectMeta(name="c2d-results-s3")
    core.create_namespaced_secret(name, client.V1Secret(metadata=metadata, data=secret.data))
    yield name
    core.delete_namespace(name)


def _free_port() -> int:
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        port: int = listener.getsockname()[1]
        return port
