"""A control plane for one run of the benchmark: its own ports, certificates and data, and gone afterwards."""

from __future__ import annotations

import contextlib
import dataclasses
import json
import os
import shutil
import socket
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass
from pathlib import Path

from kubernetes.aio import config
from kubernetes.aio.client import Configuration

from bench import fakes
from c2d.kube.client import Client
from cluster import controlplane, kubernetes, locks, pki, processes, tools
from cluster.processes import Daemon
from cluster.progress import Progress
from cluster.settings import REPOSITORY, ClusterError, Network, Places

NAMESPACE = "bench"
STORAGE_CLASS = "bench"
SERVERS = ("etcd", "kube-apiserver")
COMPONENTS = (*SERVERS, "kube-controller-manager", "kube-scheduler", "kwok")
FOLDER = REPOSITORY / "build" / "bench"
FAILED = FOLDER / "failed"
_CLIENTS = ("admin", "kube-controller-manager", "kube-scheduler")
_LOOPBACK = "127.0.0.1"
_AUDIT_MEGABYTES = 20_000  # never rotated: a run is read by its offset in the one file

# A record of a complete request has the time of its arrival, too. Only from the status writes of jobs the body is
# kept, as it names the phase.
_AUDIT_POLICY = """\
apiVersion: audit.k8s.io/v1
kind: Policy
omitStages: [RequestReceived]
rules:
- level: Request
  verbs: [patch]
  resources: [{group: c2d.oceanprotocol.com, resources: [computejobs/status]}]
- level: Metadata
"""


@dataclass(frozen=True)
class Plane:
    """A running control plane."""

    places: Places
    network: Network
    api: kubernetes.Client

    @property
    def audit_log(self) -> Path:
        return self.places.logs / "audit.log"

    @property
    def kubeconfig(self) -> Path:
        return self.places.kubeconfig

    async def connect(self, user_agent: str) -> Client:
        configuration = Configuration()
        await config.load_kube_config(config_file=str(self.kubeconfig), client_configuration=configuration)
        return Client(configuration, NAMESPACE, user_agent)


def running(progress: Progress, binding: str) -> AbstractContextManager[Plane]:
    """All of it, with fake nodes. `binding` is the volumeBindingMode of the StorageClass."""
    return _running(progress, COMPONENTS, lambda plane: _fill(plane, binding))


def api_server(progress: Progress) -> AbstractContextManager[Plane]:
    """Only the API server and etcd: nothing happens to what is created."""
    return _running(progress, SERVERS, _fill_in_environment)


@contextmanager
def _running(progress: Progress, components: Sequence[str], fill: Callable[[Plane], None]) -> Iterator[Plane]:
    """Everything is ended and removed however this is left."""
    cache = Places.from_environment(os.environ).cache
    places = Places(cache / "bench", cache)
    network = Network(
        node_ip=_LOOPBACK, api_port=free_port(), etcd_port=free_port(), etcd_peer_port=free_port(), node_name="bench"
    )
    with contextlib.ExitStack() as stack:
        with progress.step("wait for other benchmarks"):
            stack.enter_context(locks.held(cache / "locks" / "bench"))
        _end(places)  # what a run that was killed has left behind
        plane = Plane(places, network, kubernetes.Client(tools.path("kubectl", places, progress), places.kubeconfig))
        try:
            _configure(plane)
            binaries = {name: tools.path(name, places, progress) for name in components}
            with progress.step("control plane"):
                _start(plane, binaries)
            with progress.step("definitions, environment"):
                fill(plane)
            yield plane
        except Exception:
            _keep_logs(places, progress)
            raise
        finally:
            _remove_folders(plane)
            _end(places)


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind((_LOOPBACK, 0))
        port: int = probe.getsockname()[1]
        return port


def _configure(plane: Plane) -> None:
    places, network = plane.places, plane.network
    pki.ensure(places.pki, network)
    for client in _CLIENTS:
        controlplane.write_kubeconfig(places, network, client)
    controlplane.write(places.config / "audit-policy.yaml", _AUDIT_POLICY)
    controlplane.write(places.config / "kwok.yaml", fakes.configuration())


def _start(plane: Plane, binaries: Mapping[str, Path]) -> None:
    places, network = plane.places, plane.network
    processes.start(places, controlplane.etcd(places, network, binaries["etcd"]))
    processes.start(places, _apiserver(plane, binaries["kube-apiserver"]))
    controlplane.wait_ready(places, network)
    others = {"kube-controller-manager": _manager, "kube-scheduler": _scheduler, "kwok": _kwok}
    for name, daemon in others.items():
        if name in binaries:
            processes.start(places, daemon(plane, binaries[name]))


def _apiserver(plane: Plane, binary: Path) -> Daemon:
    places = plane.places
    return _with(
        controlplane.apiserver(places, plane.network, binary, audit_log=False),
        f"--audit-policy-file={places.config / 'audit-policy.yaml'}",
        f"--audit-log-path={plane.audit_log}",
        f"--audit-log-maxsize={_AUDIT_MEGABYTES}",
        # A loopback address can't be the endpoint of a Service, and no pod of ours asks for one.
        "--endpoint-reconciler-type=none",
    )


def _manager(plane: Plane, binary: Path) -> Daemon:
    """Its serving port is another cluster's; its own host-path provisioner makes the volumes."""
    daemon = controlplane.controller_manager(plane.places, plane.network, binary)
    return _with(daemon, "--secure-port=0", "--enable-hostpath-provisioner")


def _scheduler(plane: Plane, binary: Path) -> Daemon:
    return _with(controlplane.scheduler(plane.places, binary), "--secure-port=0")


def _kwok(plane: Plane, binary: Path) -> Daemon:
    places = plane.places
    file = places.config / "kwok.yaml"
    argv = [f"{binary}", f"--kubeconfig={places.kubeconfig}", f"--config={file}", "--v=WARN"]
    return Daemon("kwok", argv, reads=(file,))


def _with(daemon: Daemon, *flags: str) -> Daemon:
    return dataclasses.replace(daemon, argv=[*daemon.argv, *flags])


def _fill(plane: Plane, binding: str) -> None:
    api = plane.api
    _fill_in_environment(plane)
    api.apply([_storage_class(binding), *fakes.nodes()])
    # Without the account, which a controller makes, no pod is admitted.
    api("wait", "--for=create", "serviceaccount/default", f"--namespace={NAMESPACE}", "--timeout=60s")
    api("wait", "--for=condition=Ready", "nodes", "--all", "--timeout=60s")


def _fill_in_environment(plane: Plane) -> None:
    api = plane.api
    api("apply", "--server-side", "-f", REPOSITORY / "crds")
    api("wait", "--for=condition=Established", "crd", "--all", "--timeout=60s")
    api.apply([{"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": NAMESPACE}}])
    api.apply([_environment()])


def _storage_class(binding: str) -> dict[str, object]:
    return {
        "apiVersion": "storage.k8s.io/v1",
        "kind": "StorageClass",
        "metadata": {"name": STORAGE_CLASS},
        "provisioner": "kubernetes.io/host-path",
        "reclaimPolicy": "Delete",
        "volumeBindingMode": binding,
    }


def _environment() -> dict[str, object]:
    spec = {
        "maxJobs": 1000,
        "results": {"s3": {"bucket": "bench"}},
        "volume": {"storageClassName": STORAGE_CLASS},
    }
    metadata = {"name": "default", "namespace": NAMESPACE}
    return {
        "apiVersion": "c2d.oceanprotocol.com/v1alpha1",
        "kind": "ComputeEnvironment",
        "metadata": metadata,
        "spec": spec,
    }


def _remove_folders(plane: Plane) -> None:
    """The provisioner keeps each volume's (empty) folder below /tmp; an interrupted run leaves some."""
    with contextlib.suppress(ClusterError, OSError, ValueError):
        listed = json.loads(plane.api("get", "persistentvolumes", "--output=json", "--request-timeout=5s"))
        folders = [Path(volume["spec"]["hostPath"]["path"]) for volume in listed["items"]]
        for folder in folders:
            with contextlib.suppress(OSError):
                folder.rmdir()


def _keep_logs(places: Places, progress: Progress) -> None:
    """For whoever wants to know why a run failed; the audit log is too long for that."""
    FAILED.mkdir(parents=True, exist_ok=True)
    for log in places.logs.glob("*.log"):
        if log != places.logs / "audit.log":
            shutil.copy2(log, FAILED)
    progress.say(f"the logs are in {FAILED}")


def _end(places: Places) -> None:
    names = processes.names(places)
    servers = [name for name in names if name in SERVERS]
    processes.stop(places, [name for name in names if name not in servers], grace=5)
    # The API server would drain its connections for a minute; nobody is left to be served.
    processes.stop(places, servers, grace=0.5)
    shutil.rmtree(places.state, ignore_errors=True)
