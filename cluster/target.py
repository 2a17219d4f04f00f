"""What the three kinds of cluster have in common for those who install something into one."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Protocol

from cluster import kubernetes
from cluster.traits import Traits


@dataclass(frozen=True)
class Target:
    """A running cluster. `image` gives an image's reference once pods can use it, so it may block."""

    api: kubernetes.Client
    image: Callable[[str], str]
    traits: Traits
    s3_endpoint: str


class Provider(Protocol):
    """Makes, finds and removes one kind of cluster."""

    def up(self) -> Target: ...

    def settle(self) -> None:
        """After everything is installed: wait for what still goes on and clean up."""

    def down(self) -> None: ...
