from datetime import timedelta
from typing import Any

from hypothesis import given
from hypothesis import strategies as some

from c2d.api.phases import Phase
from c2d.engine.admission import Admission
from c2d.engine.state import Job, Place
from tests.kit import build

ENVIRONMENT = ("ns", "default")


def job(number: int, **changes: Any) -> Job:
    return build.job(
        uid=f"uid-{number}", name=f"job-{number}", created=build.NOW + timedelta(seconds=number), **changes
    )


def test_places_are_given_in_the_order_of_creation() -> None:
    admission = Admission()
    assert admission.place(ENVIRONMENT, job(1), 1) == Place(admitted=True)
    assert admission.place(ENVIRONMENT, job(3), 1) == Place(admitted=False, ahead=0)
    assert admission.place(ENVIRONMENT, job(2), 1) == Place(admitted=False, ahead=0)
    assert admission.place(ENVIRONMENT, job(3), 1) == Place(admitted=False, ahead=1)
    assert admission.forget("uid-1") == ENVIRONMENT
    assert admission.next_in_line(ENVIRONMENT, 1) == [("ns", "job-2")]
    assert admission.place(ENVIRONMENT, job(3), 1) == Place(admitted=False, ahead=1)
    assert admission.place(ENVIRONMENT, job(2), 1) == Place(admitted=True)
    assert admission.counts(ENVIRONMENT) == (1, 1)


def test_a_place_is_kept_until_the_job_has_ended() -> None:
    admission = Admission()
    assert admission.place(ENVIRONMENT, job(1), 1).admitted
    for phase in (Phase.CONFIGURING, Phase.RUNNING, Phase.PUBLISHING):
        admission.saw(ENVIRONMENT, "uid-1", phase)
        assert admission.counts(ENVIRONMENT) == (1, 0)
    admission.saw(ENVIRONMENT, "uid-1", Phase.FAILED)
    assert admission.counts(ENVIRONMENT) == (0, 0)


def test_an_environment_that_is_drained_admits_nobody_new() -> None:
    admission = Admission()
    admission.saw(ENVIRONMENT, "uid-1", Phase.RUNNING)
    assert not admission.place(ENVIRONMENT, job(2), 0).admitted
    assert admission.place(ENVIRONMENT, job(1), 0).admitted


def test_environments_do_not_share_places() -> None:
    admission = Admission()
    assert admission.place(("ns", "a"), job(1), 1).admitted
    assert admission.place(("ns", "b"), job(2), 1).admitted


@given(some.lists(some.tuples(some.integers(0, 9), some.booleans()), max_size=60), some.integers(0, 4))
def test_never_more_than_the_limit_and_never_nobody_while_there_is_room(
    steps: list[tuple[int, bool]], limit: int
) -> None:
    admission, asking = Admission(), set()
    for number, asks in steps:
        if asks:
            asking.add(number)
        else:
            admission.forget(f"uid-{number}")
            asking.discard(number)
        for other in sorted(asking):
            admission.place(ENVIRONMENT, job(other), limit)
        running, queued = admission.counts(ENVIRONMENT)
        assert running == min(limit, len(asking))
        assert running + queued == len(asking)
