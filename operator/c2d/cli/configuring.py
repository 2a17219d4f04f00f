"""`c2d configure`: what the configure pod does, in this process and for a person."""

import os
import pathlib
import random
from datetime import UTC, datetime

from c2d.api import report, volume
from c2d.api.plan import ConfigurePlan
from c2d.api.reasons import ENDINGS, Reason
from c2d.api.report import ConfigureReport
from c2d.cli import errors, provider_file, terminal, wording
from c2d.configure import by_hand, place
from c2d.configure.fill import Filled
from c2d.configure.settings import Settings, World
from c2d.configure.signer import Signer
from c2d.configure.told import ending_of, told
from c2d.inpod.log import STDERR, Log, open_log
from c2d.ocean import workflow
from c2d.ocean.errors import BadKey, WorkflowInvalid

DONE, OF_DATA, OF_ALGORITHM = 30, 31, 32
KEY = "OPERATOR_PRIVATE_KEY"
_JOB = "by-hand"


def configure(file: str, path: pathlib.Path, key: str, *, private_addresses: bool) -> int:
    """Fills the folder as the file's workflow says. Returns the exit code; raises Misused."""
    plan = _plan(file, private_addresses)
    signer = _signer(plan, key)
    os.umask(0o022)
    log = _prepare(path)
    world = World(now=_now, chance=random.random, boot="", say=log.say, signer=signer)

    def work() -> Filled:
        return told(plan, path, None, Settings(), world)

    ended = ending_of(work, log).report
    terminal.answers().print(status_line(ended), markup=False, soft_wrap=True)
    return errors.FAILED if ended.reason else report.EXIT_OK


def status_line(ended: ConfigureReport) -> str:
    """How it ended, by the codes that Ocean's clients know. Pure."""
    if ended.reason is None:
        return f"STATUS={DONE}"
    message = " ".join(wording.plain(ended.message).split())
    return f"STATUS={_code(ended.reason)} {ended.reason}: {message}"


def _code(reason: Reason) -> int:
    """Whatever breaks meanwhile is about the data, unless it is the algorithm."""
    return OF_ALGORITHM if ENDINGS[reason].code == OF_ALGORITHM else OF_DATA


def _plan(file: str, private_addresses: bool) -> ConfigurePlan:
    asked = provider_file.read(file)
    try:
        return by_hand.plan(workflow.parse(asked["workflow"]), _JOB, private_addresses)
    except WorkflowInvalid as error:
        remedy = f"Correct {error.field} in {'the standard input' if file == '-' else file}."
        raise errors.Misused(str(error), remedy) from error


def _signer(plan: ConfigurePlan, key: str) -> Signer | None:
    """Only where there is something to sign: other workflows need no key."""
    if not plan.assets:
        return None
    remedy = f"Set {KEY} to the key of the account that the assets were ordered for, 64 hex digits."
    if not key:
        why = f"{plan.assets[0].did} has to be fetched from its Provider, and {KEY} is not set"
        raise errors.Misused(why, remedy)
    from c2d.configure.own_key import KeySigner  # noqa: PLC0415 - cryptography takes its time to load
    from c2d.ocean.signatures import PrivateKey  # noqa: PLC0415

    try:
        return KeySigner(PrivateKey(key), _now)
    except BadKey as error:
        raise errors.Misused(f"{KEY} can't be used: {error}", remedy) from error


def _prepare(path: pathlib.Path) -> Log:
    try:
        path.mkdir(parents=True, exist_ok=True)
        place.make_folders(path)
    except OSError as error:
        why = f"the folders can't be made in {path}: {error.strerror}"
        raise errors.Misused(why, "Name another folder with --path.") from error
    return open_log(_now, path / volume.CONFIGURE_LOG, STDERR)


def _now() -> datetime:
    return datetime.now(UTC)
