"""Addresses that no download may use."""

import socket

import pytest

from c2d.configure.guard import LinkLocal, Private, is_link_local, is_public, socket_factory

LINK_LOCAL = [
    "169.254.169.254",
    "169.254.0.1",
    "::ffff:169.254.169.254",
    "64:ff9b::169.254.169.254",
    "2002:a9fe:a9fe::1",
    "::169.254.169.254",
    "fe80::1",
    "fe80::1%eth0",
    "fd00:ec2::254",
    "fd20:ce::254",
    "100.100.100.200",
    "168.63.129.16",
]
PRIVATE = [
    "10.0.0.1",
    "172.16.0.1",
    "192.168.1.1",
    "127.0.0.1",
    "127.8.8.8",
    "0.0.0.0",  # noqa: S104 - which connects to this very host
    "100.64.0.1",
    "100.127.255.255",
    "192.0.2.1",
    "198.18.0.1",
    "224.0.0.1",
    "239.1.2.3",
    "240.0.0.1",
    "255.255.255.255",
    "::",
    "::1",
    "::127.0.0.1",
    "::ffff:10.0.0.1",
    "::ffff:127.0.0.1",
    "64:ff9b::10.0.0.1",
    "64:ff9b:1::1",
    "2001::1",
    "2002:0a00:0001::1",
    "2001:db8::1",
    "fd00:10::1",
    "fc00::1",
    "fec0::1",
    "ff02::1",
    "ff0e::1",
]
PUBLIC = ["8.8.8.8", "100.128.0.1", "2606:4700::1111", "::ffff:8.8.8.8", "64:ff9b::8.8.8.8"]


@pytest.mark.parametrize("host", LINK_LOCAL)
def test_link_local_addresses_are_refused_in_any_case(host: str) -> None:
    assert is_link_local(host)
    assert told(host, allow_private=True) is LinkLocal
    assert told(host, allow_private=False) is LinkLocal


@pytest.mark.parametrize("host", PRIVATE)
def test_private_addresses_are_refused_unless_they_are_allowed(host: str) -> None:
    assert not is_link_local(host)
    assert not is_public(host)
    assert told(host, allow_private=False) is Private
    assert told(host, allow_private=True) is None


@pytest.mark.parametrize("host", PUBLIC)
def test_public_addresses_are_not(host: str) -> None:
    assert told(host, allow_private=False) is None


def told(host: str, allow_private: bool) -> type[Exception] | None:
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    try:
        socket_factory(allow_private)((family, socket.SOCK_STREAM, 0, "", (host, 80))).close()
    except (LinkLocal, Private) as error:
        return type(error)
    return None
