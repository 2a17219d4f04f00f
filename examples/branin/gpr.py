"""An algorithm as a scientist brings it: a Gaussian process learns a function of two variables from its samples.

It reads the first file of the first dataset, and writes its predictions on a grid of 15 x 15 points.
"""

import json
import os
import pathlib
import pickle
import sys
import time

import arff
import matplotlib

matplotlib.use("agg")

import numpy
from matplotlib import pyplot
from sklearn.gaussian_process import GaussianProcessRegressor
from sklearn.gaussian_process.kernels import RBF

# The domain of the function, and the points along each axis.
X0, X1, POINTS = (-5, 10), (0, 15), 15
OUTPUTS = os.environ.get("OUTPUTS", "/data/outputs")


def input_file():
    """Where the dataset is: the working directory is /, the folder has the dataset's name."""
    dids = json.loads(os.environ["DIDS"])
    if not dids:
        sys.exit("no dataset was given")
    return f"data/inputs/{dids[0]}/0"


def read(path):
    with pathlib.Path(path).open() as file:
        rows = numpy.array(arff.load(file)["data"], dtype=float)
    return rows[:, :2], rows[:, 2]


def fitted(x, y):
    # A little noise keeps the matrix of close samples invertible.
    return GaussianProcessRegressor(RBF([3.0, 3.0]), alpha=1e-6, normalize_y=True).fit(x, y)


def grid():
    """x0 grows along the columns, x1 along the rows."""
    return numpy.meshgrid(numpy.linspace(*X0, POINTS), numpy.linspace(*X1, POINTS))


def draw(x0, x1, values):
    """A picture beside the numbers, for people."""
    figure, axes = pyplot.subplots()
    figure.colorbar(axes.contourf(x0, x1, values, 30), ax=axes)
    axes.set(xlabel="x0", ylabel="x1", title="predicted")
    figure.savefig(f"{OUTPUTS}/predicted.png", dpi=80)


def main():
    x, y = read(input_file())
    print(f"{len(y)} samples with {x.shape[1]} variables, values from {y.min():.2f} to {y.max():.2f}")
    begin = time.monotonic()
    model = fitted(x, y)
    print(f"learned in {time.monotonic() - begin:.1f} s: {model.kernel_}")
    x0, x1 = grid()
    values = model.predict(numpy.column_stack([x0.ravel(), x1.ravel()])).reshape(x0.shape)
    print(f"predicted {values.size} points, from {values.min():.2f} to {values.max():.2f}")
    with pathlib.Path(OUTPUTS, "result").open("wb") as file:
        pickle.dump(values, file)
    draw(x0, x1, values)


if __name__ == "__main__":
    main()
