"""Runs the in-pod programs as a pod does: a process of its own, without capabilities."""

import json
import os
import shutil
import subprocess
import sys
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import pytest

OPERATOR = Path(__file__).parents[2] / "operator"
DEADLINE = 60  # seconds; a test that needs it has failed


@dataclass(frozen=True)
class Finished:
    code: int
    output: str
    report: dict[str, object]


@dataclass
class Program:
    """One run of a program."""

    process: "subprocess.Popen[str]"
    report: Path

    def wait(self) -> Finished:
        output, _ = self.process.communicate(timeout=DEADLINE)
        text = self.report.read_text() if self.report.exists() else "{}"
        return Finished(self.process.returncode, output, json.loads(text or "{}"))

    def kill(self) -> None:
        self.process.kill()
        self.process.communicate(timeout=DEADLINE)


def start(module: str, *arguments: object, report: Path, environment: dict[str, str] | None = None) -> Program:
    command = [*_without_capabilities(), sys.executable, "-m", module, *map(str, arguments), "--report", str(report)]
    inherited = {name: value for name, value in os.environ.items() if not name.startswith("AWS_")}
    variables = {**inherited, "PYTHONPATH": str(OPERATOR), **(environment or {})}
    process = subprocess.Popen(
        command, env=variables, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, errors="replace"
    )
    return Program(process, report)


def _without_capabilities() -> list[str]:
    """Root reads files of every mode; without its capabilities it is an owner like any other."""
    if os.geteuid() != 0:
        return []
    if shutil.which("setpriv") is None:
        pytest.skip("as root, these tests need setpriv (util-linux) to start programs without capabilities")
    return ["setpriv", "--bounding-set=-all", "--inh-caps=-all"]


def eventually(condition: Callable[[], bool], what: str) -> None:
    """Waits until the condition holds; fails when the deadline is over."""
    deadline = time.monotonic() + DEADLINE
    while not condition():
        assert time.monotonic() < deadline, f"never: {what}"
        time.sleep(0.01)
