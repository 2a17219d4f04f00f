"""`c2d-configure`: fills a job's volume as its plan says, and reports."""

import argparse
import os
import random
import sys
from collections.abc import Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import NoReturn

import pydantic

from c2d.api import plan as plans
from c2d.api import report, volume
from c2d.api.report import ConfigureReport
from c2d.configure import place, verdict
from c2d.configure.errors import PlanInvalid
from c2d.configure.fill import Filled
from c2d.configure.retry import Policy
from c2d.configure.settings import Settings, World
from c2d.configure.told import ending_of, told
from c2d.inpod.ending import Ending, on_sigterm, write_report
from c2d.inpod.log import Log, open_log
from c2d.inpod.reporter import INTERVAL, reporting

RUNNER = "/usr/local/bin/c2d-runner"
BOOT_ID = Path("/proc/sys/kernel/random/boot_id")


def parse_arguments(arguments: Sequence[str]) -> argparse.Namespace:
    parser = argparse.ArgumentParser("c2d-configure", description=__doc__)
    parser.add_argument("--plan", type=Path, default=Path(plans.MOUNT, plans.CONFIGURE_FILE))
    parser.add_argument("--data", type=Path, default=Path(volume.ROOT), help="where the job's volume is")
    parser.add_argument("--runner", type=Path, default=Path(RUNNER), help="the static runner, to be copied")
    parser.add_argument("--report", type=Path, default=Path(report.PATH))
    parser.add_argument("--stall-timeout", type=float, default=60, help="seconds without a byte that count as a cut")
    parser.add_argument("--attempts", type=int, default=6, help="failures in a row that end a download")
    parser.add_argument("--progress-interval", type=float, default=INTERVAL, help="seconds between two reports")
    return parser.parse_args(arguments)


def main() -> NoReturn:
    arguments = parse_arguments(sys.argv[1:])
    os.umask(0o022)
    log = _prepare(arguments.data)
    on_sigterm(verdict.told_to_end, arguments.report, log)
    ending = _run(arguments, log)
    write_report(arguments.report, ending.report, log)
    # All is told and closed; Python would go through everything that it has loaded.
    os._exit(ending.code)


def _prepare(data: Path) -> Log:
    """The folders come first, because the log is in one of them."""
    failure = ""
    try:
        place.make_folders(data)
    except OSError as error:
        failure = f"the folders can't be made: {error.strerror}"
    log = open_log(_now, data / volume.CONFIGURE_LOG)
    if failure:
        log.say(failure)
    return log


def _run(arguments: argparse.Namespace, log: Log) -> Ending[ConfigureReport]:
    world = World(now=_now, chance=random.random, boot=_boot_id(), say=log.say)

    def work() -> Filled:
        with place.disk_full_is_told():
            place.make_folders(arguments.data)
        plan = _read_plan(arguments.plan)
        with reporting(plan.progress, world.tally.now, log.say, arguments.progress_interval):
            return told(plan, arguments.data, arguments.runner, _settings(arguments), world)

    return ending_of(work, log)


def _settings(arguments: argparse.Namespace) -> Settings:
    return Settings(policy=Policy(attempts=arguments.attempts), stall_timeout=arguments.stall_timeout)


def _read_plan(path: Path) -> plans.ConfigurePlan:
    try:
        return plans.ConfigurePlan.model_validate_json(path.read_bytes())
    except OSError as error:
        raise PlanInvalid(f"the plan {path} can't be read: {error.strerror}") from error
    except pydantic.ValidationError as error:
        places = ", ".join(".".join(map(str, problem["loc"])) for problem in error.errors(include_input=False))
        raise PlanInvalid(f"the plan {path} is wrong at: {places}") from None


def _now() -> datetime:
    return datetime.now(UTC)


def _boot_id() -> str:
    try:
        return BOOT_ID.read_text(encoding="ascii").strip()
    except OSError:
        return ""


if __name__ == "__main__":
    main()
