"""A cluster in memory: an API server that keeps objects, and a kubelet that the test plays.

It takes the place of the client only; everything above it is the real thing. What a real API server says to our
requests is tested against a real one (tests/cluster).
"""

import copy
import itertools
from collections.abc import Callable
from typing import Any

from c2d.kube import errors
from c2d.kube.resources import JOBS, PODS, Object, Resource


class Died(BaseException):
    """The process was killed here."""


class Cluster:
    """Objects by (plural, namespace, name). Survives the engines that speak to it."""

    def __init__(self) -> None:
        self.objects: dict[tuple[str, str, str], Object] = {}
        self.created: list[str] = []
        self.requests: list[str] = []
        self._versions = itertools.count(1)

    def put(self, resource: Resource, item: Object) -> Object:
        metadata = item["metadata"]
        metadata["resourceVersion"] = str(next(self._versions))
        metadata.setdefault("uid", f"uid-{metadata['resourceVersion']}")
        metadata.setdefault("creationTimestamp", "2026-01-02T03:04:05Z")
        self.objects[resource.plural, metadata["namespace"], metadata["name"]] = item
        return copy.deepcopy(item)

    def all(self, resource: Resource) -> list[Object]:
        return [
            copy.deepcopy(item) for (plural, _, _), item in sorted(self.objects.items()) if plural == resource.plural
        ]

    def change(self, resource: Resource, name: str, change: Callable[[Object], Any], namespace: str = "ns") -> None:
        item = self.objects[resource.plural, namespace, name]
        change(item)
        self.put(resource, item)

    def job(self, name: str = "branin") -> Object:
        return copy.deepcopy(self.objects[JOBS.plural, "ns", name])


class FakeClient:
    """The part of `c2d.kube.client.Client` that the engine uses. `before` and `after` may raise at each write."""

    def __init__(
        self,
        cluster: Cluster,
        before: Callable[[str], None] = lambda _: None,
        after: Callable[[str], None] = lambda _: None,
    ) -> None:
        self._cluster = cluster
        self._before = before
        self._after = after

    async def create(self, resource: Resource, item: Object) -> Object:
        metadata = item["metadata"]
        if "generateName" in metadata:
            return item
        with self._write(f"create {resource.plural} {metadata['name']}"):
            if (resource.plural, metadata["namespace"], metadata["name"]) in self._cluster.objects:
                raise errors.AlreadyExists(metadata["name"])
            self._cluster.created.append(f"{resource.plural}/{metadata['name']}")
            made = copy.deepcopy(item)
            if resource is PODS:
                made["status"] = {"phase": "Pending"}
            return self._cluster.put(resource, made)

    async def get(self, resource: Resource, namespace: str, name: str) -> Object:
        try:
            return copy.deepcopy(self._cluster.objects[resource.plural, namespace, name])
        except KeyError:
            raise errors.NotFound(name) from None

    async def list(self, resource: Resource, namespace: str, **selectors: str) -> Object:
        key, _, value = selectors.get("labelSelector", "").partition("=")
        items = self._cluster.all(resource)
        return {"items": [item for item in items if not key or item["metadata"].get("labels", {}).get(key) == value]}

    async def patch(self, resource: Resource, namespace: str, name: str, body: Object, subresource: str = "") -> Object:
        with self._write(f"patch {resource.plural} {name}"):
            item = await self.get(resource, namespace, name)
            version = body.get("metadata", {}).get("resourceVersion")
            if version not in (None, item["metadata"]["resourceVersion"]):
                raise errors.Conflict(name)
            _merge(item, {"status": body["status"]} if subresource else body)
            return self._cluster.put(resource, item)

    async def delete(self, resource: Resource, namespace: str, name: str, uid: str | None = None) -> None:
        with self._write(f"delete {resource.plural} {name}"):
            self._cluster.objects.pop((resource.plural, namespace, name), None)

    async def delete_all(self, resource: Resource, namespace: str, selector: str) -> None:
        with self._write(f"delete all {resource.plural}"):
            for item in (await self.list(resource, namespace, labelSelector=selector))["items"]:
                del self._cluster.objects[resource.plural, namespace, item["metadata"]["name"]]

    def _write(self, what: str) -> "_Write":
        return _Write(self._cluster, what, self._before, self._after)


class _Write:
    def __init__(
        self, cluster: Cluster, what: str, before: Callable[[str], None], after: Callable[[str], None]
    ) -> None:
        self._cluster, self._what, self._before, self._after = cluster, what, before, after

    def __enter__(self) -> None:
        self._before(self._what)

    def __exit__(self, kind: type[BaseException] | None, *_: object) -> None:
        if kind is None:
            self._cluster.requests.append(self._what)
            self._after(self._what)


def _merge(item: Object, patch: Object) -> None:
    for key, value in patch.items():
        if value is None:
            item.pop(key, None)
        elif isinstance(value, dict) and isinstance(item.get(key), dict):
            _merge(item[key], value)
        else:
            item[key] = value
