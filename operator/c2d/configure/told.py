"""A run that tells what it does in its log, and how it ended: the same in a pod and by hand."""

from collections.abc import Callable
from pathlib import Path

from c2d.api import report
from c2d.api.plan import ConfigurePlan
from c2d.api.progress import in_words
from c2d.api.report import ConfigureReport
from c2d.configure import verdict
from c2d.configure.errors import ConfigureError
from c2d.configure.fill import Filled, fill
from c2d.configure.settings import Settings, World
from c2d.inpod.ending import Ending, where
from c2d.inpod.log import Log


def told(plan: ConfigurePlan, data: Path, runner: Path | None, settings: Settings, world: World) -> Filled:
    """Fills the volume, whose folders are there. Raises what `fill` raises."""
    world.say(
        f"configuring {plan.job}: {len(plan.inputs)} input files, {len(plan.algorithm)} algorithm files, "
        f"{len(plan.assets)} assets"
    )
    filled = fill(plan, data, runner, settings, world)
    world.say(f"done: {filled.files} files, {in_words(filled.bytes)}")
    return filled


def ending_of(work: Callable[[], Filled], log: Log) -> Ending[ConfigureReport]:
    """How the work ended. Raises nothing."""
    try:
        filled = work()
    except ConfigureError as error:
        log.say(f"failed: {error}")
        return verdict.failed(error)
    except Exception as error:
        log.say(f"failed: {where(error)}")
        return verdict.broken(error)
    return Ending(report.EXIT_OK, ConfigureReport(files=filled.files, bytes=filled.bytes))
