"""How far a transfer is: what configure and publish tell the engine while they work, and how a human reads it."""

from typing import Annotated

import pydantic

from c2d.api.model import Observed

LIMIT = 2**53 - 1  # the largest number that every reader of JSON keeps exactly

Count = Annotated[int, pydantic.Field(strict=True, ge=0, le=LIMIT)]


class Progress(Observed):
    """Numbers only: no name and no address ever goes this way."""

    done: Count  # bytes; what an earlier run left counts, and it goes down where a file has to begin anew
    total: Count | None = None  # bytes; None while the size of some file isn't known
    files: Count = 0  # that are complete
    total_files: Count = 0  # as far as they are known

    @pydantic.model_validator(mode="after")
    def _within_total(self) -> "Progress":
        if self.total is not None and self.done > self.total:
            raise ValueError("done is above total")
        return self


def in_words(size: int) -> str:
    """A number of bytes, short: `999 B`, `1.5 GiB`."""
    amount = float(size)
    for unit in ("B", "KiB", "MiB", "GiB"):
        if amount < 1024:
            return f"{amount:.0f} {unit}" if unit == "B" else f"{amount:.1f} {unit}"
        amount /= 1024
    return f"{amount:.1f} TiB"


def text(told: Progress) -> str:
    """`1.2 GiB/4.0 GiB 30 %`, and where nobody knows the total `1.2 GiB, 3/100 files`."""
    if told.total:
        return f"{in_words(told.done)}/{in_words(told.total)} {100 * told.done // told.total} %"
    files = f", {told.files}/{told.total_files} files" if told.total_files > 1 else ""
    return f"{in_words(told.done)}{files}"
