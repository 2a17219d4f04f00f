"""Start a job: one unfinished job per agreement, whichever replica is asked, and none half made.

A job's name follows from its agreement and a number, so that the API server itself refuses the second of two starts.
The number is one more than that of the last job of this agreement, all of which must be over. Its Secrets are made
after the job, as they belong to it: should we die in between, the client has no answer and asks again, which makes
them; if it doesn't, the job ends because its pod can't be started, and nobody was told that it would run.
"""

import base64
import hashlib
import re
import secrets
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from c2d.kube import errors, names
from c2d.kube.client import Client
from c2d.kube.resources import JOBS, SECRETS, Object
from c2d.service import records, translate
from c2d.service.auth import Provider
from c2d.service.environments import Offers
from c2d.service.errors import BadRequest, Unavailable
from c2d.service.jobs import Jobs
from c2d.service.parameters import Start
from c2d.service.records import Record, Request
from c2d.service.replay import Replay

MANAGER = "c2d-service"
_TRIES = 10  # each follows a change that another replica made


@dataclass(frozen=True)
class Defaults:
    """What a request doesn't say."""

    metadata_uri: str
    ttl_seconds: int | None
    finalizers: tuple[str, ...]  # of new jobs


class Starter:
    """Makes ComputeJobs from requests."""

    def __init__(self, client: Client, namespace: str, jobs: Jobs, offers: Offers, defaults: Defaults) -> None:
        self._client = client
        self._namespace = namespace
        self._jobs = jobs
        self._offers = offers
        self._defaults = defaults

    async def start(self, asked: Start, provider: Provider, replay: Replay) -> Record:
        """The job that was started, or that runs already for the same request.

        Raises ServiceError and KubeError.
        """
        digest = asked.digest(provider.address)
        await replay.write(provider, f"start {digest}")
        for _ in range(_TRIES):
            running = await self._unfinished(asked.agreement_id)
            if running is not None:
                return await self._same(running, asked, digest)
            ended = self._ended(asked.agreement_id, digest, provider)
            if ended is not None:
                return ended
            made = await self._make(asked, provider, digest)
            if made is not None:
                return made
        raise Unavailable("the agreement is being used by several requests at a time; try again in a moment")

    async def _unfinished(self, agreement: str) -> Record | None:
        """The job that has the agreement; asked for anew, as what we know may be some moments old."""
        for known in self._jobs.of_agreement(agreement):
            if known.over:
                continue
            fresh = await self._look(known.name)
            if fresh is not None and not fresh.over:
                return fresh
        return None

    def _ended(self, agreement: str, digest: str, provider: Provider) -> Record | None:
        """The job that the very same signature started, if it is over: a request is carried out once."""
        signed = provider.key.hex()
        for known in self._jobs.of_agreement(agreement):
            if signed and known.request.signed == signed and known.request.digest == digest:
                return known
        return None

    async def _look(self, name: str) -> Record | None:
        try:
            return self._jobs.take(await self._client.get(JOBS, self._namespace, name))
        except errors.NotFound:
            return None

    async def _same(self, running: Record, asked: Start, digest: str) -> Record:
        """The answer to a request that came again."""
        if running.request.digest != digest:
            raise BadRequest("`agreementId` already in use for other job.")
        parts = translate.job(asked, running.request.private, self._defaults.metadata_uri)
        await self._keep_private(running, parts.private)
        return running

    async def _make(self, asked: Start, provider: Provider, digest: str) -> Record | None:
        """None when another replica was faster."""
        offer = self._offers.get(asked.environment)
        if offer is None or not offer.serves(asked.chain_id):
            raise BadRequest("Environment invalid or does not exist")
        name = next_name(asked.agreement_id, [record.name for record in self._jobs.of_agreement(asked.agreement_id)])
        private = f"{name}-{secrets.token_hex(4)}"
        assets = offer.spec.results_assets is not None
        parts = translate.job(asked, private, self._defaults.metadata_uri, assets)
        request = Request(
            algo_did=parts.algo_did,
            input_dids=parts.input_dids,
            provider=provider.address,
            digest=digest,
            signed=provider.key.hex(),
            private=private,
        )
        try:
            item = await self._client.create(JOBS, self._manifest(name, parts.spec, request), strict=True)
        except errors.AlreadyExists:
            await self._look(name)
            return None
        except errors.Rejected as error:
            raise BadRequest(f"the job can't be accepted: {error}") from error
        record = self._jobs.take(item)
        await self._keep_private(record, parts.private)
        return record

    def _manifest(self, name: str, spec: Mapping[str, Any], request: Request) -> Object:
        metadata: Object = {
            "name": name,
            "namespace": self._namespace,
            "labels": {names.MANAGED_BY: MANAGER},
            "annotations": {records.REQUEST: records.request_annotation(request)},
        }
        if self._defaults.finalizers:
            metadata["finalizers"] = list(self._defaults.finalizers)
        lifetime = self._defaults.ttl_seconds
        return {
            "apiVersion": JOBS.api_version,
            "kind": JOBS.kind,
            "metadata": metadata,
            "spec": {**spec, **({"ttlSecondsAfterFinished": lifetime} if lifetime is not None else {})},
        }

    async def _keep_private(self, record: Record, private: Mapping[str, Mapping[str, str]]) -> None:
        for name, texts in private.items():
            try:
                await self._client.create(SECRETS, secret(record, name, texts))
            except errors.AlreadyExists:
                continue
            except errors.Rejected as error:
                raise BadRequest(f"the job can't be accepted: {error}") from error


def next_name(agreement: str, taken: list[str]) -> str:
    """`job-<hash of the agreement>-<number>`: one more than the last one that is known."""
    stem = f"job-{hashlib.sha256(agreement.lower().encode()).hexdigest()[:24]}-"
    numbers = [int(found[1]) for name in taken if (found := re.fullmatch(re.escape(stem) + "([0-9]{1,9})", name))]
    return f"{stem}{max(numbers, default=-1) + 1}"


def secret(record: Record, name: str, texts: Mapping[str, str]) -> Object:
    """Private parts of a job; they go when the job goes."""
    owner = {"apiVersion": JOBS.api_version, "kind": JOBS.kind, "name": record.name, "uid": record.uid}
    return {
        "apiVersion": SECRETS.api_version,
        "kind": SECRETS.kind,
        "metadata": {
            "name": name,
            "namespace": record.namespace,
            "labels": {names.MANAGED_BY: MANAGER, names.JOB_UID: record.uid},
            "ownerReferences": [owner],
        },
        "immutable": True,
        # As text, a control character would have six bytes of JSON: too many for a request to the API server.
        "data": {key: base64.b64encode(text.encode()).decode() for key, text in texts.items()},
    }
