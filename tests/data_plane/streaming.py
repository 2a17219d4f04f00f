"""Streams an object into nothing, in a process of its own, and tells how it went; also by hand, to measure.

`python -m tests.data_plane.streaming ENDPOINT BUCKET KEY [reader|boto3]`
"""

import asyncio
import json
import resource
import sys
import time
from pathlib import Path

import boto3
from botocore.config import Config

from c2d.api.environment import S3Target
from c2d.storage.stream import Reader

# Without boto3's checksum, which would be measured as well.
CONFIG = Config(s3={"addressing_style": "path"}, response_checksum_validation="when_required")


async def by_reader(endpoint: str, bucket: str, key: str) -> dict[str, float]:
    target = S3Target(endpoint=endpoint, bucket=bucket)
    async with Reader(Path("/nowhere")) as reader:
        async with await reader.open(target, key, "bytes=0-0") as opened:
            assert [chunk async for chunk in opened.chunks()]
        before, began, count, size = _peak(), time.perf_counter(), 0, 0
        async with await reader.open(target, key) as opened:
            async for chunk in opened.chunks():
                size += len(chunk)
                count += 1
    return _told(before, began, size, count)


def by_boto3(endpoint: str, bucket: str, key: str) -> dict[str, float]:
    client = boto3.client("s3", region_name="us-east-1", endpoint_url=endpoint, config=CONFIG)
    client.get_object(Bucket=bucket, Key=key, Range="bytes=0-0")["Body"].read()
    before, began, count, size = _peak(), time.perf_counter(), 0, 0
    for chunk in client.get_object(Bucket=bucket, Key=key)["Body"].iter_chunks(1024 * 1024):
        size += len(chunk)
        count += 1
    return _told(before, began, size, count)


def _told(before: int, began: float, size: int, count: int) -> dict[str, float]:
    seconds = time.perf_counter() - began
    return {
        "size": size,
        "seconds": round(seconds, 3),
        "rate": round(size / seconds / 1e6, 1),  # MB/s
        "chunk": size // max(count, 1),
        "growth": _peak() - before,
    }


def _peak() -> int:
    """Bytes of memory at the most so far."""
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024


if __name__ == "__main__":
    endpoint, bucket, key, *by = sys.argv[1:]
    boto = by == ["boto3"]
    print(json.dumps(by_boto3(endpoint, bucket, key) if boto else asyncio.run(by_reader(endpoint, bucket, key))))
