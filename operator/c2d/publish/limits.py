"""How much is published at most, so that a small volume can't become a large bill. Pure."""

from dataclasses import dataclass

MIB = 1024**2
GIB = 1024**3


@dataclass(frozen=True)
class Limits:
    """Bounds of one job's outputs; sizes in bytes."""

    files: int = 1_000_000
    bytes: int | None = None
    # Folders and skipped things count too: a walk has to end.
    entries: int = 4_000_000
    depth: int = 100
    # All names together, folders' included, as text: they are held in memory, and a path can have 25 thousand bytes.
    names: int = 128 * MIB
    # A file may be mostly a hole, and many names may lead to one file: both are stored in full, though they take
    # hardly any room on the volume. All outputs together may be this much larger than what is really there.
    hole_factor: int = 16
    hole_allowance: int = GIB


class Budget:
    """What was admitted so far."""

    def __init__(self, limits: Limits) -> None:
        self._limits = limits
        self._size = 0
        self._data = 0

    def objection(self, size: int, data: int) -> str | None:
        """Why a file of this size, with so many bytes really there, is not admitted; None if it is."""
        limits, size_then, data_then = self._limits, self._size + size, self._data + data
        if size_then > data_then * limits.hole_factor + limits.hole_allowance:
            return "it is mostly holes, or one of very many links to one file"
        if limits.bytes is not None and size_then > limits.bytes:
            return f"the outputs would exceed {limits.bytes} bytes"
        self._size, self._data = size_then, data_then
        return None
