"""What is shown of a job's phases."""

from c2d.cli.timeline import Row, State, Timeline
from tests.unit.cli.fake import BEGIN, outcome, seen


def watched(*observations: tuple[float, object]) -> Timeline:
    timeline = Timeline()
    for moment, job in observations:
        timeline = timeline.seen(job.status, moment)
    return timeline


def condition(kind: str, message: str, status: str = "True") -> dict[str, str]:
    return {"type": kind, "status": status, "message": message, "lastTransitionTime": BEGIN}


def test_the_active_phase_says_what_it_means_and_its_time_runs():
    rows = watched((100.0, seen("Running"))).rows(103.5)
    assert rows == [Row("Running", State.ACTIVE, 3.5, "the algorithm pod runs, behind its gate")]


def test_a_transfer_says_how_far_it_is():
    rows = watched((0.0, seen("Configuring")), (12.0, seen("Configuring", progress="1.2 GiB/4.0 GiB 30 %"))).rows(13.0)
    assert rows == [Row("Configuring", State.ACTIVE, 13.0, "1.2 GiB/4.0 GiB 30 %")]


def test_why_a_transfer_waits_is_worth_more_than_how_far_it_is():
    job = seen("Configuring", progress="1.2 GiB", reason="ImagePullFailed", message="no such image")
    assert watched((0.0, job)).rows(1.0)[0].note == "ImagePullFailed: no such image"


def test_a_job_that_waits_says_why():
    job = seen(reason="EnvironmentUnknown", message="there is no ComputeEnvironment x")
    assert watched((0.0, job)).rows(1.0)[0].note == "EnvironmentUnknown: there is no ComputeEnvironment x"


def test_a_phase_lasts_until_the_next_one_is_seen():
    rows = watched((0.0, seen()), (2.0, seen("Configuring")), (2.5, seen("Configuring")), (6.0, seen("Running"))).rows(
        7
    )
    assert [(row.phase, row.state, row.seconds) for row in rows] == [
        ("Pending", State.DONE, 2.0),
        ("Configuring", State.DONE, 4.0),
        ("Running", State.ACTIVE, 1.0),
    ]


def test_a_finished_phase_says_what_was_found():
    conditions = [condition("Configured", "1 files, 9 bytes"), condition("Isolated", "every probe failed")]
    job = seen("Succeeded", conditions=conditions, outcome=outcome("Succeeded", "Succeeded"))
    rows = watched((0.0, seen("Configuring")), (1.0, seen("Running")), (2.0, seen("Publishing")), (3.0, job)).rows(9.0)
    assert [row.note for row in rows] == ["configured: 1 files, 9 bytes", "isolated: every probe failed", ""]
    assert {row.state for row in rows} == {State.DONE}
    assert rows[-1].seconds == 1.0


def test_the_phase_that_broke_is_marked_while_logs_are_published():
    broken = outcome("Failed", "AlgorithmFailed", "exit code 3")
    rows = watched((0.0, seen("Running")), (1.0, seen("Publishing", outcome=broken))).rows(2.0)
    assert [(row.state, row.note) for row in rows] == [
        (State.BROKEN, "AlgorithmFailed: exit code 3"),
        (State.ACTIVE, "the publish pod uploads results and logs"),
    ]


def test_publishing_itself_may_break():
    broken = seen("Failed", outcome=outcome("Failed", "PublishFailed", "the bucket is gone"))
    rows = watched((0.0, seen("Running")), (1.0, seen("Publishing")), (2.0, broken)).rows(2.0)
    assert [row.state for row in rows] == [State.DONE, State.BROKEN]


def test_a_job_that_was_over_at_first_sight_has_no_rows():
    assert watched((0.0, seen("Failed", outcome=outcome("Failed", "InvalidSpec")))).rows(1.0) == []
