"""The operator-service as processes of the test's own, to be killed at any moment, and what they need around them."""

import asyncio
import contextlib
import json
import os
import signal
import socket
import subprocess
import sys
import tempfile
import uuid
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import aiohttp
from kubernetes import client, config

from c2d.kube.resources import ENVIRONMENTS, JOBS
from c2d.ocean import signatures
from tests.kit.live import DEADLINE, Site

CREDENTIALS = "c2d-results-s3"
_OWN = "POSTGRES_", "C2D_", "ALLOWED_", "AWS_"  # variables that the test's surroundings must not bring in
_PAUSE = 0.1  # seconds between two looks


def free_port() -> int:
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        port: int = listener.getsockname()[1]
        return port


@dataclass
class ServiceProcess:
    """One replica. Its port stays the same over its lives."""

    variables: Mapping[str, str]
    log: Path
    port: int = field(default_factory=free_port)
    _process: asyncio.subprocess.Process | None = None

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    async def start(self) -> None:
        """Without waiting for anything."""
        inherited = {name: value for name, value in os.environ.items() if not name.startswith(_OWN)}
        environment = {**inherited, **self.variables, "C2D_SERVICE_PORT": str(self.port)}
        with self.log.open("ab") as log:
            self._process = await asyncio.create_subprocess_exec(
                sys.executable, "-m", "c2d.service.main", env=environment, stdout=log, stderr=log
            )

    async def ready(self) -> None:
        await self.then_says("/readyz", 200)

    async def then_says(self, path: str, wanted: int) -> None:
        """Wait until a GET of the path is answered with that status."""
        seen: object = None
        try:
            async with asyncio.timeout(DEADLINE), aiohttp.ClientSession() as session:
                while True:
                    assert self._process is not None
                    assert self._process.returncode is None, self.told()
                    seen = await _status(session, self.url + path)
                    if seen == wanted:
                        return
                    await asyncio.sleep(_PAUSE)
        except TimeoutError:
            pass
        raise AssertionError(f"{path} never said {wanted}, last {seen}: {self.told()}")

    async def kill(self) -> None:
        """What a node's crash is to it."""
        await self._end(signal.SIGKILL)

    def terminate(self) -> None:
        """What the kubelet does first."""
        assert self._process is not None
        self._process.send_signal(signal.SIGTERM)

    async def exit_code(self) -> int:
        """Once it has ended by itself."""
        assert self._process is not None
        async with asyncio.timeout(DEADLINE):
            return await self._process.wait()

    async def die_and_come_back(self) -> None:
        await self.kill()
        await self.start()
        await self.ready()

    def told(self) -> str:
        """The end of its log."""
        return self.log.read_text(errors="replace")[-4000:]

    async def _end(self, how: signal.Signals) -> None:
        if self._process is not None:
            with contextlib.suppress(ProcessLookupError):
                self._process.send_signal(how)
            await self._process.wait()
            self._process = None


async def _status(session: aiohttp.ClientSession, url: str) -> int | str:
    try:
        async with session.get(url) as response:
            return response.status
    except aiohttp.ClientError as error:
        return str(error)


class Services:
    """Starts replicas in one namespace; they end with the test."""

    def __init__(self, namespace: str, key: str, folder: Path) -> None:
        self._folder = folder
        self._started: list[ServiceProcess] = []
        self._variables = {
            "C2D_NAMESPACE": namespace,
            "ALLOWED_PROVIDERS": json.dumps([signatures.PrivateKey(key).address]),
            "C2D_S3_CREDENTIALS": str(_credentials(folder / "credentials")),
            "KUBECONFIG": os.environ.get("KUBECONFIG", str(Path.home() / ".kube" / "config")),
        }

    async def start(self, **variables: str) -> ServiceProcess:
        """A replica that may not be ready yet; variables replace ours."""
        log = self._folder / f"service-{len(self._started)}.log"
        process = ServiceProcess({**self._variables, **variables}, log)
        self._started.append(process)
        await process.start()
        return process

    async def two(self, **variables: str) -> tuple[ServiceProcess, ServiceProcess]:
        """Both ready."""
        one, other = await self.start(**variables), await self.start(**variables)
        await asyncio.gather(one.ready(), other.ready())
        return one, other

    async def close(self) -> None:
        """What they told is shown with a test that fails."""
        for process in self._started:
            await process.kill()
            sys.stdout.write(process.told())


def _credentials(folder: Path) -> Path:
    """As Secrets are mounted into the service's pod."""
    place = folder / CREDENTIALS
    place.mkdir(parents=True)
    for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"):
        (place / name).write_text(os.environ[name])
    return folder


@contextlib.contextmanager
def province(site: Site) -> Iterator[str]:
    """A namespace like the site's own, with an environment `default` and an engine that is a process of this machine.

    Its services are the test's own, so nobody else archives its jobs or lets go of them.
    """
    config.load_kube_config()
    core, objects, name = client.CoreV1Api(), client.CustomObjectsApi(), f"c2d-service-{uuid.uuid4().hex[:6]}"
    labels = {"pod-security.kubernetes.io/enforce": "restricted"}
    core.create_namespace(client.V1Namespace(metadata=client.V1ObjectMeta(name=name, labels=labels)))
    try:
        secret = core.read_namespaced_secret(CREDENTIALS, site.namespace)
        copy = client.V1Secret(metadata=client.V1ObjectMeta(name=CREDENTIALS), data=secret.data)
        core.create_namespaced_secret(name, copy)
        _create_environment(objects, site, name)
        with _engine(site, name):
            yield name
    finally:
        _let_go(objects, name)
        core.delete_namespace(name)


def _create_environment(objects: client.CustomObjectsApi, site: Site, namespace: str) -> None:
    group, version = ENVIRONMENTS.api_version.split("/")
    plural = ENVIRONMENTS.plural
    default = objects.get_namespaced_custom_object(group, version, site.namespace, plural, "default")
    # An engine outside of the cluster doesn't know its addresses, so the environment names what must be out of reach.
    probe = site.s3_endpoint_in_cluster.replace("http://", "tcp://")
    item: dict[str, Any] = {
        "apiVersion": ENVIRONMENTS.api_version,
        "kind": ENVIRONMENTS.kind,
        "metadata": {"name": "default"},
        "spec": {**default["spec"], "isolation": {"probes": [probe]}},
    }
    objects.create_namespaced_custom_object(group, version, namespace, plural, item)


def _let_go(objects: client.CustomObjectsApi, namespace: str) -> None:
    """Of jobs that wait for an archive which is no more: the namespace could not be deleted."""
    group, version = JOBS.api_version.split("/")
    for item in objects.list_namespaced_custom_object(group, version, namespace, JOBS.plural)["items"]:
        if item["metadata"].get("finalizers"):
            name, body = item["metadata"]["name"], {"metadata": {"finalizers": None}}
            with contextlib.suppress(client.ApiException):
                objects.patch_namespaced_custom_object(group, version, namespace, JOBS.plural, name, body)


@contextlib.contextmanager
def _engine(site: Site, namespace: str) -> Iterator[None]:
    environment = {
        **os.environ,
        "C2D_NAMESPACES": namespace,
        "C2D_IMAGE": site.operator_image,
        "C2D_HEALTH_PORT": str(free_port()),
        "C2D_SIGNER_PORT": str(free_port()),
    }
    with tempfile.TemporaryFile() as log:
        process = subprocess.Popen([sys.executable, "-m", "c2d.engine.main"], env=environment, stdout=log, stderr=log)
        try:
            yield
        finally:
            process.kill()
            process.wait(DEADLINE)


def reachable(url: str) -> bool:
    """Whether this machine is on the cluster's network."""
    host, _, port = url.partition("://")[2].partition(":")
    try:
        socket.create_connection((host, int(port or 80)), timeout=5).close()
    except OSError:
        return False
    return True
