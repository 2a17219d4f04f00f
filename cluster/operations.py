"""What the commands do, from end to end."""

from __future__ import annotations

import json
import shlex
import time
from collections.abc import Mapping
from pathlib import Path

from cluster import controlplane, kubernetes, ladder, locks, release, s3, tools
from cluster.given import GivenCluster
from cluster.kind import KindCluster
from cluster.ladder import Choice, Kind
from cluster.local import Local
from cluster.progress import Progress
from cluster.settings import (
    DATASETS_BUCKET,
    ENVIRONMENT,
    NAMESPACE,
    REGION,
    RESULTS_BUCKET,
    S3_NAMESPACE,
    S3_PORT,
    ClusterError,
    Network,
    Places,
)
from cluster.shell import CommandFailed
from cluster.target import Target

S3_SECONDS = 120.0
IMAGE_NAMES = {
    "C2D_OPERATOR_IMAGE": "operator",
    "C2D_ALGORITHM_IMAGE": "algorithm",
    "C2D_NOSHELL_IMAGE": "noshell",
}


def provider(
    choice: Choice, places: Places, progress: Progress, *, audit_log: bool = False
) -> Local | KindCluster | GivenCluster:
    match choice.kind:
        case Kind.LOCAL:
            return Local(places, Network(), progress, audit_log)
        case Kind.KIND:
            return KindCluster(places, progress, choice.engine)
        case Kind.GIVEN:
            return GivenCluster(places, progress, choice)


def up(places: Places, progress: Progress, environ: Mapping[str, str], context: str, *, audit_log: bool) -> None:
    """Make the cluster run and install everything. Doing it again only does what is missing."""
    with locks.held(_lock(places)):
        choice = ladder.decide(places, environ, context)
        ladder.check_folder(places)
        before = ladder.remembered(places)
        if before is not None and before.kind is not choice.kind:
            raise ClusterError(f"a {before.kind} cluster is in use; `down` removes it first")
        cluster = provider(choice, places, progress, audit_log=audit_log)
        ladder.remember(places, choice)
        target = cluster.up()
        store = _install_s3(cluster, target, places, progress)
        installed = _install_operator(target, store, places, progress)
        cluster.settle()
        # Before the wait: with the environment at hand, a person can look at an operator that does not start.
        _write_environment(target, store, places)
        if installed:
            with progress.step("wait for the operator"):
                release.wait(target.api)


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


def _install_s3(
    cluster: Local | KindCluster | GivenCluster, target: Target, places: Places, progress: Progress
) -> s3.Store:
    image = target.image("s3")
    with progress.step("S3 server"):
        s3.install(target.api, places, image, target.traits.storage_class)
        _wait_deployment(target.api, s3.NAME, S3_NAMESPACE)
        if isinstance(cluster, GivenCluster):
            cluster.forward_s3(target.api)
        inside = f"http://{s3.cluster_ip(target.api)}:{S3_PORT}"
        store = s3.Store(target.s3_endpoint, inside, s3.credentials(places))
        s3.create_buckets(store)
    return store


def _install_operator(target: Target, store: s3.Store, places: Places, progress: Progress) -> bool:
    if not release.chart_exists():
        progress.warn("charts/c2d is not there: the operator is not installed")
        return False
    values = release.values(target.image("operator"), store, target.traits)
    release.install(target.api, tools.path("helm", places, progress), places, values, progress)
    return True


def _wait_deployment(api: kubernetes.Client, name: str, namespace: str) -> None:
    deadline = time.monotonic() + S3_SECONDS
    where = (f"--namespace={namespace}", "--output=json")
    while not release.is_ready(json.loads(api("get", "deployment", name, *where))):
        if time.monotonic() > deadline:
            raise ClusterError(f"{namespace}/{name} is not ready:\n{_describe(api, namespace)}")
        time.sleep(0.3)


def _describe(api: kubernetes.Client, namespace: str) -> str:
    try:
        return api("get", "pods,events", f"--namespace={namespace}")
    except CommandFailed as error:
        return str(error)


def _write_environment(target: Target, store: s3.Store, places: Places) -> None:
    variables = {
        "KUBECONFIG": str(target.api.kubeconfig),
        "C2D_NAMESPACE": NAMESPACE,
        "C2D_ENVIRONMENT": ENVIRONMENT,
        "C2D_S3_ENDPOINT": store.endpoint,
        "C2D_S3_ENDPOINT_IN_CLUSTER": store.endpoint_in_cluster,
        "C2D_S3_BUCKET": RESULTS_BUCKET,
        "C2D_S3_DATASETS_BUCKET": DATASETS_BUCKET,
        "AWS_ACCESS_KEY_ID": store.credentials.access_key,
        "AWS_SECRET_ACCESS_KEY": store.credentials.secret_key,
        "AWS_REGION": REGION,
        **{variable: target.image(name) for variable, name in IMAGE_NAMES.items()},
    }
    file = _environment_file(places)
    controlplane.write(file, json.dumps(variables))
    file.chmod(0o600)


def _environment_file(places: Places) -> Path:
    return places.state / "environment.json"


def _lock(places: Places) -> Path:
    """Outside the state folder, which `down` removes."""
    return places.cache / "locks" / "cluster"
