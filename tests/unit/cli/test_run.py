"""Submitting and following as a whole."""

import pytest

from c2d.cli import run
from c2d.kube.errors import Rejected
from tests.unit.cli.fake import Cluster, Recorder, item, outcome, seen, step

SUBMITTED = seen()


async def told(cluster: Cluster) -> list[tuple[str, str]]:
    recorder = Recorder()
    await run.to_the_end(cluster, SUBMITTED, recorder)
    return recorder.told


async def test_a_job_is_created_in_its_namespace_with_unknown_fields_refused():
    cluster = Cluster(created=item())
    submitted = await run.submit(cluster, {"metadata": {"generateName": "branin-"}}, None)
    assert cluster.asked == [({"metadata": {"generateName": "branin-", "namespace": "default"}}, True)]
    assert submitted.name == "branin"


async def test_what_the_cluster_refuses_comes_up_as_it_is():
    with pytest.raises(Rejected, match=r"spec\.algorithm: Required value"):
        await run.submit(Cluster(created=Rejected("spec.algorithm: Required value")), {"metadata": {}}, None)


async def test_the_log_is_complete_before_the_end_is_shown():
    running = item("Running", steps={"algorithm": step()})
    over = item("Publishing", steps={"algorithm": step(finishTime="2026-01-02T03:04:09Z")})
    ended = item("Succeeded", steps={"algorithm": step(finishTime="2026-01-02T03:04:09Z")})
    changes = [("MODIFIED", running), ("MODIFIED", over), ("MODIFIED", ended)]
    cluster = Cluster(lists=[item()], watches=[changes], logs=[[b"one\n", b"two\n"]])
    assert await told(cluster) == [
        ("job", "Pending"),
        ("job", "Running"),
        ("log", "one"),
        ("log", "two"),
        ("job", "Publishing"),
        ("job", "Succeeded"),
        ("close", ""),
    ]


async def test_a_log_that_may_not_be_read_is_no_reason_to_stop():
    ended = item("Failed", steps={"algorithm": step()}, outcome=outcome("Failed", "AlgorithmFailed"))
    cluster = Cluster(lists=[ended], logs=[[Rejected('pods "x" is forbidden')]])
    assert await told(cluster) == [
        ("note", "the algorithm's log can't be shown: pods \"x\" is forbidden"),
        ("job", "Failed"),
        ("close", ""),
    ]


async def test_the_display_is_closed_whatever_happens():
    recorder = Recorder()
    with pytest.raises(Rejected):
        await run.to_the_end(Cluster(lists=[Rejected("no")]), SUBMITTED, recorder)
    assert recorder.told == [("close", "")]


@pytest.mark.parametrize(("phase", "code"), [("Succeeded", 0), ("Failed", 1), ("Stopped", 1), ("TimedOut", 1)])
def test_exit_code(phase, code):
    assert run.exit_code(seen(phase)) == code
