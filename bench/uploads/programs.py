"""The programs that are measured: c2d-publish as it runs in a pod, and what else puts a folder into a bucket."""

from __future__ import annotations

import contextlib
import os
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from bench.service.servers import memory_in
from c2d.api import volume
from c2d.api.environment import S3Target
from c2d.api.plan import PublishPlan
from cluster.settings import REPOSITORY, ClusterError

OURS, S5CMD, AWS = "c2d-publish", "s5cmd", "aws s3 cp"
BUCKET = "bench"
_REGION = "us-east-1"
_PREFIX = "uploads"
_LOOK = 0.02  # seconds between two looks at a process's memory


@dataclass(frozen=True)
class Run:
    """One process, from its start to its end; seconds and bytes."""

    seconds: float
    cpu: float
    memory: int


@dataclass(frozen=True)
class Bucket:
    """A bucket of a running server, which keeps its objects as files of a folder."""

    endpoint: str
    folder: Path
    key: str
    secret: str

    @property
    def environment(self) -> dict[str, str]:
        return {"AWS_ACCESS_KEY_ID": self.key, "AWS_SECRET_ACCESS_KEY": self.secret, "AWS_REGION": _REGION}

    def stored(self) -> int:
        """How many bytes of results there are."""
        below = self.folder / _PREFIX
        return sum(path.stat().st_size for path in below.rglob("*") if path.is_file() and path.parent.name == "outputs")

    def empty(self) -> None:
        shutil.rmtree(self.folder / _PREFIX, ignore_errors=True)


@dataclass(frozen=True)
class Outputs:
    """A job's volume with nothing but outputs."""

    data: Path
    files: int
    size: int  # bytes of each

    @property
    def folder(self) -> Path:
        return self.data / volume.OUTPUTS

    @property
    def bytes(self) -> int:
        return self.files * self.size


@contextmanager
def scratch() -> Iterator[Path]:
    """A folder in memory where there is one, so that no disk decides."""
    memory = Path("/dev/shm")  # noqa: S108 - everything goes into a new folder there
    with tempfile.TemporaryDirectory(prefix="c2d-bench-", dir=memory if os.access(memory, os.W_OK) else None) as made:
        yield Path(made)


def outputs(data: Path, files: int, size: int) -> Outputs:
    """Makes them, of random bytes."""
    for name in (volume.OUTPUTS, "logs", "adminlogs"):
        (data / name).mkdir(parents=True)
    piece = os.urandom(min(size, 1 << 20))
    for number in range(files):
        with (data / volume.OUTPUTS / f"{number:06}").open("wb") as file:
            for left in range(size, 0, -len(piece)):
                file.write(piece[:left])
    return Outputs(data, files, size)


def found() -> list[str]:
    """Those that are here, ours first."""
    return [OURS, *(name for name, program in ((S5CMD, _s5cmd()), (AWS, shutil.which("aws"))) if program is not None)]


def _s5cmd() -> str | None:
    """On PATH, or beside this Python, where the development dependencies are."""
    return shutil.which("s5cmd", path=f"{Path(sys.executable).parent}:{os.environ.get('PATH', '')}")


def upload(name: str, bucket: Bucket, what: Outputs) -> Run:
    """Puts the outputs into the bucket, empty before and after. Raises ClusterError where they didn't arrive."""
    bucket.empty()
    try:
        run = _measured(_command(name, bucket, what), bucket.environment)
        if bucket.stored() != what.bytes:
            raise ClusterError(f"{name} stored {bucket.stored()} of {what.bytes} bytes")
        return run
    finally:
        bucket.empty()


def _command(name: str, bucket: Bucket, what: Outputs) -> Sequence[str]:
    if name == OURS:
        return _ours(bucket, what)
    to = f"s3://{BUCKET}/{_PREFIX}/outputs/"
    if name == S5CMD:
        return [f"{_s5cmd()}", "--endpoint-url", bucket.endpoint, "cp", f"{what.folder}/", to]
    return ["aws", "--endpoint-url", bucket.endpoint, "s3", "cp", "--recursive", "--quiet", f"{what.folder}", to]


def _ours(bucket: Bucket, what: Outputs) -> Sequence[str]:
    target = S3Target(endpoint=bucket.endpoint, region=_REGION, bucket=BUCKET, prefix=_PREFIX)
    plan = what.data / "plan.json"
    plan.write_text(PublishPlan(job="bench/bench", uid="bench", s3=target).model_dump_json(by_alias=True))
    report = what.data / "report"
    return [
        *(sys.executable, "-m", "c2d.publish.start"),
        *("--plan", f"{plan}", "--data", f"{what.data}", "--report", f"{report}"),
    ]


def _measured(command: Sequence[str], environment: Mapping[str, str]) -> Run:
    variables = {**os.environ, **environment, "PYTHONPATH": str(REPOSITORY / "operator")}
    # In an image, everything is compiled.
    variables.pop("PYTHONDONTWRITEBYTECODE", None)
    with tempfile.TemporaryFile() as said, ThreadPoolExecutor(1) as watcher:
        begin = time.monotonic()
        process = subprocess.Popen(command, env=variables, stdout=said, stderr=subprocess.STDOUT)
        memory = watcher.submit(_most_memory, process.pid)
        _, status, usage = os.wait4(process.pid, 0)
        seconds = time.monotonic() - begin
        process.returncode = os.waitstatus_to_exitcode(status)
        if process.returncode:
            said.seek(0)
            raise ClusterError(f"{command[0]} ended with {process.returncode}: {said.read()[-1000:].decode()}")
    return Run(seconds, usage.ru_utime + usage.ru_stime, memory.result())


def _most_memory(pid: int) -> int:
    """Until its end. What the kernel tells afterwards counts the memory of this process, which it was forked from."""
    most = 0
    with contextlib.suppress(OSError, KeyError):
        while True:
            most = memory_in(Path(f"/proc/{pid}/status").read_text())["VmHWM"]
            time.sleep(_LOOK)
    return most
