"""A node of Ethereum and Ocean's contracts as they are published on npm: fetched once, checked, kept in the cache."""

import base64
import hashlib
import os
import platform
import shutil
import subprocess
import tarfile
import tempfile
from dataclasses import dataclass
from pathlib import Path

from cluster import locks

WHERE = "put anvil on PATH, or have npm and a way to its registry"


class NotHere(Exception):
    """The package is not in the cache and can't be fetched."""


@dataclass(frozen=True)
class Package:
    """A version of a package; `sha512` is that of its tarball, as npm writes it."""

    name: str
    version: str
    sha512: str


ANVIL = {
    ("Linux", "x86_64"): Package(
        "@foundry-rs/anvil-linux-amd64",
        "1.7.1",
        "+XmShybEaxfCrr0OUUZwYEy2OnYZt5pHH9TzBtLv3+VrK0O/ANuNSVEahqNhKHlgX7GRJ59383ofNhxkRWIYTg==",
    ),
}
CONTRACTS = Package(
    "@oceanprotocol/contracts",
    "2.6.0",
    "4K3TTM0q4VlBs7GLXzQkGMae576iAGHMARqMFcKXUUtfGyiT8KP4sP9IBsq8UUhu11R4JU2KTqXenHS8EWxrbA==",
)


def anvil() -> Path:
    """The program. Raises NotHere."""
    found = shutil.which("anvil")
    if found is not None:
        return Path(found)
    package = ANVIL.get((platform.system(), platform.machine()))
    if package is None:
        raise NotHere(f"no anvil is known for {platform.system()} on {platform.machine()}")
    return fetched(package) / "bin" / "anvil"


def artifacts() -> Path:
    """The folder with the contracts' ABIs and code. Raises NotHere."""
    return fetched(CONTRACTS) / "artifacts" / "contracts"


def fetched(package: Package) -> Path:
    """The package's folder, in the cache. Raises NotHere."""
    cache = Path(os.environ.get("C2D_CACHE") or Path.home() / ".cache" / "c2d")
    stem = f"{package.name.rpartition('/')[2]}-{package.version}"
    target = cache / "npm" / stem
    with locks.held(cache / "locks" / f"npm-{stem}"):
        if not target.exists():
            _fetch(package, target)
    return target


def _fetch(package: Package, target: Path) -> None:
    target.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(prefix=".fetching-", dir=target.parent) as scratch:
        command = ["npm", "pack", "--silent", f"{package.name}@{package.version}"]
        try:
            subprocess.run(command, cwd=scratch, check=True, capture_output=True, timeout=120)
        except (OSError, subprocess.SubprocessError) as error:
            raise NotHere(f"npm fetches no {package.name}: {error}") from None
        (tarball,) = Path(scratch).glob("*.tgz")
        digest = base64.b64encode(hashlib.sha512(tarball.read_bytes()).digest()).decode()
        assert digest == package.sha512, f"{package.name} {package.version} is not what it was"
        with tarfile.open(tarball) as archive:
            archive.extractall(scratch, filter="data")
        (Path(scratch) / "package").rename(target)
