"""What a program imports is what it needs: start-up time counts, and in a pod there is no cluster to speak to."""

import json
import subprocess
import sys
from pathlib import Path

import pytest

OPERATOR = Path(__file__).parents[3] / "operator"
LIST_MODULES = "import json, sys, {module}; print(json.dumps(sorted({{name.split('.')[0] for name in sys.modules}})))"
LIST_OURS = "import json, sys, {module}; print(json.dumps([name for name in sys.modules if name.startswith('c2d.')]))"


def imported(script: str, module: str) -> set[str]:
    command = [sys.executable, "-c", script.format(module=module)]
    done = subprocess.run(command, env={"PYTHONPATH": str(OPERATOR)}, capture_output=True, text=True, check=True)
    return set(json.loads(done.stdout))


@pytest.mark.parametrize(
    ("module", "foreign"),
    [
        pytest.param("c2d.configure.main", {"aiohttp", "asyncio", "botocore"}, id="configure until it fetches"),
        pytest.param("c2d.configure.fetch", {"botocore"}, id="configure, when it fetches"),
        pytest.param("c2d.publish.main", {"aiohttp", "asyncio", "boto3", "botocore"}, id="publish until it stores"),
        pytest.param("c2d.storage.s3", {"aiohttp", "boto3"}, id="publish to S3"),
        pytest.param("c2d.storage.results", {"aiohttp"}, id="the reader of results"),
    ],
)
def test_nothing_heavy_that_is_not_needed(module: str, foreign: set[str]) -> None:
    assert not imported(LIST_MODULES, module) & (foreign | {"kopf", "kubernetes", "typer", "rich"})


@pytest.mark.parametrize(("program", "other"), [("configure", "publish"), ("publish", "configure")])
def test_programs_know_neither_the_cluster_nor_each_other(program: str, other: str) -> None:
    ours = {name.split(".")[1] for name in imported(LIST_OURS, f"c2d.{program}.main")}
    assert not ours & {"kube", "engine", "cli", other}
