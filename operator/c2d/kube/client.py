"""A client of the API server that speaks plain objects.

Configuration, credentials and transport are those of the `kubernetes` package; its generated models are left out,
because turning each pod into some forty Python objects and back costs more than the request itself.
"""

import asyncio
import json
from collections.abc import AsyncGenerator, AsyncIterator, Callable, Mapping
from typing import Any, Self
from urllib.parse import urlencode

import aiohttp
import yaml
from kubernetes.aio import config
from kubernetes.aio.client import ApiClient, Configuration

from c2d.kube import errors
from c2d.kube.resources import Object, Resource

_JSON = "application/json"
_MERGE_PATCH = "application/merge-patch+json"
_TIMEOUT = aiohttp.ClientTimeout(total=30)
_STREAM_TIMEOUT = aiohttp.ClientTimeout(total=None, sock_connect=30)  # a stream may be silent for long


class Client:
    """One connection pool to one API server. Every call may raise a `KubeError`."""

    def __init__(self, configuration: Configuration, namespace: str, user_agent: str) -> None:
        self.namespace = namespace
        self._api = ApiClient(configuration)
        self._user_agent = user_agent

    @classmethod
    async def connect(cls, user_agent: str, context: str | None = None) -> Self:
        """From KUBECONFIG or the pod's service account, whichever is there.

        Raises `NoCluster` where there is neither.
        """
        configuration = Configuration()
        try:
            namespace = await _load(configuration, context)
        except config.ConfigException as error:
            raise errors.NoCluster(f"no cluster is configured: {error}") from error
        except (OSError, yaml.YAMLError, TypeError, KeyError, ValueError) as error:
            # The library reads the file without a look at its shape.
            raise errors.NoCluster(f"the kubeconfig can't be read: {error}") from error
        return cls(configuration, namespace, user_agent)

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, *_: object) -> None:
        await self._api.close()

    async def get(self, resource: Resource, namespace: str, name: str) -> Object:
        return await self._json("GET", resource.path(namespace, name))

    async def document(self, path: str) -> Object:
        """What the API server tells of itself at a path of its own, in whichever kind of JSON.

        /openid/v1/jwks answers 406 to whoever accepts application/json only.
        """
        return await self._json("GET", path, accept="*/*")

    async def list(self, resource: Resource, namespace: str, **selectors: str) -> Object:
        """The list object: `items` and the `resourceVersion` to watch from."""
        return await self._json("GET", resource.path(namespace), query=selectors)

    async def create(self, resource: Resource, item: Object, *, strict: bool = False) -> Object:
        """Strict: a field that the API server doesn't know is `Rejected`; otherwise it is dropped without a word."""
        query = {"fieldValidation": "Strict"} if strict else {}
        return await self._json("POST", resource.path(item["metadata"]["namespace"]), query=query, body=item)

    async def patch(self, resource: Resource, namespace: str, name: str, body: Object, subresource: str = "") -> Object:
        """A JSON merge patch: null removes a field, a list is replaced as a whole."""
        path = resource.path(namespace, name, subresource)
        return await self._json("PATCH", path, body=body, content_type=_MERGE_PATCH)

    async def delete(self, resource: Resource, namespace: str, name: str, uid: str | None = None) -> None:
        """Delete it, if it still is the object of that UID; nothing happens when it is gone."""
        body: Object = {"apiVersion": "v1", "kind": "DeleteOptions", "propagationPolicy": "Background"}
        if uid is not None:
            body["preconditions"] = {"uid": uid}
        try:
            await self._json("DELETE", resource.path(namespace, name), body=body)
        except (errors.NotFound, errors.Conflict):
            return

    async def delete_all(self, resource: Resource, namespace: str, selector: str) -> None:
        """Delete every object with these labels, in one request."""
        body: Object = {"apiVersion": "v1", "kind": "DeleteOptions", "propagationPolicy": "Background"}
        await self._json("DELETE", resource.path(namespace), query={"labelSelector": selector}, body=body)

    async def watch(
        self,
        resource: Resource,
        namespace: str,
        version: str,
        opened: Callable[[], None] = lambda: None,
        **selectors: str,
    ) -> AsyncIterator[tuple[str, Object]]:
        """(ADDED | MODIFIED | DELETED, object) after that resource version, until the server ends the stream.

        `opened` is called as soon as the server has agreed to it, which may be long before anything happens.
        """
        query = {"watch": "true", "resourceVersion": version, **selectors}
        async for line in self._lines(resource.path(namespace), query, opened):
            event = _parsed(line)
            if event["type"] == "ERROR":
                raise errors.from_status(event["object"].get("code", 500), event["object"])
            yield event["type"], event["object"]

    async def logs(self, namespace: str, pod: str, *, follow: bool) -> AsyncIterator[bytes]:
        """What the pod's only container wrote, in pieces of any size."""
        path = f"/api/v1/namespaces/{namespace}/pods/{pod}/log"
        async for piece in self._stream(path, {"follow": "true"} if follow else {}):
            yield piece

    async def proxied(
        self, namespace: str, pod: str, port: int, path: str, headers: Mapping[str, str]
    ) -> AsyncGenerator[bytes, None]:
        """What the pod answers to GET, in pieces of any size, by way of the API server. Errors of the pod are ours."""
        place = f"/api/v1/namespaces/{namespace}/pods/{pod}:{port}/proxy{path}"
        async for piece in self._stream(place, {}, headers=headers):
            yield piece

    async def token(self, namespace: str, account: str, audience: str, seconds: int) -> str:
        """A token of the service account, for that audience and for at most so long."""
        path = f"/api/v1/namespaces/{namespace}/serviceaccounts/{account}/token"
        spec = {"audiences": [audience], "expirationSeconds": seconds}
        body = {"apiVersion": "authentication.k8s.io/v1", "kind": "TokenRequest", "spec": spec}
        return str((await self._json("POST", path, body=body))["status"]["token"])

    async def _lines(self, path: str, query: Mapping[str, str], opened: Callable[[], None]) -> AsyncIterator[bytes]:
        rest = b""
        async for piece in self._stream(path, query, opened):
            *lines, rest = (rest + piece).split(b"\n")
            for line in lines:
                yield line

    async def _stream(
        self,
        path: str,
        query: Mapping[str, str],
        opened: Callable[[], None] = lambda: None,
        headers: Mapping[str, str] | None = None,
    ) -> AsyncIterator[bytes]:
        response = await self._send("GET", path, query, None, _JSON, _STREAM_TIMEOUT, headers=headers)
        opened()
        try:
            async for piece in response.content.iter_any():
                yield piece
        except (aiohttp.ClientError, TimeoutError) as error:
            raise errors.Unavailable(f"the stream from the API server was cut: {error}") from error
        finally:
            response.close()

    async def _json(
        self,
        method: str,
        path: str,
        *,
        query: Mapping[str, str] | None = None,
        body: Object | None = None,
        content_type: str = _JSON,
        accept: str = _JSON,
    ) -> Object:
        response = await self._send(method, path, query or {}, body, content_type, _TIMEOUT, accept)
        async with response:
            return _parsed(await _content(response))

    async def _send(
        self,
        method: str,
        path: str,
        query: Mapping[str, str],
        body: Object | None,
        content_type: str,
        timeout: aiohttp.ClientTimeout,
        accept: str = _JSON,
        headers: Mapping[str, str] | None = None,
    ) -> aiohttp.ClientResponse:
        sent = {"Accept": accept, "Content-Type": content_type, "User-Agent": self._user_agent, **(headers or {})}
        await self._api.update_params_for_auth(sent, [], ["BearerToken"], path, method, body)
        url = self._api.configuration.host + path + (f"?{urlencode(query)}" if query else "")
        try:
            answer = await self._api.rest_client.request(method, url, sent, body, _request_timeout=timeout)
        except (aiohttp.ClientError, TimeoutError, OSError) as error:
            raise errors.Unavailable(f"the API server can't be reached: {error or type(error).__name__}") from error
        response: aiohttp.ClientResponse = answer.response
        if response.status >= 400:
            raise errors.from_status(response.status, await _status(response))
        return response


async def _load(configuration: Configuration, context: str | None) -> str:
    """Fill in the configuration; returns the namespace that it names."""
    try:
        await asyncio.to_thread(config.load_incluster_config, configuration)
        return await asyncio.to_thread(_pod_namespace)
    except config.ConfigException:
        await config.load_kube_config(context=context, client_configuration=configuration)
    contexts, active = config.list_kube_config_contexts()
    chosen: dict[str, Any] = next((item for item in contexts if item["name"] == context), active)
    return str(chosen["context"].get("namespace", "default"))


def _pod_namespace() -> str:
    with open("/var/run/secrets/kubernetes.io/serviceaccount/namespace") as file:  # noqa: PTH123
        return file.read().strip()


async def _content(response: aiohttp.ClientResponse) -> bytes:
    try:
        return await response.read()
    except (aiohttp.ClientError, TimeoutError, OSError) as error:
        raise errors.Unavailable(f"the answer of the API server was cut: {error or type(error).__name__}") from error


def _parsed(content: bytes) -> Object:
    try:
        result: Object = json.loads(content)
    except ValueError as error:
        # A proxy's page, for example; without the content, which may be anything.
        raise errors.Unavailable("the API server's answer is no JSON") from error
    return result


async def _status(response: aiohttp.ClientResponse) -> dict[str, Any]:
    async with response:
        text = (await _content(response)).decode(errors="replace")
    try:
        status: dict[str, Any] = json.loads(text)
    except ValueError:
        return {"message": text[:1024]}
    return status
