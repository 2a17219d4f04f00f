"""From an error to what the engine reads."""

import pytest

from c2d.api.reasons import Reason
from c2d.api.report import EXIT_FAILED, EXIT_RETRY
from c2d.publish import verdict
from c2d.publish.errors import PlanInvalid, PublishError, Unreadable, VolumeBroken
from c2d.storage.errors import Denied, Missing, Refused, StorageError, Unavailable


@pytest.mark.parametrize(
    ("error", "code"),
    [
        (Unavailable("x"), EXIT_RETRY),
        (Denied("x"), EXIT_FAILED),
        (Missing("x"), EXIT_FAILED),
        (Refused("x"), EXIT_FAILED),
        (PlanInvalid("x"), EXIT_FAILED),
        (VolumeBroken("x"), EXIT_FAILED),
        (Unreadable("x"), EXIT_RETRY),
    ],
)
def test_every_error_has_an_exit_code(error: PublishError | StorageError, code: int) -> None:
    ending = verdict.failed(error)
    assert (ending.report.reason, ending.report.message, ending.code) == (Reason.PUBLISH_FAILED, "x", code)
