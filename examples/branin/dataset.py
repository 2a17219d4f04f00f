"""The dataset: samples of the Branin function as an ARFF file with the attributes x0, x1 and value.

    python -m examples.branin.dataset > branin.arff

It is the same file each time, so that its sha256 can stand in the job.
"""

import random
import sys
from collections.abc import Iterator

from examples.branin import function

CELLS = 20  # along each axis, one sample in each cell: 400 samples that leave no corner out
SEED = 1
_HEADER = """\
% Samples of the Branin function, one in each cell of a grid.
@RELATION branin

@ATTRIBUTE x0 NUMERIC
@ATTRIBUTE x1 NUMERIC
@ATTRIBUTE value NUMERIC

@DATA
"""


def samples(cells: int = CELLS, seed: int = SEED) -> Iterator[tuple[float, float, float]]:
    """(x0, x1, value). The value belongs to x0 and x1 as they are written, with six decimals."""
    chance = random.Random(seed)  # noqa: S311 - reproducible, not secret
    for row in range(cells):
        for column in range(cells):
            x0 = _inside(function.X0, (column + chance.random()) / cells)
            x1 = _inside(function.X1, (row + chance.random()) / cells)
            yield x0, x1, function.branin(x0, x1)


def arff(cells: int = CELLS, seed: int = SEED) -> str:
    lines = (f"{x0:.6f},{x1:.6f},{value:.6f}\n" for x0, x1, value in samples(cells, seed))
    return _HEADER + "".join(lines)


def _inside(interval: tuple[float, float], share: float) -> float:
    low, high = interval
    return round(low + share * (high - low), 6)


if __name__ == "__main__":
    sys.stdout.write(arff())
