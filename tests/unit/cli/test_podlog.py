"""Reading a pod's log."""

import pytest

from c2d.cli import errors, podlog
from c2d.cli.step import Step
from c2d.kube.errors import Unavailable
from tests.unit.cli.fake import Cluster, no_pause, outcome, seen, step


async def lines(*pieces: bytes) -> list[str]:
    return [line async for line in podlog.lines(Cluster(logs=[pieces]), "ns", "pod", follow=True)]


async def all_of(cluster: Cluster, *, follow: bool = True) -> bytes:
    return b"".join([piece async for piece in podlog.pieces(cluster, "ns", "pod", follow=follow, sleep=no_pause)])


@pytest.mark.parametrize(
    ("pieces", "expected"),
    [
        pytest.param([], [], id="an empty log has no lines"),
        pytest.param([b"a\nb\n"], ["a", "b"], id="lines end where they end"),
        pytest.param([b"a", b"b\nc"], ["ab", "c"], id="a line may come in pieces, and the last without an end"),
        pytest.param(["é".encode()[:1], "é".encode()[1:]], ["é"], id="a character may come in pieces"),
        pytest.param([b"\xff\n"], ["�"], id="what is no UTF-8 is replaced"),
        pytest.param([b"x" * 20_000], ["x" * 20_000], id="a line without an end is not waited for"),
    ],
)
async def test_lines(pieces, expected):
    assert await lines(*pieces) == expected


async def test_after_a_cut_nothing_is_shown_twice():
    cluster = Cluster(logs=[[b"one\ntw", Unavailable("cut")], [b"one", b"\ntwo\n", b"three\n"]])
    assert await all_of(cluster) == b"one\ntwo\nthree\n"


async def test_a_log_that_is_not_followed_is_read_once():
    with pytest.raises(Unavailable):
        await all_of(Cluster(logs=[[b"one", Unavailable("cut")]]), follow=False)


async def test_a_log_that_stays_away_is_an_error():
    with pytest.raises(Unavailable):
        await all_of(Cluster(logs=[[Unavailable("cut")]] * 60))


def test_the_pod_of_a_started_step_is_found():
    job = seen("Publishing", steps={"algorithm": step(pod="algorithm-0"), "publish": {"pod": "publish-0"}})
    assert podlog.pod_of(job, Step.ALGORITHM) == "algorithm-0"


@pytest.mark.parametrize(
    ("job", "message", "remedy"),
    [
        pytest.param(seen(), "has not started yet; the job is Pending", "-f", id="not yet"),
        pytest.param(
            seen("Failed", reason="ImagePullFailed", outcome=outcome("Failed", "ImagePullFailed")),
            "never started: ImagePullFailed",
            "c2d get branin",
            id="never",
        ),
    ],
)
def test_a_step_without_a_log_says_why(job, message, remedy):
    with pytest.raises(errors.NotAvailable, match=message) as caught:
        podlog.pod_of(job, Step.ALGORITHM)
    assert remedy in caught.value.remedy
