"""Uploads in parts: what is sent, and what is given back when something fails."""

import contextlib
import io
import threading
import zlib
from typing import Any

import pytest
from botocore import exceptions
from botocore.credentials import ReadOnlyCredentials

from c2d.storage import s3, s3_direct
from c2d.storage.errors import Denied, Refused, StorageError, Unavailable
from c2d.storage.s3 import S3Store, Writing


class Client:
    """As much of boto3's client as an upload needs; `failures` names operations and the codes they fail with."""

    def __init__(self, **failures: str) -> None:
        self.failures = failures
        self.parts: dict[int, bytes] = {}
        self.objects: dict[str, bytes] = {}
        self.aborted = 0
        self.said: list[dict[str, Any]] = []
        self.checksum = ""
        self._lock = threading.Lock()

    def put_object(self, **request: Any) -> dict[str, Any]:
        self._fail("put")
        self.said.append(request)
        self.objects[request["Key"]] = request["Body"]
        return {}

    def create_multipart_upload(self, **request: Any) -> dict[str, Any]:
        self._fail("create")
        self.said.append(request)
        return {"UploadId": "u"}

    def upload_part(self, **request: Any) -> dict[str, Any]:
        self._fail("part")
        with self._lock:
            self.parts[request["PartNumber"]] = request["Body"]
        return {"ETag": str(request["PartNumber"]), "ChecksumCRC32": s3_direct.crc32(request["Body"])}

    def complete_multipart_upload(self, **request: Any) -> dict[str, Any]:
        self._fail("complete")
        numbers = [part["PartNumber"] for part in request["MultipartUpload"]["Parts"]]
        assert numbers == list(range(1, len(numbers) + 1))
        self.objects[request["Key"]] = b"".join(self.parts[number] for number in numbers)
        return {"ChecksumCRC32": self.checksum}

    def abort_multipart_upload(self, **request: Any) -> dict[str, Any]:
        self._fail("abort")
        self.aborted += 1
        return {}

    def _fail(self, operation: str) -> None:
        if code := self.failures.get(operation):
            raise exceptions.ClientError({"Error": {"Code": code, "Message": ""}}, operation)


def store(client: Client) -> S3Store:
    """Parts of ten bytes, and room for two of them."""
    return S3Store(client, "b", part_size=10, memory=20)  # type: ignore[arg-type]


@pytest.mark.parametrize("size", [0, 1, 9, 10, 11, 20, 95, 100])
def test_every_size_arrives(size: int) -> None:
    client, content = Client(), bytes(range(size))
    store(client).put("k", io.BytesIO(content), size)
    assert client.objects == {"k": content}


def test_a_stream_of_unknown_size_arrives() -> None:
    client = Client()
    store(client).put("k", io.BytesIO(b"x" * 55), 0)
    assert client.objects == {"k": b"x" * 55}


@pytest.mark.parametrize(
    ("failures", "kind", "aborted"),
    [
        pytest.param({"create": "AccessDenied"}, Denied, 0, id="at the beginning"),
        pytest.param({"part": "SlowDown"}, Unavailable, 1, id="at a part"),
        pytest.param({"complete": "InvalidPart"}, Refused, 1, id="at the end"),
        pytest.param({"part": "SlowDown", "abort": "AccessDenied"}, Unavailable, 0, id="even when it can't be aborted"),
    ],
)
def test_a_failed_upload_gives_its_room_back(failures: dict[str, str], kind: type[StorageError], aborted: int) -> None:
    client = Client(**failures)
    subject = store(client)
    for _ in range(10):
        with pytest.raises(kind):
            subject.put("k", io.BytesIO(b"x" * 100), 100)
    client.failures = {}
    subject.put("k", io.BytesIO(b"x" * 100), 100)
    assert client.objects == {"k": b"x" * 100}
    assert client.aborted == 10 * aborted


class Broken(io.BytesIO):
    def read(self, count: int | None = -1) -> bytes:
        if self.tell() >= 30:
            raise OSError("the disk is broken")
        return super().read(count)


def test_an_error_of_the_source_passes_through_and_gives_the_room_back() -> None:
    client = Client()
    subject = store(client)
    for _ in range(10):
        with pytest.raises(OSError, match="the disk is broken"):
            subject.put("k", Broken(b"x" * 100), 100)
    subject.put("k", io.BytesIO(b"x" * 100), 100)
    assert client.aborted == 10


# That of the checksums of b"0123456789" and b"x".
TWO_PARTS = b"".join(zlib.crc32(part).to_bytes(4, "big") for part in (b"0123456789", b"x"))


@pytest.mark.parametrize(
    ("told", "believed"),
    [
        pytest.param(f"{s3_direct.crc32(TWO_PARTS)}-2", True, id="the right one"),
        pytest.param("", True, id="none"),
        pytest.param("AAAAAA==", True, id="one of the whole object"),
        pytest.param(f"{s3_direct.crc32(TWO_PARTS)}-1", False, id="of another number of parts"),
        pytest.param("AAAAAA==-2", False, id="of other parts"),
    ],
)
def test_the_checksum_of_an_object_in_parts_is_compared(told: str, believed: bool) -> None:
    client = Client()
    client.checksum = told
    with contextlib.nullcontext() if believed else pytest.raises(Unavailable, match="something else"):
        store(client).put("k", io.BytesIO(b"0123456789x"), 11)


def test_every_object_is_encrypted_as_it_was_asked_for() -> None:
    client = Client()
    writing = Writing(encryption="aws:kms", kms_key_id="key")
    subject = S3Store(client, "b", writing, part_size=10, memory=20)  # type: ignore[arg-type]
    subject.put("whole", io.BytesIO(b"x"), 1)
    subject.put("in parts", io.BytesIO(b"x" * 15), 15)
    asked = [(said["Key"], said["ServerSideEncryption"], said["SSEKMSKeyId"]) for said in client.said]
    assert asked == [("whole", "aws:kms", "key"), ("in parts", "aws:kms", "key")]


class Credentials:
    """Of a workload identity."""

    def get_frozen_credentials(self) -> ReadOnlyCredentials:
        raise exceptions.CredentialRetrievalError(provider="assume-role-with-web-identity", error_msg="away")


def test_credentials_that_can_not_be_renewed_are_left_to_botocore_to_tell() -> None:
    assert s3._keys(Credentials()) is None  # type: ignore[arg-type]
