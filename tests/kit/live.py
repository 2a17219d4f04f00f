"""Given, when, then on a real cluster. Every wait is for a condition, with a generous deadline."""

import asyncio
import json
import os
import uuid
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Any, Self, TypeVar

import boto3
from botocore.config import Config

from c2d.api.phases import TERMINAL, Phase
from c2d.kube import errors, names
from c2d.kube.client import Client
from c2d.kube.resources import CLAIMS, ENVIRONMENTS, EVENTS, JOBS, PODS, SECRETS, Object

T = TypeVar("T")

DEADLINE = 240.0  # seconds; a wait that takes this long on any machine has failed


@dataclass(frozen=True)
class Site:
    """Where the cluster is and what is in it, as `make env` prints it."""

    namespace: str
    s3_endpoint: str
    s3_endpoint_in_cluster: str
    bucket: str
    datasets: str
    operator_image: str
    algorithm_image: str
    noshell_image: str

    @classmethod
    def read(cls, environ: Mapping[str, str]) -> Self:
        return cls(
            namespace=environ["C2D_NAMESPACE"],
            s3_endpoint=environ["C2D_S3_ENDPOINT"],
            s3_endpoint_in_cluster=environ["C2D_S3_ENDPOINT_IN_CLUSTER"],
            bucket=environ["C2D_S3_BUCKET"],
            datasets=environ["C2D_S3_DATASETS_BUCKET"],
            operator_image=environ["C2D_OPERATOR_IMAGE"],
            algorithm_image=environ["C2D_ALGORITHM_IMAGE"],
            noshell_image=environ["C2D_NOSHELL_IMAGE"],
        )

    def s3(self, endpoint: str | None = None) -> Any:
        config = Config(s3={"addressing_style": "path"}, signature_version="s3v4")
        return boto3.client(
            "s3",
            endpoint_url=endpoint or self.s3_endpoint,
            region_name=os.environ.get("AWS_REGION", "us-east-1"),
            config=config,
        )

    def url_of(self, key: str, content: bytes) -> str:
        """Put a dataset into the store; returns a private URL that answers inside the cluster."""
        self.s3().put_object(Bucket=self.datasets, Key=key, Body=content)
        return self.missing_url(key)

    def missing_url(self, key: str) -> str:
        inside = self.s3(self.s3_endpoint_in_cluster)
        url: str = inside.generate_presigned_url("get_object", {"Bucket": self.datasets, "Key": key}, ExpiresIn=3600)
        return url


class Live:
    """One test's view of a real cluster: its jobs and environments have names of their own and go afterwards."""

    def __init__(self, client: Client, site: Site, namespace: str) -> None:
        self.client = client
        self.site = site
        self.namespace = namespace
        self._made: list[tuple[Any, str]] = []

    async def given_environment(self, **changes: Any) -> str:
        """Like the default environment but for the changes (merged into its spec)."""
        default = await self.client.get(ENVIRONMENTS, self.site.namespace, "default")
        name = f"test-{uuid.uuid4().hex[:8]}"
        spec = _merged(default["spec"], changes)
        await self._create(ENVIRONMENTS, {"metadata": {"name": name}, "spec": spec})
        return name

    async def given_secret(self, **texts: str) -> str:
        name = f"test-{uuid.uuid4().hex[:8]}"
        await self._create(SECRETS, {"metadata": {"name": name}, "stringData": texts})
        return name

    async def given_volume(self, **files: str) -> str:
        """A claim of a data owner's, with these files in it; its name."""
        name = f"test-{uuid.uuid4().hex[:8]}"
        default = await self.client.get(ENVIRONMENTS, self.site.namespace, "default")
        await self._create(CLAIMS, _claim(name, default["spec"].get("volume", {})))
        await self._create(PODS, _writer(name, self.site.algorithm_image, files))
        await until(lambda: self.client.get(PODS, self.namespace, name), _has_succeeded)
        return name

    async def when_submitted(self, code: str = "", *, entrypoint: str = "python3 $ALGO", **spec: Any) -> str:
        """A job with that Python code, or with the algorithm that `spec` brings along."""
        image, _, tag = self.site.algorithm_image.rpartition(":")
        algorithm = {
            "source": {"inline": code or "pass"},
            "container": {"image": image, "tag": tag, "entrypoint": entrypoint},
        }
        name = f"job-{uuid.uuid4().hex[:8]}"
        await self._create(JOBS, {"metadata": {"name": name}, "spec": {"algorithm": algorithm, **spec}})
        return name

    async def when_stopped(self, job: str) -> None:
        await self.client.patch(JOBS, self.namespace, job, {"spec": {"stop": True}})

    async def then(self, job: str, holds: Callable[[Object], bool], what: str) -> Object:
        """Wait until it holds for the job's status; returns the status."""
        status: Object = {}
        try:
            async with asyncio.timeout(DEADLINE):
                async for item in self._states(job):
                    status = item.get("status", {})
                    if holds(status):
                        return status
        except TimeoutError:
            pass
        raise AssertionError(f"{job}: {what} never came; {json.dumps(status)}; {await self._pods(job)}")

    async def then_phase(self, job: str, *phases: Phase) -> Object:
        return await self.then(job, lambda status: status.get("phase") in phases, " or ".join(phases))

    async def then_ended(self, job: str) -> Object:
        return await self.then_phase(job, *sorted(TERMINAL))

    async def then_claims_are_gone(self, job: str) -> None:
        await until(lambda: self._claims(job), lambda claims: not claims)

    async def then_events(self, job: str, last: str) -> list[str]:
        """The reasons of the job's events, once the last one is there."""
        return await until(lambda: self.events(job), lambda reasons: last in reasons)

    async def pods(self, job: str) -> list[Object]:
        listed = await self.client.list(PODS, self.namespace, labelSelector=f"{names.JOB_NAME}={job}")
        items: list[Object] = listed["items"]
        return items

    async def events(self, job: str) -> list[str]:
        listed = await self.client.list(EVENTS, self.namespace, fieldSelector=f"involvedObject.name={job}")
        return [event["reason"] for event in listed["items"]]

    def results(self, status: Object) -> dict[str, bytes]:
        """What was published: `type/filename` -> content, in the manifest's order."""
        _, _, rest = status["results"]["location"].partition("s3://")
        bucket, _, prefix = rest.partition("/")
        store = self.site.s3()
        manifest = json.loads(store.get_object(Bucket=bucket, Key=status["results"]["manifest"])["Body"].read())
        return {
            f"{item['type']}/{item['filename']}": store.get_object(Bucket=bucket, Key=f"{prefix}/{item['key']}")[
                "Body"
            ].read()
            for item in manifest["results"]
        }

    async def clean(self) -> None:
        for resource, name in reversed(self._made):
            await self.client.delete(resource, self.namespace, name)

    async def _create(self, resource: Any, item: Object) -> None:
        item = {"apiVersion": resource.api_version, "kind": resource.kind, **item}
        item["metadata"]["namespace"] = self.namespace
        await self.client.create(resource, item)
        self._made.append((resource, item["metadata"]["name"]))

    async def _states(self, job: str) -> AsyncIterator[Object]:
        while True:
            item = await self.client.get(JOBS, self.namespace, job)
            yield item
            version, field = item["metadata"]["resourceVersion"], f"metadata.name={job}"
            try:
                async for kind, item in self.client.watch(JOBS, self.namespace, version, fieldSelector=field):
                    if kind == "DELETED":
                        raise errors.NotFound(job)
                    yield item
            except errors.Unavailable:
                continue

    async def _claims(self, job: str) -> list[Object]:
        listed = await self.client.list(CLAIMS, self.namespace, labelSelector=f"{names.JOB_NAME}={job}")
        items: list[Object] = listed["items"]
        return items

    async def _pods(self, job: str) -> str:
        return json.dumps([pod.get("status") for pod in await self.pods(job)])


@asynccontextmanager
async def live(site: Site, namespace: str | None = None) -> AsyncIterator[Live]:
    async with await Client.connect("c2d-tests") as client:
        story = Live(client, site, namespace or site.namespace)
        try:
            yield story
        finally:
            await story.clean()


async def until(look: Callable[[], Awaitable[T]], holds: Callable[[T], bool]) -> T:
    """Look again until it holds: for what the API server offers no watch that would be simpler."""
    async with asyncio.timeout(DEADLINE):
        while True:
            seen = await look()
            if holds(seen):
                return seen
            await asyncio.sleep(0.2)


def _claim(name: str, volume: Object) -> Object:
    spec = {"accessModes": ["ReadWriteOnce"], "resources": {"requests": {"storage": "1Mi"}}, **volume}
    return {"metadata": {"name": name}, "spec": spec}


def _writer(claim: str, image: str, files: Mapping[str, str]) -> Object:
    """A pod, named like the claim, that puts the files there."""
    code = f"""
import pathlib
for name, text in {dict(files)!r}.items():
    path = pathlib.Path("/v", name)
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text)
"""
    container = {
        "name": "writer",
        "image": image,
        "imagePullPolicy": "IfNotPresent",
        "command": ["python3", "-c", code],
        "securityContext": {"allowPrivilegeEscalation": False, "capabilities": {"drop": ["ALL"]}},
        "volumeMounts": [{"name": "data", "mountPath": "/v"}],
    }
    user = {"runAsNonRoot": True, "runAsUser": 10001, "fsGroup": 10001, "seccompProfile": {"type": "RuntimeDefault"}}
    spec = {
        "restartPolicy": "Never",
        "containers": [container],
        "securityContext": user,
        "volumes": [{"name": "data", "persistentVolumeClaim": {"claimName": claim}}],
    }
    return {"metadata": {"name": claim}, "spec": spec}


def _has_succeeded(pod: Object) -> bool:
    assert pod["status"]["phase"] != "Failed", pod["status"]
    return bool(pod["status"]["phase"] == "Succeeded")


def _merged(base: Any, changes: Any) -> Any:
    if not isinstance(base, dict) or not isinstance(changes, dict):
        return changes
    merged = {**base, **{key: _merged(base.get(key), value) for key, value in changes.items()}}
    return {key: value for key, value in merged.items() if value is not None}
