"""Results on volumes, as `c2d` reads them."""

import asyncio
import pathlib
from typing import Any, cast

import pytest

from c2d.cli import errors, on_volume, results
from c2d.cli.connect import Place
from c2d.kube import errors as kube
from c2d.kube.client import Client
from examples.receipt import __main__ as example
from tests.unit.cli.test_results import PUBLISHED


class Asked:
    """Counts, and is away at first."""

    def __init__(self) -> None:
        self.count = 0
        self.enough = asyncio.Event()

    async def patch(self, *_: Any) -> None:
        self.count += 1
        if self.count == 1:
            raise kube.Unavailable("gone for a moment")
        if self.count == 3:
            self.enough.set()


async def test_a_long_download_goes_on_asking_for_its_reader() -> None:
    client = Asked()
    task = asyncio.create_task(on_volume.keep_asking(cast(Client, client), PUBLISHED, 0))
    await asyncio.wait_for(client.enough.wait(), 60)
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task


def test_a_folder_with_results_of_another_job_is_left_alone(tmp_path: pathlib.Path) -> None:
    (tmp_path / "manifest.json").write_bytes(example.manifest())
    with pytest.raises(errors.Misused, match="another job"):
        results.download(Place(), PUBLISHED, tmp_path, None, lambda *_: None)
    assert [path.name for path in tmp_path.iterdir()] == ["manifest.json"]
