"""A build is in the cache whole or not at all."""

import threading
from pathlib import Path

import pytest

from cluster import tools
from cluster.progress import Progress
from cluster.settings import ClusterError, Places


@pytest.fixture
def places(tmp_path: Path) -> Places:
    return Places(tmp_path / "state", tmp_path / "cache")


def test_a_failed_build_leaves_nothing(places: Places, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("KUBEBUILDER_ASSETS", raising=False)

    def half(tool: tools.Tool, folder: Path) -> None:
        (folder / tool.name).write_text("half of a program")
        raise ClusterError("out of memory")

    monkeypatch.setattr(tools, "_compile", half)
    with pytest.raises(ClusterError, match="out of memory"):
        tools.path("kwok", places, Progress())

    assert tools.built("kwok", places) is None
    assert not list((places.cache / "tools").rglob("kwok"))


def test_two_starts_build_once(places: Places, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("KUBEBUILDER_ASSETS", raising=False)
    builds: list[str] = []

    def compile_slowly(tool: tools.Tool, folder: Path) -> None:
        builds.append(tool.name)
        (folder / tool.name).write_text("a program")

    monkeypatch.setattr(tools, "_compile", compile_slowly)
    threads = [threading.Thread(target=tools.path, args=("etcd", places, Progress())) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert builds == ["etcd"]
    assert (places.bin / "etcd").read_text() == "a program"


def test_ready_binaries_are_honoured(places: Places, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "etcd").write_text("ready")
    monkeypatch.setenv("KUBEBUILDER_ASSETS", str(tmp_path))

    assert tools.path("etcd", places, Progress()) == tmp_path / "etcd"


def test_the_hash_of_a_tree_sees_content_names_and_modes_but_no_caches(tmp_path: Path) -> None:
    file = tmp_path / "a.py"
    file.write_text("1")
    seen = {tools.tree_hash(tmp_path)}
    (tmp_path / "__pycache__").mkdir()
    (tmp_path / "__pycache__" / "a.pyc").write_text("x")
    assert tools.tree_hash(tmp_path) in seen

    for change in (lambda: file.write_text("2"), lambda: file.chmod(0o755), lambda: file.rename(tmp_path / "b.py")):
        change()
        assert tools.tree_hash(tmp_path) not in seen
        seen.add(tools.tree_hash(tmp_path))
