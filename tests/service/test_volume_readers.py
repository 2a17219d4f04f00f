"""Results on volumes: how the service has a reader started, finds it, and loses it."""

import asyncio
import contextlib
from collections.abc import AsyncIterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from c2d.api.environment import VolumeTarget
from c2d.kube import names
from c2d.kube.resources import JOBS, PODS, Object
from c2d.service.jobs import Jobs
from c2d.service.readers import VolumeReaders
from c2d.storage.errors import Denied, Missing, Unavailable
from tests.kit import service as kit
from tests.kit.service import NAMESPACE, ServiceClient, ServiceCluster

ASKED = "c2d.oceanprotocol.com/results-asked"
TARGET = VolumeTarget(idle_seconds=60)


def kept(**changes: Any) -> Object:
    """A job whose results are on its volume."""
    item = kit.job("Succeeded")
    uid = item["metadata"]["uid"]
    status = item["status"]
    status["resolvedEnvironment"] = {"results": {"volume": {"idleSeconds": 60}}, "storageExpirySeconds": 0, **changes}
    status["dateFinished"] = kit.FINISHED
    status["results"] = {
        "location": f"volume://claim/{uid}",
        "manifest": f"claim/{uid}/manifest.json",
        "manifestSha256": "0" * 64,
        "count": 1,
        "bytes": 1,
        "files": [{"filename": "a", "filesize": 1, "type": "output"}],
    }
    return item


def pod(job: Object, ready: bool = True, **changes: Any) -> Object:
    uid = job["metadata"]["uid"]
    owner = {"apiVersion": "v1", "kind": "ComputeJob", "name": job["metadata"]["name"], "uid": uid, "controller": True}
    labels = {names.JOB_UID: uid, names.STEP: names.READER}
    metadata = {"name": "reader-0", "namespace": NAMESPACE, "labels": labels, "ownerReferences": [owner]}
    conditions = [{"type": "Ready", "status": str(ready)}]
    status = {"phase": "Running", "podIP": "10.0.0.7", "conditions": conditions}
    return {"metadata": {**metadata, **changes}, "status": status}


class Place:
    """A service's readers, with a cluster in memory."""

    def __init__(self, folder: Path) -> None:
        self.cluster = ServiceCluster()
        self.client = ServiceClient(self.cluster)
        self.jobs = Jobs()
        self.token = folder / "token"
        self.readers = VolumeReaders(self.client.as_client, self.jobs, self.token, lambda: datetime.now(UTC))
        self.job = self.sees(kept())

    def sees(self, item: Object) -> Object:
        item = self.cluster.put(JOBS, item)
        self.jobs.put(item)
        return item

    @property
    def prefix(self) -> str:
        return f"claim/{self.job['metadata']['uid']}"

    @property
    def asked(self) -> str | None:
        annotations = self.cluster.jobs()[0]["metadata"].get("annotations") or {}
        return annotations.get(ASKED)

    @contextlib.asynccontextmanager
    async def looking(self) -> AsyncIterator["asyncio.Task[str]"]:
        task = asyncio.create_task(self.readers.address(TARGET, self.prefix))
        try:
            yield task
        finally:
            task.cancel()
            await asyncio.gather(task, return_exceptions=True)


@pytest.fixture
def place(tmp_path: Path) -> Place:
    return Place(tmp_path)


async def test_it_asks_for_one_and_waits_until_it_is_ready(place: Place) -> None:
    async with place.looking() as looking, asyncio.timeout(kit.DEADLINE):
        await kit.until(lambda: place.asked is not None)
        place.cluster.put(PODS, pod(place.job, ready=False))
        await asyncio.sleep(0)
        assert not looking.done()
        place.cluster.put(PODS, pod(place.job))
        assert await looking == "http://10.0.0.7:8090"


async def test_the_place_of_a_later_attempt_is_of_the_same_job(place: Place) -> None:
    place.cluster.put(PODS, pod(place.job))
    assert await place.readers.address(TARGET, f"{place.prefix}-1") == "http://10.0.0.7:8090"


async def test_a_pod_that_only_has_the_labels_is_not_believed(place: Place) -> None:
    place.cluster.put(PODS, pod(place.job, ownerReferences=[]))
    async with place.looking() as looking:
        await kit.until(lambda: place.cluster.lists > 1)
        assert not looking.done()


async def test_many_reads_ask_once(place: Place) -> None:
    place.cluster.put(PODS, pod(place.job))
    for _ in range(20):
        await place.readers.address(TARGET, place.prefix)
    assert len([request for request in place.cluster.requests if request.startswith("patch")]) == 1
    place.readers.lost(place.prefix)
    await place.readers.address(TARGET, place.prefix)
    assert len([request for request in place.cluster.requests if request.startswith("patch")]) == 2


async def test_of_a_job_that_is_gone_there_is_nothing_to_read(place: Place) -> None:
    with pytest.raises(Missing):
        await place.readers.address(TARGET, f"claim/{kit.job_uid(77)}")
    place.cluster.delete(JOBS, place.job["metadata"]["name"])
    with pytest.raises(Missing):
        await place.readers.address(TARGET, place.prefix)


async def test_a_job_whose_volume_went_has_none_either(place: Place) -> None:
    place.cluster.change(
        JOBS, place.job["metadata"]["name"], lambda item: item["status"]["results"].update(removedTime=kit.FINISHED)
    )
    place.jobs.put(place.cluster.jobs()[0])
    with pytest.raises(Missing):
        await place.readers.address(TARGET, place.prefix)


async def test_an_api_server_that_is_away_is_told(place: Place) -> None:
    from c2d.kube import errors  # noqa: PLC0415

    async def away(_: str) -> None:
        raise errors.Unavailable("gone")

    place.client.pause = away
    with pytest.raises(Unavailable):
        await place.readers.address(TARGET, place.prefix)


async def test_the_token_is_read_from_its_file(place: Place) -> None:
    with pytest.raises(Denied):
        await place.readers.token()
    place.token.write_text("a.b.c\n")
    assert await place.readers.token() == "a.b.c"
