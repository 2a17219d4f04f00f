"""From an error to what the engine reads."""

import pytest

from c2d.api.reasons import Reason
from c2d.api.report import EXIT_FAILED, EXIT_RETRY
from c2d.configure import verdict
from c2d.configure.errors import (
    ConfigureError,
    DiskFull,
    DownloadFailed,
    NotTrusted,
    PlanInvalid,
    Role,
    TaskFailed,
    WrongChecksum,
)


@pytest.mark.parametrize(
    ("error", "reason", "code"),
    [
        (TaskFailed(Role.INPUT, DownloadFailed("x")), Reason.INPUT_DOWNLOAD_FAILED, EXIT_FAILED),
        (TaskFailed(Role.INPUT, DownloadFailed("x", may_pass=True)), Reason.INPUT_DOWNLOAD_FAILED, EXIT_RETRY),
        (TaskFailed(Role.ALGORITHM, DownloadFailed("x")), Reason.ALGORITHM_DOWNLOAD_FAILED, EXIT_FAILED),
        (TaskFailed(Role.ALGORITHM, DownloadFailed("x", may_pass=True)), Reason.ALGORITHM_DOWNLOAD_FAILED, EXIT_RETRY),
        (TaskFailed(Role.INPUT, WrongChecksum("x")), Reason.CHECKSUM_MISMATCH, EXIT_FAILED),
        (TaskFailed(Role.ALGORITHM, WrongChecksum("x")), Reason.ALGORITHM_CHECKSUM_MISMATCH, EXIT_FAILED),
        (TaskFailed(Role.INPUT, DiskFull("x")), Reason.DISK_FULL, EXIT_FAILED),
        (NotTrusted("x"), Reason.ALGORITHM_NOT_TRUSTED, EXIT_FAILED),
        (DiskFull("x"), Reason.DISK_FULL, EXIT_FAILED),
        (PlanInvalid("x"), Reason.CONFIGURE_FAILED, EXIT_FAILED),
    ],
)
def test_every_error_has_a_reason(error: ConfigureError, reason: Reason, code: int) -> None:
    ending = verdict.failed(error)
    assert (ending.report.reason, ending.report.message, ending.code) == (reason, "x", code)


def test_an_unforeseen_error_is_told_by_class_and_place_only() -> None:
    try:
        raise ValueError("https://example.org/?token=geheim")
    except ValueError as error:
        ending = verdict.broken(error)
    assert ending.code == EXIT_FAILED
    assert ending.report.reason is Reason.CONFIGURE_FAILED
    assert ending.report.message.startswith("ValueError at test_verdict.py:")
    assert "geheim" not in ending.report.message


def test_to_be_told_to_end_is_no_fault_of_the_job() -> None:
    assert verdict.told_to_end().code == EXIT_RETRY
