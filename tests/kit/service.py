"""An operator-service in this process: the real application, with a cluster and a storage in memory behind it.

The API server's part is played here as far as the service relies on it: the CRD's schema, versions, watches, pages,
UIDs in patches, finalizers. What a real one says is tested against a real one (tests/cluster).
"""

import asyncio
import base64
import contextlib
import copy
import dataclasses
import functools
import hashlib
import itertools
import json
import threading
import time
import uuid
from collections.abc import AsyncIterator, Awaitable, Callable, Collection, Coroutine, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Protocol, TypeVar, cast

import aiohttp
import jsonschema_rs
import yaml
from aiohttp import web

from c2d.api.phases import TABLE, TERMINAL, Phase
from c2d.archive.archive import Archive
from c2d.archive.entry import Cursor, Entry
from c2d.archive.errors import Unavailable
from c2d.kube import errors
from c2d.kube.client import Client
from c2d.kube.resources import ENVIRONMENTS, JOBS, SECRETS, Object, Resource
from c2d.ocean import signatures
from c2d.ocean.signatures import PrivateKey
from c2d.service import app
from c2d.service.archiving import Archivist
from c2d.service.context import Context
from c2d.service.control import Control
from c2d.service.lookup import Lookup
from c2d.service.main import composed, working
from c2d.service.records import ARCHIVE_FINALIZER
from c2d.service.replay import Replay
from c2d.service.settings import Settings
from c2d.service.start import Defaults, Starter
from tests.kit.world import Cluster, FakeClient

T = TypeVar("T")

BASE = "/api/v1/operator"
NAMESPACE = "ns"
DEADLINE = 30.0  # seconds; a wait that takes this long on any machine has failed
CREATED = "2026-01-02T03:04:05Z"
FINISHED = "2026-01-02T04:04:05Z"
OWNER = "0xC41808BBef371AD5CFc76466dDF9dEe228d2BdAA"
CONSUMER_ADDRESS = "0x3db83d8b3bA5Bfe6AB9bA9a25c6b1a8cC3C48C3F"
ADMIN = "a-password-of-an-admin"
# The key of the contract's vectors.
KEY = "0x1f990f8b013fc5c7955e0f8746f11ded231721b9cf3f99ff06cdc03492b28090"
STATUS_KEYS = [
    "agreementId",
    "jobId",
    "owner",
    "status",
    "statusText",
    "dateCreated",
    "dateFinished",
    "results",
    "stopreq",
    "removed",
    "algoDID",
    "inputDID",
]
_CRDS = Path(__file__).parents[2] / "crds"


# --- objects as the API server sends them


def job_uid(number: int) -> str:
    return str(uuid.UUID(int=(number << 80) + 0xA5A5, version=4))


def merged(item: Object, changes: Mapping[str, Any]) -> Object:
    """A copy with these changes within it; None takes a field away."""
    made = dict(item)
    for name, value in changes.items():
        if value is None:
            made.pop(name, None)
        elif isinstance(value, dict) and isinstance(made.get(name), dict):
            made[name] = merged(made[name], value)
        else:
            made[name] = value
    return made


def job(phase: str = "Running", number: int = 0, **changes: Any) -> Object:
    """A ComputeJob in that phase."""
    row, status = TABLE[Phase(phase)], {}
    if phase != "Pending":
        status = {"phase": phase, "code": row.code, "text": row.text, "dateCreated": CREATED}
    if Phase(phase) in TERMINAL:
        status["dateFinished"] = FINISHED
    container = {"image": "python", "tag": "3.11", "checksum": "", "entrypoint": "python3 $ALGO"}
    item: Object = {
        "apiVersion": JOBS.api_version,
        "kind": JOBS.kind,
        "metadata": {
            "name": f"made-{number}",
            "namespace": NAMESPACE,
            "uid": job_uid(number),
            "resourceVersion": "1",
            "creationTimestamp": CREATED,
        },
        "spec": {
            "environment": "default",
            "owner": OWNER,
            "agreementId": f"0xag{number}",
            "inputs": [],
            "algorithm": {"source": {"inline": "print(1)"}, "container": container},
        },
        "status": status,
    }
    return merged(item, changes)


def environment(name: str = "ocean-compute", address: str | None = CONSUMER_ADDRESS, **spec: Any) -> Object:
    """A ComputeEnvironment."""
    return {
        "apiVersion": ENVIRONMENTS.api_version,
        "kind": ENVIRONMENTS.kind,
        "metadata": {"name": name, "namespace": NAMESPACE},
        "spec": {"results": {"s3": {"bucket": "results"}}, **spec},
        "status": {"consumerAddress": address} if address is not None else {},
    }


# --- what Providers send


def workflow(**parts: Any) -> dict[str, Any]:
    """As a Provider sends it; `parts` take the place of the stage's."""
    stage: dict[str, Any] = {
        "index": 0,
        "input": [
            {"index": 0, "id": "did:op:" + "a" * 64, "remote": {"txId": "0x11", "serviceId": "s1"}},
        ],
        "compute": {"Instances": 1, "namespace": "ocean-compute", "maxtime": 3600},
        "algorithm": {
            "id": "did:op:" + "b" * 64,
            "rawcode": "",
            "container": {"entrypoint": "python3.8 $ALGO", "image": "oceanprotocol/algo_dockers", "tag": "branin"},
            "algouserdata": None,
            "remote": {"txId": "0x22", "serviceId": "s2", "userData": None},
            "algocustomdata": None,
        },
        "output": {"metadataUri": "http://aquarius:5000"},
    }
    return {"stages": [{**stage, **parts}]}


def raw(code: str = "print(1)", **changes: Any) -> dict[str, Any]:
    """An algorithm that is sent along."""
    container = {"image": "python", "tag": "3.11", "entrypoint": "python3 $ALGO"}
    return {"id": "", "url": None, "rawcode": code, "container": container, **changes}


class Provider:
    """Signs as the Provider of the field does."""

    def __init__(self, key: str = KEY) -> None:
        self._key = PrivateKey(key)
        self._last = 0

    @property
    def address(self) -> str:
        return self._key.address

    def nonce(self, seconds: float = 0) -> int:
        """Now, or so many seconds from now; never the same twice."""
        self._last = max(self._last + 1, time.time_ns())
        return self._last + int(seconds * 1e9)

    def sign(self, text: str) -> str:
        return signatures.sign(text, self._key)

    def start(self, **changes: Any) -> dict[str, Any]:
        """The body of POST /compute."""
        body: dict[str, Any] = {
            "workflow": workflow(),
            "agreementId": "0xag",
            "owner": OWNER,
            "environment": "ocean-compute",
            "providerAddress": self.address,
            "validUntil": 0,
            "nonce": self.nonce(),
            "chainId": 8996,
            **changes,
        }
        if "providerSignature" not in body:
            body["providerSignature"] = self.sign(f"{body['owner']}{body['nonce']}")
        return body

    def query(self, **parameters: Any) -> dict[str, str]:
        """Any other call's parameters, with the signature over owner, jobId and nonce."""
        given: dict[str, Any] = {"owner": OWNER, "nonce": self.nonce(), **parameters}
        owner, job_id = given.get("owner"), given.get("jobId") or ""
        if "providerSignature" not in given:
            given["providerSignature"] = self.sign(f"{owner}{job_id}{given['nonce']}")
        return {name: str(value) for name, value in given.items() if value is not None}


def twin(signature: str) -> str:
    """Another signature that recovers the same address: n - s for s, and the other parity."""
    order = 0xFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFEBAAEDCE6AF48A03BBFD25E8CD0364141
    content = bytes.fromhex(signature[2:])
    s = order - int.from_bytes(content[32:64])
    return "0x" + (content[:32] + s.to_bytes(32) + bytes([1 - content[64]])).hex()


# --- the cluster


class ServiceCluster(Cluster):
    """A cluster that can be watched."""

    def __init__(self) -> None:
        super().__init__()
        self.version = 0
        self.events: list[tuple[int, str, str, Object]] = []  # version, plural, type, object
        self.lists = 0
        self.forgotten = 0  # versions below it are no longer known
        self._numbers = itertools.count(0xC0DE)
        self._bell = asyncio.Event()

    def put(self, resource: Resource, item: Object) -> Object:
        metadata = item["metadata"]
        key = (resource.plural, metadata["namespace"], metadata["name"])
        kind = "MODIFIED" if key in self.objects else "ADDED"
        if not metadata.get("uid"):
            metadata["uid"] = job_uid(next(self._numbers))
        self._version_of(item)
        metadata.setdefault("creationTimestamp", CREATED)
        if "deletionTimestamp" in metadata and not metadata.get("finalizers"):
            self.objects.pop(key, None)
            kind = "DELETED"
        else:
            self.objects[key] = item
        self._tell(resource, kind, item)
        return copy.deepcopy(item)

    def delete(self, resource: Resource, name: str) -> None:
        """As the API server does it: finalizers hold it back."""
        item = self.objects[resource.plural, NAMESPACE, name]
        item["metadata"]["deletionTimestamp"] = FINISHED
        self.put(resource, item)

    def secrets(self) -> dict[str, dict[str, str]]:
        """The texts of all Secrets, by name."""
        return {item["metadata"]["name"]: secret_texts(item) for item in self.all(SECRETS)}

    def jobs(self) -> list[Object]:
        return self.all(JOBS)

    async def news(self) -> None:
        await self._bell.wait()

    def ring(self) -> None:
        self._bell.set()
        self._bell = asyncio.Event()

    def _version_of(self, item: Object) -> None:
        self.version += 1
        item["metadata"]["resourceVersion"] = str(self.version)

    def _tell(self, resource: Resource, kind: str, item: Object) -> None:
        self.events.append((self.version, resource.plural, kind, copy.deepcopy(item)))
        self.ring()


def secret_texts(item: Object) -> dict[str, str]:
    """However it was sent."""
    data = {name: base64.b64decode(text).decode() for name, text in item.get("data", {}).items()}
    return {**data, **item.get("stringData", {})}


async def _at_once(_: str) -> None:
    return


class ServiceClient(FakeClient):
    """What the service uses of `c2d.kube.client.Client`. `pause` is awaited before each request, and may raise."""

    def __init__(self, cluster: ServiceCluster, pause: Callable[[str], Awaitable[None]] = _at_once) -> None:
        super().__init__(cluster)
        self.namespace = NAMESPACE
        self.cluster = cluster
        self.pause = pause
        self.logged: dict[str, bytes] = {}  # by pod
        self._snapshots: dict[str, tuple[int, list[Object]]] = {}

    async def create(self, resource: Resource, item: Object, *, strict: bool = False) -> Object:
        await self.pause(f"create {resource.plural} {item['metadata']['name']}")
        if resource is JOBS:
            _require_valid(item)
        if resource is SECRETS and sum(len(text.encode()) for text in secret_texts(item).values()) > 1024 * 1024:
            raise errors.Rejected("data: Too long: must have at most 1048576 bytes")
        if len(json.dumps(item)) > 3 * 1024 * 1024:
            raise errors.Rejected("Request entity too large: limit is 3145728")
        return await super().create(resource, item)

    async def get(self, resource: Resource, namespace: str, name: str) -> Object:
        await self.pause(f"get {resource.plural} {name}")
        return await super().get(resource, namespace, name)

    async def patch(self, resource: Resource, namespace: str, name: str, body: Object, subresource: str = "") -> Object:
        await self.pause(f"patch {resource.plural} {name}")
        item = self.cluster.objects.get((resource.plural, namespace, name))
        uid = body.get("metadata", {}).get("uid")
        if item is not None and uid not in (None, item["metadata"]["uid"]):
            raise errors.Conflict(f"the UID in the precondition ({uid}) is not the object's")
        with self._write(f"patch {resource.plural} {name}"):
            item = await FakeClient.get(self, resource, namespace, name)
            if body.get("metadata", {}).get("resourceVersion") not in (None, item["metadata"]["resourceVersion"]):
                raise errors.Conflict("the object has been modified")
            return self.cluster.put(resource, merged(item, body))

    async def list(self, resource: Resource, namespace: str, **selectors: str) -> Object:
        await self.pause(f"list {resource.plural} {selectors.get('continue', '')}".strip())
        self.cluster.lists += 1
        wanted = dict(part.split("=") for part in selectors.get("labelSelector", "").split(",") if part)
        if "continue" not in selectors:
            everything = self.cluster.all(resource)
            found = [item for item in everything if wanted.items() <= item["metadata"].get("labels", {}).items()]
            self._snapshots[resource.plural] = (self.cluster.version, found)
        # All pages are of the moment of the first.
        version, found = self._snapshots[resource.plural]
        begin, limit = int(selectors.get("continue", "0")), int(selectors.get("limit", "500"))
        rest = str(begin + limit) if begin + limit < len(found) else ""
        metadata = {"resourceVersion": str(version), "continue": rest}
        return {"metadata": metadata, "items": found[begin : begin + limit]}

    async def watch(
        self,
        resource: Resource,
        namespace: str,
        version: str,
        opened: Callable[[], None] = lambda: None,
        **selectors: str,
    ) -> AsyncIterator[tuple[str, Object]]:
        await self.pause(f"watch {resource.plural}")
        opened()
        seen = int(version)
        if seen < self.cluster.forgotten:
            raise errors.Expired("too old resource version")
        while True:
            for number, plural, kind, item in list(self.cluster.events):
                if number > seen and plural == resource.plural:
                    yield kind, copy.deepcopy(item)
            seen = max(seen, self.cluster.version)
            await self.cluster.news()
            await self.pause(f"watch {resource.plural}")

    async def logs(self, namespace: str, pod: str, *, follow: bool) -> AsyncIterator[bytes]:
        await self.pause(f"logs {pod}")
        if pod not in self.logged:
            raise errors.NotFound(f"pods {pod} not found")
        yield self.logged[pod]

    @property
    def as_client(self) -> Client:
        return cast("Client", self)


@functools.cache
def _schema() -> Any:
    document = yaml.safe_load((_CRDS / "computejobs.yaml").read_text())
    schema = document["spec"]["versions"][0]["schema"]["openAPIV3Schema"]
    schema["properties"] |= {name: {} for name in ("apiVersion", "kind", "metadata")}
    return jsonschema_rs.validator_for(_closed(schema))


def _closed(node: Any) -> Any:
    """As with fieldValidation=Strict: what the schema doesn't know is refused."""
    if not isinstance(node, dict):
        return node
    made = {name: _closed(child) for name, child in node.items()}
    if "properties" in node:
        made["properties"] = {name: _closed(child) for name, child in node["properties"].items()}
        made.setdefault("additionalProperties", False)
    return made


def _require_valid(item: Object) -> None:
    for problem in _schema().iter_errors(item):
        raise errors.Rejected(f"{problem.instance_path}: {problem.message}")


# --- the archive


class FakeArchive:
    """What `c2d.archive.archive.Archive` does, as long as it is not `down`."""

    def __init__(self) -> None:
        self.entries: dict[str, Entry] = {}
        self.claims: dict[bytes, str] = {}
        self.down = False
        self.saves = 0
        self.migrations = 0
        self.last_error = ""

    @property
    def healthy(self) -> bool:
        return not self.down

    async def migrate(self) -> int:
        await self._turn()
        self.migrations += 1
        return 1

    async def save(self, entries: Sequence[Entry]) -> None:
        await self._turn()
        self.saves += 1
        self.entries |= {entry.uid: entry for entry in entries}

    async def find(
        self,
        *,
        job_id: str | None = None,
        agreement_id: str | None = None,
        owner: str | None = None,
        limit: int,
    ) -> list[Entry]:
        await self._turn()
        return [
            entry
            for entry in self._in_order()
            if job_id in (None, entry.job_id)
            and (agreement_id is None or agreement_id.lower() == entry.agreement_id.lower())
            and (owner is None or owner.lower() == entry.owner.lower())
        ][-limit:]

    async def page(
        self, *, limit: int, after: Cursor | None = None, **filters: str | None
    ) -> tuple[list[Entry], Cursor | None]:
        await self._turn()
        found = [
            entry
            for entry in reversed(self._in_order())
            if (after is None or (entry.created, entry.uid) < (after.created, after.uid))
            and all(value in (None, getattr(entry, name)) for name, value in filters.items())
        ]
        return found[:limit], found[limit - 1].cursor if len(found) > limit else None

    async def mark_removed(self, uid: str) -> Entry | None:
        await self._turn()
        entry = self.entries.get(uid)
        if entry is not None:
            entry = dataclasses.replace(entry, removed=True, status={**entry.status, "removed": 1})
            self.entries[uid] = entry
        return entry

    async def due(self, now: datetime, limit: int) -> list[Entry]:
        await self._turn()
        text = f"{now:%Y-%m-%dT%H:%M:%SZ}"
        there = [(entry, entry.location) for entry in self.entries.values() if entry.location is not None]
        return [entry for entry, place in there if entry.removed or (place.get("expires") or "9") <= text][:limit]

    async def forget_results(self, uid: str) -> None:
        await self._turn()
        self.entries[uid] = dataclasses.replace(self.entries[uid], location=None)

    async def known(self, uids: Collection[str]) -> set[str]:
        await self._turn()
        return {uid for uid in uids if uid in self.entries and self.entries[uid].finished is not None}

    async def claim(self, key: bytes, purpose: str, expires: datetime, now: datetime) -> str:
        await self._turn()
        return self.claims.setdefault(key, purpose)

    async def forget_expired(self, now: datetime) -> int:
        await self._turn()
        return 0

    async def _turn(self) -> None:
        await asyncio.sleep(0)
        if self.down:
            raise Unavailable("no connection to the database in time")

    def _in_order(self) -> list[Entry]:
        return sorted(self.entries.values(), key=lambda entry: (entry.created, entry.uid))


# --- the storage


class Storage:
    """Objects over HTTP, as an S3 server hands them out to presigned URLs."""

    def __init__(self) -> None:
        self.objects: dict[str, bytes] = {}
        self.endpoint = ""
        self.gate = asyncio.Event()
        self.gate.set()
        self.asked = 0

    def publish(self, item: Object, *files: tuple[str, str, bytes], listed: bool = True) -> Object:
        """The job with results: (type, name, content) of each. Not listed: only its manifest tells of them."""
        uid = item["metadata"]["uid"]
        prefix = f"{NAMESPACE}/{uid}"
        results = []
        for index, (kind, name, content) in enumerate(files):
            self.objects[f"results/{prefix}/files/{index}"] = content
            told = {"filename": name, "filesize": len(content), "sha256": hashlib.sha256(content).hexdigest()}
            results.append({"index": index, "type": kind, "key": f"files/{index}", **told})
        head = {"version": 1, "job": "j", "uid": uid, "publishedAt": FINISHED, "outputs": True, "skipped": []}
        manifest = json.dumps({**head, "results": results}).encode()
        self.objects[f"results/{prefix}/manifest.json"] = manifest
        shown = [{name: result[name] for name in ("filename", "filesize", "type")} for result in results]
        status = {
            "location": f"s3://results/{prefix}",
            "manifest": f"{prefix}/manifest.json",
            "manifestSha256": hashlib.sha256(manifest).hexdigest(),
            "count": len(files),
            "bytes": sum(len(content) for _, _, content in files),
            **({"files": shown} if listed else {}),
        }
        target = {"endpoint": self.endpoint, "bucket": "results", "credentialsSecretName": "s3"}
        return merged(item, {"status": {"results": status, "resolvedEnvironment": {"results": {"s3": target}}}})

    async def _answer(self, request: web.Request) -> web.StreamResponse:
        self.asked += 1
        content = self.objects.get(request.match_info["key"])
        if content is None:
            return web.Response(status=404, body=b"<Error><Code>NoSuchKey</Code></Error>")
        headers = {"ETag": f'"{hashlib.sha256(content).hexdigest()}"', "Accept-Ranges": "bytes"}
        span = request.http_range if "Range" in request.headers else None
        if span is not None and (span.start or 0) >= len(content):
            return web.Response(status=416, body=b"<Error><Code>InvalidRange</Code></Error>")
        part = content[span] if span is not None else content
        if span is not None:
            begin, _, _ = span.indices(len(content))
            headers["Content-Range"] = f"bytes {begin}-{begin + len(part) - 1}/{len(content)}"
        if request.match_info["key"].endswith("manifest.json"):
            return web.Response(status=206 if span else 200, body=part, headers=headers)
        await self.gate.wait()
        return web.Response(status=206 if span else 200, body=part, headers=headers)

    @contextlib.asynccontextmanager
    async def running(self, credentials: Path) -> AsyncIterator["Storage"]:
        """`credentials` is the folder that the service finds its keys in."""
        folder = credentials / "s3"
        folder.mkdir(parents=True)
        for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"):
            (folder / name).write_text("of-tests")
        application = web.Application()
        application.router.add_get("/{key:.*}", self._answer)
        runner = web.AppRunner(application, shutdown_timeout=0.1)
        await runner.setup()
        await web.TCPSite(runner, "127.0.0.1", 0).start()
        host, port = runner.addresses[0][:2]
        self.endpoint = f"http://{host}:{port}"
        try:
            yield self
        finally:
            self.gate.set()
            await runner.cleanup()


# --- the service


@dataclass(frozen=True)
class Answer:
    status: int
    headers: Mapping[str, str]
    body: bytes

    @property
    def json(self) -> Any:
        return json.loads(self.body)

    @property
    def error(self) -> str:
        """The text of an error, which has the one form that errors have."""
        assert self.status >= 400, self
        assert list(self.json) == ["error"], self
        assert self.headers["Content-Type"] == "application/json"
        assert self.headers["Access-Control-Allow-Origin"] == "*"
        text = self.json["error"]
        assert isinstance(text, str) and text
        return text


class Sent(Protocol):
    async def __call__(self, method: str, path: str, **more: Any) -> Answer: ...


@dataclass
class Service:
    """A replica, and a client of it."""

    context: Context
    client: ServiceClient
    cluster: ServiceCluster
    url: str
    session: aiohttp.ClientSession
    broken: asyncio.Event

    async def ask(self, method: str, path: str, **more: Any) -> Answer:
        """`path` is below /api/v1/operator, unless it begins with a slash."""
        target = path if path.startswith("/") else f"{BASE}/{path}"
        async with asyncio.timeout(DEADLINE):
            async with self.session.request(method, self.url + target, allow_redirects=False, **more) as response:
                return Answer(response.status, response.headers, await response.read())

    async def start(self, body: Any) -> Answer:
        return await self.ask("POST", "compute", json=body)

    async def get(self, parameters: Mapping[str, str]) -> Answer:
        return await self.ask("GET", "compute", params=parameters)

    async def put(self, parameters: Mapping[str, str]) -> Answer:
        return await self.ask("PUT", "compute", params=parameters)

    async def delete(self, parameters: Mapping[str, str]) -> Answer:
        return await self.ask("DELETE", "compute", params=parameters)

    async def result(self, parameters: Mapping[str, str], **headers: str) -> Answer:
        return await self.ask("GET", "getResult", params=parameters, headers=headers)

    async def admin(self, path: str, method: str = "GET", **more: Any) -> Answer:
        return await self.ask(method, path, headers={"Admin": ADMIN}, **more)

    async def sees(self, item: Object) -> Object:
        """The object is on the cluster, and this replica has heard of it."""
        made = self.cluster.put(JOBS if item["kind"] == JOBS.kind else ENVIRONMENTS, copy.deepcopy(item))
        await self.heard()
        return made

    async def heard(self) -> None:
        """Everything that has happened on the cluster is known here."""
        await until(lambda: self._heard)

    @property
    def _heard(self) -> bool:
        there = {item["metadata"]["uid"]: int(item["metadata"]["resourceVersion"]) for item in self.cluster.jobs()}
        known = {record.uid: record.version for record in self.context.jobs}
        names = {item["metadata"]["name"] for item in self.cluster.all(ENVIRONMENTS)}
        synced = all(mirror.synced for mirror in self.context.mirrors)
        return synced and known == there and names == {offer.name for offer in self.context.offers}


async def until(holds: Callable[[], bool]) -> None:
    async with asyncio.timeout(DEADLINE):
        while not holds():  # noqa: ASYNC110 - what changes has no event
            await asyncio.sleep(0.002)


def environ(**more: str) -> dict[str, str]:
    usual = {
        "ALLOWED_PROVIDERS": json.dumps([Provider().address]),
        "ALLOWED_ADMINS": json.dumps([ADMIN]),
        "C2D_NAMESPACE": NAMESPACE,
    }
    return {**usual, **more}


def new_cluster(*items: Object) -> ServiceCluster:
    """With one environment, and these."""
    cluster = ServiceCluster()
    for item in (environment(), *items):
        cluster.put(JOBS if item["kind"] == JOBS.kind else ENVIRONMENTS, copy.deepcopy(item))
    return cluster


@contextlib.asynccontextmanager
async def running(
    cluster: ServiceCluster | None = None, archive: FakeArchive | None = None, *, synced: bool = True, **variables: str
) -> AsyncIterator[Service]:
    """A replica that listens, made by the composition root; `variables` are its environment's."""
    cluster = cluster or new_cluster()
    client = ServiceClient(cluster)
    broken = asyncio.Event()
    async with contextlib.AsyncExitStack() as stack:
        context = await stack.enter_async_context(composed(Settings.read(environ(**variables)), client.as_client))
        if archive is not None:
            context = _with_archive(context, cast("Archive", archive))
        if synced:
            await stack.enter_async_context(working(context, broken))
        runner = web.AppRunner(app.create(context), handler_cancellation=True, access_log=None, shutdown_timeout=0.1)
        await runner.setup()
        stack.push_async_callback(runner.cleanup)
        await web.TCPSite(runner, "127.0.0.1", 0).start()
        host, port = runner.addresses[0][:2]
        session = await stack.enter_async_context(aiohttp.ClientSession())
        service = Service(context, client, cluster, f"http://{host}:{port}", session, broken)
        if synced:
            await service.heard()
        yield service
        assert not broken.is_set(), "a worker died"


def _with_archive(context: Context, archive: Archive) -> Context:
    """What `composed` does where there is a database."""
    client, jobs, settings = context.client, context.jobs, context.settings
    defaults = Defaults(settings.metadata_uri, settings.job_ttl_seconds, (ARCHIVE_FINALIZER,))
    return dataclasses.replace(
        context,
        archive=archive,
        archivist=Archivist(client, jobs, archive, lambda: datetime.now(UTC)),
        lookup=Lookup(jobs, archive, context.results, lambda: datetime.now(UTC)),
        starter=Starter(client, context.namespace, jobs, context.offers, defaults),
        control=Control(client, jobs, archive, lambda: datetime.now(UTC)),
        replay=Replay(settings.access.window_seconds, archive, time.time),
    )


class Background:
    """A replica in a thread of its own, for tests that can't wait for it: those of hypothesis and schemathesis."""

    def __init__(self, service: Service, loop: asyncio.AbstractEventLoop) -> None:
        self.service = service
        self._loop = loop

    @property
    def url(self) -> str:
        return self.service.url

    def run(self, work: Coroutine[Any, Any, T]) -> T:
        return asyncio.run_coroutine_threadsafe(work, self._loop).result(DEADLINE)

    def ask(self, method: str, path: str, **more: Any) -> Answer:
        return self.run(self.service.ask(method, path, **more))


@contextlib.contextmanager
def in_background(*items: Object, **variables: str) -> Iterator[Background]:
    loop = asyncio.new_event_loop()
    thread = threading.Thread(target=loop.run_forever, daemon=True)
    thread.start()

    async def enter() -> tuple[contextlib.AsyncExitStack, Service]:
        stack = contextlib.AsyncExitStack()
        return stack, await stack.enter_async_context(running(new_cluster(*items), **variables))

    stack, service = asyncio.run_coroutine_threadsafe(enter(), loop).result(DEADLINE)
    try:
        yield Background(service, loop)
    finally:
        asyncio.run_coroutine_threadsafe(stack.aclose(), loop).result(DEADLINE)
        loop.call_soon_threadsafe(loop.stop)
        thread.join(DEADLINE)
