"""`c2d-engine`: the composition root of the operator-engine."""

import asyncio
import functools
import logging
import os
import pathlib
import time
from collections.abc import Callable, Coroutine, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

import kopf

from c2d import __version__
from c2d.api import plan
from c2d.chain import settings as chain_settings
from c2d.chain.errors import BadChain
from c2d.chain.settings import Chain
from c2d.engine import handlers, signer
from c2d.engine.environments import report_for_ever
from c2d.engine.keys import fetch_for_ever
from c2d.engine.listener import Listener
from c2d.engine.minting import Minter
from c2d.engine.nonces import Nonces
from c2d.engine.observe import World
from c2d.engine.rates import Rates
from c2d.engine.reconcile import Reconciler, utc_now
from c2d.engine.signer import Signer
from c2d.engine.state import Settings
from c2d.kube import errors
from c2d.kube.client import Client
from c2d.kube.resources import ENVIRONMENTS, JOBS
from c2d.kube.tokens import Tokens, fetch_keys
from c2d.ocean.errors import BadKey
from c2d.ocean.signatures import PrivateKey

logger = logging.getLogger(__name__)

_RESOLV_CONF = pathlib.Path("/etc/resolv.conf")


@dataclass(frozen=True)
class Options:
    """What the process is told by its environment variables (docs/reference/settings.md)."""

    image: str
    image_pull_policy: str
    image_pull_secrets: tuple[str, ...]
    namespaces: tuple[str, ...]
    canary: str
    key: PrivateKey | None  # of the operator; it shows itself to nobody
    signer_url: str  # as configure and publish pods reach it
    signer_port: int
    metadata_uri: str
    trusted_metadata_uris: tuple[str, ...]
    chains: tuple[Chain, ...]  # where results can become assets
    readers: tuple[str, ...]  # service accounts, as namespace:name
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
            key=_key(environ.get("OPERATOR_PRIVATE_KEY", "")),
            signer_url=environ.get("C2D_SIGNER_URL", "").rstrip("/"),
            signer_port=_port(environ, "C2D_SIGNER_PORT", "8081"),
            metadata_uri=environ.get("C2D_METADATA_URI", ""),
            trusted_metadata_uris=_names(environ.get("C2D_TRUSTED_METADATA_URIS", "")),
            chains=_chains(environ.get("C2D_CHAINS", "")),
            readers=_names(environ.get("C2D_READERS", "")),
            health_port=_port(environ, "C2D_HEALTH_PORT", "8080"),
            log_level=environ.get("LOG_LEVEL", "INFO").upper(),
        )


def _names(text: str) -> tuple[str, ...]:
    return tuple(name for name in text.split(",") if name)


def _key(text: str) -> PrivateKey | None:
    if not text:
        return None
    try:
        return PrivateKey(text)
    except BadKey as error:
        raise SystemExit(f"OPERATOR_PRIVATE_KEY can't be used: {error}") from None


def _chains(text: str) -> tuple[Chain, ...]:
    try:
        return chain_settings.parse(text)
    except BadChain as error:
        raise SystemExit(f"C2D_CHAINS can't be used: {error}") from None


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
    async with await Client.connect(user_agent=f"c2d-engine/{__version__}") as client:
        namespaces = options.namespaces or (client.namespace,)
        await require_definitions(client, namespaces)
        world, registry, stop_flag = World(), kopf.OperatorRegistry(), asyncio.Event()
        reconciler = Reconciler(client, world, settings_of(options, probes))
        work = [*beside(options, client, world, reconciler), *minting(options, client, world, reconciler)]
        handlers.register(registry, world, reconciler, stop_flag, work)
        await kopf.operator(
            registry=registry,
            standalone=True,
            namespaces=namespaces,
            liveness_endpoint=f"http://0.0.0.0:{options.health_port}/healthz",
            stop_flag=stop_flag,
        )
    if stop_flag.is_set():
        raise SystemExit(1)


def settings_of(options: Options, probes: tuple[str, ...]) -> Settings:
    if options.key is not None and not options.signer_url:
        logger.warning("C2D_SIGNER_URL is not set: nothing is fetched from Providers, as no pod could ask the signer")
    return Settings(
        image=options.image,
        image_pull_policy=options.image_pull_policy,
        image_pull_secrets=options.image_pull_secrets,
        probes=probes,
        signer_url=options.signer_url if options.key is not None else "",
        engine_url=options.signer_url,
        metadata_uri=options.metadata_uri,
        trusted_metadata_uris=options.trusted_metadata_uris,
        # Without a key there is no account that could publish.
        chain_ids=tuple(chain.chain_id for chain in options.chains) if options.key is not None else (),
        readers=options.readers,
    )


def beside(
    options: Options, client: Client, world: World, reconciler: Reconciler
) -> list[Callable[[], Coroutine[Any, Any, None]]]:
    """What runs beside the work on jobs: the environments' statuses, and the port for configure and publish pods."""
    tokens = Tokens(functools.partial(fetch_keys, client), plan.SIGNER_AUDIENCE, time.time, time.monotonic)
    nonces = Nonces(client, client.namespace, lambda: time.time_ns() // 1_000_000)
    rates = Rates(signer.PER_SECOND, signer.BURST, time.monotonic)
    listener = Listener(world, tokens, reconciler.queue.wake, utc_now, time.monotonic)
    application = signer.application(Signer(options.key, world, tokens, nonces, rates), listener)
    address = options.key.address if options.key is not None else ""
    return [
        functools.partial(report_for_ever, client, world, address),
        functools.partial(signer.serve_for_ever, application, options.signer_port),
        *([functools.partial(fetch_for_ever, client, world)] if options.readers else []),
    ]


def minting(
    options: Options, client: Client, world: World, reconciler: Reconciler
) -> list[Callable[[], Coroutine[Any, Any, None]]]:
    """What makes assets of results, for each chain; it speaks to none before there is something to publish."""
    if options.key is None:
        return []
    minters = [Minter(client, world, chain, options.key, reconciler.queue.wake) for chain in options.chains]
    reconciler.minters.extend(minter.queue.wake for minter in minters)
    return [minter.work for minter in minters]


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
