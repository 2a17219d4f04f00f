"""etcd, the API server, the controller manager and the scheduler of the local cluster."""

from __future__ import annotations

import ssl
import time
import urllib.error
import urllib.request
from collections.abc import Callable
from pathlib import Path

from cluster import pki, processes
from cluster.processes import Daemon
from cluster.progress import Progress
from cluster.settings import ClusterError, Network, Places

READY_SECONDS = 120.0
CLIENTS = ("admin", "kube-controller-manager", "kube-scheduler", "kube-proxy", "kubelet", "local-path-provisioner")

AUDIT_POLICY = """\
apiVersion: audit.k8s.io/v1
kind: Policy
omitStages: [RequestReceived]
rules:
- level: Metadata
"""


def start(
    places: Places, network: Network, tool: Callable[[str], Path], progress: Progress, *, audit_log: bool
) -> None:
    """Start what does not run yet and wait until the API server is ready."""
    pki.ensure(places.pki, network)
    for client in CLIENTS:
        write_kubeconfig(places, network, client)
    if audit_log:
        write(places.config / "audit-policy.yaml", AUDIT_POLICY)
    with progress.step("API server"):
        processes.start(places, etcd(places, network, tool("etcd")))
        processes.start(places, apiserver(places, network, tool("kube-apiserver"), audit_log=audit_log))
        wait_ready(places, network)
    processes.start(places, controller_manager(places, network, tool("kube-controller-manager")))
    processes.start(places, scheduler(places, tool("kube-scheduler")))


def etcd(places: Places, network: Network, binary: Path) -> Daemon:
    certificate, key, authority = _certificate(places, "etcd")
    client, peer = f"https://127.0.0.1:{network.etcd_port}", f"https://127.0.0.1:{network.etcd_peer_port}"
    argv = [
        f"{binary}",
        "--name=c2d",
        f"--data-dir={places.state / 'etcd'}",
        *(f"--listen-client-urls={client}", f"--advertise-client-urls={client}"),
        *(f"--listen-peer-urls={peer}", f"--initial-advertise-peer-urls={peer}"),
        f"--initial-cluster=c2d={peer}",
        *(f"--cert-file={certificate}", f"--key-file={key}"),
        *(f"--trusted-ca-file={authority}", "--client-cert-auth"),
        *(f"--peer-cert-file={certificate}", f"--peer-key-file={key}"),
        *(f"--peer-trusted-ca-file={authority}", "--peer-client-cert-auth"),
        "--log-level=warn",
    ]
    return Daemon("etcd", argv, reads=(certificate,))


def apiserver(places: Places, network: Network, binary: Path, *, audit_log: bool) -> Daemon:
    certificate, key, authority = _certificate(places, "apiserver")
    kubelet_certificate, kubelet_key, _ = _certificate(places, "apiserver-to-kubelet")
    etcd_certificate, etcd_key, _ = _certificate(places, "etcd")
    argv = [
        f"{binary}",
        *(f"--bind-address={network.node_ip}", f"--secure-port={network.api_port}"),
        f"--advertise-address={network.node_ip}",
        f"--service-cluster-ip-range={network.service_range}",
        *(f"--tls-cert-file={certificate}", f"--tls-private-key-file={key}"),
        *(f"--client-ca-file={authority}", "--anonymous-auth=false"),
        *("--authorization-mode=Node,RBAC", "--enable-admission-plugins=NodeRestriction"),
        f"--etcd-servers=https://127.0.0.1:{network.etcd_port}",
        *(f"--etcd-certfile={etcd_certificate}", f"--etcd-keyfile={etcd_key}", f"--etcd-cafile={authority}"),
        *(f"--kubelet-client-certificate={kubelet_certificate}", f"--kubelet-client-key={kubelet_key}"),
        *(f"--kubelet-certificate-authority={authority}", "--kubelet-preferred-address-types=InternalIP"),
        "--service-account-issuer=https://kubernetes.default.svc",
        f"--service-account-key-file={places.pki / 'tokens.pub'}",
        f"--service-account-signing-key-file={places.pki / 'tokens.key'}",
        *("--allow-privileged=true", "--profiling=false"),
        *(_audit_flags(places) if audit_log else ()),
    ]
    return Daemon("kube-apiserver", argv, reads=(certificate,))


def controller_manager(places: Places, network: Network, binary: Path) -> Daemon:
    certificate, key, authority = _certificate(places, "kube-controller-manager")
    config = kubeconfig_path(places, "kube-controller-manager")
    argv = [
        f"{binary}",
        *_client_flags(config),
        *(f"--tls-cert-file={certificate}", f"--tls-private-key-file={key}"),
        f"--root-ca-file={authority}",
        f"--service-account-private-key-file={places.pki / 'tokens.key'}",
        *("--use-service-account-credentials=true", "--leader-elect=false", "--profiling=false"),
        *(f"--cluster-cidr={network.pod_range}", "--allocate-node-cidrs=false"),
        f"--flex-volume-plugin-dir={places.state / 'volume-plugins'}",
        # Without these the controllers' own client limits are what a benchmark measures.
        *("--kube-api-qps=2000", "--kube-api-burst=4000"),
    ]
    return Daemon("kube-controller-manager", argv, reads=(config,))


def scheduler(places: Places, binary: Path) -> Daemon:
    certificate, key, _ = _certificate(places, "kube-scheduler")
    config = kubeconfig_path(places, "kube-scheduler")
    argv = [
        f"{binary}",
        *_client_flags(config),
        *(f"--tls-cert-file={certificate}", f"--tls-private-key-file={key}"),
        *("--leader-elect=false", "--profiling=false", "--kube-api-qps=2000", "--kube-api-burst=4000"),
    ]
    return Daemon("kube-scheduler", argv, reads=(config,))


def wait_ready(places: Places, network: Network) -> None:
    deadline = time.monotonic() + READY_SECONDS
    while not ready(places, network):
        for name in ("etcd", "kube-apiserver"):
            if processes.find(places, name) is None:
                raise ClusterError(f"{name} has ended:\n{processes.tail(places, name)}")
        if time.monotonic() > deadline:
            raise ClusterError(f"the API server is not ready:\n{processes.tail(places, 'kube-apiserver')}")
        time.sleep(0.2)


def ready(places: Places, network: Network) -> bool:
    certificate, key, authority = _certificate(places, "admin")
    if not certificate.exists():
        return False
    context = ssl.create_default_context(cafile=str(authority))
    context.load_cert_chain(certificate, key)
    handler = urllib.request.HTTPSHandler(context=context)
    # An empty ProxyHandler: the cluster's own address never goes through somebody's proxy.
    opener = urllib.request.build_opener(urllib.request.ProxyHandler({}), handler)
    try:
        with opener.open(f"{network.api_url}/readyz", timeout=5) as response:
            return bool(response.status == 200)
    except (urllib.error.URLError, OSError):
        return False


def kubeconfig_path(places: Places, client: str) -> Path:
    return places.kubeconfig if client == "admin" else places.config / f"{client}.kubeconfig"


def write_kubeconfig(places: Places, network: Network, client: str) -> None:
    certificate, key, authority = _certificate(places, client)
    write(
        kubeconfig_path(places, client),
        f"""\
apiVersion: v1
kind: Config
clusters:
- name: c2d
  cluster: {{server: "{network.api_url}", certificate-authority: "{authority}"}}
users:
- name: {client}
  user: {{client-certificate: "{certificate}", client-key: "{key}"}}
contexts:
- name: c2d
  context: {{cluster: c2d, user: {client}}}
current-context: c2d
""",
    )


def write(file: Path, content: str) -> None:
    file.parent.mkdir(parents=True, exist_ok=True)
    scratch = file.with_name(f".{file.name}.new")
    scratch.write_text(content)
    scratch.replace(file)


def _certificate(places: Places, name: str) -> tuple[Path, Path, Path]:
    """Certificate, key and the authority that signed it."""
    return places.pki / f"{name}.crt", places.pki / f"{name}.key", places.pki / "ca.crt"


def _client_flags(config: Path) -> tuple[str, ...]:
    return (
        f"--kubeconfig={config}",
        f"--authentication-kubeconfig={config}",
        f"--authorization-kubeconfig={config}",
        "--authentication-skip-lookup=true",
        "--bind-address=127.0.0.1",
    )


def _audit_flags(places: Places) -> tuple[str, ...]:
    return (
        f"--audit-policy-file={places.config / 'audit-policy.yaml'}",
        f"--audit-log-path={places.logs / 'audit.log'}",
        "--audit-log-maxsize=100",
        "--audit-log-maxbackup=2",
    )
