"""The processes that are measured: the operator-service as it runs in a pod, the bare handler, the S3 server."""

from __future__ import annotations

import http.client
import json
import os
import re
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from bench.plane import NAMESPACE, SERVERS, Plane, free_port
from c2d.ocean.signatures import PrivateKey
from cluster import processes
from cluster.processes import Daemon
from cluster.settings import REPOSITORY, ClusterError

KEY = PrivateKey("1" * 64)
"""The Provider's."""
SERVICE, BARE, S3 = "c2d-service", "bare", "versitygw"
S3_KEY, S3_SECRET = "bench-key", "bench-secret"
S3_SECRET_NAME = "bench"  # noqa: S105
_READY_SECONDS = 60.0
_POLL = 0.01  # seconds
_SETTLED_SECONDS = 8.0
_SETTLED_BYTES = 256 * 1024
_MEMORY = re.compile(r"^(VmRSS|VmHWM):\s+([0-9]+) kB$", re.MULTILINE)


@dataclass(frozen=True)
class Server:
    """A running one; `start` is how long it took to be ready, in seconds."""

    pid: int
    port: int
    start: float

    @contextmanager
    def only_on(self, cpu: int | None) -> Iterator[None]:
        """Meanwhile every thread of it stays on this CPU, if one is named."""
        before = os.sched_getaffinity(self.pid)
        self._let_run_on({cpu} if cpu is not None else before)
        try:
            yield
        finally:
            self._let_run_on(before)

    @property
    def memory(self) -> int:
        """Bytes that it has in memory (RSS)."""
        return self._memory("VmRSS")

    @property
    def peak(self) -> int:
        """The most that it had since `forget_peak`."""
        return self._memory("VmHWM")

    def forget_peak(self) -> None:
        Path(f"/proc/{self.pid}/clear_refs").write_text("5")

    def settled_memory(self) -> int:
        """As soon as it doesn't change any more."""
        deadline, before = time.monotonic() + _SETTLED_SECONDS, self.memory
        while True:
            time.sleep(1)
            now = self.memory
            if abs(now - before) < _SETTLED_BYTES or time.monotonic() > deadline:
                return now
            before = now

    def get(self, path: str) -> bytes:
        """The body of an answer 200. Raises ClusterError for any other."""
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=30)
        try:
            connection.request("GET", path)
            answer = connection.getresponse()
            body = answer.read()
        finally:
            connection.close()
        if answer.status != 200:
            raise ClusterError(f"{path.partition('?')[0]} was answered {answer.status}: {body[:300]!r}")
        return body

    def _let_run_on(self, cpus: set[int]) -> None:
        for thread in Path(f"/proc/{self.pid}/task").iterdir():
            os.sched_setaffinity(int(thread.name), cpus)

    def _memory(self, name: str) -> int:
        return memory_in(Path(f"/proc/{self.pid}/status").read_text())[name]


def memory_in(status: str) -> dict[str, int]:
    """VmRSS and VmHWM of a process's `status`, in bytes."""
    return {name: int(kilobytes) * 1024 for name, kilobytes in _MEMORY.findall(status)}


def two_cpus() -> tuple[int | None, int | None]:
    """One for the server and one for the client, so that neither is moved about; none where there is only one."""
    allowed = sorted(os.sched_getaffinity(0))
    return (allowed[0], allowed[1]) if len(allowed) > 1 else (None, None)


def pids(plane: Plane) -> dict[str, int]:
    """Of everything that runs for the benchmark."""
    found = {name: processes.find(plane.places, name) for name in (*SERVERS, SERVICE, BARE, S3)}
    return {name: identity.pid for name, identity in found.items() if identity is not None}


@contextmanager
def service(plane: Plane, *, signatures: bool = True) -> Iterator[Server]:
    """One replica, with its access log in a file."""
    port = free_port()
    environment = {
        "C2D_SERVICE_PORT": str(port),
        "C2D_NAMESPACE": NAMESPACE,
        "KUBECONFIG": str(plane.kubeconfig),
        "ALLOWED_PROVIDERS": json.dumps([KEY.address]),
        "SIGNATURE_REQUIRED": str(int(signatures)),
        "C2D_REQUESTS_PER_SECOND": "0",
        "C2D_S3_CREDENTIALS": str(_credentials(plane)),
    }
    daemon = Daemon(SERVICE, [sys.executable, "-m", "c2d.service.main"], environment)
    with _running(plane, daemon, port, lambda: _answers(port, "/readyz")) as server:
        yield server


@contextmanager
def bare(plane: Plane, body: bytes) -> Iterator[Server]:
    port, file = free_port(), plane.places.state / "bare-body"
    file.write_bytes(body)
    argv = [sys.executable, "-m", "bench.service.bare", str(port), str(file)]
    # Daemons start in a folder of their own.
    daemon = Daemon(BARE, argv, {"PYTHONPATH": str(REPOSITORY)})
    with _running(plane, daemon, port, lambda: _answers(port, "/api/v1/operator/compute")) as server:
        yield server


@contextmanager
def s3(plane: Plane, binary: Path) -> Iterator[Server]:
    port, folder = free_port(), plane.places.state / "s3"
    folder.mkdir(parents=True, exist_ok=True)
    argv = [f"{binary}", "--port", f"127.0.0.1:{port}", "--region", "us-east-1", "--quiet", "posix", f"{folder}"]
    daemon = Daemon(S3, argv, {"ROOT_ACCESS_KEY": S3_KEY, "ROOT_SECRET_KEY": S3_SECRET})
    with _running(plane, daemon, port, lambda: _answers(port, "/", refusal=True)) as server:
        yield server


def _credentials(plane: Plane) -> Path:
    """As a Secret is mounted."""
    folder = plane.places.config / "credentials"
    secret = folder / S3_SECRET_NAME
    secret.mkdir(parents=True, exist_ok=True)
    (secret / "AWS_ACCESS_KEY_ID").write_text(S3_KEY)
    (secret / "AWS_SECRET_ACCESS_KEY").write_text(S3_SECRET)
    return folder


@contextmanager
def _running(plane: Plane, daemon: Daemon, port: int, ready: Callable[[], bool]) -> Iterator[Server]:
    begun = time.perf_counter()
    processes.start(plane.places, daemon)
    try:
        while not ready():
            identity = processes.find(plane.places, daemon.name)
            if identity is None or time.perf_counter() - begun > _READY_SECONDS:
                raise ClusterError(f"{daemon.name} is not ready:\n{processes.tail(plane.places, daemon.name)}")
            time.sleep(_POLL)
        took = time.perf_counter() - begun
        yield Server(_pid(plane, daemon.name), port, took)
    finally:
        # The service would wait for requests that come late.
        processes.stop(plane.places, [daemon.name], grace=0.1)


def _pid(plane: Plane, name: str) -> int:
    identity = processes.find(plane.places, name)
    if identity is None:
        raise ClusterError(f"{name} ended:\n{processes.tail(plane.places, name)}")
    return identity.pid


def _answers(port: int, path: str, *, refusal: bool = False) -> bool:
    """With 200, or with anything that is an answer."""
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=5)
    try:
        connection.request("GET", path)
        return refusal or connection.getresponse().status == 200
    except (OSError, http.client.HTTPException):
        return False
    finally:
        connection.close()
