"""The validator of RO-Crates, in an environment of its own outside of the checkout (tests/crate_validator)."""

import hashlib
import importlib.util
import os
import shutil
import subprocess
from pathlib import Path

import pytest

PROJECT = Path(__file__).parents[1] / "crate_validator"
DEADLINE = 300  # seconds; the first run installs it


def objections(crate: Path, severity: str = "REQUIRED") -> list[str]:
    """What is wrong with a folder or a zip file as a Process Run Crate: `… [the check's name]`."""
    uv = shutil.which("uv")
    if uv is None:
        pytest.skip("the validator of RO-Crates is installed by uv, which is not on PATH")
    command = [uv, "run", "--quiet", "--locked", "--project", PROJECT, "python", PROJECT / "check.py"]
    done = subprocess.run(
        [*map(str, command), str(crate), str(_context()), severity],
        env={**_environment(), "UV_PROJECT_ENVIRONMENT": str(_place())},
        capture_output=True,
        text=True,
        timeout=DEADLINE,
        check=False,
    )
    found = done.stdout.splitlines()
    assert done.returncode == (1 if found else 0), done.stderr
    return found


def _environment() -> dict[str, str]:
    """Ours, but for the Python environment that we are in."""
    return {name: value for name, value in os.environ.items() if name not in ("VIRTUAL_ENV", "PYTHONPATH")}


def _place() -> Path:
    cache = Path(os.environ.get("C2D_CACHE") or Path.home() / ".cache" / "c2d")
    return cache / "crate-validator" / hashlib.sha256((PROJECT / "uv.lock").read_bytes()).hexdigest()[:16]


def _context() -> Path:
    """RO-Crate's terms as the library has them: the network is not asked."""
    found = importlib.util.find_spec("rocrate")
    assert found is not None
    assert found.origin is not None
    return Path(found.origin).parent / "data" / "ro-crate.jsonld"
