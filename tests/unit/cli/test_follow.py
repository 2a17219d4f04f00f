"""Following one job through lists and watches."""

import pytest

from c2d.cli import errors, follow
from c2d.kube.errors import Expired, Unavailable
from tests.unit.cli.fake import Cluster, item, no_pause


async def phases(cluster: Cluster) -> list[str]:
    return [seen.status.phase async for seen in follow.states(cluster, "ns", "branin", no_pause)]


async def test_a_finished_job_is_not_watched():
    cluster = Cluster(lists=[item("Succeeded")])
    assert await phases(cluster) == ["Succeeded"]
    assert cluster.asked == []


async def test_changes_come_from_a_watch_that_begins_at_the_lists_version():
    cluster = Cluster(lists=[item()], watches=[[("MODIFIED", item("Running")), ("MODIFIED", item("Failed"))]])
    assert await phases(cluster) == ["Pending", "Running", "Failed"]
    assert cluster.asked == [("7", "metadata.name=branin")]


async def test_nothing_is_read_after_the_end():
    later = AssertionError("a terminal phase is the last")
    cluster = Cluster(lists=[item()], watches=[[("MODIFIED", item("Stopped")), later]])
    assert await phases(cluster) == ["Pending", "Stopped"]


async def test_a_watch_that_the_server_ends_is_followed_by_another_list():
    cluster = Cluster(lists=[item(), item("Running")], watches=[[], [("MODIFIED", item("Succeeded"))]])
    assert await phases(cluster) == ["Pending", "Running", "Succeeded"]


@pytest.mark.parametrize("error", [Expired("too old"), Unavailable("cut")])
async def test_a_watch_that_breaks_is_followed_by_another_list(error):
    cluster = Cluster(lists=[item(), item("Succeeded")], watches=[[("MODIFIED", item("Running")), error]])
    assert await phases(cluster) == ["Pending", "Running", "Succeeded"]


async def test_an_api_server_that_is_away_for_a_while_is_waited_for():
    away = [Unavailable("refused")] * 30
    cluster = Cluster(lists=[*away, item(), *away, *away[1:], item("Succeeded")], watches=[[]])
    assert await phases(cluster) == ["Pending", "Succeeded"]


async def test_an_api_server_that_stays_away_is_an_error():
    with pytest.raises(Unavailable):
        await phases(Cluster(lists=[Unavailable("refused")] * 60))


async def test_a_job_that_is_deleted_meanwhile_is_an_error():
    with pytest.raises(errors.NotAvailable, match="branin was deleted"):
        await phases(Cluster(lists=[item()], watches=[[("DELETED", item())]]))


async def test_a_job_that_was_replaced_meanwhile_counts_as_deleted():
    with pytest.raises(errors.NotAvailable, match="branin was deleted"):
        await phases(Cluster(lists=[item(), item(uid="another")], watches=[[]]))


async def test_a_job_that_is_not_there_is_an_error():
    with pytest.raises(errors.NotAvailable, match="no job branin in namespace ns"):
        await phases(Cluster(lists=[{}]))
