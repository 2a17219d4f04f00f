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
from c2d.kube.client import Client

_RESOLV_CONF = pathlib.Path("/etc/resolv.conf")


@dataclass(frozen=True)
class Options:
    """What the process is told by its environment variables (docs/reference/settings.md)."""

    image: str
    image_pull_policy: str
    namespaces: tuple[str, ...]
    canary: str
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
            namespaces=tuple(name for name in environ.get("C2D_NAMESPACES", "").split(",") if name),
            canary=environ.get("C2D_CANARY", ""),
            health_port=int(environ.get("C2D_HEALTH_PORT", "8080")),
            log_level=environ.get("LOG_LEVEL", "INFO").upper(),
        )


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
    settings = Settings(image=options.image, image_pull_policy=options.image_pull_policy, probes=probes)
    async with await Client.connect(user_agent=f"c2d-engine/{__version__}") as client:
        world = World()
        registry = kopf.OperatorRegistry()
        handlers.register(registry, world, Reconciler(client, world, settings), client)
        await kopf.operator(
            registry=registry,
            standalone=True,
            namespaces=options.namespaces or (client.namespace,),
            liveness_endpoint=f"http://0.0.0.0:{options.health_port}/healthz",
        )


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
