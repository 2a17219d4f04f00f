"""What a receipt says of an image: how it was asked for, and which digest ran. Pure."""

import re
from dataclasses import dataclass

_DIGEST = re.compile("sha256:([0-9a-f]{64})")
_DEFAULT_REGISTRY = "docker.io"


@dataclass(frozen=True)
class Image:
    """An image in the parts that registries know it by; empty where nothing is known."""

    registry: str = ""
    name: str = ""
    tag: str = ""
    sha256: str = ""

    @property
    def reference(self) -> str:
        """The most precise one that there is."""
        end = f"@sha256:{self.sha256}" if self.sha256 else f":{self.tag}" if self.tag else ""
        return f"{self.registry}/{self.name}{end}" if self.name else ""

    @property
    def url(self) -> str:
        """As skopeo and podman take it: the whole address of an image has no other scheme in use."""
        return f"docker://{self.reference}" if self.reference else ""


def parse(asked: str, ran: str) -> Image:
    """From the reference that was asked for and the one that the kubelet reports, either of which may be missing.

    The kubelet's has the digest that ran; its repository counts only where it names one, as `sha256:…` alone does not.
    """
    digest = _DIGEST.search(ran) or _DIGEST.search(asked)
    repository, tag = _split(asked) if asked else _split(ran.rpartition("://")[2])
    if not repository or repository.startswith("sha256"):
        return Image(sha256=digest[1] if digest else "")
    registry, name = _registry(repository)
    return Image(registry, name, tag, digest[1] if digest else "")


def _split(reference: str) -> tuple[str, str]:
    """Repository and tag, without the digest. A colon before the last slash is a port's."""
    repository = reference.partition("@")[0]
    head, colon, tag = repository.rpartition(":")
    return (head, tag) if colon and "/" not in tag else (repository, "")


def _registry(repository: str) -> tuple[str, str]:
    """As container runtimes read it: the first part is a server if it looks like one."""
    first, slash, rest = repository.partition("/")
    if slash and ("." in first or ":" in first or first == "localhost"):
        return first, rest
    return _DEFAULT_REGISTRY, repository if slash else f"library/{repository}"
