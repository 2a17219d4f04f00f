"""Bring images from buildah's layout into the local cluster's containerd, and old ones out again."""

from __future__ import annotations

import io
import json
import tarfile
import tempfile
from collections.abc import Collection, Iterable, Iterator, Mapping
from contextlib import suppress
from pathlib import Path
from typing import Any

from cluster import containerd, controlplane, locks
from cluster.builders import Buildah
from cluster.images import EXAMPLE, PREFIX
from cluster.progress import Progress
from cluster.settings import Places
from cluster.shell import CommandFailed

KEPT = 2
"""Of each image, the newest that stay: jobs under way may still need the one before."""
IMAGE_NAME = "io.containerd.image.name"


def load(refs: Iterable[str], builder: Buildah, places: Places, progress: Progress) -> None:
    """Import what containerd does not have yet; layers that it knows are not sent again."""
    known = set(containerd.ctr(places, "images", "ls", "-q").split())
    for ref in refs:
        if ref in known:
            continue
        with progress.step(f"load {ref.removeprefix('localhost/')}"):
            builder.export(ref)
            _import(ref, builder.exported()[ref], builder.layout, places)


def alias(ref: str, name: str, places: Places) -> None:
    """Give a loaded image another name."""
    containerd.ctr(places, "images", "tag", "--force", ref, name)


def prune(wanted: Collection[str], builder: Buildah, places: Places) -> None:
    """Keep the wanted images and the newest of each kind, here and there, so that disks don't fill up."""
    with locks.held(places.cache / "locks" / "layout"):
        exported = builder.exported()
        kept = to_keep(list(exported), set(wanted))
        left = [entry for ref, entry in exported.items() if ref in kept]
        controlplane.write(builder.layout / "index.json", json.dumps({"schemaVersion": 2, "manifests": left}))
        _remove_blobs(builder.layout, left)
    for ref in containerd.ctr(places, "images", "ls", "-q").split():
        if ref.startswith(f"{PREFIX}/") and ref not in kept | {EXAMPLE}:
            containerd.ctr(places, "images", "rm", ref)
    _prune_storage(set(wanted), builder)


def to_keep(refs: list[str], wanted: set[str]) -> set[str]:
    """`refs` from old to new; the last of each image, and what is wanted however old it is."""
    by_image: dict[str, list[str]] = {}
    for ref in refs:
        by_image.setdefault(ref.rpartition(":")[0], []).append(ref)
    return wanted | {ref for image in by_image.values() for ref in image[-KEPT:]}


def _prune_storage(wanted: set[str], builder: Buildah) -> None:
    """Here also lie the images below ours; one that is still stood on only loses its name."""
    refs = [ref for ref in builder.images() if ref.startswith(f"{PREFIX}/")]
    kept = to_keep(refs, wanted)
    for ref in refs:
        if ref not in kept:
            with suppress(CommandFailed):
                builder.remove(ref)


def _import(ref: str, entry: Mapping[str, Any], layout: Path, places: Places) -> None:
    known = set(containerd.ctr(places, "content", "ls", "-q").split())
    digests = [digest for digest in blobs(layout, entry) if digest not in known]
    entry = {**entry, "annotations": {IMAGE_NAME: ref}}
    scratch = places.cache / "scratch"
    scratch.mkdir(parents=True, exist_ok=True)
    with tempfile.NamedTemporaryFile(dir=scratch, suffix=".tar") as file:
        with tarfile.open(fileobj=file, mode="w") as archive:
            _fill(archive, layout, {"schemaVersion": 2, "manifests": [entry]}, digests)
        file.flush()
        containerd.ctr(places, "images", "import", file.name)


def _fill(archive: tarfile.TarFile, layout: Path, index: Mapping[str, Any], digests: Iterable[str]) -> None:
    for name, content in (("oci-layout", {"imageLayoutVersion": "1.0.0"}), ("index.json", index)):
        data = json.dumps(content).encode()
        info = tarfile.TarInfo(name)
        info.size = len(data)
        archive.addfile(info, io.BytesIO(data))
    for digest in digests:
        archive.add(_blob(layout, digest), f"blobs/{digest.replace(':', '/')}")


def blobs(layout: Path, entry: Mapping[str, Any]) -> Iterator[str]:
    """Manifest, configuration and layers of one image."""
    yield entry["digest"]
    manifest = json.loads(_blob(layout, entry["digest"]).read_text())
    yield manifest["config"]["digest"]
    for layer in manifest["layers"]:
        yield layer["digest"]


def _remove_blobs(layout: Path, entries: Iterable[Mapping[str, Any]]) -> None:
    used = {digest for entry in entries for digest in blobs(layout, entry)}
    for file in (layout / "blobs").glob("*/*"):
        if f"{file.parent.name}:{file.name}" not in used:
            file.unlink()


def _blob(layout: Path, digest: str) -> Path:
    return layout / "blobs" / digest.replace(":", "/")
