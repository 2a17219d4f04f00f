"""Requests as a Provider sends them, as bytes, and as much of an answer's grammar as a load client needs. Pure."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from typing import Any
from urllib.parse import urlencode

from c2d.ocean import signatures
from c2d.ocean.signatures import PrivateKey

COMPUTE = "/api/v1/operator/compute"
RESULT = "/api/v1/operator/getResult"
_HEADERS = (
    "Host: 127.0.0.1\r\nUser-Agent: python-requests/2.32.3\r\nAccept-Encoding: gzip, deflate\r\nAccept: */*\r\n"
    "Connection: keep-alive\r\nContent-type: application/json\r\n"
)
_LENGTH = re.compile(rb"\r\ncontent-length: *([0-9]+)\r\n", re.IGNORECASE)


def status(key: PrivateKey, nonce: int, owner: str, job_id: str = "") -> bytes:
    """GET /compute: of one job, or of all that an owner has."""
    named = {"jobId": job_id} if job_id else {}
    return _get(COMPUTE, {**named, "owner": owner, **_signed(key, owner + job_id, nonce)})


def result(key: PrivateKey, nonce: int, owner: str, job_id: str, index: int) -> str:
    """GET /getResult, as the path and query of a URL."""
    asked = {"index": index, "owner": owner, "jobId": job_id, **_signed(key, owner + job_id, nonce)}
    return f"{RESULT}?{urlencode(asked)}"


def payload(key: PrivateKey, nonce: int, owner: str, agreement: str) -> dict[str, Any]:
    """The body of POST /compute: one dataset with the consumer's parameters, a few lines of code."""
    dataset = {
        "index": 0,
        "id": "did:op:" + "1" * 64,
        "remote": {"txId": "0x" + "2" * 64, "serviceId": "3" * 64, "userdata": {"rows": 1000}},
    }
    algorithm = {
        "id": "",
        "url": None,
        "rawcode": "print('hello')\n",
        "container": {"image": "example.com/algorithm", "tag": "1", "entrypoint": "python3 $ALGO"},
    }
    stage = {
        "index": 0,
        "input": [dataset],
        "compute": {"Instances": 1, "namespace": "default", "maxtime": 3600},
        "algorithm": algorithm,
        "output": {"metadataUri": "http://aquarius.example.com:5000"},
    }
    return {
        "workflow": {"stages": [stage]},
        "agreementId": agreement,
        "owner": owner,
        "providerAddress": key.address,
        "environment": "default",
        "validUntil": nonce // 1_000_000_000 + 3600,
        "chainId": 8996,
        "nonce": nonce,
        "providerSignature": signatures.sign(f"{owner}{nonce}", key),
    }


def start(body: Mapping[str, Any]) -> bytes:
    """POST /compute."""
    content = json.dumps(body).encode()
    return f"POST {COMPUTE} HTTP/1.1\r\n{_HEADERS}Content-Length: {len(content)}\r\n\r\n".encode() + content


def answer_length(received: bytes | bytearray) -> int:
    """Bytes of the whole answer; 0 before its head is complete. Raises ValueError for one without a length."""
    end = received.find(b"\r\n\r\n")
    if end < 0:
        return 0
    found = _LENGTH.search(received, 0, end + 2)
    if found is None:
        raise ValueError("an answer without Content-Length")
    return end + 4 + int(found[1])


def _get(path: str, query: Mapping[str, object]) -> bytes:
    return f"GET {path}?{urlencode(query)} HTTP/1.1\r\n{_HEADERS}\r\n".encode()


def _signed(key: PrivateKey, text: str, nonce: int) -> dict[str, object]:
    return {"providerSignature": signatures.sign(f"{text}{nonce}", key), "nonce": nonce}
