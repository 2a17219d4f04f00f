"""Publishes the outputs folder: opens what the inventory names, judges it, and hands it to the uploader."""

import os
from collections.abc import Iterator
from concurrent.futures import Executor
from pathlib import Path

from c2d.inpod.tally import Tally
from c2d.publish import hostile, inventory, names
from c2d.publish.errors import VolumeBroken
from c2d.publish.limits import Budget, Limits
from c2d.publish.skips import Skips
from c2d.publish.upload import NotSent, OpenFile, Sent, Uploader, in_order

WINDOW = 64  # files open at a time, unless more are sent at once


def publish(
    folder: Path, uploader: Uploader, pool: Executor, limits: Limits, skips: Skips, at_once: int = 0
) -> list[Sent]:
    """Stores all that may be stored, in the threads of the pool; gives it sorted by name.

    `at_once` is how many of these there are. Raises StorageError and VolumeBroken.
    """
    sent = []
    with hostile.closing(_open_root(folder)) as root:
        files = _open_all(
            root, inventory.take(root, limits, skips, uploader.tally), _Judge(limits), skips, uploader.tally
        )
        for outcome in in_order(pool, uploader.send_file, files, max(WINDOW, at_once)):
            if isinstance(outcome, NotSent):
                skips.add(outcome.filename, outcome.reason)
            else:
                sent.append(outcome)
    return sent


def _open_root(folder: Path) -> int:
    try:
        return hostile.open_root(folder)
    except OSError as error:
        raise VolumeBroken(f"the folder {folder} can't be opened: {error.strerror}") from error


def _open_all(root: int, listed: list[str], judge: "_Judge", skips: Skips, tally: Tally) -> Iterator[OpenFile]:
    for filename in listed:
        try:
            descriptor = hostile.open_file(root, names.decode(filename))
        except OSError as error:
            skips.add(filename, f"it can't be opened: {hostile.explain(error)}")
            continue
        size, objection = judge.judge(descriptor)
        if objection:
            os.close(descriptor)
            tally.dropped(size)
            skips.add(filename, objection)
        else:
            yield OpenFile(filename, descriptor, size)


class _Judge:
    """Asks the budget, and counts what many links lead to only once."""

    def __init__(self, limits: Limits) -> None:
        self._budget = Budget(limits)
        self._linked: set[tuple[int, int]] = set()

    def judge(self, descriptor: int) -> tuple[int, str | None]:
        """The open file's size, and why it is not published."""
        status = os.fstat(descriptor)
        data = 0 if self._seen(status) else hostile.data_bytes(descriptor, status.st_size)
        return status.st_size, self._budget.objection(status.st_size, data)

    def _seen(self, status: os.stat_result) -> bool:
        if status.st_nlink == 1:
            return False
        identity = (status.st_dev, status.st_ino)
        seen = identity in self._linked
        self._linked.add(identity)
        return seen
