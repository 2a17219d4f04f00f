"""What the commands do, from end to end."""

from __future__ import annotations

import json
import shlex
import time
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from cluster import given, keys, kubernetes, ladder, locks, postgres, release, s3, tools
from cluster.given import GivenCluster, Tunnel
from cluster.kind import KindCluster
from cluster.ladder import Choice, Kind
from cluster.local import Local
from cluster.progress import Progress
from cluster.settings import (
    DATASETS_BUCKET,
    ENVIRONMENT,
    NAMESPACE,
    POSTGRES_NAMESPACE,
    REGION,
    RESULTS_BUCKET,
    S3_NAMESPACE,
    S3_PORT,
    SERVICE_NODE_PORT,
    ClusterError,
    Network,
    Places,
)
from cluster.shell import CommandFailed
from cluster.target import Target

SERVER_SECONDS = 120.0
IMAGE_NAMES = {
    "C2D_OPERATOR_IMAGE": "operator",
    "C2D_ALGORITHM_IMAGE": "algorithm",
    "C2D_NOSHELL_IMAGE": "noshell",
}

Cluster = Local | KindCluster | GivenCluster


@dataclass(frozen=True)
class Wishes:
    """What a person asked `up` for."""

    context: str = ""
    audit_log: bool = False
    postgres: bool = False


def provider(choice: Choice, places: Places, progress: Progress, *, audit_log: bool = False) -> Cluster:
    images = ("postgres",) if postgres.kept(places) else ()
    match choice.kind:
        case Kind.LOCAL:
            return Local(places, Network(), progress, audit_log, images)
        case Kind.KIND:
            return KindCluster(places, progress, choice.engine, images)
        case Kind.GIVEN:
            return GivenCluster(places, progress, choice)


def up(places: Places, progress: Progress, environ: Mapping[str, str], wishes: Wishes) -> None:
    """Make the cluster run and install everything. Doing it again only does what is missing."""
    with locks.held(_lock(places)):
        choice = ladder.decide(places, environ, wishes.context)
        ladder.check_folder(places)
        before = ladder.remembered(places)
        if before is not None and before.kind is not choice.kind:
            raise ClusterError(f"a {before.kind} cluster is in use; `down` removes it first")
        ladder.remember(places, choice)
        if wishes.postgres:
            postgres.keep(places)
        cluster = provider(choice, places, progress, audit_log=wishes.audit_log)
        _Installation(cluster, cluster.up(), places, progress).run()


def down(places: Places, progress: Progress) -> None:
    with locks.held(_lock(places)):
        choice = ladder.remembered(places)
        if choice is None:
            progress.say("nothing runs")
            return
        provider(choice, places, progress).down()
        with progress.step("remove its data"):
            ladder.forget(places)


def make_images(places: Places, progress: Progress) -> dict[str, str]:
    """Build all images and load them into the cluster in use."""
    with locks.held(_lock(places)):
        choice = ladder.remembered(places)
        cluster = provider(choice, places, progress) if choice else None
        if cluster is None or isinstance(cluster, GivenCluster):
            raise ClusterError("there is no cluster of ours to load images into; `up` makes one")
        return cluster.load_images()


def exports(places: Places) -> str:
    """Shell lines for scripts; the same variables for every kind of cluster."""
    file = _environment_file(places)
    if not file.exists():
        raise ClusterError("no cluster is up; `python -m cluster up` makes one")
    variables = json.loads(file.read_text())
    return "".join(f"export {name}={shlex.quote(value)}\n" for name, value in variables.items())


@dataclass(frozen=True)
class _Installation:
    """Everything that goes into a running cluster."""

    cluster: Cluster
    target: Target
    places: Places
    progress: Progress

    def run(self) -> None:
        store = self._s3()
        parts = release.Parts(self.target.image("operator"), store, keys.keys(self.places), self._postgres())
        installed = self._operator(parts)
        self.cluster.settle()
        # Before the wait: with the environment at hand, a person can look at an operator that does not start.
        _write_environment(self.target, parts, self.places)
        if installed:
            with self.progress.step("wait for the operator"):
                release.wait(self.target.api)
                self._reach(given.SERVICE)

    def _s3(self) -> s3.Store:
        target, image = self.target, self.target.image("s3")
        with self.progress.step("S3 server"):
            s3.install(target.api, self.places, image, target.traits.storage_class)
            _wait_deployment(target.api, s3.NAME, S3_NAMESPACE)
            self._reach(given.S3)
            inside = f"http://{target.api.cluster_ip(s3.NAME, S3_NAMESPACE)}:{S3_PORT}"
            store = s3.Store(target.s3_endpoint, inside, s3.credentials(self.places))
            s3.create_buckets(store)
        return store

    def _postgres(self) -> str:
        """Its address inside of the cluster; empty when nobody asked for it."""
        if not postgres.kept(self.places):
            return ""
        target, image = self.target, self.target.image("postgres")
        with self.progress.step("PostgreSQL"):
            postgres.install(target.api, self.places, image, target.traits)
            _wait_deployment(target.api, postgres.NAME, POSTGRES_NAMESPACE)
            self._reach(given.POSTGRES)
        return target.api.cluster_ip(postgres.NAME, POSTGRES_NAMESPACE)

    def _operator(self, parts: release.Parts) -> bool:
        if not release.chart_exists():
            self.progress.warn("charts/c2d is not there: the operator is not installed")
            return False
        target = self.target
        target.api.apply(keys.secret_objects(parts.keys))
        helm = tools.path("helm", self.places, self.progress)
        release.install(target.api, helm, self.places, release.values(parts, target.traits), self.progress)
        return True

    def _reach(self, tunnel: Tunnel) -> None:
        """Make a Service answer on this machine's loopback, where a node port doesn't."""
        if isinstance(self.cluster, GivenCluster):
            self.cluster.forward(self.target.api, tunnel)


def _wait_deployment(api: kubernetes.Client, name: str, namespace: str) -> None:
    deadline = time.monotonic() + SERVER_SECONDS
    where = (f"--namespace={namespace}", "--output=json")
    while not release.is_ready(json.loads(api("get", "deployment", name, *where))):
        if time.monotonic() > deadline:
            raise ClusterError(f"{namespace}/{name} is not ready:\n{_describe(api, name, namespace)}")
        time.sleep(0.3)


def _describe(api: kubernetes.Client, name: str, namespace: str) -> str:
    where = f"--namespace={namespace}"
    questions = (("get", "pods,events", where), ("logs", f"deployment/{name}", where, "--tail=20"))
    return "\n".join(_answer(api, *question) for question in questions)


def _answer(api: kubernetes.Client, *words: str) -> str:
    try:
        return api(*words)
    except CommandFailed as error:
        return str(error)


def _write_environment(target: Target, parts: release.Parts, places: Places) -> None:
    store = parts.store
    variables = {
        "KUBECONFIG": str(target.api.kubeconfig),
        "C2D_NAMESPACE": NAMESPACE,
        "C2D_ENVIRONMENT": ENVIRONMENT,
        "C2D_SERVICE_URL": f"http://127.0.0.1:{SERVICE_NODE_PORT}/",
        "C2D_PROVIDER_KEY": parts.keys.provider,
        "C2D_ADMIN_PASSWORD": parts.keys.admin_password,
        "C2D_S3_ENDPOINT": store.endpoint,
        "C2D_S3_ENDPOINT_IN_CLUSTER": store.endpoint_in_cluster,
        "C2D_S3_BUCKET": RESULTS_BUCKET,
        "C2D_S3_DATASETS_BUCKET": DATASETS_BUCKET,
        "AWS_ACCESS_KEY_ID": store.credentials.access_key,
        "AWS_SECRET_ACCESS_KEY": store.credentials.secret_key,
        "AWS_REGION": REGION,
        **{variable: target.image(name) for variable, name in IMAGE_NAMES.items()},
        **(postgres.variables(places) if parts.postgres_host else {}),
    }
    keys.write_private(_environment_file(places), json.dumps(variables))


def _environment_file(places: Places) -> Path:
    return places.state / "environment.json"


def _lock(places: Places) -> Path:
    """Outside the state folder, which `down` removes."""
    return places.cache / "locks" / "cluster"
