"""The images: what goes into each, its tag (a hash of all that), and the order in which they are made.

An unchanged tree has unchanged tags and builds nothing. Who builds is a Builder: Docker, Podman or, without
them, buildah (see builders.py); where the result goes is the cluster's matter (see loading.py).
"""

from __future__ import annotations

import hashlib
import re
import shutil
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from importlib.metadata import PathDistribution
from pathlib import Path
from typing import Protocol

from cluster import tools, wheels
from cluster.progress import Progress
from cluster.settings import REPOSITORY, ClusterError, Places

FOLDER = REPOSITORY / "images"
DOCKERFILE = FOLDER / "Dockerfile"
RUNNER = REPOSITORY / "runner"
PREFIX = "localhost/c2d"
EXAMPLE = f"{PREFIX}/algorithm:example"
"""A second name of the algorithm's image, which doesn't change with its content: the one that examples/ name."""
NAMES = ("pause", "operator", "algorithm", "noshell", "s3", "postgres")


@dataclass(frozen=True)
class Recipe:
    """One image: `fill` puts into an empty folder what the target copies, and is called only to build."""

    name: str
    tag: str
    fill: Callable[[Path], None]
    arguments: Mapping[str, str] = field(default_factory=dict)
    needs: Recipe | None = None

    @property
    def ref(self) -> str:
        return f"{PREFIX}/{self.name}:{self.tag}"


class Builder(Protocol):
    """Something that makes images and remembers them."""

    def base(self) -> str:
        """The Python image below ours, as a reference that a build can name; may have to be made first."""

    def postgres(self) -> str:
        """An image with PostgreSQL, likewise."""

    def has(self, ref: str) -> bool: ...

    def build(self, recipe: Recipe, context: Path, dockerfile: str) -> None: ...


def recipe(name: str, builder: Builder, places: Places, progress: Progress) -> Recipe:
    """One image, with the tag that this tree gives it. Builds nothing."""
    go = _GoImages(places, progress)
    makers: dict[str, Callable[[], Recipe]] = {
        "pause": go.pause,
        "noshell": go.noshell,
        "s3": go.s3,
        "operator": lambda: _operator(builder.base(), places, progress),
        "algorithm": lambda: _algorithm(builder.base(), places, progress),
        "postgres": lambda: _postgres(builder.postgres()),
    }
    return makers[name]()


def ensure(recipe: Recipe, builder: Builder, places: Places, progress: Progress) -> str:
    """Build an image, and the one that it stands on, unless they exist. Returns the reference."""
    if builder.has(recipe.ref):
        return recipe.ref
    if recipe.needs is not None:
        ensure(recipe.needs, builder, places, progress)
    context = places.cache / "contexts" / recipe.name
    shutil.rmtree(context, ignore_errors=True)
    context.mkdir(parents=True)
    with progress.step(f"image {recipe.name}"):
        recipe.fill(context)
        builder.build(recipe, context, stage(DOCKERFILE.read_text(), recipe.name))
    shutil.rmtree(context)
    return recipe.ref


def stage(dockerfile: str, target: str) -> str:
    """The part of the Dockerfile that makes this target, with the argument from the top that names what is below it.

    Older builders run every stage above the wanted one; and a tag must not change with another target.
    """
    declared = re.findall(r"^ARG .*$", dockerfile.partition("\nFROM ")[0], re.MULTILINE)
    for block in re.split(r"^(?=FROM )", dockerfile, flags=re.MULTILINE)[1:]:
        if re.match(rf"FROM \S+ AS {re.escape(target)}\n", block):
            lines = [line for line in block.splitlines() if line and not line.startswith("#")]
            arguments = [line for line in declared if f"${{{line[4:].partition('=')[0]}}}" in lines[0]]
            return "\n".join([*arguments, *lines, ""])
    raise ClusterError(f"{DOCKERFILE.name} has no target {target}")


def tag(*parts: str) -> str:
    return hashlib.sha256("\0".join(parts).encode()).hexdigest()[:12]


def _operator(base: str, places: Places, progress: Progress) -> Recipe:
    requirements = wheels.locked_requirements()
    dependencies = _python("operator-deps", requirements, base, places, progress)
    dockerfile = stage(DOCKERFILE.read_text(), "operator")
    project = (REPOSITORY / "pyproject.toml").read_text()
    sources = tools.tree_hash(REPOSITORY / "operator"), project, _runner_key()

    def fill(context: Path) -> None:
        wheels.install_project(context / "app", places)
        _write_scripts(context / "app", context / "bin")
        runner = tools.build_program(RUNNER, "c2d-runner", places, progress)
        shutil.copy2(runner, context / "bin" / "c2d-runner")

    arguments = {"OPERATOR_DEPS": dependencies.ref}
    return Recipe("operator", tag(dependencies.tag, dockerfile, *sources), fill, arguments, dependencies)


def _algorithm(base: str, places: Places, progress: Progress) -> Recipe:
    requirements = (FOLDER / "algorithm" / "requirements.txt").read_text()
    dependencies = _python("algorithm-deps", requirements, base, places, progress)
    dockerfile = stage(DOCKERFILE.read_text(), "algorithm")
    arguments = {"ALGORITHM_DEPS": dependencies.ref}
    return Recipe("algorithm", tag(dependencies.tag, dockerfile), _nothing, arguments, dependencies)


def _postgres(base: str) -> Recipe:
    dockerfile = stage(DOCKERFILE.read_text(), "postgres")
    return Recipe("postgres", tag(base, dockerfile), _nothing, {"POSTGRES": base})


def _python(name: str, requirements: str, base: str, places: Places, progress: Progress) -> Recipe:
    def fill(context: Path) -> None:
        site = wheels.site(requirements, name, places, progress)
        shutil.copytree(site / "site", context / "site", copy_function=_link)

    dockerfile = stage(DOCKERFILE.read_text(), name)
    return Recipe(name, tag(base, wheels.key(requirements), dockerfile), fill, {"BASE": base})


@dataclass(frozen=True)
class _GoImages:
    """The images that hold one static program and nothing else."""

    places: Places
    progress: Progress

    def pause(self) -> Recipe:
        return self._own("pause")

    def noshell(self) -> Recipe:
        return self._own("noshell")

    def s3(self) -> Recipe:
        def fill(context: Path) -> None:
            shutil.copy2(tools.path("versitygw", self.places, self.progress), context / "versitygw")

        key = tools.version_key("versitygw")
        return Recipe("s3", tag(key, stage(DOCKERFILE.read_text(), "s3")), fill)

    def _own(self, name: str) -> Recipe:
        def fill(context: Path) -> None:
            program = tools.build_program(FOLDER, name, self.places, self.progress, package=f"./{name}")
            shutil.copy2(program, context / name)

        source = tools.program_key(FOLDER, f"./{name}")
        return Recipe(name, tag(source, stage(DOCKERFILE.read_text(), name)), fill)


def _runner_key() -> str:
    if not (RUNNER / "go.mod").exists():
        raise ClusterError("runner/ holds no Go module: the operator image needs the runner")
    return tools.program_key(RUNNER)


def _write_scripts(site: Path, folder: Path) -> None:
    """Start scripts for the entry points; those that an installer writes name the host's Python."""
    folder.mkdir()
    (metadata,) = site.glob("*.dist-info")
    for entry in PathDistribution(metadata).entry_points.select(group="console_scripts"):
        script = folder / entry.name
        script.write_text(
            "#!/usr/bin/env python3\n"
            "import sys\n\n"
            f"from {entry.module} import {entry.attr}\n\n"
            f"sys.exit({entry.attr}())\n"
        )
        script.chmod(0o755)


def _nothing(context: Path) -> None:
    """For a target that copies nothing."""


def _link(source: str, target: str) -> None:
    """Link instead of copying hundreds of megabytes; both lie in the cache, so on one file system."""
    Path(target).hardlink_to(source)
