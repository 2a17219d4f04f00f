"""What can go wrong between us and the API server.

KubeError
├── NoCluster       no configuration that leads to a cluster
├── NotFound        404
├── AlreadyExists   409 on a create
├── Conflict        409 on a write: the object changed since it was read
├── Expired         410: that resource version is forgotten; list again
├── Rejected        400, 403, 413, 422: the same request will be refused again
├── Unavailable     429, 5xx, cut or refused connections, timeouts: worth a retry
└── InvalidToken    a token that proves no pod of this cluster
"""

from typing import Any


class KubeError(Exception):
    """Something went wrong between us and the API server; the text is fit for a user."""


class NoCluster(KubeError):
    """No configuration leads to a cluster."""


class NotFound(KubeError):
    """There is no such object."""


class AlreadyExists(KubeError):
    """An object of that name is there already."""


class Conflict(KubeError):
    """The object changed since it was read."""


class Expired(KubeError):
    """The API server no longer knows that resource version; a new list gives one that it knows."""


class Rejected(KubeError):
    """The API server refused the request and will refuse it again."""


class Unavailable(KubeError):
    """The API server can't be reached or can't serve now."""


class InvalidToken(KubeError):
    """The token proves no pod of this cluster."""


_BY_CODE: dict[int, type[KubeError]] = {404: NotFound, 410: Expired, 429: Unavailable}


def from_status(code: int, status: dict[str, Any]) -> KubeError:
    """The error for an HTTP code >= 400 and the `metav1.Status` that came with it."""
    message = status.get("message") or f"the API server answered {code}"
    if code == 409:
        kind = AlreadyExists if status.get("reason") == "AlreadyExists" else Conflict
        return kind(message)
    return _BY_CODE.get(code, Unavailable if code >= 500 else Rejected)(message)
