"""What runs of this job have brought to its place: one journal on the volume, a line for each file.

A line is only a hint of what to compare a file with: its content is hashed before it is kept. Reading it again takes
a fraction of the time that fetching it takes, and then nothing depends on whether the node crashed in between, which
lines or blocks of the file that lost, or who else wrote to the volume.
"""

import contextlib
import hashlib
import json
import os
from dataclasses import asdict, dataclass
from pathlib import Path


@dataclass(frozen=True)
class Record:
    path: str  # below the volume's root
    size: int  # bytes
    sha256: str
    source: str  # sha256 of what tells one source from another


def source_key(identity: str) -> str:
    """A URL may be a secret, so its hash stands for it."""
    return hashlib.sha256(identity.encode()).hexdigest()


class Finished:
    """Records are added to the file's end, each in one write; half of one, left by a kill, is passed over."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._records = {record.path: record for record in _read(path)}
        self._file: int | None = None

    def find(self, path: str, source: str) -> Record | None:
        record = self._records.get(path)
        return record if record is not None and record.source == source else None

    def add(self, record: Record) -> None:
        """Like a log, the journal never breaks the work: one that can't be written costs the next run some time."""
        with contextlib.suppress(OSError):
            if self._file is None:
                self._file = os.open(self._path, os.O_WRONLY | os.O_APPEND | os.O_CREAT | os.O_CLOEXEC, 0o600)
                os.write(self._file, b"\n")  # the end of whatever a kill has left
            os.write(self._file, json.dumps(asdict(record)).encode() + b"\n")

    def close(self) -> None:
        if self._file is not None:
            os.close(self._file)
            self._file = None


def _read(path: Path) -> list[Record]:
    try:
        lines = path.read_bytes().split(b"\n")
    except OSError:
        return []
    records = []
    for line in lines:
        with contextlib.suppress(ValueError, TypeError):
            records.append(Record(**json.loads(line)))
    return records
