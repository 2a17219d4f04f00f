"""The fitted surface next to the true one."""

import pathlib

from matplotlib.figure import Figure

from examples.demo.prediction import Comparison


def draw(found: Comparison, path: pathlib.Path) -> None:
    """Writes a PNG. A `Figure` of its own needs no display and leaves pyplot's state alone."""
    figure = Figure(figsize=(11, 5), layout="constrained")
    low, high = float(found.truth.min()), float(found.truth.max())
    surfaces = {"what is true": found.truth, f"what was learned, off by {found.error:.2%}": found.predicted}
    for position, (title, values) in enumerate(surfaces.items(), start=1):
        axes = figure.add_subplot(1, 2, position, projection="3d")
        axes.plot_surface(found.x0, found.x1, values, cmap="viridis", vmin=low, vmax=high, linewidth=0)
        axes.view_init(elev=30, azim=-120)
        axes.set(title=title, xlabel="x0", ylabel="x1", zlim=(low, high))
    figure.savefig(path, dpi=120)
