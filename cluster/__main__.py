"""The commands; what they do is in operations.py."""

from __future__ import annotations

import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Annotated

import typer

from cluster import operations, overview, tools
from cluster.progress import Progress
from cluster.settings import ClusterError, Network, Places, without_proxy

app = typer.Typer(
    help="A real Kubernetes with the operator, on whatever this machine offers.",
    no_args_is_help=True,
    add_completion=False,
)


@app.callback()
def prepare() -> None:
    """Programs that we start inherit this: the cluster's own addresses are never a proxy's business."""
    os.environ["NO_PROXY"] = os.environ["no_proxy"] = without_proxy(os.environ, Network())


@contextmanager
def reported(progress: Progress) -> Iterator[None]:
    """Show an expected error as one clear message; anything else is a bug and keeps its traceback."""
    try:
        yield
    except ClusterError as error:
        progress.fail(str(error))
        raise typer.Exit(1) from error


@app.command()
def up(
    context: Annotated[str, typer.Option(help="Use this context of your kubeconfig.")] = "",
    audit_log: Annotated[bool, typer.Option(help="Let the local API server write an audit log.")] = False,
    postgres: Annotated[
        bool, typer.Option("--postgres", help="Also a PostgreSQL, for the service's archive. It stays until `down`.")
    ] = False,
) -> None:
    """Start a cluster, or use the one that KUBECONFIG names, and install the operator."""
    progress = Progress()
    with reported(progress):
        operations.up(_places(), progress, os.environ, operations.Wishes(context, audit_log, postgres))


@app.command()
def down() -> None:
    """Remove the cluster, and all that it changed on this machine. Built programs and images stay cached."""
    progress = Progress()
    with reported(progress):
        operations.down(_places(), progress)


@app.command()
def status() -> None:
    """Show what runs, in which version and where."""
    with reported(Progress()):
        overview.show(_places())


@app.command()
def env() -> None:
    """Print shell lines that point tools at the cluster: eval "$(python -m cluster env)"."""
    with reported(Progress()):
        sys.stdout.write(operations.exports(_places()))


@app.command()
def images() -> None:
    """Build the images that changed and load them into the cluster. Prints their references."""
    progress = Progress()
    with reported(progress):
        for name, ref in operations.make_images(_places(), progress).items():
            typer.echo(f"{name} {ref}")


@app.command(name="tools")
def build_tools(
    names: Annotated[list[str] | None, typer.Argument(help="Without: all that a local cluster needs.")] = None,
) -> None:
    """Build tools, if they aren't in the cache yet. Prints where they are."""
    progress = Progress()
    with reported(progress):
        for name in names or tools.NEEDED:
            typer.echo(tools.path(name, _places(), progress))


def _places() -> Places:
    return Places.from_environment(os.environ)


if __name__ == "__main__":
    app()
