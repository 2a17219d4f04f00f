"""A real S3 server: versitygw on a folder."""

import contextlib
import os
import shutil
import socket
import subprocess
from collections.abc import Iterator
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import Any

import boto3
import botocore.config

from c2d.api.environment import S3Target
from tests.data_plane.programs import eventually

KEY = "test-key"
SECRET = "test-secret"  # noqa: S105
BUCKET = "results"
WHERE = "set C2D_VERSITYGW, put versitygw on PATH, or build it with `python -m cluster tools versitygw`"


def find() -> Path | None:
    """The binary, if there is one."""
    candidates = [os.environ.get("C2D_VERSITYGW"), shutil.which("versitygw"), *_cached()]
    return next((Path(path) for path in candidates if path and Path(path).is_file()), None)


def _cached() -> list[str]:
    cache = Path(os.environ.get("C2D_CACHE") or Path.home() / ".cache" / "c2d")
    return [str(path) for path in sorted(cache.glob("tools/*/versitygw"))]


@dataclass(frozen=True)
class S3Server:
    endpoint: str
    environment: dict[str, str] = field(
        default_factory=lambda: {"AWS_ACCESS_KEY_ID": KEY, "AWS_SECRET_ACCESS_KEY": SECRET}
    )

    @cached_property
    def client(self) -> Any:
        return boto3.session.Session(KEY, SECRET, region_name="us-east-1").client(
            "s3", endpoint_url=self.endpoint, config=botocore.config.Config(s3={"addressing_style": "path"})
        )

    def target(self, prefix: str = "", endpoint: str | None = None) -> S3Target:
        return S3Target(endpoint=endpoint or self.endpoint, bucket=BUCKET, prefix=prefix)

    def keys(self, prefix: str) -> set[str]:
        """What is below the prefix, without it."""
        pages = self.client.get_paginator("list_objects_v2").paginate(Bucket=BUCKET, Prefix=prefix)
        return {item["Key"].removeprefix(prefix) for page in pages for item in page.get("Contents", ())}

    def read(self, key: str) -> bytes:
        content: bytes = self.client.get_object(Bucket=BUCKET, Key=key)["Body"].read()
        return content

    def unfinished(self, prefix: str) -> list[str]:
        uploads = self.client.list_multipart_uploads(Bucket=BUCKET, Prefix=prefix).get("Uploads", ())
        return [upload["Key"] for upload in uploads]


@contextlib.contextmanager
def running(binary: Path, folder: Path, *options: str) -> Iterator[S3Server]:
    folder.mkdir()
    port = free_port()
    process = start(binary, folder, port, SECRET, *options)
    try:
        server = S3Server(f"http://127.0.0.1:{port}")
        server.client.create_bucket(Bucket=BUCKET)
        yield server
    finally:
        # It would wait for connections that a test left open.
        process.kill()
        process.wait(10)


def start(binary: Path, folder: Path, port: int, secret: str = SECRET, *options: str) -> "subprocess.Popen[bytes]":
    """The server's process, once it listens; nothing else ends it."""
    address = ["--port", f"127.0.0.1:{port}", "--region", "us-east-1"]
    command = [str(binary), *address, "--quiet", *options, "posix", str(folder)]
    variables = {**os.environ, "ROOT_ACCESS_KEY": KEY, "ROOT_SECRET_KEY": secret}
    process = subprocess.Popen(command, env=variables, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    try:
        eventually(lambda: _listens(port), "the S3 server listens")
    except BaseException:
        process.kill()
        raise
    return process


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


def _listens(port: int) -> bool:
    with socket.socket() as probe:
        return probe.connect_ex(("127.0.0.1", port)) == 0
