"""S3 clients with the credentials of each target, and presigned URLs.

Credentials are files of a mounted Secret, `<folder>/<secret>/AWS_ACCESS_KEY_ID` and so on. They are looked at before
every use, so that rotated ones count at once. A target without a Secret has botocore's default chain.

All of this may block: making a client reads botocore's model of S3, and a workload identity asks the network for its
credentials. Only a thread should call it.
"""

import threading
from collections import OrderedDict
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, cast

import botocore.session
from botocore.config import Config

from c2d.api.environment import S3Target
from c2d.storage.errors import Denied, Refused
from c2d.storage.s3_errors import translated

if TYPE_CHECKING:
    from types_boto3_s3.client import S3Client

ACCESS_KEY_ID = "AWS_ACCESS_KEY_ID"
SECRET_ACCESS_KEY = "AWS_SECRET_ACCESS_KEY"  # noqa: S105 - the name of a file
SESSION_TOKEN = "AWS_SESSION_TOKEN"  # noqa: S105
FILES = (ACCESS_KEY_ID, SECRET_ACCESS_KEY, SESSION_TOKEN)

# Seconds. Only the start of a request has to be inside of it; it is as long as S3 lets clocks differ.
EXPIRES = 900
CLIENTS = 64  # that are kept; each takes a few MB
_READS = 5

# What tells a file from its replacement.
Stamp = tuple[tuple[int, int, int, int] | None, ...]


@dataclass(frozen=True)
class Keys:
    """Credentials. They never show in a text."""

    access_key_id: str = field(repr=False)
    secret_access_key: str = field(repr=False)
    session_token: str | None = field(repr=False)


@dataclass(frozen=True)
class Signed:
    """A URL that may be fetched for a while, and what it was signed with; None is the default chain."""

    url: str = field(repr=False)
    keys: Keys | None


@dataclass(frozen=True)
class _Place:
    endpoint: str | None
    region: str
    secret: str | None


@dataclass(frozen=True)
class _Held:
    client: "S3Client"
    keys: Keys | None
    stamp: Stamp


class Clients:
    """A client for each place with the credentials that it has now. Thread-safe."""

    def __init__(self, credentials: Path) -> None:
        self.folder = credentials
        self._lock = threading.Lock()
        self._held: OrderedDict[_Place, _Held] = OrderedDict()
        self._session: botocore.session.Session | None = None

    def client(self, target: S3Target) -> "S3Client":
        """Raises Denied where credentials are missing, Refused where the endpoint can't be one."""
        return self._current(target).client

    def sign(self, target: S3Target, key: str) -> Signed:
        """A URL to get the object. Raises as `client` does."""
        held = self._current(target)
        with translated("GetObject", target.bucket):
            url = held.client.generate_presigned_url(
                "get_object", Params={"Bucket": target.bucket, "Key": key}, ExpiresIn=EXPIRES
            )
        return Signed(url, held.keys)

    def renewed(self, target: S3Target, used: Keys | None) -> bool:
        """Whether there are other credentials now than those that were used; told by what the files hold."""
        if target.credentials_secret_name is None:
            return False
        with self._lock:
            self._held.pop(_place(target), None)
        return self._current(target).keys != used

    def _current(self, target: S3Target) -> _Held:
        place = _place(target)
        with self._lock:
            held = self._held.get(place)
            stamp = _stamp(self.folder / place.secret) if place.secret else ()
            if held is None or held.stamp != stamp:
                held = self._renew(target, held)
            self._held[place] = held
            self._held.move_to_end(place)
            if len(self._held) > CLIENTS:
                self._held.popitem(last=False)
            return held

    def _renew(self, target: S3Target, held: _Held | None) -> _Held:
        if target.credentials_secret_name is None:
            return _Held(self._make(target, None), None, ())
        keys, stamp = _read(self.folder / target.credentials_secret_name, target)
        client = held.client if held and held.keys == keys else self._make(target, keys)
        return _Held(client, keys, stamp)

    def _make(self, target: S3Target, keys: Keys | None) -> "S3Client":
        with translated("the client", target.bucket):
            self._session = self._session or botocore.session.Session()
            try:
                made = self._session.create_client(
                    "s3",
                    endpoint_url=target.endpoint,
                    config=_config(target),
                    aws_access_key_id=keys.access_key_id if keys else None,
                    aws_secret_access_key=keys.secret_access_key if keys else None,
                    aws_session_token=keys.session_token if keys else None,
                )
            except ValueError as error:
                raise Refused("the endpoint is not a URL that S3 could be at") from error
        return cast("S3Client", made)


def _place(target: S3Target) -> _Place:
    return _Place(target.endpoint, target.region, target.credentials_secret_name)


def _config(target: S3Target) -> Config:
    """Version 4 and, on AWS, the bucket in the host: otherwise botocore presigns for a host that only redirects."""
    return Config(
        signature_version="s3v4",
        region_name=target.region,
        retries={"mode": "standard", "max_attempts": 5},
        connect_timeout=10,
        read_timeout=60,
        s3={"addressing_style": "path" if target.endpoint else "virtual"},
    )


def _read(folder: Path, target: S3Target) -> tuple[Keys, Stamp]:
    """The credentials, all of one state of the Secret: the kubelet may replace the files between two reads."""
    stamp = _stamp(folder)
    for _ in range(_READS):
        try:
            texts = [_text(folder / name) for name in FILES]
        except (OSError, UnicodeDecodeError) as error:
            raise Denied(f"{_secret(target)} can't be read") from error
        before, stamp = stamp, _stamp(folder)
        if stamp == before:
            break
    if not (texts[0] and texts[1]):
        raise Denied(f"{_secret(target)} has no files here: mount it with the chart value service.credentialsSecrets")
    return Keys(texts[0], texts[1], texts[2] or None), stamp


def _secret(target: S3Target) -> str:
    return f"Secret {target.credentials_secret_name!r}, the credentials of bucket {target.bucket!r},"


def _text(path: Path) -> str:
    try:
        return path.read_text().strip()
    except FileNotFoundError:
        return ""


def _stamp(folder: Path) -> Stamp:
    return tuple(_stamp_of(folder / name) for name in FILES)


def _stamp_of(path: Path) -> tuple[int, int, int, int] | None:
    try:
        found = path.stat()
    except OSError:
        return None
    return found.st_dev, found.st_ino, found.st_mtime_ns, found.st_size
