"""Of several failures, one is told."""

from c2d.configure.errors import DownloadFailed, Role, TaskFailed
from c2d.configure.fetch import worst

PASSING = TaskFailed(Role.INPUT, DownloadFailed("busy", may_pass=True))
FINAL = TaskFailed(Role.INPUT, DownloadFailed("404"))
BUG = KeyError("bug")


def test_a_failure_that_no_other_pod_can_heal_is_told_first() -> None:
    assert worst([PASSING, FINAL]) is FINAL
    assert worst([PASSING, BUG]) is BUG


def test_the_first_of_equals_is_told() -> None:
    assert worst([FINAL, BUG]) is FINAL
    assert worst([PASSING]) is PASSING
