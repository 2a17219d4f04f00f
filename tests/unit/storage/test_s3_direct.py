"""PUTs without botocore: signed as botocore signs, and left to it whenever the answer is anything but a plain 200."""

import contextlib
import socket
import threading
from collections.abc import Iterator
from dataclasses import dataclass
from urllib.parse import quote

import hypothesis
import hypothesis.strategies as some
import pytest
from botocore.auth import S3SigV4Auth
from botocore.awsrequest import AWSRequest
from botocore.credentials import Credentials

from c2d.storage import s3_direct
from c2d.storage.s3_direct import Answer, Direct, Place

CRC32 = s3_direct.crc32(b"body")


@dataclass(frozen=True)
class Keys:
    access_key: str = "key"
    secret_key: str = "secret"  # noqa: S105 - what a test signs with
    token: str | None = None


TEXT = some.text(some.characters(codec="utf-8", exclude_characters="\r\n", exclude_categories=("Cc", "Cs")), min_size=1)


@hypothesis.given(key=TEXT, token=some.one_of(some.none(), some.just("a/token==")), number=some.integers(1, 10_000))
def test_the_signature_is_botocore_s(key: str, token: str | None, number: int) -> None:
    path = f"/bucket/{quote(key, safe='/-._~')}"
    query = f"partNumber={number}&uploadId=a-b_c.d~e"
    request = AWSRequest("PUT", f"http://host:7070{path}?{query}", {s3_direct._CRC32: CRC32}, b"body")
    request.context["payload_signing_enabled"] = True
    S3SigV4Auth(Credentials("key", "secret", token), "s3", "eu-west-1").add_auth(request)
    signed = {name.lower(): value for name, value in request.headers.items() if name != "Authorization"}
    ours = s3_direct.signature(Keys(token=token), "eu-west-1", "PUT", path, query, {**signed, "host": "host:7070"})
    assert ours == request.headers["Authorization"]


class Server:
    """Gives one answer after the other, each to a request of its own; an empty one cuts the connection."""

    def __init__(self, *answers: bytes) -> None:
        self._answers = list(answers)
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.url = f"http://127.0.0.1:{self._listener.getsockname()[1]}/b/"
        self.connections = 0
        self.requests: list[bytes] = []

    @contextlib.contextmanager
    def running(self) -> Iterator["Server"]:
        threading.Thread(target=self._serve, daemon=True).start()
        with self._listener:
            yield self
            # A thread in accept() would keep it open.
            self._listener.shutdown(socket.SHUT_RDWR)

    def _serve(self) -> None:
        with contextlib.suppress(OSError):
            while True:
                connection, _ = self._listener.accept()
                self.connections += 1
                with connection:
                    self._talk(connection)

    def _talk(self, connection: socket.socket) -> None:
        while self._answers:
            request = b""
            while not request.endswith(b"\r\n\r\nbody"):
                piece = connection.recv(65536)
                if not piece:
                    return
                request += piece
            self.requests.append(request)
            answer = self._answers.pop(0)
            connection.sendall(answer)
            if not answer or b"close" in answer:
                return


def good(more: str = f"x-amz-checksum-crc32: {CRC32}\r\n", etag: str = 'ETag: "e"\r\n') -> bytes:
    return f"HTTP/1.1 200 OK\r\n{etag}Content-Length: 0\r\n{more}\r\n".encode()


def direct(server: Server, keys: Keys | None = Keys()) -> Direct:
    return Direct(Place(server.url, "us-east-1"), lambda: keys, None)


def test_a_connection_is_kept_and_the_body_hashed_until_the_server_has_shown_that_it_verifies() -> None:
    with Server(good(), good()).running() as server:
        subject = direct(server)
        assert subject.put("a b", b"body", {"x-amz-server-side-encryption": "AES256"}) == Answer('"e"', CRC32)
        assert subject.put("c", b"body", {}, "partNumber=1&uploadId=u") == Answer('"e"', CRC32)
    assert server.connections == 1
    first, second = server.requests
    assert first.startswith(b"PUT /b/a%20b HTTP/1.1\r\n")
    assert b"\r\nx-amz-server-side-encryption: AES256\r\n" in first
    assert b"UNSIGNED-PAYLOAD" not in first
    assert second.startswith(b"PUT /b/c?partNumber=1&uploadId=u HTTP/1.1\r\n")
    assert b"x-amz-content-sha256: UNSIGNED-PAYLOAD" in second


def test_a_server_that_knows_no_checksums_gets_every_hash() -> None:
    with Server(good(more=""), good(more="")).running() as server:
        subject = direct(server)
        assert [subject.put("a", b"body", {}) for _ in range(2)] == [Answer('"e"', None)] * 2
    assert not any(b"UNSIGNED-PAYLOAD" in request for request in server.requests)


@pytest.mark.parametrize(
    "answer",
    [
        pytest.param(b"", id="a cut"),
        pytest.param(b"HTTP/1.1 503 Slow Down\r\nContent-Length: 0\r\n\r\n", id="a server that asks for patience"),
        pytest.param(b"HTTP/1.1 408 Request Timeout\r\nContent-Length: 0\r\n\r\n", id="a connection that was idle"),
        pytest.param(b"HTTP/1.1 429 Too Many\r\nContent-Length: 3\r\n\r\nabc", id="another one"),
        pytest.param(b"no HTTP close\r\n\r\n", id="no HTTP"),
        pytest.param(b"HTTP/1.1 200 OK\r\nclose", id="half a head"),
        pytest.param(good(etag=""), id="no ETag"),
        pytest.param(good("x-amz-checksum-crc32: AAAAAA==\r\n"), id="another checksum"),
    ],
)
def test_what_is_no_success_is_left_to_botocore_and_the_next_one_is_tried_again(answer: bytes) -> None:
    with Server(answer, good()).running() as server:
        subject = direct(server)
        assert subject.put("a", b"body", {}) is None
        assert subject.put("a", b"body", {}) == Answer('"e"', CRC32)


def test_after_a_refusal_it_is_not_tried_any_more() -> None:
    with Server(b"HTTP/1.1 403 Forbidden\r\nContent-Length: 0\r\n\r\n", good()).running() as server:
        subject = direct(server)
        assert [subject.put("a", b"body", {}) for _ in range(2)] == [None, None]
    assert len(server.requests) == 1


def test_an_answer_with_more_than_a_head_ends_its_connection() -> None:
    chunked = b"HTTP/1.1 200 OK\r\nETag: e\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n"
    with Server(chunked, good()).running() as server:
        subject = direct(server)
        assert subject.put("a", b"body", {}) == Answer("e", None)
        assert subject.put("a", b"body", {}) == Answer('"e"', CRC32)
    assert server.connections == 2


def test_credentials_are_asked_for_each_time() -> None:
    keys = [Keys(access_key="first"), Keys("second", "secret", "t")]
    with Server(good(), good()).running() as server:
        subject = Direct(Place(server.url, "us-east-1"), lambda: keys.pop(0), None)
        for _ in range(2):
            assert subject.put("a", b"body", {})
    assert b"Credential=first/" in server.requests[0]
    assert b"Credential=second/" in server.requests[1]
    assert b"\r\nx-amz-security-token: t\r\n" in server.requests[1]


def test_without_credentials_there_is_nothing_to_try() -> None:
    with Server().running() as server:
        assert direct(server, keys=None).put("a", b"body", {}) is None
    assert server.connections == 0
