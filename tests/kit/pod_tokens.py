"""Tokens as the kubelet asks for them, from a real API server."""

from typing import Any

from c2d.kube.client import Client
from c2d.kube.resources import Object, Resource


class _TokenRequest(Resource):
    """Of another group than the account that it is sent to."""

    def path(self, namespace: str, name: str = "", subresource: str = "") -> str:
        return f"/api/v1/namespaces/{namespace}/{self.plural}"


_TOKENS = _TokenRequest("authentication.k8s.io/v1", "TokenRequest", "serviceaccounts/default/token")


async def token_of(client: Client, namespace: str, audience: str, pod: Object | None) -> str:
    """Bound to the pod, if there is one."""
    spec: dict[str, Any] = {"audiences": [audience], "expirationSeconds": 600}
    if pod is not None:
        name, uid = pod["metadata"]["name"], pod["metadata"]["uid"]
        spec["boundObjectRef"] = {"apiVersion": "v1", "kind": "Pod", "name": name, "uid": uid}
    request = {
        "apiVersion": _TOKENS.api_version,
        "kind": _TOKENS.kind,
        "metadata": {"namespace": namespace},
        "spec": spec,
    }
    answer = await client.create(_TOKENS, request)
    return str(answer["status"]["token"])
