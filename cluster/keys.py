"""Keys and passwords of a development cluster: random, made once, kept as long as the cluster."""

from __future__ import annotations

import json
import secrets
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from eth_keys.datatypes import PrivateKey

from cluster import manifests
from cluster.settings import ADMINS_SECRET, NAMESPACE, OPERATOR_KEY_SECRET, Places

OPERATOR_ENTRY = "OPERATOR_PRIVATE_KEY"
ADMINS_ENTRY = "ALLOWED_ADMINS"


@dataclass(frozen=True)
class Keys:
    """Who plays which part: private keys as 0x and 64 hexadecimal digits, and a password."""

    operator: str
    provider: str
    admin_password: str

    @property
    def provider_address(self) -> str:
        return address(self.provider)


def keys(places: Places) -> Keys:
    """Those of this cluster."""
    return Keys(
        operator=made_once(places, "operator-key", private_key),
        provider=made_once(places, "provider-key", private_key),
        admin_password=made_once(places, "admin-password", password),
    )


def secret_objects(ours: Keys) -> list[dict[str, object]]:
    """The Secrets that the chart's values name."""
    return [
        manifests.secret(OPERATOR_KEY_SECRET, NAMESPACE, {OPERATOR_ENTRY: ours.operator}),
        manifests.secret(ADMINS_SECRET, NAMESPACE, {ADMINS_ENTRY: json.dumps([ours.admin_password])}),
    ]


def made_once(places: Places, name: str, make: Callable[[], str]) -> str:
    """What the state folder keeps under this name; made now when there is none."""
    file = places.state / name
    if not file.exists():
        write_private(file, make())
    return file.read_text()


def write_private(file: Path, content: str) -> None:
    """Write it whole, readable by its owner only from its first moment on."""
    file.parent.mkdir(parents=True, exist_ok=True)
    scratch = file.with_name(f".{file.name}.new")
    scratch.unlink(missing_ok=True)
    scratch.touch(mode=0o600)
    scratch.write_text(content)
    scratch.replace(file)


def private_key() -> str:
    return f"0x{secrets.token_hex(32)}"


def password() -> str:
    return secrets.token_urlsafe(18)


def address(private: str) -> str:
    """The key's address, with the checksum in its letters' case."""
    key = PrivateKey(bytes.fromhex(private.removeprefix("0x")))
    return key.public_key.to_checksum_address()
