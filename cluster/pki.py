"""The local cluster's certificates: one authority, a certificate for each component, a key for its tokens."""

from __future__ import annotations

import datetime
import ipaddress
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

from cluster.settings import Network

VALID_FOR = datetime.timedelta(days=3650)
CLOCK_SKEW = datetime.timedelta(hours=1)


@dataclass(frozen=True)
class Holder:
    """Whose certificate it is: Kubernetes reads the user from the common name, the groups from organizations."""

    name: str
    common_name: str
    organization: str = ""
    addresses: Sequence[str] = ()


@dataclass(frozen=True)
class Authority:
    key: ec.EllipticCurvePrivateKey
    certificate: x509.Certificate


def holders(network: Network) -> list[Holder]:
    api = (
        *("127.0.0.1", network.node_ip, network.api_service_ip, "localhost"),
        *("kubernetes", "kubernetes.default", "kubernetes.default.svc", "kubernetes.default.svc.cluster.local"),
    )
    node = network.node_name
    return [
        Holder("apiserver", "kube-apiserver", addresses=api),
        Holder("etcd", "etcd", addresses=("127.0.0.1", "localhost")),
        Holder("apiserver-to-kubelet", "kube-apiserver", "system:masters"),
        Holder("admin", "admin", "system:masters"),
        Holder("kube-controller-manager", "system:kube-controller-manager"),
        Holder("kube-scheduler", "system:kube-scheduler"),
        Holder("kube-proxy", "system:kube-proxy"),
        Holder("local-path-provisioner", "local-path-provisioner", "system:masters"),
        # The kubelet serves logs with this one too, so the node's address has to be in it.
        Holder("kubelet", f"system:node:{node}", "system:nodes", (node, network.node_ip, "127.0.0.1")),
    ]


def ensure(folder: Path, network: Network) -> None:
    """Write what is missing. Nothing is ever replaced: running components hold these certificates."""
    folder.mkdir(parents=True, exist_ok=True, mode=0o700)
    authority = _authority(folder)
    for holder in holders(network):
        if not (folder / f"{holder.name}.crt").exists():
            key = _new_key(folder / f"{holder.name}.key")
            _write(folder / f"{holder.name}.crt", _pem(issue(authority, holder, key.public_key())))
    if not (folder / "tokens.pub").exists():
        key = _new_key(folder / "tokens.key")
        _write(folder / "tokens.pub", _public_pem(key))


def issue(authority: Authority, holder: Holder, key: ec.EllipticCurvePublicKey) -> x509.Certificate:
    """A certificate for both ends of a TLS connection: most components are servers and clients at once."""
    usage = [ExtendedKeyUsageOID.CLIENT_AUTH, ExtendedKeyUsageOID.SERVER_AUTH]
    builder = (
        _builder(_name(holder.common_name, holder.organization), authority.certificate.subject, key)
        .add_extension(x509.BasicConstraints(ca=False, path_length=None), critical=True)
        .add_extension(x509.ExtendedKeyUsage(usage), critical=False)
    )
    if holder.addresses:
        names = x509.SubjectAlternativeName([_general_name(address) for address in holder.addresses])
        builder = builder.add_extension(names, critical=False)
    return builder.sign(authority.key, hashes.SHA256())


def new_authority(key: ec.EllipticCurvePrivateKey) -> Authority:
    name = _name("c2d local cluster", "")
    builder = _builder(name, name, key.public_key())
    builder = builder.add_extension(x509.BasicConstraints(ca=True, path_length=0), critical=True)
    return Authority(key, builder.sign(key, hashes.SHA256()))


def _authority(folder: Path) -> Authority:
    key_file, certificate_file = folder / "ca.key", folder / "ca.crt"
    if certificate_file.exists():
        key = serialization.load_pem_private_key(key_file.read_bytes(), password=None)
        if not isinstance(key, ec.EllipticCurvePrivateKey):
            raise TypeError(f"{key_file} does not hold an elliptic-curve key")
        return Authority(key, x509.load_pem_x509_certificate(certificate_file.read_bytes()))
    authority = new_authority(_new_key(key_file))
    _write(certificate_file, _pem(authority.certificate))
    return authority


def _builder(subject: x509.Name, issuer: x509.Name, key: ec.EllipticCurvePublicKey) -> x509.CertificateBuilder:
    now = datetime.datetime.now(datetime.UTC)
    return (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(issuer)
        .public_key(key)
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - CLOCK_SKEW)
        .not_valid_after(now + VALID_FOR)
    )


def _name(common_name: str, organization: str) -> x509.Name:
    attributes = [x509.NameAttribute(NameOID.COMMON_NAME, common_name)]
    if organization:
        attributes.append(x509.NameAttribute(NameOID.ORGANIZATION_NAME, organization))
    return x509.Name(attributes)


def _general_name(address: str) -> x509.GeneralName:
    try:
        return x509.IPAddress(ipaddress.ip_address(address))
    except ValueError:
        return x509.DNSName(address)


def _new_key(file: Path) -> ec.EllipticCurvePrivateKey:
    key = ec.generate_private_key(ec.SECP256R1())
    pem = key.private_bytes(
        serialization.Encoding.PEM,
        serialization.PrivateFormat.TraditionalOpenSSL,
        serialization.NoEncryption(),
    )
    _write(file, pem)
    return key


def _pem(certificate: x509.Certificate) -> bytes:
    return certificate.public_bytes(serialization.Encoding.PEM)


def _public_pem(key: ec.EllipticCurvePrivateKey) -> bytes:
    return key.public_key().public_bytes(serialization.Encoding.PEM, serialization.PublicFormat.SubjectPublicKeyInfo)


def _write(file: Path, content: bytes) -> None:
    """Whole or not at all, and readable by the owner only: a start may be killed at any instruction."""
    scratch = file.with_suffix(".new")
    scratch.touch(mode=0o600)
    scratch.write_bytes(content)
    scratch.replace(file)
