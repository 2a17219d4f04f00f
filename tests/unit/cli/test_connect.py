from typing import Any, cast

import pytest

from c2d.cli import connect
from c2d.kube.client import Client
from c2d.kube.errors import NotFound
from c2d.kube.resources import Object, Resource
from tests.unit.cli import fake

JOB_ID = fake.UID.replace("-", "")


class Named:
    """A cluster with one job, found by its name only."""

    async def get(self, _: Resource, namespace: str, name: str) -> Object:
        if name != "branin":
            raise NotFound(name)
        return fake.item()

    async def list(self, _: Resource, namespace: str, **selectors: Any) -> Object:
        return {"items": [fake.item(name="other", uid="f" * 36), fake.item()]}


@pytest.mark.parametrize("name", ["branin", JOB_ID])
async def test_a_job_is_found_by_its_name_and_by_its_job_id(name: str) -> None:
    assert (await connect.find(cast(Client, Named()), "ns", name)).name == "branin"


@pytest.mark.parametrize("name", ["nothing", "0" * 32, JOB_ID[:31], fake.UID])
async def test_anything_else_is_not_found(name: str) -> None:
    with pytest.raises(NotFound):
        await connect.find(cast(Client, Named()), "ns", name)
