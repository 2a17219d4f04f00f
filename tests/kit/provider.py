"""The service's other side: a Provider with its key, and the consumer that it speaks for, as clients in the field are.

A request is signed as a Provider signs it; a job is followed and its results are fetched as ocean.py does it.
"""

import asyncio
import contextlib
import hashlib
import itertools
import json
import secrets
import time
from collections.abc import AsyncIterator, Callable, Iterable
from dataclasses import dataclass
from typing import Any

import aiohttp

from c2d.cli.provider_request import Caller
from c2d.kube.client import Client
from c2d.kube.resources import JOBS, Object
from c2d.ocean.signatures import PrivateKey
from tests.kit.live import DEADLINE

Json = dict[str, Any]

STATUS_KEYS = (
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
)
CODES = (1, 10, 20, 30, 40, 50, 60, 70)  # of a run in which nothing fails, in their order
_PAUSE = 0.3  # seconds between two looks
_RESULT = "/api/v1/operator/getResult"
_COMPUTE = "/api/v1/operator/compute"


@dataclass(frozen=True)
class Answer:
    """What the service said; `body` is decoded JSON."""

    status: int
    body: Any
    headers: Json

    @property
    def error(self) -> str:
        assert self.status >= 400, self
        text: str = self.body["error"]
        return text

    @property
    def jobs(self) -> list[Json]:
        """The status objects in it."""
        assert self.status == 200, self
        for item in self.body:
            assert tuple(item) == STATUS_KEYS
        jobs: list[Json] = self.body
        return jobs

    @property
    def job(self) -> Json:
        assert len(self.jobs) == 1, self
        return self.jobs[0]


class Provider:
    """Speaks to one service for one consumer. Nothing is raised for a status: tests look at it."""

    def __init__(self, session: aiohttp.ClientSession, url: str, key: str, owner: str) -> None:
        self._session = session
        self._key = key
        self._caller = Caller(PrivateKey(key), owner)
        self._nonces = itertools.count(time.time_ns())
        self.url = url.rstrip("/")

    @property
    def owner(self) -> str:
        return self._caller.owner

    def at(self, url: str) -> "Provider":
        """The same at another replica."""
        other = Provider(self._session, url, self._key, self.owner)
        other._nonces = self._nonces
        return other

    # -- what a Provider asks

    def start_body(self, workflow: Json, agreement: str, environment: str = "default", **more: Any) -> Json:
        """Of POST /compute, signed now."""
        asked = {"workflow": workflow, "agreementId": agreement, "environment": environment, **more}
        return self._caller.start(asked, next(self._nonces))

    async def post(self, body: Json) -> Answer:
        return await self._ask("POST", _COMPUTE, json=body)

    async def start(self, workflow: Json, agreement: str | None = None, **more: Any) -> Answer:
        return await self.post(self.start_body(workflow, agreement or new_agreement(), **more))

    async def status(self, job: str | None = None, agreement: str | None = None) -> Answer:
        """Of a job, of an agreement's jobs, or without both of all of the owner's."""
        return await self._ask("GET", _COMPUTE, params=self._caller.query(next(self._nonces), job, agreement))

    async def stop(self, job: str | None = None) -> Answer:
        return await self._ask("PUT", _COMPUTE, params=self._caller.query(next(self._nonces), job))

    async def remove(self, job: str | None = None) -> Answer:
        return await self._ask("DELETE", _COMPUTE, params=self._caller.query(next(self._nonces), job))

    @contextlib.asynccontextmanager
    async def stream(self, job: str, index: int, **headers: str) -> AsyncIterator[aiohttp.ClientResponse]:
        """A result, its body unread."""
        query = self._caller.result_query(next(self._nonces), job, index)
        async with self._session.get(self.url + _RESULT, params=query, headers=headers) as response:
            yield response

    async def result(self, job: str, index: int) -> Answer:
        """An error of getResult, decoded."""
        async with self.stream(job, index) as response:
            return await _answer(response)

    async def get(self, path: str, **headers: str) -> Answer:
        return await self._ask("GET", path, headers=headers)

    async def _ask(self, method: str, path: str, **parts: Any) -> Answer:
        async with self._session.request(method, self.url + path, **parts) as response:
            return await _answer(response)

    # -- what a consumer does with it

    async def when_started(self, workflow: Json, agreement: str | None = None, **more: Any) -> str:
        """The job's ID. An environment that was made a moment ago may not be known to every replica yet."""
        agreement = agreement or new_agreement()
        async with asyncio.timeout(DEADLINE):
            answer = await self.start(workflow, agreement, **more)
            while answer.status == 400 and "Environment invalid" in answer.error:
                await asyncio.sleep(_PAUSE)
                answer = await self.start(workflow, agreement, **more)
        job = answer.job
        assert (job["agreementId"], job["owner"]) == (agreement, self.owner), job
        assert job["status"] in CODES[:3], f"{job}: the engine may be faster than the answer, but not that fast"
        return str(job["jobId"])

    async def then(self, job: str, holds: Callable[[Json], bool], what: str) -> Json:
        """Wait until it holds for the job's status."""
        status: Json = {}
        try:
            async with asyncio.timeout(DEADLINE):
                while True:
                    status = (await self.status(job)).job
                    if holds(status):
                        return status
                    await asyncio.sleep(_PAUSE)
        except TimeoutError:
            pass
        raise AssertionError(f"{what} never came: {json.dumps(status)}")

    async def then_code(self, job: str, *codes: int) -> Json:
        return await self.then(job, lambda status: status["status"] in codes, f"one of {codes}")

    async def then_ended(self, job: str) -> Json:
        """As older and newer releases of ocean.py find it out: the code is above 60, or there is an end's date."""
        status = await self.then(job, lambda seen: seen["dateFinished"] is not None, "the end")
        assert status["status"] in (31, 32, 70), status
        assert float(status["dateFinished"]) >= float(status["dateCreated"]) > 0
        return status

    async def then_followed(self, job: str) -> tuple[list[int], Json]:
        """Poll as ocean.py does, until the code is above 60: the codes that were seen, and the status at the end."""
        seen: list[int] = []

        def over(status: Json) -> bool:
            if status["status"] not in seen[-1:]:
                seen.append(status["status"])
            return seen[-1] > 60

        return seen, await self.then(job, over, "a code above 60")

    async def then_results(self, status: Json) -> dict[str, bytes]:
        """Every result in the list, `type/filename` -> content: ocean.py raises when one of them is not 200."""
        found = {}
        for index, listed in enumerate(status["results"] or ()):
            async with self.stream(status["jobId"], index) as response:
                assert response.status == 200, (listed, await response.text())
                content = await response.read()
            assert len(content) == listed["filesize"], listed
            found[f"{listed['type']}/{listed['filename']}"] = content
        return found


async def _answer(response: aiohttp.ClientResponse) -> Answer:
    content = await response.read()
    return Answer(response.status, json.loads(content) if content else None, dict(response.headers))


@contextlib.asynccontextmanager
async def provider(url: str, key: str, owner: str | None = None) -> AsyncIterator[Provider]:
    """With a consumer whom nobody else uses."""
    async with aiohttp.ClientSession(timeout=aiohttp.ClientTimeout(total=None, sock_read=DEADLINE)) as session:
        yield Provider(session, url, key, owner or new_owner())


def new_owner() -> str:
    return f"0x{secrets.token_hex(20)}"


def new_agreement() -> str:
    return f"0x{secrets.token_hex(32)}"


def raw(code: str, image: str, inputs: Iterable[Json] = (), **algorithm: Any) -> Json:
    """A workflow with the algorithm's code in it, in the shape that a Provider gives it."""
    name, _, tag = image.rpartition(":")
    container = {"entrypoint": "python3 $ALGO", "image": name, "tag": tag, "checksum": ""}
    stage = {
        "index": 0,
        "input": [{"index": index, **item} for index, item in enumerate(inputs)],
        "compute": {"Instances": 1, "namespace": "ocean-compute", "maxtime": 3600},
        "algorithm": {"id": "", "url": None, "rawcode": code, "container": container, **algorithm},
        "output": {"metadataUri": "http://aquarius.invalid"},
    }
    return {"stages": [stage]}


def did(seed: str) -> str:
    return f"did:op:{hashlib.sha256(seed.encode()).hexdigest()}"


async def jobs_of(client: Client, namespace: str, owner: str) -> list[Object]:
    """The consumer's ComputeJobs."""
    listed = await client.list(JOBS, namespace)
    return [item for item in listed["items"] if item["spec"].get("owner") == owner]


async def clear(client: Client, namespace: str, owner: str, *, let_go: bool = False) -> None:
    """Delete the consumer's jobs; with `let_go` also those that wait for an archive which is no more."""
    for item in await jobs_of(client, namespace, owner):
        name = item["metadata"]["name"]
        if let_go and item["metadata"].get("finalizers"):
            await client.patch(JOBS, namespace, name, {"metadata": {"finalizers": None}})
        await client.delete(JOBS, namespace, name)
