"""Who downloads: c2d-configure as it runs in a pod, curl, aria2c. Each into a folder that is new."""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
import sys
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

from bench.downloads.serving import LARGE, SMALL, Served
from c2d.api.plan import ConfigurePlan, PlannedFile
from cluster.settings import ClusterError

ARIA2_MISSING = "aria2c is not installed (Debian and Ubuntu: apt-get install aria2); many small files have no reference"
_TIMED = Path(__file__).with_name("timed.py")
_IMPORT = re.compile(r"import time:\s+(\d+) \|\s+(\d+) \| +(\S+)")
_DEAREST = 15

Client = Callable[[Path], "Used"]


@dataclass(frozen=True)
class Used:
    """What one run took."""

    seconds: float
    cpu: float  # seconds
    peak: int  # bytes of memory (RSS)


def run(command: Sequence[str]) -> Used:
    """Raises ClusterError where it fails."""
    environment = {name: value for name, value in os.environ.items() if "proxy" not in name.lower()}
    done = subprocess.run(
        [sys.executable, "-I", str(_TIMED), *command], env=environment, capture_output=True, text=True, check=False
    )
    told = json.loads(done.stdout or '{"code": "nothing"}')
    if told.pop("code") != 0:
        raise ClusterError(f"{command[0]} failed: {done.stderr[-500:]}")
    return Used(**told)


@dataclass(frozen=True)
class Configure:
    """The real program with a plan of these files, by their place on the volume."""

    files: dict[str, str]

    def __call__(self, folder: Path) -> Used:
        return run([str(Path(sys.executable).with_name("c2d-configure")), *self._arguments(folder)])

    def _arguments(self, folder: Path) -> list[str]:
        inputs = [PlannedFile(path=path, url=url) for path, url in self.files.items()]
        plan = ConfigurePlan(job="bench/job", inputs=inputs, algorithm=[], allow_private_addresses=True)
        path = folder / "plan.json"
        path.write_text(plan.model_dump_json(by_alias=True))
        (folder / "data").mkdir()
        options = {"plan": path, "data": folder / "data", "runner": sys.executable, "report": folder / "report"}
        return [text for name, value in options.items() for text in (f"--{name}", str(value))]

    def imports(self, folder: Path) -> dict[str, dict[str, float]]:
        """The dearest modules: milliseconds of their own, and with what they import."""
        command = [sys.executable, "-X", "importtime", "-m", "c2d.configure.start", *self._arguments(folder)]
        done = subprocess.run(command, capture_output=True, text=True, check=True)
        found = {name: (int(own) / 1000, int(all_) / 1000) for own, all_, name in _IMPORT.findall(done.stderr)}
        dearest = sorted(found, key=lambda name: found[name], reverse=True)[:_DEAREST]
        return {name: {"own": found[name][0], "all": found[name][1]} for name in dearest}


def large(served: Served) -> Configure:
    return Configure({"inputs/large/0": served.url(LARGE)})


def many(served: Served, names: Sequence[str]) -> Configure:
    return Configure({f"inputs/many/{name}": served.url(f"{SMALL}/{name}") for name in names})


def curl(served: Served) -> Client:
    program = shutil.which("curl")
    if program is None:
        raise ClusterError("curl is needed as the reference of large files")
    command = [program, "--silent", "--show-error", "--fail", "--output"]
    return lambda folder: run([*command, str(folder / LARGE), served.url(LARGE)])


def aria2c(served: Served, names: Sequence[str]) -> Client | None:
    """None where it is not installed."""
    program = shutil.which("aria2c")
    if program is None:
        return None

    def download(folder: Path) -> Used:
        urls = folder / "urls"
        urls.write_text("".join(f"{served.url(f'{SMALL}/{name}')}\n" for name in names))
        return run([program, "--quiet", "-j16", "--no-conf", "-d", str(folder / "files"), "-i", str(urls)])

    return download
