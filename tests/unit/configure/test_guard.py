"""Addresses that no download may use."""

import pytest

from c2d.configure.guard import is_link_local


@pytest.mark.parametrize(
    ("host", "refused"),
    [
        ("169.254.169.254", True),
        ("169.254.0.1", True),
        ("::ffff:169.254.169.254", True),
        ("fe80::1", True),
        ("fe80::1%eth0", True),
        ("fd00:ec2::254", True),
        ("10.0.0.1", False),
        ("127.0.0.1", False),
        ("192.0.2.1", False),
        ("::1", False),
        ("2001:db8::1", False),
        ("fd00:10::1", False),
    ],
)
def test_link_local_addresses(host: str, refused: bool) -> None:
    assert is_link_local(host) is refused
