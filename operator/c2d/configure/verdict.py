"""From an error to the report and the exit code that the engine reads. Pure."""

from c2d.api import report
from c2d.api.reasons import Reason
from c2d.api.report import ConfigureReport
from c2d.configure.errors import ConfigureError, DiskFull, DownloadFailed, NotTrusted, Role, TaskFailed, WrongChecksum
from c2d.inpod.ending import Ending, may_pass, where

_REASONS = {
    (DownloadFailed, Role.INPUT): Reason.INPUT_DOWNLOAD_FAILED,
    (DownloadFailed, Role.ALGORITHM): Reason.ALGORITHM_DOWNLOAD_FAILED,
    (WrongChecksum, Role.INPUT): Reason.CHECKSUM_MISMATCH,
    (WrongChecksum, Role.ALGORITHM): Reason.ALGORITHM_CHECKSUM_MISMATCH,
}


def failed(error: ConfigureError) -> Ending[ConfigureReport]:
    code = report.EXIT_RETRY if error.may_pass else report.EXIT_FAILED
    return Ending(code, ConfigureReport(reason=_reason(error), message=str(error)))


def _reason(error: ConfigureError) -> Reason:
    cause, role = (error.error, error.role) if isinstance(error, TaskFailed) else (error, None)
    if isinstance(cause, DiskFull):
        return Reason.DISK_FULL
    if isinstance(cause, NotTrusted):
        return Reason.ALGORITHM_NOT_TRUSTED
    return _REASONS.get((type(cause), role), Reason.CONFIGURE_FAILED) if role else Reason.CONFIGURE_FAILED


def broken(error: Exception) -> Ending[ConfigureReport]:
    """Something that nobody foresaw. Its text may hold anything, so only its class and place are told."""
    code = report.EXIT_RETRY if may_pass(error) else report.EXIT_FAILED
    return Ending(code, ConfigureReport(reason=Reason.CONFIGURE_FAILED, message=where(error)))


def told_to_end() -> Ending[ConfigureReport]:
    """Not the program's fault: another pod may finish the work."""
    return Ending(
        report.EXIT_RETRY,
        ConfigureReport(reason=Reason.CONFIGURE_FAILED, message="configure was told to end before it was done"),
    )
