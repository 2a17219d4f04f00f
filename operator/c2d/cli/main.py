"""`c2d`: the commands and their options.

Each command imports what it needs when it is called: the Kubernetes and S3 clients take longer to load than
`c2d --help` may take.
"""
# ruff: noqa: PLC0415

import enum
import os
import pathlib
import sys
from typing import TYPE_CHECKING, Annotated

import typer

from c2d.cli import provider
from c2d.cli.step import Step

if TYPE_CHECKING:
    from c2d.cli.connect import Place

app = typer.Typer(
    help="Run algorithms beside the data: submit compute jobs, watch them, fetch their results.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
    context_settings={"help_option_names": ["-h", "--help"]},
)

app.add_typer(provider.app, name="provider")

Namespace = Annotated[str | None, typer.Option("--namespace", "-n", help="The job's namespace.", show_default=False)]
Context = Annotated[str | None, typer.Option("--context", help="A context of KUBECONFIG.", show_default=False)]
Job = Annotated[str, typer.Argument(metavar="JOB", help="The job's name, or its jobId.", show_default=False)]


class Output(enum.StrEnum):
    JSON = "json"
    YAML = "yaml"


As = Annotated[Output | None, typer.Option("--output", "-o", help="For programs instead of people.")]

Endpoint = Annotated[
    str | None,
    typer.Option(
        envvar="C2D_S3_ENDPOINT",
        help="The S3 server, or the API of the IPFS node, as seen from here, if not as from the cluster.",
    ),
]


@app.callback()
def everywhere(context: typer.Context, namespace: Namespace = None, cluster: Context = None) -> None:
    """Run algorithms beside the data: submit compute jobs, watch them, fetch their results."""
    context.obj = (namespace, cluster)


@app.command()
def run(
    context: typer.Context,
    file: Annotated[str, typer.Argument(metavar="FILE", help="A ComputeJob as YAML or JSON; - for the input.")],
    detach: Annotated[bool, typer.Option("--detach", "-d", help="Don't wait: print the job's name.")] = False,
    namespace: Namespace = None,
    cluster: Context = None,
) -> None:
    """Submit a job and follow it to its end: its phases, and the algorithm's log.

    Exit code 0: it succeeded, 1: it did not, 2: it could not be submitted as it is.
    """
    from c2d.cli import commands

    raise typer.Exit(commands.run_job(_place(context, namespace, cluster), file, detach=detach))


@app.command("list")
def list_(
    context: typer.Context,
    everything: Annotated[bool, typer.Option("--all", "-A", help="The jobs of all namespaces.")] = False,
    output: As = None,
    namespace: Namespace = None,
    cluster: Context = None,
) -> None:
    """List jobs, the youngest first."""
    from c2d.cli import commands

    commands.list_jobs(_place(context, namespace, cluster), everywhere=everything, output=output or "")


@app.command()
def get(
    context: typer.Context, name: Job, output: As = None, namespace: Namespace = None, cluster: Context = None
) -> None:
    """Show one job: its phase and why, its pods, its conditions, its results."""
    from c2d.cli import commands

    commands.get_job(_place(context, namespace, cluster), name, output or "")


@app.command()
def logs(
    context: typer.Context,
    name: Job,
    follow: Annotated[bool, typer.Option("--follow", "-f", help="Wait for the pod, and up to its end.")] = False,
    step: Annotated[Step, typer.Option(help="Which of the job's pods.")] = Step.ALGORITHM,
    endpoint: Endpoint = None,
    namespace: Namespace = None,
    cluster: Context = None,
) -> None:
    """Print the log of the algorithm, or of another of the job's pods; of a finished job the published one."""
    from c2d.cli import commands

    commands.show_logs(_place(context, namespace, cluster), name, step, endpoint, wait=follow)


@app.command()
def results(
    context: typer.Context,
    name: Job,
    folder: Annotated[pathlib.Path, typer.Option("--output", "-o", help="The folder to write to; made if need be.")],
    endpoint: Endpoint = None,
    namespace: Namespace = None,
    cluster: Context = None,
) -> None:
    """Download a job's results and verify each.

    AWS_* variables hold the credentials for S3; C2D_IPFS_HEADERS names a folder that has the headers for an IPFS node
    as <its Secret's name>/<header>.
    """
    from c2d.cli import commands

    commands.fetch_results(_place(context, namespace, cluster), name, folder, endpoint)


@app.command()
def verify(
    folder: Annotated[pathlib.Path, typer.Argument(metavar="DIR", help="What `c2d results -o DIR` wrote.")],
    manifest_sha256: Annotated[
        str, typer.Option("--manifest-sha256", help="What the job's status says: status.results.manifestSha256.")
    ] = "",
    address: Annotated[str, typer.Option(help="The account that has to have signed the receipt.")] = "",
) -> None:
    """Check a folder of results against its manifest and receipt, without a cluster.

    Exit code 0: nothing is wrong, 1: something is, 2: it is no such folder. Whatever --manifest-sha256 or --address
    does not say can't be told from a good forgery.
    """
    from c2d.cli import commands

    raise typer.Exit(commands.verify_results(folder, manifest_sha256, address))


@app.command()
def crate(
    folder: Annotated[pathlib.Path, typer.Argument(metavar="DIR", help="What `c2d results -o DIR` wrote.")],
    to: Annotated[
        pathlib.Path | None,
        typer.Option(
            "--to", metavar="PLACE", help="A new folder, or a new FILE.zip; without it DIR becomes the crate."
        ),
    ] = None,
    manifest_sha256: Annotated[
        str, typer.Option("--manifest-sha256", help="What the job's status says: status.results.manifestSha256.")
    ] = "",
    address: Annotated[str, typer.Option(help="The account that has to have signed the receipt.")] = "",
) -> None:
    """Describe a folder of results as an RO-Crate: a Process Run Crate 0.5, without a cluster.

    The results are verified first; what doesn't verify gets no crate. Needs the extra: pip install 'c2d[crate]'.
    """
    from c2d.cli import commands

    commands.make_crate(folder, to, manifest_sha256, address)


@app.command()
def configure(
    workflow: Annotated[
        str,
        typer.Option("--workflow", "-w", help="A workflow or a body of POST /compute, JSON or YAML; - for the input."),
    ],
    path: Annotated[pathlib.Path, typer.Option("--path", "-p", help="The folder to fill; made if need be.")],
    private_addresses: Annotated[
        bool, typer.Option("--private-addresses", help="URLs may lead to private addresses, such as 127.0.0.1.")
    ] = False,
) -> None:
    """Fill a folder with what a workflow's job would find on its volume, without a cluster.

    OPERATOR_PRIVATE_KEY holds the key that signs the downloads of what only a Provider hands out. The last line is
    STATUS=30, or STATUS=31 or STATUS=32 with the reason; the exit code is 0 for 30, else 1.
    """
    from c2d.cli import configuring

    key = os.environ.get("OPERATOR_PRIVATE_KEY", "")
    raise typer.Exit(configuring.configure(workflow, path, key, private_addresses=private_addresses))


@app.command()
def publish(
    path: Annotated[pathlib.Path, typer.Option("--path", "-p", help="A folder that `c2d configure` filled.")],
    to: Annotated[
        str,
        typer.Option("--to", metavar="PLACE", help="s3://BUCKET/PREFIX, ipfs://HOST:PORT of a node, or a folder."),
    ],
    endpoint: Annotated[
        str | None,
        typer.Option("--endpoint", envvar="C2D_S3_ENDPOINT", help="The URL of the S3 server, if it isn't AWS."),
    ] = None,
    logs_only: Annotated[bool, typer.Option("--logs-only", help="Publish no outputs.")] = False,
) -> None:
    """Publish the outputs and logs of a folder as a job's are published, without a cluster.

    AWS_* variables hold the credentials for S3. The job that the manifest names is made up, a new one each time.
    """
    from c2d.cli import publishing

    publishing.publish(path, publishing.place(to, endpoint, os.environ), with_outputs=not logs_only)


@app.command()
def stop(context: typer.Context, name: Job, namespace: Namespace = None, cluster: Context = None) -> None:
    """Stop a job. Its logs are published, its outputs are not."""
    from c2d.cli import commands

    commands.stop_job(_place(context, namespace, cluster), name)


def _place(context: typer.Context, namespace: str | None, cluster: str | None) -> "Place":
    """Options may stand before the command or behind it; the latter win."""
    from c2d.cli.connect import Place

    before: tuple[str | None, str | None] = context.obj
    return Place(namespace or before[0], cluster or before[1])


def main() -> None:
    """Expected errors become two lines and an exit code; anything else is a bug and keeps its traceback."""
    from c2d.cli import errors

    as_plugin = pathlib.Path(sys.argv[0]).name == "kubectl-c2d"
    try:
        app(prog_name="kubectl c2d" if as_plugin else "c2d")
    except KeyboardInterrupt:
        raise SystemExit(errors.INTERRUPTED) from None
    except BrokenPipeError:
        # Whoever read our output has enough of it; what is left must not fail once more when Python ends.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        raise SystemExit(errors.FAILED) from None
    except errors.EXPECTED as error:
        said = errors.explain(error)
        sys.stderr.write(f"error: {said.message}\n" + (f"  {said.remedy}\n" if said.remedy else ""))
        raise SystemExit(said.exit_code) from None


if __name__ == "__main__":
    main()
