"""Certificates that the components accept: names, addresses, groups, one authority."""

import ipaddress
from pathlib import Path

from cryptography import x509
from cryptography.x509.oid import NameOID

from cluster import pki
from cluster.settings import Network


def load(folder: Path, name: str) -> x509.Certificate:
    return x509.load_pem_x509_certificate((folder / f"{name}.crt").read_bytes())


def test_every_certificate_is_signed_by_the_authority(tmp_path: Path) -> None:
    pki.ensure(tmp_path, Network())

    for holder in pki.holders(Network()):
        load(tmp_path, holder.name).verify_directly_issued_by(load(tmp_path, "ca"))


def test_the_kubelet_is_a_node_that_logs_can_be_read_from(tmp_path: Path) -> None:
    pki.ensure(tmp_path, Network())
    kubelet = load(tmp_path, "kubelet")

    names = {attribute.oid: attribute.value for attribute in kubelet.subject}
    assert names == {NameOID.COMMON_NAME: "system:node:c2d", NameOID.ORGANIZATION_NAME: "system:nodes"}
    alternative = kubelet.extensions.get_extension_for_class(x509.SubjectAlternativeName).value
    assert ipaddress.ip_address(Network().node_ip) in alternative.get_values_for_type(x509.IPAddress)


def test_a_second_run_replaces_nothing_and_completes_what_is_missing(tmp_path: Path) -> None:
    pki.ensure(tmp_path, Network())
    before = {file.name: file.read_bytes() for file in tmp_path.iterdir()}
    (tmp_path / "kube-proxy.crt").unlink()

    pki.ensure(tmp_path, Network())

    changed = {file.name for file in tmp_path.iterdir() if before[file.name] != file.read_bytes()}
    assert changed == {"kube-proxy.crt", "kube-proxy.key"}


def test_keys_are_for_the_owner_only(tmp_path: Path) -> None:
    pki.ensure(tmp_path, Network())

    assert {file.stat().st_mode & 0o777 for file in tmp_path.glob("*.key")} == {0o600}
