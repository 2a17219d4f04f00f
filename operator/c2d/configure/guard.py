"""Keeps downloads away from addresses where no data is, but the cloud's own secrets.

The consumer chooses the algorithm's URL, and the algorithm could publish what was fetched from it. Clouds answer at
link-local addresses with the credentials of the machine that asks. A name is checked where it counts, at each
connection and after each redirect, so that no answer of a name server can get around it.
"""

import ipaddress
import socket
from typing import Any


class LinkLocal(Exception):
    """The connection would go to a link-local address."""


def open_socket(address: tuple[Any, ...]) -> socket.socket:
    """A socket for an entry of `socket.getaddrinfo`. Raises LinkLocal."""
    family, kind, protocol, _, target = address
    if is_link_local(target[0]):
        raise LinkLocal
    return socket.socket(family, kind, protocol)


def is_link_local(host: str) -> bool:
    """Whether it is an address in 169.254.0.0/16 (RFC 3927) or fe80::/10 (RFC 4291), or AWS's fd00:ec2::/32."""
    address = ipaddress.ip_address(host.partition("%")[0])
    if isinstance(address, ipaddress.IPv6Address):
        if address.ipv4_mapped is not None:
            return address.ipv4_mapped.is_link_local
        return address.is_link_local or address in _AWS
    return address.is_link_local


_AWS = ipaddress.ip_network("fd00:ec2::/32")
