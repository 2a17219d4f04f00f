"""Outputs made by an enemy: nothing from outside of the folder leaves, and nothing inside of it breaks the program."""

import errno
import os
import random
import socket
import stat
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

import pytest

from c2d.inpod.tally import Tally
from c2d.publish import hostile, inventory, names, outputs
from c2d.publish.errors import Unreadable, VolumeBroken
from c2d.publish.limits import GIB, Limits
from c2d.publish.skips import Skips
from c2d.publish.upload import Sent, Uploader
from c2d.storage.errors import Refused, Unavailable
from tests.unit.publish.stores import MemoryStore


@dataclass
class Published:
    sent: list[Sent]
    skips: Skips
    store: MemoryStore

    @property
    def content(self) -> dict[str, bytes]:
        return {sent.filename: self.store.objects[f"p/{sent.key}"] for sent in self.sent}

    @property
    def skipped(self) -> dict[str, str]:
        return {skipped.filename: skipped.reason for skipped in self.skips.listed}


def publish(folder: Path, store: MemoryStore | None = None, limits: Limits | None = None) -> Published:
    skips, store = Skips(), store or MemoryStore()
    with ThreadPoolExecutor(2) as pool:
        sent = outputs.publish(folder, Uploader(store, "p"), pool, limits or Limits(), skips)
    return Published(sent, skips, store)


@pytest.mark.parametrize(
    "target",
    ["/etc/passwd", "/proc/self/environ", "/proc/self/fd/0", "../secret", "secret-inside", "/nonexistent", "loop"],
)
def test_a_symbolic_link_is_never_followed(tmp_path: Path, target: str) -> None:
    folder = tmp_path / "outputs"
    folder.mkdir()
    (tmp_path / "secret").write_text("geheim")
    (folder / "secret-inside").write_text("not so secret")
    (folder / "loop").symlink_to(target)

    published = publish(folder)
    assert published.content == {"secret-inside": b"not so secret"}
    assert published.skipped == {"loop": "it is a symbolic link"}


def test_nor_is_one_to_a_folder(tmp_path: Path) -> None:
    (tmp_path / "real").mkdir()
    (tmp_path / "real/file").write_text("x")
    (tmp_path / "link").symlink_to("real")
    (tmp_path / "etc").symlink_to("/etc")
    (tmp_path / "up").symlink_to("..")
    published = publish(tmp_path)
    assert list(published.content) == ["real/file"]
    assert set(published.skipped) == {"link", "etc", "up"}


def test_the_outputs_folder_itself_is_no_link(tmp_path: Path) -> None:
    (tmp_path / "outputs").symlink_to("/etc")
    with pytest.raises(VolumeBroken):
        publish(tmp_path / "outputs")


def test_what_becomes_a_link_between_listing_and_opening_is_not_followed(tmp_path: Path) -> None:
    """The order is forced here: the first upload replaces everything that was listed after it."""
    folder = tmp_path / "outputs"
    (folder / "b").mkdir(parents=True)
    (tmp_path / "elsewhere").mkdir()
    for path in (folder / "a", folder / "b/file", folder / "c"):
        path.write_text("harmless")
    (tmp_path / "elsewhere/file").write_text("geheim")

    root = hostile.open_root(folder)
    listed = inventory.take(root, Limits(), Skips(), Tally())
    (folder / "b").rename(folder / "gone")
    (folder / "b").symlink_to(tmp_path / "elsewhere")
    (folder / "c").unlink()
    (folder / "c").symlink_to("/etc/passwd")
    opened: dict[str, bytes | type[OSError]] = {}
    for name in listed:
        try:
            opened[name] = os.read(hostile.open_file(root, names.decode(name)), 100)
        except OSError as error:
            opened[name] = type(error)
    os.close(root)
    assert opened == {"a": b"harmless", "b/file": NotADirectoryError, "c": OSError}


def test_a_fifo_blocks_nobody(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "fifo")
    assert publish(tmp_path).skipped == {"fifo": "it is a fifo, a socket or a device"}


def test_nor_does_a_file_that_became_a_fifo(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "fifo")
    with hostile.closing(hostile.open_root(tmp_path)) as root, pytest.raises(hostile.NotRegular):
        hostile.open_file(root, b"fifo")


def test_a_socket_is_skipped(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)  # because a socket's path is short
    with socket.socket(socket.AF_UNIX) as listener:
        listener.bind("socket")
        assert publish(tmp_path).skipped == {"socket": "it is a fifo, a socket or a device"}


@pytest.mark.skipif(os.geteuid() != 0, reason="only root makes devices")
def test_devices_are_skipped(tmp_path: Path) -> None:
    os.mknod(tmp_path / "zero", stat.S_IFCHR | 0o666, os.makedev(1, 5))
    os.mknod(tmp_path / "disk", stat.S_IFBLK | 0o666, os.makedev(7, 0))
    published = publish(tmp_path)
    assert published.content == {}
    assert set(published.skipped) == {"zero", "disk"}


def test_names_of_every_kind_arrive(tmp_path: Path) -> None:
    wanted = [
        b"new\nline",
        b"\xff\xfe not UTF-8",
        b"..\\..\\etc\\passwd",
        b"...",
        b"..hidden",
        b"-rf",
        b"*",
        b" ",
        b"%2e%2e",
        b"x" * 255,
        b"\xff" * 255,
        "é".encode() * 127,
        b"\x1b]0;title\x07",
        b"manifest.json",
    ]
    for name in wanted:
        Path(os.fsdecode(bytes(tmp_path) + b"/" + name)).write_bytes(name)
    published = publish(tmp_path)
    assert {names.decode(text): content for text, content in published.content.items()} == {n: n for n in wanted}
    assert list(published.content) == sorted(published.content)
    assert len(published.store.objects) == len(wanted)


def test_folders_are_followed_to_a_depth(tmp_path: Path) -> None:
    path = tmp_path
    for _ in range(5):
        path = path / "d"
        path.mkdir()
        (path / "file").write_text("x")
    published = publish(tmp_path, limits=Limits(depth=3))
    assert list(published.content) == ["d/d/file", "d/file"]
    assert published.skipped == {"d/d/d": "folders are nested more than 3 deep"}


def test_a_depth_that_no_path_can_name(tmp_path: Path) -> None:
    """Longer than PATH_MAX: made, and to be removed, one step at a time."""
    name, depth = "d" * 200, 40
    here = os.open(tmp_path, os.O_RDONLY)
    for _ in range(depth):
        os.mkdir(name, dir_fd=here)
        below = os.open(name, os.O_RDONLY, dir_fd=here)
        os.close(here)
        here = below
    os.close(os.open("file", os.O_CREAT | os.O_WRONLY, dir_fd=here))
    os.close(here)

    published = publish(tmp_path)
    assert [sent.filename for sent in published.sent] == ["/".join([name] * depth + ["file"])]
    assert published.sent[0].key.startswith("long/")


def test_a_terabyte_that_is_not_there_is_not_sent(tmp_path: Path) -> None:
    with (tmp_path / "sparse").open("wb") as file:
        file.write(b"a little data")
        file.truncate(1024**4)
    published = publish(tmp_path)
    assert published.content == {}
    assert "holes" in published.skipped["sparse"]


def test_a_small_sparse_file_is_a_file(tmp_path: Path) -> None:
    with (tmp_path / "sparse").open("wb") as file:
        file.truncate(10_000_000)
    assert publish(tmp_path).content == {"sparse": bytes(10_000_000)}


def test_many_links_to_one_file_are_no_multiplication(tmp_path: Path) -> None:
    (tmp_path / "0").write_bytes(b"x" * 1_000_000)
    for number in range(1, 50):
        os.link(tmp_path / "0", tmp_path / str(number))
    published = publish(tmp_path, limits=Limits(hole_factor=16, hole_allowance=0))
    assert len(published.sent) == 16
    assert published.skips.count == 34


def test_data_is_told_from_holes(tmp_path: Path) -> None:
    path = tmp_path / "file"
    with path.open("wb") as file:
        file.write(b"x" * 65536)
        file.seek(GIB)
        file.write(b"x" * 65536)
    with path.open("rb") as file:
        found = hostile.data_bytes(file.fileno(), path.stat().st_size)
    # A file system without holes is free to say that everything is data.
    assert found in (2 * 65536, path.stat().st_size)


def test_a_file_that_grows_while_it_is_read_is_what_it_was(tmp_path: Path) -> None:
    path = tmp_path / "file"
    path.write_bytes(b"x" * 3_000_000)

    def grow(key: str, part: int) -> None:
        with path.open("ab") as file:
            file.write(b"y" * 1_000_000)

    (sent,) = publish(tmp_path, MemoryStore(grow)).sent
    assert sent.size == 3_000_000


def test_a_file_that_shrinks_is_what_was_sent(tmp_path: Path) -> None:
    path = tmp_path / "file"
    path.write_bytes(b"x" * 3_000_000)

    def shrink(key: str, part: int) -> None:
        if part == 1:
            os.truncate(path, 10)

    published = publish(tmp_path, MemoryStore(shrink))
    assert [sent.size for sent in published.sent] == [len(content) for content in published.content.values()]
    assert published.sent[0].size < 3_000_000


def test_a_file_that_the_storage_refuses_stops_no_other(tmp_path: Path) -> None:
    (tmp_path / "bad").write_text("x")
    (tmp_path / "good").write_text("x")

    def refuse(key: str, part: int) -> None:
        if key.endswith("bad"):
            raise Refused("InvalidObjectName")

    published = publish(tmp_path, MemoryStore(refuse))
    assert list(published.content) == ["good"]
    assert published.skipped == {"bad": "the storage refused it: InvalidObjectName"}


def test_an_error_that_no_algorithm_can_cause_is_not_passed_over(tmp_path: Path) -> None:
    """A disk that breaks would otherwise make results disappear from a job that succeeded."""
    (tmp_path / "file").write_text("x")

    def break_disk(key: str, part: int) -> None:
        raise OSError(errno.EIO, os.strerror(errno.EIO))

    with pytest.raises(Unreadable, match="outputs/file can't be read: Input/output error"):
        publish(tmp_path, MemoryStore(break_disk))
    with pytest.raises(Unreadable):
        hostile.explain(OSError(errno.ESTALE, "stale"))


def test_a_storage_that_is_gone_stops_everything(tmp_path: Path) -> None:
    for number in range(200):
        (tmp_path / str(number)).write_text("x")
    tried = []

    def break_down(key: str, part: int) -> None:
        tried.append(key)
        raise Unavailable("gone")

    with pytest.raises(Unavailable):
        publish(tmp_path, MemoryStore(break_down))
    assert len(tried) < 200


@pytest.mark.parametrize(
    ("limits", "sent", "words"),
    [
        pytest.param(Limits(files=3), 3, "more than 3 files", id="files"),
        pytest.param(Limits(bytes=25), 2, "exceed 25 bytes", id="bytes"),
        pytest.param(Limits(entries=4), 4, "more than 4 entries", id="entries"),
        pytest.param(Limits(names=25), 2, "longer than 25 characters", id="names"),
    ],
)
def test_limits(tmp_path: Path, limits: Limits, sent: int, words: str) -> None:
    for number in range(6):
        (tmp_path / f"{number:010}").write_bytes(b"x" * 10)
    published = publish(tmp_path, limits=limits)
    assert len(published.sent) == sent
    assert all(words in reason for reason in published.skipped.values())
    assert published.skipped


def test_ten_thousand_files_and_as_many_links(tmp_path: Path) -> None:
    wanted = {}
    for number in range(10_000):
        folder = tmp_path / str(number % 100)
        folder.mkdir(exist_ok=True)
        (folder / f"{number}.txt").write_bytes(str(number).encode())
        wanted[f"{number % 100}/{number}.txt"] = str(number).encode()
        (folder / f"{number}.link").symlink_to("/etc/passwd")
    published = publish(tmp_path)
    assert published.content == wanted
    assert list(published.content) == sorted(wanted)
    assert published.skips.count == 10_000
    assert len(published.skips.listed) == 1_000


def test_no_descriptor_stays_open(tmp_path: Path) -> None:
    for number in range(300):
        (tmp_path / str(number)).write_text("x")
    (tmp_path / "link").symlink_to("/etc/passwd")
    (tmp_path / "folder").mkdir()
    before = len(os.listdir("/proc/self/fd"))  # noqa: PTH208
    publish(tmp_path)
    assert len(os.listdir("/proc/self/fd")) == before  # noqa: PTH208


def test_a_random_tree_is_published_as_it_is(tmp_path: Path) -> None:
    chance = random.Random(5)  # noqa: S311 - a test has to repeat
    wanted = {}
    for number in range(200):
        depth = chance.randrange(4)
        folder = Path(*(chance.choice("abc") + "/" for _ in range(depth))) if depth else Path()
        (tmp_path / folder).mkdir(parents=True, exist_ok=True)
        wanted[str(folder / f"f{number}")] = content = chance.randbytes(chance.randrange(2000))
        (tmp_path / folder / f"f{number}").write_bytes(content)
    assert publish(tmp_path).content == wanted
