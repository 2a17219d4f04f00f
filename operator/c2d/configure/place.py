"""The volume's folders, and files that appear in them as a whole or not at all."""

import contextlib
import errno
import hashlib
import shutil
from collections.abc import Iterator
from pathlib import Path

from c2d.api import volume
from c2d.configure.errors import DiskFull

# The algorithm may run as another user than this program.
FOLDER_MODES = {folder: 0o755 for folder in volume.FOLDERS} | {volume.OUTPUTS: 0o777, volume.LOGS: 0o777}
RUNNER_MODE = 0o555
# Unfinished files; no pod but this one's sees the folder.
WORK = ".configure"

_CHUNK = 1024 * 1024
_FULL = frozenset((errno.ENOSPC, errno.EDQUOT, errno.EFBIG))


@contextlib.contextmanager
def disk_full_is_told() -> Iterator[None]:
    """Turns the ways in which a volume says that it is full into DiskFull."""
    try:
        yield
    except OSError as error:
        if error.errno in _FULL:
            raise DiskFull("the job's volume is full") from error
        raise


def make_folders(data: Path) -> None:
    """All folders of the container contract; those which exist stay as they are."""
    for folder, mode in FOLDER_MODES.items():
        path = data / folder
        path.mkdir(exist_ok=True)
        if path.stat().st_mode & 0o777 != mode:
            path.chmod(mode)
    (data / WORK).mkdir(mode=0o700, exist_ok=True)


def write(data: Path, path: Path, content: bytes, mode: int) -> None:
    draft = _draft(data, path)
    draft.write_bytes(content)
    _put(draft, path, mode)


def copy(data: Path, source: Path, path: Path, mode: int) -> None:
    draft = _draft(data, path)
    with draft.open("wb") as sink, source.open("rb") as origin:
        shutil.copyfileobj(origin, sink, _CHUNK)
    _put(draft, path, mode)


def partial_path(data: Path, path: Path) -> Path:
    """Where the file that will be at `path` is collected; the same in every run."""
    return data / WORK / f"{_key(data, path)}.part"


def journal_path(data: Path) -> Path:
    """Where the files that are at their place are written down."""
    return data / WORK / "finished"


def sha256_of(path: Path) -> str | None:
    """The file's sha256 as lower-case hex; None where there is no file."""
    digest = hashlib.sha256()
    try:
        with path.open("rb") as file:
            while chunk := file.read(_CHUNK):
                digest.update(chunk)
    except FileNotFoundError:
        return None
    return digest.hexdigest()


def clean_up(data: Path) -> None:
    shutil.rmtree(data / WORK, ignore_errors=True)


def _key(data: Path, path: Path) -> str:
    return hashlib.sha256(bytes(path.relative_to(data))).hexdigest()[:32]


def _draft(data: Path, path: Path) -> Path:
    draft = data / WORK / f"{_key(data, path)}.draft"
    # One that a killed run left may be read-only already.
    draft.unlink(missing_ok=True)
    return draft


def make_parents(path: Path) -> None:
    """The folders above the file, such as those of an input's ID."""
    path.parent.mkdir(parents=True, exist_ok=True)


def _put(draft: Path, path: Path, mode: int) -> None:
    draft.chmod(mode)
    make_parents(path)
    draft.replace(path)
