"""Links, kernel settings and packet filter rules of the local cluster, all removable again."""

from __future__ import annotations

import json
from pathlib import Path

from cluster import processes
from cluster.settings import Network, Places
from cluster.shell import CommandFailed, run, succeeds

SYSCTLS = (
    "net/ipv4/ip_forward",
    "net/ipv4/conf/all/route_localnet",
    "vm/overcommit_memory",
    "kernel/panic",
    "kernel/panic_on_oops",
)
"""What we, the kubelet and kube-proxy change; their values from before come back with `down`."""

MASQUERADE = "C2D-MASQUERADE"
FORWARD = "C2D-FORWARD"
JUMPS = (("nat", "POSTROUTING", MASQUERADE), ("filter", "FORWARD", FORWARD))


def start(places: Places, network: Network) -> None:
    remember_sysctls(places)
    _write_sysctl("net/ipv4/ip_forward", "1")
    _link(network.node_link)
    if f"inet {network.node_ip}/32" not in run("ip", "-4", "address", "show", "dev", network.node_link):
        run("ip", "address", "add", f"{network.node_ip}/32", "dev", network.node_link)
    # Nothing else is ever attached to this one: it only carries the air-gapped pods' macvlan links,
    # and a macvlan in private mode reaches neither its siblings nor the host.
    _link(network.airgap_link)
    _filter(network)


def stop(places: Places, network: Network) -> None:
    _remove_own_chains()
    remove_kubernetes_chains()
    for link in (network.node_link, network.airgap_link):
        if Path("/sys/class/net", link).exists():
            run("ip", "link", "delete", link)
    restore_sysctls(places)


def remember_sysctls(places: Places) -> None:
    """Save the values from before the first start since boot: a second start must not save our own."""
    file = _sysctl_file(places)
    boot = processes.boot_id()
    if file.exists() and json.loads(file.read_text())["boot"] == boot:
        return
    values = {name: Path("/proc/sys", name).read_text().strip() for name in SYSCTLS}
    file.parent.mkdir(parents=True, exist_ok=True)
    scratch = file.with_suffix(".new")
    scratch.write_text(json.dumps({"boot": boot, "values": values}))
    scratch.replace(file)


def restore_sysctls(places: Places) -> None:
    file = _sysctl_file(places)
    if not file.exists():
        return
    saved = json.loads(file.read_text())
    if saved["boot"] == processes.boot_id():
        for name, value in saved["values"].items():
            _write_sysctl(name, value)


def remove_kubernetes_chains() -> None:
    """Remove the chains of kube-proxy and the kubelet, jumps first."""
    for command in ("iptables", "ip6tables"):
        for table in ("filter", "nat", "mangle"):
            _remove_chains(command, table, "KUBE-")


def kubernetes_chains_exist() -> bool:
    try:
        return ":KUBE-" in run("iptables-save")
    except CommandFailed:
        return False


def _remove_own_chains() -> None:
    for table, _, chain in JUMPS:
        _remove_chains("iptables", table, chain)


def _remove_chains(command: str, table: str, prefix: str) -> None:
    """One transaction: every rule that names such a chain, then the chains."""
    try:
        saved = run(f"{command}-save", "-t", table).splitlines()
    except CommandFailed:
        return
    chains = [line[1:].split()[0] for line in saved if line.startswith(f":{prefix}")]
    if not chains:
        return
    rules = [line for line in saved if line.startswith("-A ") and f" {prefix}" in line]
    jumps = [f"-D{rule[2:]}" for rule in rules if not rule.startswith(f"-A {prefix}")]
    lines = [f"*{table}", *jumps, *(f"-F {chain}" for chain in chains), *(f"-X {chain}" for chain in chains)]
    run(f"{command}-restore", "-w", "--noflush", stdin="\n".join([*lines, "COMMIT", ""]))


def _filter(network: Network) -> None:
    pods = network.pod_range
    rules = f"""\
*nat
:{MASQUERADE} - [0:0]
-A {MASQUERADE} -s {pods} ! -d {pods} -j MASQUERADE
COMMIT
*filter
:{FORWARD} - [0:0]
-A {FORWARD} -s {pods} -j ACCEPT
-A {FORWARD} -d {pods} -j ACCEPT
COMMIT
"""
    run("iptables-restore", "-w", "--noflush", stdin=rules)
    for table, chain, ours in JUMPS:
        if not succeeds("iptables", "-w", "-t", table, "-C", chain, "-j", ours):
            run("iptables", "-w", "-t", table, "-A", chain, "-j", ours)


def _link(name: str) -> None:
    if not Path("/sys/class/net", name).exists():
        run("ip", "link", "add", name, "type", "bridge")
        # Without a link-local IPv6 address: each link carries what was given to it and nothing else.
        run("ip", "link", "set", name, "addrgenmode", "none")
    run("ip", "link", "set", name, "up")


def _sysctl_file(places: Places) -> Path:
    return places.state / "sysctls.json"


def _write_sysctl(name: str, value: str) -> None:
    file = Path("/proc/sys", name)
    if file.read_text().strip() != value:
        file.write_text(value)
