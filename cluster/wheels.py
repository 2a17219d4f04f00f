"""Collect Python dependencies on the host, for the images: nothing is downloaded while an image is built."""

from __future__ import annotations

import hashlib
import shutil
import tempfile
from pathlib import Path

from cluster import keep, locks, settings
from cluster.progress import Progress
from cluster.settings import REPOSITORY, Places
from cluster.shell import run

PLATFORMS = {"amd64": "x86_64-manylinux_2_28", "arm64": "aarch64-manylinux_2_28"}


def locked_requirements() -> str:
    """What the operator needs at run time, each with its version and hashes, from the lock file."""
    options = ("--no-dev", "--no-emit-project", "--no-header", "--no-annotate", "--frozen")
    return run("uv", "export", "--quiet", *options, "--format", "requirements-txt", cwd=REPOSITORY)


def key(requirements: str) -> str:
    parts = (requirements, settings.IMAGE_PYTHON, settings.architecture())
    return hashlib.sha256("\0".join(parts).encode()).hexdigest()[:16]


def site(requirements: str, name: str, places: Places, progress: Progress) -> Path:
    """A folder that holds `site/` with these packages for the images' Python, made now when it isn't there."""
    target = places.cache / "site" / key(requirements)
    with locks.held(places.cache / "locks" / "site"):
        if not target.exists():
            with progress.step(f"collect Python packages for {name}"):
                _collect(requirements, target)
                keep.newest(places.cache / "site", "site")
    return target


def install_project(target: Path, places: Places) -> None:
    """Install this repository's package, without its dependencies, as its own build settings say."""
    with tempfile.TemporaryDirectory(prefix="project-", dir=_scratch(places)) as scratch:
        source = Path(scratch)
        for name in ("pyproject.toml", "README.md", "LICENSE"):
            if (REPOSITORY / name).exists():
                shutil.copy2(REPOSITORY / name, source)
        ignore = shutil.ignore_patterns("__pycache__", "*.pyc")
        shutil.copytree(REPOSITORY / "operator", source / "operator", ignore=ignore)
        _install(target, "--no-deps", source)
    shutil.rmtree(target / "bin", ignore_errors=True)


def _collect(requirements: str, target: Path) -> None:
    target.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(prefix=".collecting-", dir=target.parent) as scratch:
        folder = Path(scratch) / "ready"
        folder.mkdir()
        file = Path(scratch) / "requirements.txt"
        file.write_text(requirements)
        _install(folder / "site", "--requirements", file)
        # Their start scripts name this machine's Python; the images have entry points of their own.
        shutil.rmtree(folder / "site" / "bin", ignore_errors=True)
        folder.replace(target)


def _install(target: Path, *what: str | Path) -> None:
    platform = PLATFORMS[settings.architecture()]
    python = ("--python-version", settings.IMAGE_PYTHON, "--python-platform", platform)
    run("uv", "pip", "install", "--quiet", "--no-config", "--target", target, *python, *what)


def _scratch(places: Places) -> Path:
    folder = places.cache / "scratch"
    folder.mkdir(parents=True, exist_ok=True)
    return folder
