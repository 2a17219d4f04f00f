"""The programs a cluster is made of, built from source once and kept in the cache.

`path("kwok")` is all that others need: it returns a ready binary and builds it first when there is none.
"""

from __future__ import annotations

import hashlib
import os
import shutil
import tempfile
import threading
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path

from cluster import keep, locks
from cluster.progress import Progress
from cluster.settings import (
    KIND_VERSION,
    KUBERNETES_VERSION,
    KWOK_VERSION,
    REPOSITORY,
    VERSITYGW_VERSION,
    ClusterError,
    Places,
)
from cluster.shell import CommandFailed, run

MODULE = REPOSITORY / "cluster" / "tools"
_MAJOR, _MINOR = KUBERNETES_VERSION.removeprefix("v").split(".")[:2]
_VERSION_VARIABLE = "k8s.io/component-base/version"
KUBERNETES_FLAGS = (
    "-trimpath",
    "-ldflags",
    f"-s -w -X {_VERSION_VARIABLE}.gitVersion={KUBERNETES_VERSION}"
    f" -X {_VERSION_VARIABLE}.gitMajor={_MAJOR} -X {_VERSION_VARIABLE}.gitMinor={_MINOR}",
)
PLAIN_FLAGS = ("-trimpath", "-ldflags", "-s -w")


@dataclass(frozen=True)
class Tool:
    """A Go program: a package of our tools module, or, with a version, of a module of its own."""

    name: str
    package: str
    version: str = ""

    @property
    def flags(self) -> Sequence[str]:
        return PLAIN_FLAGS if self.version else KUBERNETES_FLAGS


TOOLS = {
    tool.name: tool
    for tool in (
        Tool("etcd", "go.etcd.io/etcd/server/v3"),
        Tool("kube-apiserver", "k8s.io/kubernetes/cmd/kube-apiserver"),
        Tool("kube-controller-manager", "k8s.io/kubernetes/cmd/kube-controller-manager"),
        Tool("kube-scheduler", "k8s.io/kubernetes/cmd/kube-scheduler"),
        Tool("kubelet", "k8s.io/kubernetes/cmd/kubelet"),
        Tool("kube-proxy", "k8s.io/kubernetes/cmd/kube-proxy"),
        Tool("kubectl", "k8s.io/kubernetes/cmd/kubectl"),
        Tool("helm", "helm.sh/helm/v3/cmd/helm"),
        Tool("local-path-provisioner", "github.com/rancher/local-path-provisioner"),
        Tool("kwok", "sigs.k8s.io/kwok/cmd/kwok", KWOK_VERSION),
        Tool("versitygw", "github.com/versity/versitygw/cmd/versitygw", VERSITYGW_VERSION),
        Tool("kind", "sigs.k8s.io/kind", KIND_VERSION),
    )
}
FROM_PATH = ("kubectl", "helm", "kind")
"""Clients that a machine may have already; any recent version will do."""
LOCAL_CLUSTER = (
    "etcd",
    "kube-apiserver",
    "kube-controller-manager",
    "kube-scheduler",
    "kubelet",
    "kube-proxy",
    "local-path-provisioner",
)
NEEDED = (*LOCAL_CLUSTER, "kubectl", "versitygw", "helm")
"""What a first start compiles, in the order in which the start asks for it."""


def path(name: str, places: Places | None = None, progress: Progress | None = None) -> Path:
    """A ready binary of this tool, built now when needed (the first time takes minutes)."""
    places = places or Places.from_environment(os.environ)
    tool = TOOLS.get(name)
    if tool is None:
        raise ClusterError(f"no tool is called {name}; there are: {', '.join(sorted(TOOLS))}")
    return _given(tool) or _cached(tool, places) or _build(tool, places, progress or Progress())


def built(name: str, places: Places) -> Path | None:
    """The binary if it is there without building anything."""
    return _given(TOOLS[name]) or _cached(TOOLS[name], places)


def version_key(name: str) -> str:
    """Changes whenever the built binary may change."""
    return _key(TOOLS[name])


def program_key(source: Path, package: str = ".") -> str:
    """Changes whenever a program of this repository, or what it is built with, does."""
    parts = (tree_hash(source, ("*.go", "go.mod", "go.sum")), package, _go_version(), *PLAIN_FLAGS)
    return hashlib.sha256("\0".join(parts).encode()).hexdigest()[:16]


def build_program(source: Path, name: str, places: Places, progress: Progress, package: str = ".") -> Path:
    """Build a Go program of this repository, cached by the content of its module."""
    target = places.cache / "programs" / program_key(source, package) / name
    with locks.held(places.cache / "locks" / f"program-{name}"):
        if not target.exists():
            with progress.step(f"compile {name}"):
                _into(target, lambda folder: _go("build", *PLAIN_FLAGS, "-o", folder / name, package, cwd=source))
            keep.newest(places.cache / "programs", name)
    return target


def tree_hash(folder: Path, patterns: Sequence[str] = ("*",)) -> str:
    """Names and contents of the matching files below a folder, without caches and hidden files."""
    digest = hashlib.sha256()
    for file in sorted({file for pattern in patterns for file in folder.rglob(pattern)}):
        relative = file.relative_to(folder)
        hidden = any(part.startswith(".") or part == "__pycache__" for part in relative.parts)
        if hidden or not file.is_file():
            continue
        digest.update(f"{relative}\0{file.stat().st_mode & 0o111}\0".encode())
        digest.update(hashlib.sha256(file.read_bytes()).digest())
    return digest.hexdigest()


def _given(tool: Tool) -> Path | None:
    """A binary that the user brought: a folder of ready ones, or a client on PATH."""
    assets = os.environ.get("KUBEBUILDER_ASSETS")
    if assets and (candidate := Path(assets) / tool.name).is_file():
        return candidate
    if tool.name in FROM_PATH and (found := shutil.which(tool.name)):
        return Path(found)
    return None


def _cached(tool: Tool, places: Places) -> Path | None:
    candidate = _target(tool, places)
    return candidate if candidate.exists() else None


def _target(tool: Tool, places: Places) -> Path:
    return places.cache / "tools" / _key(tool) / tool.name


@cache
def _key(tool: Tool) -> str:
    digest = hashlib.sha256("\0".join((tool.package, tool.version, *tool.flags, _go_version())).encode())
    if not tool.version:
        digest.update((MODULE / "go.mod").read_bytes())
        digest.update((MODULE / "go.sum").read_bytes())
    return digest.hexdigest()[:16]


@cache
def _go_version() -> str:
    return run("go", "version", cwd=MODULE).strip() if shutil.which("go") else "none"


def _build(tool: Tool, places: Places, progress: Progress) -> Path:
    if shutil.which("go") is None:
        raise ClusterError(f"{tool.name} has to be built once: install Go 1.25 or newer (https://go.dev/dl)")
    target = _target(tool, places)
    # One build at a time: go uses every core anyway, and a second start finds the first one's result.
    with locks.held(places.cache / "locks" / "build"):
        if not target.exists():
            with progress.step(f"compile {tool.name}"):
                _into(target, lambda folder: _compile(tool, folder))
            keep.newest(places.cache / "tools", tool.name)
    _link(target, places)
    return target


def _compile(tool: Tool, folder: Path) -> None:
    if tool.version:
        _go("install", *tool.flags, f"{tool.package}@{tool.version}", env={"GOBIN": str(folder)})
    else:
        _go("build", *tool.flags, "-o", folder / tool.name, tool.package, cwd=MODULE)


def _go(*words: str | Path, cwd: Path | None = None, env: dict[str, str] | None = None) -> None:
    try:
        run("go", *words, cwd=cwd or Path("/"), env={"CGO_ENABLED": "0", **(env or {})})
    except CommandFailed as error:
        raise ClusterError(f"a build failed: {error}") from error


def _into(target: Path, build: Callable[[Path], None]) -> None:
    """Build in a scratch folder and move the result into place whole: a killed build leaves nothing behind."""
    target.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(prefix=".building-", dir=target.parent) as scratch:
        build(Path(scratch))
        (Path(scratch) / target.name).replace(target)


def _link(target: Path, places: Places) -> None:
    places.bin.mkdir(parents=True, exist_ok=True)
    link = places.bin / target.name
    scratch = places.bin / f".{target.name}.{os.getpid()}.{threading.get_ident()}"
    scratch.unlink(missing_ok=True)
    scratch.symlink_to(target)
    scratch.replace(link)
