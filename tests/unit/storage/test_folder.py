"""A folder as a store."""

import io
from pathlib import Path

import pytest

from c2d.storage.errors import Missing, Refused
from c2d.storage.folder import UNFINISHED, FolderStore


class Broken:
    """A source that breaks after its first piece."""

    def __init__(self) -> None:
        self._pieces = [b"half"]

    def read(self, count: int) -> bytes:
        if self._pieces:
            return self._pieces.pop()
        raise OSError("the source broke")


@pytest.fixture
def root(tmp_path: Path) -> Path:
    return tmp_path / "root"


@pytest.fixture
def store(root: Path) -> FolderStore:
    return FolderStore(root)


def put(store: FolderStore, *keys: str) -> None:
    for key in keys:
        store.put(key, io.BytesIO(key.encode()), len(key))


def test_what_is_stored_is_listed_read_and_deleted(store: FolderStore) -> None:
    put(store, "ns/uid/a", "ns/uid/b/c", "ns/other/a")
    assert sorted(store.keys("ns/uid/")) == ["ns/uid/a", "ns/uid/b/c"]
    assert b"".join(store.get("ns/uid/b/c")) == b"ns/uid/b/c"
    store.delete(["ns/uid/a", "ns/uid/none"])
    assert list(store.keys("ns/uid/")) == ["ns/uid/b/c"]


def test_an_object_replaces_what_was_there(store: FolderStore) -> None:
    put(store, "a")
    store.put("a", io.BytesIO(b"new"), 3)
    assert b"".join(store.get("a")) == b"new"


def test_half_an_object_never_appears(store: FolderStore, root: Path) -> None:
    put(store, "ns/a")
    with pytest.raises(OSError, match="the source broke"):
        store.put("ns/a", Broken(), 8)
    assert b"".join(store.get("ns/a")) == b"ns/a"
    assert not [path for path in (root / UNFINISHED).rglob("*") if path.is_file()]


def test_nothing_is_listed_where_nothing_is(store: FolderStore) -> None:
    assert list(store.keys("ns/")) == []
    with pytest.raises(Missing):
        list(store.get("ns/a"))


@pytest.mark.parametrize("key", ["", "/a", "a/", "../a", "a/../../b", "a//b", "./a", "a\0b", f"{UNFINISHED}/a"])
def test_a_key_that_leads_elsewhere_is_refused(store: FolderStore, root: Path, key: str) -> None:
    with pytest.raises(Refused):
        put(store, key)
    with pytest.raises(Refused):
        store.delete([key])
    assert not root.exists()


def test_a_name_that_no_file_can_have_is_refused(store: FolderStore) -> None:
    with pytest.raises(Refused):
        put(store, "x" * 300)


def test_the_end_leaves_no_drafts_and_says_where(store: FolderStore, root: Path) -> None:
    put(store, "ns/uid/a")
    (root / UNFINISHED / "ns/uid/left").write_bytes(b"by a killed run")
    assert list(store.keys("")) == ["ns/uid/a"]
    finished = store.finish("ns/uid")
    assert (finished.location, finished.prefix) == (str(root / "ns/uid"), "ns/uid")
    assert not (root / UNFINISHED).exists()


def test_the_drafts_of_another_run_stay(store: FolderStore, root: Path) -> None:
    put(store, "ns/uid/a", "ns/other/a")
    store.discard_unfinished("ns/uid/")
    assert (root / UNFINISHED / "ns/other").exists()
    store.finish("ns/uid")
    assert (root / UNFINISHED / "ns/other").exists()
