from datetime import timedelta
from typing import Any

from c2d.api.job import JobStatus
from c2d.api.phases import Phase
from c2d.engine.agreements import Agreements
from c2d.engine.state import Job
from tests.kit import build


def job(number: int, agreement: str = "0xAb", phase: Phase = Phase.PENDING, **changes: Any) -> Job:
    return build.job(
        JobStatus(phase=phase),
        uid=f"uid-{number}",
        name=f"job-{number}",
        created=build.NOW + timedelta(seconds=number),
        spec=build.spec(agreementId=agreement),
        **changes,
    )


def holders(*jobs: Job) -> list[str]:
    agreements = Agreements()
    for item in jobs:
        agreements.saw(item)
    return [agreements.holder(item) for item in jobs]


def test_the_first_of_those_that_wait_has_the_agreement() -> None:
    assert holders(job(2), job(1), job(3)) == ["job-1", "", "job-1"]


def test_one_that_runs_keeps_it_from_an_older_one_that_waits() -> None:
    assert holders(job(1), job(2, phase=Phase.RUNNING)) == ["job-2", ""]


def test_hexadecimal_digits_have_no_case() -> None:
    assert holders(job(1, "0xAB"), job(2, "0xab")) == ["", "job-1"]


def test_agreements_namespaces_and_jobs_without_one_are_apart() -> None:
    assert holders(job(1), job(2, "0xcd"), job(3, namespace="other"), job(4, ""), job(5, "")) == [""] * 5


def test_a_finished_or_deleted_job_leaves_it_to_the_next() -> None:
    agreements, first, second = Agreements(), job(1), job(2)
    agreements.saw(first)
    agreements.saw(second)
    agreements.saw(job(1, phase=Phase.SUCCEEDED))
    assert agreements.holder(second) == ""
    third = job(3)
    agreements.saw(third)
    agreements.forget("uid-2")
    agreements.forget("uid-2")
    assert agreements.holder(third) == ""
