"""A job's volume in a temporary folder, and the programs run on it."""

import itertools
import json
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from c2d.api.environment import IpfsTarget, S3Target, VolumeTarget
from c2d.api.plan import ConfigurePlan, Listener, PlannedFile, PublishPlan
from c2d.storage.targets import Target
from tests.data_plane import programs
from tests.data_plane.programs import Finished, Program

CLAIM = "job-uid-data"
RUNNER = b"the static runner"
_RUNS = itertools.count()


@dataclass(frozen=True)
class Volume:
    folder: Path

    @property
    def data(self) -> Path:
        return self.folder / "data"

    def path(self, name: str) -> Path:
        return self.data / name

    def read(self, name: str) -> bytes:
        return self.path(name).read_bytes()

    def contents(self) -> dict[str, tuple[int, bytes]]:
        """Every file with its mode and bytes, but for the log."""
        return {
            str(path.relative_to(self.data)): (path.stat().st_mode & 0o777, path.read_bytes())
            for path in sorted(self.data.rglob("*"))
            if path.is_file() and "adminlogs" not in path.parts
        }

    def make(self) -> None:
        """As configure leaves it, without inputs."""
        for name in ("outputs", "logs", "adminlogs"):
            self.path(name).mkdir(parents=True, exist_ok=True)

    def start_configure(
        self,
        inputs: Sequence[PlannedFile] = (),
        algorithm: Sequence[PlannedFile] = (),
        custom_data: object = None,
        *options: object,
    ) -> Program:
        plan = ConfigurePlan(
            job="ns/job",
            inputs=list(inputs),
            algorithm=list(algorithm),
            custom_data=custom_data,
            allow_private_addresses=True,
        )
        return self.start_plan(plan, *options)

    def start_plan(self, plan: ConfigurePlan, *options: object) -> Program:
        self.data.mkdir(exist_ok=True)
        runner = self.folder / "runner"
        runner.write_bytes(RUNNER)
        return self._start("c2d.configure.start", plan.model_dump_json(by_alias=True), {}, "--runner", runner, *options)

    def configure(self, *arguments: object, **named: object) -> Finished:
        return self.start_configure(*arguments, **named).wait()  # type: ignore[arg-type]

    def start_publish(
        self, target: Target, environment: dict[str, str], *options: object, listener: Listener | None = None
    ) -> Program:
        plan = PublishPlan(job="ns/job", uid="uid", progress=listener)
        match target:
            case S3Target():
                plan = plan.model_copy(update={"s3": target})
            case IpfsTarget():
                plan = plan.model_copy(update={"ipfs": target})
            case VolumeTarget():
                plan = plan.model_copy(update={"volume": CLAIM})
        secrets = self.folder / "secrets"
        text = plan.model_dump_json(by_alias=True)
        return self._start("c2d.publish.start", text, environment, "--secrets", secrets, *options)

    def publish(self, target: Target, environment: dict[str, str], *options: object) -> Finished:
        return self.start_publish(target, environment, *options).wait()

    def _start(self, module: str, plan: str, environment: dict[str, str], *options: object) -> Program:
        run = next(_RUNS)
        path = self.folder / f"plan-{run}.json"
        path.write_text(plan)
        json.loads(plan)
        return programs.start(
            module,
            "--plan",
            path,
            "--data",
            self.data,
            *options,
            report=self.folder / f"report-{run}",
            environment=environment,
        )
