"""Finished jobs, as the engine leaves them. Pure."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterator
from typing import Any

from bench import plane
from c2d.api.environment import GROUP
from c2d.kube import names
from c2d.kube.resources import JOBS, Object

OWNER = "0xC41808BBef371AD5CFc76466dDF9dEe228d2BdAA"  # of all jobs but one
OTHER_OWNER = "0x" + "5" * 40
_CREATED, _BEGUN, _FINISHED = "2026-01-02T03:04:05Z", "2026-01-02T03:04:07Z", "2026-01-02T03:14:09Z"
_FILES = (
    *({"filename": f"outputs/part-{number}.csv", "filesize": 1_048_576, "type": "output"} for number in range(3)),
    {"filename": "algorithm.log", "filesize": 2048, "type": "algorithmLog"},
    {"filename": "configure.log", "filesize": 512, "type": "configrationLog"},
)


def job(number: int, owner: str = OWNER) -> Object:
    """One that a Provider started."""
    agreement = "0x" + hashlib.sha256(f"{number}".encode()).hexdigest()
    name = f"job-{agreement[2:26]}-0"
    secret = f"{name}-12345678"
    said = {
        "algoDID": "did:op:" + "7" * 64,
        "inputDID": ["did:op:" + "1" * 64],
        "provider": "0x" + "6" * 40,
        "digest": agreement[2:],
        "private": secret,
    }
    return {
        "apiVersion": JOBS.api_version,
        "kind": JOBS.kind,
        "metadata": {
            "name": name,
            "namespace": plane.NAMESPACE,
            "labels": {names.MANAGED_BY: "c2d-service"},
            "annotations": {f"{GROUP}/request": json.dumps(said)},
        },
        "spec": _spec(owner, agreement, f"{secret}-0"),
    }


def _spec(owner: str, agreement: str, secret: str) -> Object:
    service = {
        "serviceId": "3" * 64,
        "transferTxId": "0x" + "2" * 64,
        "metadataUri": "http://aquarius.example.com:5000",
    }
    user_data = {"userDataFrom": {"secretKeyRef": {"name": secret, "key": "input-0-user-data"}}}
    container = {
        "image": "example.com/algorithm",
        "tag": "1",
        "checksum": "sha256:" + "4" * 64,
        "entrypoint": "python3 $ALGO",
    }
    return {
        "environment": "default",
        "owner": owner,
        "agreementId": agreement,
        "chainId": 8996,
        "validUntil": "2026-01-02T04:04:05Z",
        "inputs": [{"id": "did:op:" + "1" * 64, "service": {**service, **user_data}}],
        "algorithm": {"id": "did:op:" + "7" * 64, "source": {"service": service}, "container": container},
    }


def finished(environment: Object, results: Object | None = None) -> Object:
    """The status of a job that succeeded; `environment` is its environment's spec."""
    return {
        "observedGeneration": 1,
        "phase": "Succeeded",
        "code": 70,
        "text": "Job finished",
        "reason": "Succeeded",
        "conditions": list(_conditions()),
        "dateCreated": _CREATED,
        "dateFinished": _FINISHED,
        "duration": "10m4s",
        "resolvedEnvironment": environment,
        "steps": {step: _step(step) for step in ("configure", "algorithm", "publish")},
        "outcome": {"phase": "Succeeded", "reason": "Succeeded", "code": 70},
        "results": results or _results(environment["results"]["s3"]["bucket"], "bench/job", "0" * 64, list(_FILES)),
    }


def _conditions() -> Iterator[Object]:
    for kind in ("Accepted", "DataProvisioned", "Isolated", "AlgorithmFinished", "Published"):
        yield {"type": kind, "status": "True", "reason": "Succeeded", "message": "", "lastTransitionTime": _BEGUN}


def _step(step: str) -> Object:
    return {
        "attempt": 0,
        "pod": f"job-0-{step}-0",
        "node": "node-0",
        "createTime": _CREATED,
        "startTime": _BEGUN,
        "finishTime": _FINISHED,
        "exitCode": 0,
        "imageId": "example.com/algorithm@sha256:" + "4" * 64,
        "bytes": 1_048_576,
        "peakMemoryBytes": 104_857_600,
    }


def _results(bucket: str, prefix: str, sha256: str, files: list[Any]) -> Object:
    return {
        "location": f"s3://{bucket}/{prefix}",
        "manifest": f"{prefix}/manifest.json",
        "manifestSha256": sha256,
        "count": len(files),
        "bytes": sum(file["filesize"] for file in files),
        "files": files,
    }


def published(bucket: str, prefix: str, filename: str, size: int) -> tuple[bytes, Object]:
    """A manifest with one result whose key is its name, and the part of a job's status that tells of it."""
    entry = {"filename": filename, "filesize": size, "type": "output"}
    manifest = {
        "version": 1,
        "job": "bench",
        "uid": "bench",
        "agreementId": "",
        "publishedAt": _FINISHED,
        "outputs": True,
        "skipped": [],
        "skippedCount": 0,
        "results": [{"index": 0, **entry, "key": filename, "sha256": "0" * 64}],
    }
    text = json.dumps(manifest, separators=(",", ":")).encode()
    return text, _results(bucket, prefix, hashlib.sha256(text).hexdigest(), [entry])
