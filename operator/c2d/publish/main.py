"""`c2d-publish`: stores a job's outputs and logs as its plan says, and reports."""

import argparse
import gc
import os
import sys
from collections.abc import Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import NoReturn

import pydantic

from c2d.api import plan as plans
from c2d.api import report, volume
from c2d.api.receipt import Facts
from c2d.api.report import PublishReport
from c2d.inpod.ending import Ending, on_sigterm, where, write_report
from c2d.inpod.log import Log, open_log
from c2d.inpod.reporter import INTERVAL, reporting
from c2d.publish import kept, verdict
from c2d.publish.errors import PlanInvalid, PublishError
from c2d.publish.limits import Limits
from c2d.publish.publication import Publication, Published, World
from c2d.storage import targets
from c2d.storage.errors import StorageError
from c2d.storage.kept import KeptStore
from c2d.storage.opening import open_store
from c2d.storage.store import Store


def parse_arguments(arguments: Sequence[str]) -> argparse.Namespace:
    parser = argparse.ArgumentParser("c2d-publish", description=__doc__)
    parser.add_argument("--plan", type=Path, default=Path(plans.MOUNT, plans.PUBLISH_FILE))
    parser.add_argument("--data", type=Path, default=Path(volume.ROOT), help="where the job's volume is")
    parser.add_argument("--logs-only", action="store_true", help="publish no outputs")
    parser.add_argument("--attempt", type=int, default=0, help="how many pods have tried it before this one")
    parser.add_argument("--max-bytes", type=int, help="the most that all outputs together may have")
    parser.add_argument("--secrets", type=Path, default=Path(plans.SECRETS), help="a folder of headers for each Secret")
    parser.add_argument("--progress-interval", type=float, default=INTERVAL, help="seconds between two reports")
    parser.add_argument("--report", type=Path, default=Path(report.PATH))
    return parser.parse_args(arguments)


def main() -> NoReturn:
    arguments = parse_arguments(sys.argv[1:])
    os.umask(0o022)
    log = open_log(_now, arguments.data / volume.PUBLISH_LOG)
    on_sigterm(verdict.told_to_end, arguments.report, log)
    ending = _run(arguments, log)
    write_report(arguments.report, ending.report, log)
    # All is told and closed; Python would go through everything that botocore has loaded, for a tenth of a second.
    os._exit(ending.code)


def _run(arguments: argparse.Namespace, log: Log) -> Ending[PublishReport]:
    try:
        return _publish(arguments, log)
    except (StorageError, PublishError) as error:
        log.say(f"failed: {error}")
        return verdict.failed(error)
    except Exception as error:
        log.say(f"failed: {where(error)}")
        return verdict.broken(error)


def _publish(arguments: argparse.Namespace, log: Log) -> Ending[PublishReport]:
    plan = _read_plan(arguments.plan).model_copy(update={"attempt": arguments.attempt})
    plan = _with_facts(plan, os.environ.get(plans.FACTS, ""))
    where, store = _opened(plan, arguments)
    log.say(f"publishing {plan.job} to {where}" + (", logs only" if arguments.logs_only else ""))
    # All is loaded; see start.py.
    gc.freeze()
    gc.enable()
    world, limits = World(now=_now, say=log.say), Limits(bytes=arguments.max_bytes)
    publication = Publication(plan, arguments.data, store, world, limits)
    with reporting(plan.progress, world.tally.now, log.say, arguments.progress_interval):
        published = publication.run(with_outputs=not arguments.logs_only)
    log.say(f"done: {published.count} results, {published.bytes} bytes, {published.skipped} skipped")
    if plan.volume is not None:
        kept.clean(arguments.data)
    return Ending(report.EXIT_OK, _report(published))


def _opened(plan: plans.PublishPlan, arguments: argparse.Namespace) -> tuple[str, Store]:
    """Where results go, in words, and the storage there. On IPFS their address is not known yet."""
    if plan.volume is not None:
        return f"volume {plan.volume}, where they stay", KeptStore(arguments.data / volume.RESULTS)
    if plan.ipfs is not None:
        return f"IPFS as {plan.prefix}", open_store(plan.ipfs, arguments.secrets)
    if plan.s3 is not None:
        return targets.location(plan.s3, plan.prefix), open_store(plan.s3, arguments.secrets)
    raise PlanInvalid("the plan says nowhere to publish to: it has none of s3, ipfs, volume")


def _report(published: Published) -> PublishReport:
    skipped = f"{published.skipped} things were not published; the manifest says which and why"
    return PublishReport(
        message=skipped if published.skipped else "",
        location=published.location,
        manifest=published.manifest,
        manifest_sha256=published.manifest_sha256,
        count=published.count,
        bytes=published.bytes,
        files=list(published.files),
    )


def _read_plan(path: Path) -> plans.PublishPlan:
    try:
        return plans.PublishPlan.model_validate_json(path.read_bytes())
    except OSError as error:
        raise PlanInvalid(f"the plan {path} can't be read: {error.strerror}") from error
    except pydantic.ValidationError as error:
        places = ", ".join(".".join(map(str, problem["loc"])) for problem in error.errors(include_input=False))
        raise PlanInvalid(f"the plan {path} is wrong at: {places}") from None


def _with_facts(plan: plans.PublishPlan, text: str) -> plans.PublishPlan:
    """What the engine told only when it made this pod."""
    if not text:
        return plan
    try:
        return plan.model_copy(update={"receipt": Facts.model_validate_json(text)})
    except pydantic.ValidationError:
        raise PlanInvalid(f"the variable {plans.FACTS} can't be read") from None


def _now() -> datetime:
    return datetime.now(UTC)
