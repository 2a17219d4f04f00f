"""An engine as a process of the test's own, to be killed at any moment."""

import asyncio
import contextlib
import os
import signal
import socket
import sys
from collections.abc import AsyncIterator


class EngineProcess:
    """Starts the real program; its death by SIGKILL is what a node's crash is to it."""

    def __init__(self, namespace: str, image: str) -> None:
        self._environment = {
            **os.environ,
            "C2D_NAMESPACES": namespace,
            "C2D_IMAGE": image,
            "C2D_HEALTH_PORT": str(_free_port()),
            "C2D_SIGNER_PORT": str(_free_port()),
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
async def engine(namespace: str, image: str) -> AsyncIterator[EngineProcess]:
    process = EngineProcess(namespace, image)
    await process.start()
    try:
        yield process
    finally:
        await process.kill()


def _free_port() -> int:
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        port: int = listener.getsockname()[1]
        return port
