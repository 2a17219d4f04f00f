"""Who builds images: Docker or Podman where one answers, else buildah on a Debian of our own."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from cluster import locks
from cluster.images import PREFIX, Recipe, tag
from cluster.progress import Progress
from cluster.settings import POSTGRES_IMAGE, Places
from cluster.shell import run, succeeds

REF_NAME = "org.opencontainers.image.ref.name"
SUITE = "bookworm"
"""The Debian release with the images' Python."""


@dataclass(frozen=True)
class Debian:
    """A root file system from Debian packages. `setup` are shell lines in which "$1" is its folder."""

    name: str
    title: str
    variant: str
    packages: tuple[str, ...]
    unwanted: tuple[str, ...]
    setup: tuple[str, ...] = ()

    @property
    def ref(self) -> str:
        return f"{PREFIX}/{self.name}:{tag(SUITE, *self.packages, *self.unwanted, *self.setup)}"

    def options(self) -> list[str]:
        excludes = [f"--dpkgopt=path-exclude={pattern}" for pattern in self.unwanted]
        hooks = [f"--extract-hook={line}" for line in self.setup]
        return [f"--variant={self.variant}", f"--include={','.join(self.packages)}", *excludes, *hooks]


PYTHON = Debian(
    name="base",
    title=f"Debian {SUITE} with Python",
    variant="minbase",
    packages=("python3", "ca-certificates"),
    unwanted=("/usr/share/doc/*", "/usr/share/man/*", "/usr/share/locale/*", "/usr/share/info/*"),
)
POSTGRES = Debian(
    name="postgres-base",
    title=f"Debian {SUITE} with PostgreSQL",
    # Only unpacked: the packages' own scripts would make a database, and start it. Nothing else comes by itself then.
    variant="extract",
    packages=("postgresql-15", "dash", "coreutils"),
    unwanted=(),
    setup=(
        # Half of it is for compiling queries and for administration in Perl. Without llvmjit.so none is compiled.
        'cd "$1" && rm -rf usr/lib/*/libLLVM* usr/lib/llvm-* usr/lib/*/libz3* usr/lib/*/perl* usr/share/perl*'
        " usr/share/i18n usr/share/locale usr/share/doc usr/share/man usr/lib/postgresql/*/lib/llvmjit*"
        " usr/lib/postgresql/*/lib/bitcode",
        'ln -sf dash "$1/bin/sh"',
        'echo "postgres:x:999:999::/tmp:/usr/sbin/nologin" > "$1/etc/passwd"',
        'echo "postgres:x:999:" > "$1/etc/group"',
    ),
)


@dataclass(frozen=True)
class Engine:
    """`docker` or `podman`, whichever answered."""

    program: str

    def base(self) -> str:
        return "python:3.11-slim"

    def postgres(self) -> str:
        return POSTGRES_IMAGE

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
        return PYTHON.ref

    def postgres(self) -> str:
        return POSTGRES.ref

    def has(self, ref: str) -> bool:
        return succeeds(*self._words("inspect", "--type", "image", ref))

    def build(self, recipe: Recipe, context: Path, dockerfile: str) -> None:
        for debian in (PYTHON, POSTGRES):
            if debian.ref in recipe.arguments.values():
                self._ensure(debian)
        self._bud(recipe.ref, context, dockerfile, *_build_arguments(recipe))

    def ensure_base(self) -> str:
        self._ensure(PYTHON)
        return PYTHON.ref

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

    def _ensure(self, debian: Debian) -> None:
        """Mirrors are asked once; the image then stays in the storage."""
        with locks.held(self.places.cache / "locks" / debian.name):
            if not self.has(debian.ref):
                self._make(debian)

    def _make(self, debian: Debian) -> None:
        context = self.places.cache / "contexts" / debian.name
        context.mkdir(parents=True, exist_ok=True)
        archive = context / "root.tar"
        with self.progress.step(debian.title):
            run("mmdebstrap", "--quiet", *debian.options(), SUITE, archive)
            self._bud(debian.ref, context, "FROM scratch\nADD root.tar /\n")
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
