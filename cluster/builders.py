"""Who builds images: Docker or Podman where one answers, else buildah on a Debian of our own."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from cluster import locks
from cluster.images import PREFIX, Recipe
from cluster.progress import Progress
from cluster.settings import Places
from cluster.shell import run, succeeds

REF_NAME = "org.opencontainers.image.ref.name"
SUITE = "bookworm"
"""The Debian release with the images' Python."""
PACKAGES = ("python3", "ca-certificates")
UNWANTED = ("/usr/share/doc/*", "/usr/share/man/*", "/usr/share/locale/*", "/usr/share/info/*")


@dataclass(frozen=True)
class Engine:
    """`docker` or `podman`, whichever answered."""

    program: str

    def base(self) -> str:
        return "python:3.11-slim"

    def has(self, ref: str) -> bool:
        return succeeds(self.program, "image", "inspect", ref)

    def build(self, recipe: Recipe, context: Path, dockerfile: str) -> None:
        file = context / "Dockerfile"
        file.write_text(dockerfile)
        arguments = _build_arguments(recipe)
        run(self.program, "build", "--tag", recipe.ref, *arguments, "--file", file, context)

    def save(self, ref: str, archive: Path) -> None:
        archive.unlink(missing_ok=True)
        run(self.program, "save", "--output", archive, ref)


@dataclass(frozen=True)
class Buildah:
    """Builds as root without any daemon. Its storage is its own, below the cache."""

    places: Places
    progress: Progress

    @property
    def layout(self) -> Path:
        """A folder in the OCI image layout with everything ever built: equal layers are kept once."""
        return self.places.cache / "images"

    def base(self) -> str:
        return f"{PREFIX}/base:{_base_tag()}"

    def has(self, ref: str) -> bool:
        return succeeds(*self._words("inspect", "--type", "image", ref))

    def build(self, recipe: Recipe, context: Path, dockerfile: str) -> None:
        if self.base() in recipe.arguments.values():
            self.ensure_base()
        self._bud(recipe.ref, context, dockerfile, *_build_arguments(recipe))

    def ensure_base(self) -> str:
        """A minimal Debian with Python. Mirrors are asked once; the image then stays in the storage."""
        with locks.held(self.places.cache / "locks" / "base"):
            if not self.has(self.base()):
                self._make_base()
        return self.base()

    def export(self, ref: str) -> None:
        """Write an image into the layout, unless it is there: a tag stands for its content."""
        with locks.held(self.places.cache / "locks" / "layout"):
            self.layout.mkdir(parents=True, exist_ok=True)
            if ref not in self.exported():
                run(*self._words("push", "--quiet", "--format", "oci"), ref, f"oci:{self.layout}:{ref}")

    def exported(self) -> dict[str, Mapping[str, Any]]:
        """What lies in the layout: by reference, from old to new, each image's entry in the index."""
        try:
            index = json.loads((self.layout / "index.json").read_text())
        except FileNotFoundError:
            return {}
        return {entry["annotations"][REF_NAME]: entry for entry in index["manifests"]}

    def images(self) -> list[str]:
        """Every reference in the storage, from old to new."""
        listed = json.loads(run(*self._words("images", "--json")))
        return [ref for image in sorted(listed, key=_created) for ref in image["names"] or ()]

    def remove(self, ref: str) -> None:
        run(*self._words("rmi", "--force", ref))

    def _make_base(self) -> None:
        context = self.places.cache / "contexts" / "base"
        context.mkdir(parents=True, exist_ok=True)
        archive = context / "base.tar"
        excludes = [f"--dpkgopt=path-exclude={pattern}" for pattern in UNWANTED]
        with self.progress.step(f"Debian {SUITE} with Python"):
            include = f"--include={','.join(PACKAGES)}"
            run("mmdebstrap", "--quiet", "--variant=minbase", include, *excludes, SUITE, archive)
            self._bud(self.base(), context, 'FROM scratch\nADD base.tar /\nCMD ["python3"]\n')
        archive.unlink()

    def _bud(self, ref: str, context: Path, dockerfile: str, *words: str) -> None:
        file = context.with_suffix(".Dockerfile")
        file.write_text(dockerfile)
        fixed = ("--isolation", "chroot", "--pull-never", "--format", "oci", "--quiet")
        run(*self._words("bud"), *fixed, *words, "--file", file, "--tag", ref, context)
        file.unlink()

    def _words(self, *command: str) -> list[str | Path]:
        storage = self.places.cache / "buildah"
        where = ("--storage-driver", "overlay", "--root", storage / "root", "--runroot", storage / "run")
        return ["buildah", *where, *command]


def _created(image: Mapping[str, str]) -> str:
    return image["createdatraw"]


def _build_arguments(recipe: Recipe) -> list[str]:
    return [word for name, value in recipe.arguments.items() for word in ("--build-arg", f"{name}={value}")]


def _base_tag() -> str:
    return hashlib.sha256("\0".join((SUITE, *PACKAGES, *UNWANTED)).encode()).hexdigest()[:12]
