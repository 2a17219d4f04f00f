"""Which cluster: the one that was named, kind on Docker or Podman, or one of our own."""

from __future__ import annotations

import enum
import json
import os
import platform
import shutil
from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass
from pathlib import Path

from cluster import controlplane
from cluster.settings import ClusterError, Places
from cluster.shell import succeeds

ENGINES = ("docker", "podman")
ANSWER_SECONDS = 10.0
NOTHING = """\
there is nowhere to run a Kubernetes here. One of these helps:
  - name a cluster: set KUBECONFIG, or give --context
  - start Docker or Podman: kind then makes a cluster
  - on Linux, run as root: the components are then built and run directly"""


class Kind(enum.StrEnum):
    GIVEN = "given"
    KIND = "kind"
    LOCAL = "local"


@dataclass(frozen=True)
class Choice:
    """A rung of the ladder. `kubeconfig` and `context` matter for a given cluster, `engine` for kind."""

    kind: Kind
    kubeconfig: str = ""
    context: str = ""
    engine: str = ""


@dataclass(frozen=True)
class Machine:
    """What the choice depends on. `engine` is asked last and only when needed: it may take seconds."""

    kubeconfig: str
    linux_root: bool
    engine: Callable[[], str]


def choose(machine: Machine, context: str, remembered: Choice | None, own_kubeconfigs: frozenset[str]) -> Choice:
    """The first rung that holds. A cluster that we made before stays ours, also when KUBECONFIG names it."""
    foreign = machine.kubeconfig if machine.kubeconfig not in own_kubeconfigs else ""
    if foreign or context:
        return Choice(Kind.GIVEN, foreign, context)
    if remembered is not None:
        return remembered
    if engine := machine.engine():
        return Choice(Kind.KIND, engine=engine)
    if machine.linux_root:
        return Choice(Kind.LOCAL)
    raise ClusterError(NOTHING)


def decide(places: Places, environ: Mapping[str, str], context: str) -> Choice:
    own = frozenset({str(places.kubeconfig), str(kind_kubeconfig(places)), str(given_kubeconfig(places))})
    linux_root = platform.system() == "Linux" and os.geteuid() == 0
    machine = Machine(environ.get("KUBECONFIG", ""), linux_root, answering_engine)
    return choose(machine, context, remembered(places), own)


def answering_engine() -> str:
    """Docker or Podman, the first that is installed and answers; empty when none does."""
    for program in ENGINES:
        if shutil.which(program) and succeeds(program, "info", timeout=ANSWER_SECONDS):
            return program
    return ""


def remember(places: Places, choice: Choice) -> None:
    controlplane.write(_file(places), json.dumps(asdict(choice)))


def remembered(places: Places) -> Choice | None:
    """The cluster that the last `up` made or used and no `down` took away."""
    try:
        saved = json.loads(_file(places).read_text())
    except FileNotFoundError:
        return None
    return Choice(Kind(saved["kind"]), saved["kubeconfig"], saved["context"], saved["engine"])


def check_folder(places: Places) -> None:
    """`down` deletes the state folder with all that is in it, so it must be ours from the beginning."""
    if places.state.exists() and any(places.state.iterdir()) and not _file(places).exists():
        raise ClusterError(f"{places.state} holds something else; name another folder in C2D_STATE")


def forget(places: Places) -> None:
    """Delete the state folder; what says that it is ours goes last, so that a killed `down` can go on."""
    for entry in places.state.iterdir():
        if entry.is_dir() and not entry.is_symlink():
            shutil.rmtree(entry)
        elif entry != _file(places):
            entry.unlink()
    _file(places).unlink(missing_ok=True)
    places.state.rmdir()


def kind_kubeconfig(places: Places) -> Path:
    return places.state / "kind.kubeconfig"


def given_kubeconfig(places: Places) -> Path:
    """Our copy of the part that matters, so that everything after this needs one file only."""
    return places.state / "given.kubeconfig"


def _file(places: Places) -> Path:
    return places.state / "cluster.json"
