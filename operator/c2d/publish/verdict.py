"""From an error to the report and the exit code that the engine reads. Pure."""

from c2d.api import report
from c2d.api.reasons import Reason
from c2d.api.report import PublishReport
from c2d.inpod.ending import Ending, may_pass, where
from c2d.publish.errors import PublishError
from c2d.storage.errors import StorageError


def _failed(code: int, message: str) -> Ending[PublishReport]:
    return Ending(code, PublishReport(reason=Reason.PUBLISH_FAILED, message=message))


def failed(error: StorageError | PublishError) -> Ending[PublishReport]:
    return _failed(report.EXIT_RETRY if error.may_pass else report.EXIT_FAILED, str(error))


def broken(error: Exception) -> Ending[PublishReport]:
    """Something that nobody foresaw. Its text may hold anything, so only its class and place are told."""
    return _failed(report.EXIT_RETRY if may_pass(error) else report.EXIT_FAILED, where(error))


def told_to_end() -> Ending[PublishReport]:
    """Not the program's fault: another pod may finish the work."""
    return _failed(report.EXIT_RETRY, "publish was told to end before it was done")
