"""Objects in a bucket of any server that speaks S3.

Credentials come from botocore's default chain: AWS_* variables or the pod's workload identity. Objects get no ACL,
so they are as private as the bucket.

Every body that is sent has its CRC32 in a header, which a server that knows checksums verifies; any other verifies the
body's sha256, which is part of the signature then. Of an object in parts the server tells the checksum in the end.
"""

import base64
import contextlib
import itertools
import math
import ssl
from collections.abc import Iterable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor, wait
from dataclasses import dataclass
from typing import TYPE_CHECKING, cast
from urllib.parse import quote

import botocore.session
from botocore import exceptions
from botocore.config import Config
from botocore.httpsession import get_cert_path
from botocore.loaders import Loader
from botocore.utils import get_environ_proxies

from c2d.api.environment import S3Target
from c2d.storage import s3_direct
from c2d.storage.errors import Refused, Unavailable
from c2d.storage.room import Room
from c2d.storage.s3_direct import Answer, Direct, Keys
from c2d.storage.s3_errors import translated
from c2d.storage.store import Finished, Reader

if TYPE_CHECKING:
    from botocore.credentials import Credentials
    from botocore.session import Session
    from types_boto3_s3.client import S3Client
    from types_boto3_s3.type_defs import CompletedPartTypeDef

MIB = 1024 * 1024
PART_SIZE = 8 * MIB
MEMORY = 48 * MIB
PARTS_AT_ONCE = 4
MAX_PARTS = 10_000  # of one object; a limit of S3
MAX_DELETES = 1_000  # in one request; a limit of S3
GET_SIZE = MIB
_KEY = "key"


@dataclass(frozen=True)
class Part:
    """Bytes of an object, and the room that they take until they are sent."""

    content: bytes
    room: int


@dataclass(frozen=True)
class Writing:
    """How objects are written: a quicker way than botocore's, if there is one, and how the server encrypts them."""

    direct: Direct | None = None
    encryption: str | None = None
    kms_key_id: str | None = None

    @property
    def parameters(self) -> dict[str, str]:
        """As botocore names them."""
        said = {"ServerSideEncryption": self.encryption, "SSEKMSKeyId": self.kms_key_id}
        return {name: value for name, value in said.items() if value is not None}

    @property
    def headers(self) -> dict[str, str]:
        said = {
            "x-amz-server-side-encryption": self.encryption,
            "x-amz-server-side-encryption-aws-kms-key-id": self.kms_key_id,
        }
        return {name: value for name, value in said.items() if value is not None}


class S3Store:
    """A bucket. The parts that are under way, over all uploads together, take at most `memory` bytes."""

    def __init__(
        self,
        client: "S3Client",
        bucket: str,
        writing: Writing = Writing(),
        part_size: int = PART_SIZE,
        memory: int = MEMORY,
    ) -> None:
        self._client = client
        self._bucket = bucket
        self._writing = writing
        self._part_size = part_size
        self._pool = ThreadPoolExecutor(PARTS_AT_ONCE, thread_name_prefix="part")
        self._room = Room(memory)

    def put(self, key: str, source: Reader, size: int) -> None:
        part_size = max(self._part_size, math.ceil(size / MAX_PARTS))
        first = self._read(source, part_size, min(size, part_size))
        if len(first.content) < part_size:
            self._put_whole(key, first)
        else:
            self._put_parts(key, first, source, part_size)

    def get(self, key: str) -> Iterator[bytes]:
        with translated("GetObject", self._bucket):
            yield from self._client.get_object(Bucket=self._bucket, Key=key)["Body"].iter_chunks(GET_SIZE)

    def keys(self, prefix: str) -> Iterator[str]:
        pages = self._client.get_paginator("list_objects_v2")
        with translated("ListObjectsV2", self._bucket):
            for page in pages.paginate(Bucket=self._bucket, Prefix=prefix):
                yield from (item["Key"] for item in page.get("Contents", ()))

    def delete(self, keys: Iterable[str]) -> None:
        remaining = iter(keys)
        while batch := list(itertools.islice(remaining, MAX_DELETES)):
            self._delete_batch(batch)

    def discard_unfinished(self, prefix: str) -> None:
        pages = self._client.get_paginator("list_multipart_uploads")
        with translated("ListMultipartUploads", self._bucket):
            for page in pages.paginate(Bucket=self._bucket, Prefix=prefix):
                for upload in page.get("Uploads", ()):
                    self._abort(upload["Key"], upload["UploadId"])

    def finish(self, prefix: str) -> Finished:
        return Finished(location=f"s3://{self._bucket}/{prefix}", prefix=prefix)

    def _delete_batch(self, batch: list[str]) -> None:
        with translated("DeleteObjects", self._bucket) as told:
            answer = self._client.delete_objects(
                Bucket=self._bucket, Delete={"Objects": [{"Key": key} for key in batch], "Quiet": True}
            )
            for error in answer.get("Errors", ()):
                raise told.error(error.get("Code", ""))

    def _read(self, source: Reader, count: int, room: int) -> Part:
        """Reads only once there is room."""
        taken = self._room.take(room)
        try:
            return Part(source.read(count), taken)
        except BaseException:
            self._room.give(taken)
            raise

    def _put_whole(self, key: str, part: Part) -> None:
        writing = self._writing
        try:
            if writing.direct is not None and writing.direct.put(key, part.content, writing.headers) is not None:
                return
            checksum = s3_direct.crc32(part.content)
            with translated("PutObject", self._bucket):
                self._client.put_object(
                    Bucket=self._bucket,
                    Key=key,
                    Body=part.content,
                    ChecksumCRC32=checksum,
                    **writing.parameters,  # type: ignore[arg-type]
                )
        finally:
            self._room.give(part.room)

    def _put_parts(self, key: str, first: Part, source: Reader, part_size: int) -> None:
        upload = self._begin(key, first)
        try:
            sent = self._send_parts(key, upload, self._parts(first, source, part_size))
            with translated("CompleteMultipartUpload", self._bucket):
                answer = self._client.complete_multipart_upload(
                    Bucket=self._bucket, Key=key, UploadId=upload, MultipartUpload={"Parts": sent}
                )
            _verify(answer.get("ChecksumCRC32", ""), sent)
        except BaseException:
            # The first error is the one to tell of; what stays behind is discarded by the next run.
            with contextlib.suppress(Exception):
                self._abort(key, upload)
            raise

    def _begin(self, key: str, first: Part) -> str:
        try:
            with translated("CreateMultipartUpload", self._bucket):
                answer = self._client.create_multipart_upload(
                    Bucket=self._bucket,
                    Key=key,
                    ChecksumAlgorithm="CRC32",
                    **self._writing.parameters,  # type: ignore[arg-type]
                )
        except BaseException:
            self._room.give(first.room)
            raise
        return answer["UploadId"]

    def _parts(self, first: Part, source: Reader, part_size: int) -> Iterator[Part]:
        part = first
        while part.content:
            yield part
            # Without this, the last part would stay in memory while the next one waits for room.
            del part
            part = self._read(source, part_size, part_size)
        self._room.give(part.room)

    def _send_parts(self, key: str, upload: str, parts: Iterator[Part]) -> "list[CompletedPartTypeDef]":
        sending: list[Future[CompletedPartTypeDef]] = []
        try:
            while (future := self._send_next(key, upload, len(sending) + 1, parts)) is not None:
                sending.append(future)
                _raise_failure(sending)
        finally:
            # An abort is only final once no part is under way any more.
            wait(sending)
        return [future.result() for future in sending]

    def _send_next(
        self, key: str, upload: str, number: int, parts: Iterator[Part]
    ) -> "Future[CompletedPartTypeDef] | None":
        part = next(parts, None)
        if part is None:
            return None
        future = self._pool.submit(self._send_part, key, upload, number, part.content)
        room = part.room
        future.add_done_callback(lambda _: self._room.give(room))
        return future

    def _send_part(self, key: str, upload: str, number: int, part: bytes) -> "CompletedPartTypeDef":
        answer = self._put_part(key, upload, number, part)
        completed: CompletedPartTypeDef = {"PartNumber": number, "ETag": answer.etag}
        if answer.crc32 is not None:
            completed["ChecksumCRC32"] = answer.crc32
        return completed

    def _put_part(self, key: str, upload: str, number: int, part: bytes) -> Answer:
        direct = self._writing.direct
        query = f"partNumber={number}&uploadId={quote(upload, safe='-._~')}"
        if direct is not None and (answer := direct.put(key, part, {}, query)) is not None:
            return answer
        checksum = s3_direct.crc32(part)
        with translated("UploadPart", self._bucket):
            said = self._client.upload_part(
                Bucket=self._bucket, Key=key, UploadId=upload, PartNumber=number, Body=part, ChecksumCRC32=checksum
            )
        return Answer(said["ETag"], said.get("ChecksumCRC32"))

    def _abort(self, key: str, upload: str) -> None:
        with translated("AbortMultipartUpload", self._bucket):
            self._client.abort_multipart_upload(Bucket=self._bucket, Key=key, UploadId=upload)


def _raise_failure(sending: "list[Future[CompletedPartTypeDef]]") -> None:
    """A part that failed ends the upload; only the last ones can still be under way."""
    for future in sending[-2 * PARTS_AT_ONCE :]:
        if future.done():
            future.result()


def _verify(told: str, sent: "list[CompletedPartTypeDef]") -> None:
    """The server's checksum of an object in parts is one of the parts' checksums, and how many there are."""
    checksums = [part.get("ChecksumCRC32") for part in sent]
    _, mark, count = told.partition("-")
    if not mark or None in checksums:
        return
    joined = b"".join(base64.b64decode(checksum) for checksum in checksums if checksum)
    if told != f"{s3_direct.crc32(joined)}-{len(sent)}" or count != str(len(sent)):
        raise Unavailable("the server made something else of an object's parts")


def open_store(target: S3Target, attempts: int = 5) -> S3Store:
    """The target's bucket, with credentials of the environment. Nothing is sent yet.

    Servers other than AWS often have one host name for all buckets, hence the bucket in the path there.
    """
    config = Config(
        region_name=target.region,
        retries={"mode": "standard", "max_attempts": attempts},
        connect_timeout=s3_direct.CONNECT_TIMEOUT,
        read_timeout=s3_direct.READ_TIMEOUT,
        max_pool_connections=32,
        s3={"addressing_style": "path" if target.endpoint else "virtual"},
        signature_version="s3v4",
    )
    session = botocore.session.Session()
    session.register_component("data_loader", _Loader())
    with translated("the client", target.bucket):
        try:
            made = session.create_client("s3", endpoint_url=target.endpoint, config=config)
        except ValueError as error:
            raise Refused("the endpoint is not a URL that S3 could be at") from error
        client = cast("S3Client", made)
        direct = _direct(session, client, target)
    return S3Store(client, target.bucket, Writing(direct, target.server_side_encryption, target.kms_key_id))


class _Loader(Loader):
    """Of what botocore knows about services: buckets, and what credentials come from.

    It would look through its four hundred folders for each of them.
    """

    def list_available_services(self, type_name: str) -> list[str]:  # noqa: ARG002
        return ["s3", "signin", "sso", "sso-oidc", "sts"]


def _direct(session: "Session", client: "S3Client", target: S3Target) -> Direct | None:
    """None where there are no credentials, which botocore will tell of, or a proxy, which it knows better."""
    credentials = session.get_credentials()
    if credentials is None:
        return None
    # What botocore knows about hosts is much; a presigned URL has the right one.
    signed = client.generate_presigned_url("put_object", Params={"Bucket": target.bucket, "Key": _KEY})
    url = signed.partition("?")[0].removesuffix(_KEY)
    if get_environ_proxies(url):
        return None
    tls = None
    if url.startswith("https:"):
        tls = ssl.create_default_context(cafile=session.get_config_variable("ca_bundle") or get_cert_path(True))
    return Direct(s3_direct.Place(url, target.region), lambda: _keys(credentials), tls)


def _keys(credentials: "Credentials") -> Keys | None:
    """Those of now: a workload identity's are renewed. None where that fails, which botocore will tell of."""
    try:
        return credentials.get_frozen_credentials()
    except (exceptions.BotoCoreError, exceptions.ClientError):
        return None
