"""Keeps downloads away from addresses where no data is, but secrets of the cloud and services of the cluster.

The consumer chooses the algorithm's URL, and the algorithm could publish what was fetched from it. Clouds answer at
link-local addresses with the credentials of the machine that asks; services of a cluster and of the network around it
often ask for no password. A name is checked where it counts, at each connection and after each redirect, so that no
answer of a name server can get around it.
"""

import ipaddress
import socket
from collections.abc import Callable, Iterator
from typing import Any

Address = ipaddress.IPv4Address | ipaddress.IPv6Address


class Refused(Exception):
    """The connection would go where no download may go."""


class LinkLocal(Refused):
    """The connection would go to a link-local address, or to one where a cloud serves its machines."""


class Private(Refused):
    """The connection would go to an address that is not on the public internet."""


def socket_factory(allow_private: bool) -> Callable[[tuple[Any, ...]], socket.socket]:
    """Makes a socket for an entry of `socket.getaddrinfo`; raises Refused where it may not go there."""

    def open_socket(address: tuple[Any, ...]) -> socket.socket:
        family, kind, protocol, _, target = address
        if is_link_local(target[0]):
            raise LinkLocal
        if not allow_private and not is_public(target[0]):
            raise Private
        return socket.socket(family, kind, protocol)

    return open_socket


def is_link_local(host: str) -> bool:
    """Whether it is in 169.254.0.0/16 (RFC 3927) or fe80::/10 (RFC 4291), or where a cloud serves its machines."""
    return any(address.is_link_local or _is_in(address, _CLOUDS) for address in _meant(host))


def is_public(host: str) -> bool:
    """Whether it is a unicast address of the public internet, in every way in which it can be read."""
    return all(
        address.is_global
        and not (address.is_multicast or address.is_unspecified or address.is_reserved)
        and not _is_in(address, _NEVER_PUBLIC)
        for address in _meant(host)
        if not _is_wrapper(address)
    )


def _meant(host: str) -> Iterator[Address]:
    """The address, and the one of version 4 that a translator on the way would make of it."""
    address = ipaddress.ip_address(host.partition("%")[0])
    yield address
    if isinstance(address, ipaddress.IPv6Address):
        inner = _embedded(address)
        if inner is not None:
            yield inner


def _embedded(address: ipaddress.IPv6Address) -> ipaddress.IPv4Address | None:
    if address.ipv4_mapped is not None:
        return address.ipv4_mapped
    if address.sixtofour is not None:
        return address.sixtofour
    if address in _NAT64 or address in _COMPATIBLE:
        return ipaddress.IPv4Address(int(address) & 0xFFFFFFFF)
    return None


def _is_wrapper(address: Address) -> bool:
    """Whether only the address of version 4 in it counts: mapped (RFC 4291), or NAT64's known prefix (RFC 6052)."""
    return isinstance(address, ipaddress.IPv6Address) and (address.ipv4_mapped is not None or address in _NAT64)


def _is_in(address: Address, networks: tuple[Any, ...]) -> bool:
    return any(address.version == network.version and address in network for network in networks)


_NAT64 = ipaddress.ip_network("64:ff9b::/96")
_COMPATIBLE = ipaddress.ip_network("::/96")  # deprecated by RFC 4291
_CLOUDS = tuple(
    ipaddress.ip_network(network)
    for network in (
        "fd00:ec2::/32",  # AWS
        "fd20:ce::254/128",  # Google Cloud
        "fd00:c1::a9fe:a9fe/128",  # Oracle Cloud
        "100.100.100.200/32",  # Alibaba Cloud
        "168.63.129.16/32",  # Azure, a public address that never leaves the host
        "192.0.0.192/32",  # Oracle Cloud, classic
    )
)
# Not all versions of Python's table know these as special.
_NEVER_PUBLIC = tuple(
    ipaddress.ip_network(network)
    for network in (
        "100.64.0.0/10",  # carrier-grade NAT (RFC 6598), and pods of some clouds
        "192.88.99.0/24",  # relays of 6to4 (RFC 7526)
        "::/96",
        "64:ff9b:1::/48",  # NAT64 of the network's own (RFC 8215)
        "2001::/32",  # Teredo (RFC 4380): its address of version 4 is disguised
        "2002::/16",  # 6to4 (RFC 3056)
        "fec0::/10",  # site-local (RFC 3879)
    )
)
