"""A folder of objects that shares its files with the folder that they come from."""

import os
import pathlib

import pytest

from c2d.storage.errors import Refused
from c2d.storage.folder import UNFINISHED
from c2d.storage.kept import KeptStore


def linked(store: KeptStore, key: str, path: pathlib.Path) -> None:
    descriptor = os.open(path, os.O_RDONLY)
    try:
        store.link(key, descriptor)
    finally:
        os.close(descriptor)


def test_an_output_is_linked_and_takes_no_room(tmp_path: pathlib.Path) -> None:
    output = tmp_path / "model.bin"
    output.write_bytes(b"weights")
    store = KeptStore(tmp_path / "results")
    linked(store, "claim/uid/outputs/model.bin", output)
    assert store.path("claim/uid/outputs/model.bin").stat().st_ino == output.stat().st_ino
    assert b"".join(store.get("claim/uid/outputs/model.bin")) == b"weights"


def test_a_second_run_finds_what_the_first_one_linked(tmp_path: pathlib.Path) -> None:
    first, second = tmp_path / "first", tmp_path / "second"
    first.write_bytes(b"1")
    second.write_bytes(b"2")
    store = KeptStore(tmp_path / "results")
    for path in (first, first, second):
        linked(store, "claim/uid/outputs/x", path)
    assert b"".join(store.get("claim/uid/outputs/x")) == b"2"
    assert first.read_bytes() == b"1", "what was linked before is another file"
    assert store.finish("claim/uid").location == "volume://claim/uid"
    assert not (tmp_path / "results" / UNFINISHED).exists()


def test_a_link_that_took_the_name_of_an_open_file_is_not_followed(tmp_path: pathlib.Path) -> None:
    secret, output = tmp_path / "secret", tmp_path / "output"
    secret.write_bytes(b"secret")
    output.write_bytes(b"output")
    store = KeptStore(tmp_path / "results")
    descriptor = os.open(output, os.O_RDONLY)
    output.rename(tmp_path / "moved")
    output.symlink_to(secret)
    store.link("claim/uid/outputs/x", descriptor)
    os.close(descriptor)
    assert b"".join(store.get("claim/uid/outputs/x")) == b"output"


@pytest.mark.parametrize("key", ["../x", "claim/../../x", f"{UNFINISHED}/x", "claim//x", "x" * 300])
def test_what_is_no_key_is_refused(tmp_path: pathlib.Path, key: str) -> None:
    output = tmp_path / "output"
    output.write_bytes(b"1")
    with pytest.raises(Refused):
        linked(KeptStore(tmp_path / "results"), key, output)
    assert sorted(path.name for path in tmp_path.iterdir() if path.name != "results") == ["output"]
