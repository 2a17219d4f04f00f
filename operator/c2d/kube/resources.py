"""The kinds of objects that we work with, and where the API server keeps them."""

from dataclasses import dataclass
from typing import Any

from c2d.api.environment import GROUP, VERSION

# An object as the API server sends it.
Object = dict[str, Any]


@dataclass(frozen=True)
class Resource:
    """A namespaced kind."""

    api_version: str
    kind: str
    plural: str

    def path(self, namespace: str, name: str = "", subresource: str = "") -> str:
        """Without a namespace: the objects of all of them, to list and to watch."""
        root = "/api" if "/" not in self.api_version else "/apis"
        scope = f"namespaces/{namespace}" if namespace else ""
        parts = [root, self.api_version, scope, self.plural, name, subresource]
        return "/".join(part for part in parts if part)


JOBS = Resource(f"{GROUP}/{VERSION}", "ComputeJob", "computejobs")
ENVIRONMENTS = Resource(f"{GROUP}/{VERSION}", "ComputeEnvironment", "computeenvironments")
PODS = Resource("v1", "Pod", "pods")
CLAIMS = Resource("v1", "PersistentVolumeClaim", "persistentvolumeclaims")
CONFIG_MAPS = Resource("v1", "ConfigMap", "configmaps")
SECRETS = Resource("v1", "Secret", "secrets")
EVENTS = Resource("v1", "Event", "events")


def uid_of(item: Object) -> str:
    return str(item["metadata"]["uid"])


def key_of(item: Object) -> tuple[str, str]:
    """(namespace, name)."""
    return item["metadata"]["namespace"], item["metadata"]["name"]


def owner_uid(item: Object) -> str | None:
    """UID of the controller that owns this object."""
    for reference in item["metadata"].get("ownerReferences", []):
        if reference.get("controller"):
            return str(reference["uid"])
    return None
