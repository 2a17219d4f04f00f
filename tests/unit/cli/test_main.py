"""The command line itself: options, usage, exit codes; nothing that needs a cluster."""

import subprocess
import sys

import pytest
from typer.testing import CliRunner

from c2d.cli import errors, main

COMMANDS = ("run", "list", "get", "logs", "results", "stop")


def invoke(*arguments: str) -> "CliRunner":
    return CliRunner().invoke(main.app, arguments)


@pytest.mark.parametrize("command", COMMANDS)
def test_every_command_has_help(command):
    answer = invoke(command, "--help")
    assert answer.exit_code == 0
    assert "--namespace" in answer.output


@pytest.mark.parametrize(
    "arguments",
    [
        pytest.param(["run"], id="no file"),
        pytest.param(["get"], id="no job"),
        pytest.param(["results", "branin"], id="no folder"),
        pytest.param(["logs", "branin", "--step", "filter"], id="no such step"),
        pytest.param(["get", "branin", "-o", "xml"], id="no such format"),
        pytest.param(["frobnicate"], id="no such command"),
    ],
)
def test_wrong_usage_ends_with_2(arguments):
    assert invoke(*arguments).exit_code == errors.MISUSED


def test_a_file_is_checked_before_a_cluster_is_asked(tmp_path):
    answer = invoke("run", str(tmp_path / "none.yaml"))
    assert isinstance(answer.exception, errors.Misused)


def c2d(*arguments: str, **environ: str) -> subprocess.CompletedProcess[str]:
    program = "import sys; from c2d.cli import main; sys.argv[0] = 'kubectl-c2d'; main.main()"
    command = [sys.executable, "-c", program, *arguments]
    return subprocess.run(command, capture_output=True, text=True, env={"COLUMNS": "80", **environ}, check=False)


def test_an_error_is_two_lines_and_no_traceback(tmp_path):
    answer = c2d("list", KUBECONFIG=str(tmp_path / "none"), PYTHONPATH="operator")
    assert answer.returncode == 1
    assert answer.stderr.splitlines()[0].startswith("error: no cluster is configured")
    assert len(answer.stderr.splitlines()) == 2


def test_help_loads_nothing_heavy():
    program = "import sys; from c2d.cli import main; print(*sys.modules)"
    answer = subprocess.run(
        [sys.executable, "-c", program], capture_output=True, text=True, check=True, env={"PYTHONPATH": "operator"}
    )
    loaded = set(answer.stdout.split())
    assert not loaded & {"kubernetes", "boto3", "botocore", "pydantic", "aiohttp", "yaml", "asyncio"}


def test_the_plugin_calls_itself_by_the_name_that_users_type():
    assert "Usage: kubectl c2d" in c2d("--help", PYTHONPATH="operator").stdout
