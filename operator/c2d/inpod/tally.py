"""How far all files of a program are together. Thread-safe; costs a few additions for each piece of a file."""

import threading

from c2d.api.progress import LIMIT, Progress


class Tally:
    """Counts files by a name of the program's own, which never leaves it."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._files: dict[str, tuple[int, int | None]] = {}  # those on their way: bytes, and bytes at the end
        self._done = 0  # bytes, of all files
        self._total = 0  # bytes, of the files whose size is known
        self._sized = 0
        self._complete = 0
        self._expected = 0

    def expect(self, files: int, size: int | None = None) -> None:
        """More files are known of; with `size`, so many bytes together, which are then not told again."""
        with self._lock:
            self._expected += files
            if size is not None:
                self._total += size
                self._sized += files

    def reached(self, name: str, size: int, total: int | None) -> None:
        """So much of a file is there, also of an earlier run. It may be less than before: then it began anew."""
        with self._lock:
            self._move(name, size, None if total is None else max(size, total))

    def dropped(self, size: int) -> None:
        """One of the files whose sizes are expected doesn't come after all."""
        self.expect(-1, -size)

    def passed(self, size: int) -> None:
        """So many bytes more, of files whose sizes are expected."""
        with self._lock:
            self._done += size

    def completed(self, name: str, size: int) -> None:
        """The file is there as a whole."""
        with self._lock:
            self._move(name, size, size)
            del self._files[name]
            self._complete += 1

    def finished(self) -> None:
        """One of the files whose sizes are expected has no more bytes to come."""
        with self._lock:
            self._complete += 1

    def now(self) -> Progress:
        with self._lock:
            done, total = min(self._done, LIMIT), min(max(self._total, self._done), LIMIT)
            known = self._sized >= self._expected
            return Progress(
                done=done,
                total=total if known else None,
                files=self._complete,
                total_files=max(self._expected, self._complete),
            )

    def _move(self, name: str, size: int, total: int | None) -> None:
        known, known_total = self._files.get(name, (0, None))
        self._files[name] = (size, total)
        self._done += size - known
        self._total += (total or 0) - (known_total or 0)
        self._sized += (total is not None) - (known_total is not None)
