"""The local cluster's one node: kubelet, kube-proxy, volumes and the air-gapped runtime's class."""

from __future__ import annotations

import json
import time
from collections.abc import Callable
from pathlib import Path

from cluster import containerd, controlplane, kubernetes, network, processes
from cluster.processes import Daemon
from cluster.progress import Progress
from cluster.settings import ClusterError, Network, Places

READY_SECONDS = 90.0
STORAGE_CLASS = "local-path"
STORAGE_NAMESPACE = "local-path-storage"
HOST_RESOLVERS = (Path("/run/systemd/resolve/resolv.conf"), Path("/etc/resolv.conf"))


def start(places: Places, net: Network, tool: Callable[[str], Path], helper_image: str, progress: Progress) -> None:
    """Start what does not run yet and wait until the node is ready. containerd runs already."""
    network.start(places, net)
    config = places.config / "kubelet.json"
    controlplane.write(config, json.dumps(kubelet_configuration(places, net), indent=2))
    write_storage_files(places, helper_image)
    controlplane.write(places.config / "kube-proxy.json", json.dumps(proxy_configuration(places, net), indent=2))
    api = kubernetes.Client(tool("kubectl"), places.kubeconfig)
    with progress.step("node"):
        processes.start(places, kubelet(places, net, tool("kubelet")))
        processes.start(places, kube_proxy(places, tool("kube-proxy")))
        api.apply([*storage_objects(), runtime_class()])
        processes.start(places, provisioner(places, tool("local-path-provisioner"), helper_image))
        wait_ready(places, net, api)


def kubelet(places: Places, net: Network, binary: Path) -> Daemon:
    config, client = places.config / "kubelet.json", controlplane.kubeconfig_path(places, "kubelet")
    argv = [
        f"{binary}",
        f"--config={config}",
        f"--kubeconfig={client}",
        f"--hostname-override={net.node_name}",
        f"--node-ip={net.node_ip}",
        f"--root-dir={places.state / 'kubelet'}",
        f"--cert-dir={places.pki}",
        "--v=1",
    ]
    return Daemon("kubelet", argv, reads=(config, client))


def kubelet_configuration(places: Places, net: Network) -> dict[str, object]:
    return {
        "apiVersion": "kubelet.config.k8s.io/v1beta1",
        "kind": "KubeletConfiguration",
        "address": net.node_ip,
        "port": net.kubelet_port,
        "authentication": {
            "anonymous": {"enabled": False},
            "webhook": {"enabled": True},
            "x509": {"clientCAFile": str(places.pki / "ca.crt")},
        },
        "authorization": {"mode": "Webhook"},
        "tlsCertFile": str(places.pki / "kubelet.crt"),
        "tlsPrivateKeyFile": str(places.pki / "kubelet.key"),
        "containerRuntimeEndpoint": f"unix://{places.containerd_socket}",
        "cgroupDriver": "cgroupfs",
        "failCgroupV1": False,
        "failSwapOn": False,
        "oomScoreAdj": 0,
        "maxPods": 110,
        "podPidsLimit": 2048,
        "registryPullQPS": 0,
        "serializeImagePulls": False,
        "kubeAPIQPS": 200,
        "kubeAPIBurst": 400,
        "eventRecordQPS": 200,
        "eventBurst": 400,
        "systemReserved": {"cpu": "100m", "memory": "256Mi"},
        "evictionHard": {
            "memory.available": "100Mi",
            "nodefs.available": "1%",
            "nodefs.inodesFree": "1%",
            "imagefs.available": "1%",
        },
        # Images that were loaded by hand can't be pulled again: the kubelet must never remove one.
        "imageGCHighThresholdPercent": 100,
        "imageGCLowThresholdPercent": 99,
        "podLogsDir": str(places.state / "pod-logs"),
        "volumePluginDir": str(places.state / "volume-plugins"),
        # There is no DNS of the cluster's own; with the machine's servers named here, a pod that asks for
        # the cluster's gets those, without a warning for each pod.
        "clusterDNS": name_servers(net),
        "resolvConf": str(next((file for file in HOST_RESOLVERS if file.exists()), "")),
        "shutdownGracePeriod": "0s",
    }


def name_servers(net: Network) -> list[str]:
    """The machine's name servers that a pod can reach; else one that refuses at once instead of timing out."""
    for file in HOST_RESOLVERS:
        if file.exists():
            words = [line.split() for line in file.read_text().splitlines()]
            servers = [word[1] for word in words if word[:1] == ["nameserver"] and len(word) > 1]
            return [each for each in servers if not each.startswith("127.") and ":" not in each] or [net.node_ip]
    return [net.node_ip]


def kube_proxy(places: Places, binary: Path) -> Daemon:
    config = places.config / "kube-proxy.json"
    return Daemon("kube-proxy", [f"{binary}", f"--config={config}"], reads=(config,))


def proxy_configuration(places: Places, net: Network) -> dict[str, object]:
    client = controlplane.kubeconfig_path(places, "kube-proxy")
    return {
        "apiVersion": "kubeproxy.config.k8s.io/v1alpha1",
        "kind": "KubeProxyConfiguration",
        "mode": "iptables",
        "hostnameOverride": net.node_name,
        "clusterCIDR": net.pod_range,
        "clientConnection": {"kubeconfig": str(client)},
        "bindAddress": net.node_ip,
        "healthzBindAddress": "127.0.0.1:10256",
        "metricsBindAddress": "127.0.0.1:10249",
        # Node ports answer on this machine only, not to its neighbours.
        "nodePortAddresses": ["127.0.0.0/8", f"{net.node_ip}/32"],
        "iptables": {"localhostNodePorts": True, "minSyncPeriod": "0s"},
        # 0: leave the machine's connection tracking limits as they are.
        "conntrack": {
            "maxPerCore": 0,
            "min": 0,
            "tcpEstablishedTimeout": "0s",
            "tcpCloseWaitTimeout": "0s",
        },
        "oomScoreAdj": 0,
    }


def provisioner(places: Places, binary: Path, helper_image: str) -> Daemon:
    client = controlplane.kubeconfig_path(places, "local-path-provisioner")
    config = places.config / "local-path.json"
    helper = places.config / "local-path-helper.json"
    argv = [
        *(f"{binary}", "start"),
        *("--kubeconfig", f"{client}"),
        *("--config", f"{config}"),
        *("--helper-pod-file", f"{helper}"),
        *("--helper-image", helper_image),
        *("--namespace", STORAGE_NAMESPACE),
        *("--configmap-name", "local-path-config"),
    ]
    return Daemon("local-path-provisioner", argv, {"POD_NAMESPACE": STORAGE_NAMESPACE}, (config, helper))


def write_storage_files(places: Places, helper_image: str) -> None:
    """What the provisioner reads at its start; it runs on the host, its helper pods in the cluster."""
    paths = [{"node": "DEFAULT_PATH_FOR_NON_LISTED_NODES", "paths": [str(places.state / "volumes")]}]
    controlplane.write(places.config / "local-path.json", json.dumps({"nodePathMap": paths}))
    controlplane.write(places.config / "local-path-helper.json", json.dumps(helper_pod(helper_image)))


def storage_objects() -> list[dict[str, object]]:
    """The storage class, and the scripts that the helper pods run."""
    # 0777: pods run as any user, and a host path knows no fsGroup.
    setup = '#!/bin/sh\nset -eu\nmkdir -m 0777 -p "$VOL_DIR"\n'
    teardown = '#!/bin/sh\nset -eu\nrm -rf "$VOL_DIR"\n'
    default = {"storageclass.kubernetes.io/is-default-class": "true"}
    return [
        {"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": STORAGE_NAMESPACE}},
        {
            "apiVersion": "v1",
            "kind": "ConfigMap",
            "metadata": {"name": "local-path-config", "namespace": STORAGE_NAMESPACE},
            "data": {"setup": setup, "teardown": teardown},
        },
        {
            "apiVersion": "v1",
            "kind": "ServiceAccount",
            "metadata": {"name": "local-path-provisioner-service-account", "namespace": STORAGE_NAMESPACE},
        },
        {
            "apiVersion": "storage.k8s.io/v1",
            "kind": "StorageClass",
            "metadata": {"name": STORAGE_CLASS, "annotations": default},
            "provisioner": "rancher.io/local-path",
            "volumeBindingMode": "WaitForFirstConsumer",
            "reclaimPolicy": "Delete",
        },
    ]


def helper_pod(image: str) -> dict[str, object]:
    container = {"name": "helper-pod", "image": image, "imagePullPolicy": "IfNotPresent"}
    spec = {"containers": [container], "automountServiceAccountToken": False, "enableServiceLinks": False}
    return {"apiVersion": "v1", "kind": "Pod", "metadata": {"name": "helper-pod"}, "spec": spec}


def runtime_class() -> dict[str, object]:
    name = containerd.AIRGAP_RUNTIME
    return {
        "apiVersion": "node.k8s.io/v1",
        "kind": "RuntimeClass",
        "metadata": {"name": name},
        "handler": name,
    }


def wait_ready(places: Places, net: Network, api: kubernetes.Client) -> None:
    path = '{.status.conditions[?(@.type=="Ready")].status}'
    deadline = time.monotonic() + READY_SECONDS
    while api.try_get("node", net.node_name, jsonpath=path) != "True":
        for name in ("kubelet", "kube-proxy"):
            if processes.find(places, name) is None:
                raise ClusterError(f"{name} has ended:\n{processes.tail(places, name)}")
        if time.monotonic() > deadline:
            raise ClusterError(f"the node is not ready:\n{processes.tail(places, 'kubelet')}")
        time.sleep(0.3)
