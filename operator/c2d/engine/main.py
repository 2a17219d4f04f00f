"""`c2d-engine`: the composition root of the operator-engine."""

import asyncio
import logging
import os
import pathlib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass

import kopf

from c2d import __version__
from c2d.engine import handlers
from c2d.engine.observe import World
from c2d.engine.reconcile import Reconciler
from c2d.engine.state import Settings
from c2d.kube import errors
from c2d.kube.client import Client
from c2d.kube.resources import ENVIRONMENTS, JOBS
from c2d.ocean import signatures
from c2d.ocean.errors import BadKey

_RESOLV_CONF = pathlib.Path("/etc/resolv.conf")


@dataclass(frozen=True)
class Options:
    """What the process is told by its environment variables (docs/reference/settings.md)."""

    image: str
    image_pull_policy: str
    image_pull_secrets: tuple[str, ...]
    namespaces: tuple[str, ...]
    canary: str
    address: str  # of the operator's key; empty without one
    health_port: int
    log_level: str

    @classmethod
    def read(cls, environ: Mapping[str, str]) -> "Options":
        """Raises SystemExit with the variable's name."""
        image = environ.get("C2D_IMAGE", "")
        if not image:
            raise SystemExit("C2D_IMAGE is not set: the image that the configure and publish pods run")
        return cls(
            image=image,
            image_pull_policy=environ.get("C2D_IMAGE_PULL_POLICY", "IfNotPresent"),
            image_pull_secrets=_names(environ.get("C2D_IMAGE_PULL_SECRETS", "")),
            namespaces=_names(environ.get("C2D_NAMESPACES", "")),
            canary=environ.get("C2D_CANARY", ""),
            address=_address(environ.get("OPERATOR_PRIVATE_KEY", "")),
            health_port=_port(environ, "C2D_HEALTH_PORT", "8080"),
            log_level=environ.get("LOG_LEVEL", "INFO").upper(),
        )


def _names(text: str) -> tuple[str, ...]:
    return tuple(name for name in text.split(",") if name)


def _address(key: str) -> str:
    """The key itself is forgotten at once: only its address is needed."""
    if not key:
        return ""
    try:
        return signatures.address_of(key)
    except BadKey as error:
        raise SystemExit(f"OPERATOR_PRIVATE_KEY can't be used: {error}") from None


def _port(environ: Mapping[str, str], name: str, default: str) -> int:
    text = environ.get(name, default)
    if not text.isdecimal() or not 0 < int(text) < 65536:
        raise SystemExit(f"{name} is {text!r}: it must be a port, from 1 to 65535")
    return int(text)


def default_probes(environ: Mapping[str, str], resolv_conf: str, canary: str) -> Iterator[str]:
    """What no algorithm may reach: the API server, the cluster's DNS, and the engine itself as a canary."""
    host, port = environ.get("KUBERNETES_SERVICE_HOST"), environ.get("KUBERNETES_SERVICE_PORT", "443")
    if host:
        yield f"tcp://{_bracketed(host)}:{port}"
    for line in resolv_conf.splitlines():
        word, _, server = line.partition(" ")
        if word == "nameserver" and server.strip():
            yield f"dns://{_bracketed(server.strip())}:53"
    if canary:
        yield canary


def _bracketed(host: str) -> str:
    return f"[{host}]" if ":" in host else host


async def run(options: Options, probes: tuple[str, ...]) -> None:
    settings = Settings(
        image=options.image,
        image_pull_policy=options.image_pull_policy,
        image_pull_secrets=options.image_pull_secrets,
        probes=probes,
    )
    async with await Client.connect(user_agent=f"c2d-engine/{__version__}") as client:
        namespaces = options.namespaces or (client.namespace,)
        await require_definitions(client, namespaces)
        world, registry, stop_flag = World(), kopf.OperatorRegistry(), asyncio.Event()
        handlers.register(registry, world, Reconciler(client, world, settings), client, stop_flag, options.address)
        await kopf.operator(
            registry=registry,
            standalone=True,
            namespaces=namespaces,
            liveness_endpoint=f"http://0.0.0.0:{options.health_port}/healthz",
            stop_flag=stop_flag,
        )
    if stop_flag.is_set():
        raise SystemExit(1)


async def require_definitions(client: Client, namespaces: tuple[str, ...]) -> None:
    """kopf would wait in silence for kinds that aren't there. Raises SystemExit with what to do."""
    for resource in (JOBS, ENVIRONMENTS):
        for namespace in namespaces:
            try:
                await client.list(resource, namespace, limit="1")
            except errors.NotFound:
                raise SystemExit(f"{resource.kind} is not known to this cluster: kubectl apply -f crds/") from None
            except errors.Rejected as error:
                raise SystemExit(f"namespace {namespace}: {error}") from None


def _log(level: str) -> None:
    kopf.configure(verbose=level == "DEBUG", quiet=level == "WARNING")
    if level != "DEBUG":
        # One line for each event of each pod says nothing that our own lines don't.
        logging.getLogger("kopf.objects").setLevel(logging.WARNING)


def main() -> None:
    options = Options.read(os.environ)
    _log(options.log_level)
    resolv_conf = _RESOLV_CONF.read_text() if _RESOLV_CONF.exists() else ""
    probes = tuple(default_probes(os.environ, resolv_conf, options.canary))
    try:
        asyncio.run(run(options, probes))
    except KeyboardInterrupt:
        raise SystemExit(130) from None


if __name__ == "__main__":
    main()
