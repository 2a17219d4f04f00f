"""What the algorithm predicted, and how far that is from the truth."""

import io
import pathlib
import pickle
from dataclasses import dataclass
from typing import Any

import numpy
import numpy.typing

from c2d.cli import errors
from examples.branin import function

Grid = numpy.typing.NDArray[numpy.float64]

POINTS = 15
# Of the function's range. A model that learned nothing is off by 20 % and more, a good one by less than 1 %.
TOLERANCE = 0.05

_LIMIT = 1_000_000  # bytes; the array has 1800
_ADMITTED = {
    ("numpy", "ndarray"),
    ("numpy", "dtype"),
    ("numpy.core.multiarray", "_reconstruct"),
    ("numpy._core.multiarray", "_reconstruct"),
    ("numpy.core.numeric", "_frombuffer"),
    ("numpy._core.numeric", "_frombuffer"),
}


class _ArraysOnly(pickle.Unpickler):
    """A pickle is a program: whoever loads it runs what its author wrote. This one can build arrays, nothing else."""

    def find_class(self, module: str, name: str) -> Any:
        if (module, name) not in _ADMITTED:
            raise pickle.UnpicklingError(f"it asks for {module}.{name}")
        return super().find_class(module, name)


@dataclass(frozen=True)
class Comparison:
    """Prediction and truth on the same grid; x0 grows along the columns, x1 along the rows."""

    x0: Grid
    x1: Grid
    truth: Grid
    predicted: Grid

    @property
    def error(self) -> float:
        """Root of the mean squared error, as a share of the function's range on the grid."""
        deviation = float(numpy.sqrt(numpy.mean((self.predicted - self.truth) ** 2)))
        return deviation / float(numpy.ptp(self.truth))


def read(path: pathlib.Path) -> Grid:
    """The array of 15 x 15 predictions. Raises `CliError` for anything else."""
    try:
        with path.open("rb") as file:
            found = _ArraysOnly(io.BytesIO(file.read(_LIMIT))).load()
    except Exception as error:  # a damaged pickle may raise anything at all
        raise errors.CliError(f"{path} holds no prediction: {error}", "Read the algorithm's log.") from error
    if not isinstance(found, numpy.ndarray) or found.shape != (POINTS, POINTS) or found.dtype != numpy.float64:
        raise errors.CliError(f"{path} holds no array of {POINTS} x {POINTS} numbers", "Read the algorithm's log.")
    return found


def compare(predicted: Grid) -> Comparison:
    x0, x1 = numpy.meshgrid(numpy.linspace(*function.X0, POINTS), numpy.linspace(*function.X1, POINTS))
    truth = numpy.vectorize(function.branin, otypes=[numpy.float64])(x0, x1)
    return Comparison(x0, x1, truth, predicted)
