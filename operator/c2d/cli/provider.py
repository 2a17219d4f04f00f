"""`c2d provider`: the operator-service's API as a Provider speaks it, to try an installation out.

Imports what it needs when it is called, as all commands do.
"""
# ruff: noqa: PLC0415

from typing import TYPE_CHECKING, Annotated

import typer

if TYPE_CHECKING:
    from c2d.cli.provider_work import Access

app = typer.Typer(
    help="Speak to an operator-service as a Provider does, to try an installation out.",
    no_args_is_help=True,
)

Url = Annotated[
    str,
    typer.Option("--url", envvar="C2D_SERVICE_URL", help="The operator-service, as the Provider has it."),
]
Key = Annotated[
    str,
    typer.Option(
        "--key",
        envvar="C2D_PROVIDER_KEY",
        help="The Provider's private key, 64 hex digits. Other users of this machine see it here, not in the variable.",
        show_default=False,
    ),
]
Owner = Annotated[
    str | None,
    typer.Option("--owner", help="The consumer's address; without it the key's own.", show_default=False),
]
Agreement = Annotated[str | None, typer.Option("--agreement", help="The agreement's ID.", show_default=False)]
MaybeJob = Annotated[str | None, typer.Argument(metavar="JOB", help="The job's ID.", show_default=False)]
Job = Annotated[str, typer.Argument(metavar="JOB", help="The job's ID.", show_default=False)]


@app.command()
def start(
    file: Annotated[
        str,
        typer.Argument(metavar="FILE", help="A workflow or a body of POST /compute, JSON or YAML; - for the input."),
    ],
    url: Url,
    key: Key,
    owner: Owner = None,
    environment: Annotated[
        str | None,
        typer.Option(
            "--environment", "-e", envvar="C2D_ENVIRONMENT", help="The environment; else the file's, else default."
        ),
    ] = None,
    agreement: Annotated[
        str | None, typer.Option("--agreement", help="The agreement's ID; else the file's, else a new one.")
    ] = None,
    chain_id: Annotated[int | None, typer.Option("--chain-id", help="The chain that the agreement is on.")] = None,
    valid_until: Annotated[
        int | None, typer.Option("--valid-until", help="The end of what is paid for, in seconds from now.")
    ] = None,
    wait: Annotated[bool, typer.Option("--wait", help="Wait for the end; exit code 0 only for a success.")] = False,
) -> None:
    """Start a compute job and print its status."""
    import secrets
    import time

    from c2d.cli import provider_work

    options = {
        "environment": environment,
        "agreementId": agreement,
        "chainId": chain_id,
        "validUntil": None if valid_until is None else int(time.time()) + valid_until,
    }
    given = {name: value for name, value in options.items() if value is not None}
    defaults = {"environment": "default", "agreementId": f"0x{secrets.token_hex(32)}"}
    raise typer.Exit(provider_work.start(_access(url, key, owner), file, given, defaults, wait=wait))


@app.command()
def status(job: MaybeJob = None, *, url: Url, key: Key, owner: Owner = None, agreement: Agreement = None) -> None:
    """Print a job's status, or those of all of the owner's jobs."""
    from c2d.cli import provider_work

    provider_work.compute(_access(url, key, owner), "GET", job, agreement)


@app.command()
def stop(
    job: MaybeJob = None,
    *,
    url: Url,
    key: Key,
    owner: Owner = None,
    agreement: Agreement = None,
    everything: Annotated[bool, typer.Option("--all", help="All of the owner's jobs.")] = False,
) -> None:
    """Stop a job, those of an agreement, or all of the owner's."""
    from c2d.cli import errors, provider_work

    if everything == bool(job or agreement):
        raise errors.Misused("it is not clear what to stop", "Name a JOB or an --agreement, or say --all.")
    provider_work.compute(_access(url, key, owner), "PUT", job, agreement)


@app.command()
def remove(job: Job, *, url: Url, key: Key, owner: Owner = None) -> None:
    """Delete a job's results; a job that still runs is stopped first."""
    from c2d.cli import provider_work

    provider_work.compute(_access(url, key, owner), "DELETE", job, None)


@app.command()
def result(
    job: Job,
    index: Annotated[int, typer.Argument(metavar="INDEX", help="Which of the results; the first is 0.")],
    *,
    url: Url,
    key: Key,
    owner: Owner = None,
    output: Annotated[
        str | None, typer.Option("--output", "-o", help="The file to write to, - for the output; else its own name.")
    ] = None,
    force: Annotated[bool, typer.Option("--force", help="Replace a file that is there.")] = False,
) -> None:
    """Fetch one of a job's results. A transfer that breaks off is continued."""
    from c2d.cli import provider_work

    provider_work.result(_access(url, key, owner), job, index, output, force=force)


@app.command()
def environments(url: Url) -> None:
    """Print the service's environments, which need no key."""
    from c2d.cli import provider_work

    provider_work.environments(url)


def _access(url: str, key: str, owner: str | None) -> "Access":
    import time

    from c2d.cli import provider_work

    return provider_work.access(url, key, owner, time.time_ns)
