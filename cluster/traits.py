"""What differs between clusters for what is installed into them."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Traits:
    """Empty names are left out."""

    runtime_class: str = ""
    storage_class: str = ""
    node_ports: bool = True
    """Whether node ports answer on this machine's loopback and nowhere else. If not, Services get none."""
