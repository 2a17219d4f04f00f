"""Which cluster `up` takes."""

from pathlib import Path

import pytest

from cluster import ladder
from cluster.ladder import Choice, Kind, Machine
from cluster.settings import ClusterError, Places

OURS = frozenset({"/state/admin.kubeconfig"})
MADE = Choice(Kind.LOCAL)


def machine(kubeconfig: str = "", *, root: bool = True, engine: str = "") -> Machine:
    return Machine(kubeconfig, root, lambda: engine)


@pytest.mark.parametrize(
    ("given", "context", "remembered", "expected"),
    [
        pytest.param(machine("/a"), "", None, Choice(Kind.GIVEN, "/a"), id="a named cluster is used"),
        pytest.param(machine("/a", engine="docker"), "x", None, Choice(Kind.GIVEN, "/a", "x"), id="also with Docker"),
        pytest.param(machine(), "x", None, Choice(Kind.GIVEN, "", "x"), id="a context alone is enough"),
        pytest.param(machine(engine="podman"), "", None, Choice(Kind.KIND, engine="podman"), id="then kind"),
        pytest.param(machine(), "", None, Choice(Kind.LOCAL), id="then our own"),
        pytest.param(machine(engine="docker"), "", MADE, MADE, id="what was made before stays"),
        pytest.param(machine("/state/admin.kubeconfig"), "", MADE, MADE, id="our own kubeconfig is not foreign"),
    ],
)
def test_the_first_rung_that_holds(given: Machine, context: str, remembered: Choice | None, expected: Choice) -> None:
    assert ladder.choose(given, context, remembered, OURS) == expected


def test_nothing_to_stand_on_is_explained() -> None:
    with pytest.raises(ClusterError, match="run as root"):
        ladder.choose(machine(root=False), "", None, OURS)


def test_a_choice_is_remembered_until_it_is_forgotten(tmp_path: Path) -> None:
    places = Places(tmp_path / "state", tmp_path / "cache")
    ladder.remember(places, Choice(Kind.GIVEN, "/a", "x"))
    assert ladder.remembered(places) == Choice(Kind.GIVEN, "/a", "x")

    ladder.forget(places)

    assert ladder.remembered(places) is None
    assert not places.state.exists()


def test_a_folder_with_something_else_in_it_is_never_taken(tmp_path: Path) -> None:
    (tmp_path / "thesis.txt").write_text("ten years of work")

    with pytest.raises(ClusterError, match="something else"):
        ladder.check_folder(Places(tmp_path, tmp_path / "cache"))
