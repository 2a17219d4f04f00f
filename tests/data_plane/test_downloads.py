"""Downloads from a server that misbehaves, without the program around them."""

import asyncio
import hashlib
import json
import os
from datetime import UTC, datetime

import pytest
from aiohttp import web

from c2d.api.plan import ConfigurePlan, PlannedFile
from c2d.configure import place
from c2d.configure.errors import DownloadFailed, TaskFailed, WrongChecksum
from c2d.configure.fill import fill
from c2d.configure.settings import World
from tests.data_plane import fileserver
from tests.data_plane.faults import Fault as ConnectionFault
from tests.data_plane.faults import proxied
from tests.data_plane.fileserver import FileServer
from tests.data_plane.run import FAST, Run
from tests.data_plane.s3server import BUCKET, S3Server, free_port

CONTENT = os.urandom(3 * 1024 * 1024 + 17)
SHA256 = hashlib.sha256(CONTENT).hexdigest()
OTHER = os.urandom(len(CONTENT))


def begin(asked: str | None) -> int:
    assert asked is not None
    return int(asked.removeprefix("bytes=").removesuffix("-"))


def test_a_file_arrives(files: FileServer, run: Run) -> None:
    assert run.fetch(files.put("/f", CONTENT), SHA256) == CONTENT
    assert not (run.data / place.WORK).exists()


@pytest.mark.parametrize("content", [b"", b"x", b"x" * (1024 * 1024)], ids=["empty", "one byte", "one chunk"])
def test_files_of_any_size_arrive(files: FileServer, run: Run, content: bytes) -> None:
    assert run.fetch(files.put("/f", content), hashlib.sha256(content).hexdigest()) == content


def test_a_cut_is_resumed_where_it_happened(files: FileServer, run: Run) -> None:
    url = files.put("/f", CONTENT, fileserver.cut(1_500_000), fileserver.cut(1_000_000))
    assert run.fetch(url, SHA256) == CONTENT
    first, second, third = files.ranges
    assert first is None
    assert 0 < begin(second) < begin(third) <= 2_500_000
    assert [seen.if_range for seen in files.requests] == [None, '"v1"', '"v1"']


def test_the_date_of_the_last_change_serves_as_well(files: FileServer, run: Run) -> None:
    date = "Fri, 02 Jan 2026 03:04:05 GMT"
    url = files.put("/f", CONTENT, fileserver.cut(2_000_000), headers={"Last-Modified": date})
    assert run.fetch(url) == CONTENT
    assert files.requests[1].if_range == date


def test_without_a_validator_it_starts_again(files: FileServer, run: Run) -> None:
    assert run.fetch(files.put("/f", CONTENT, fileserver.cut(2_000_000), headers={})) == CONTENT
    assert files.ranges == [None, None]


def test_a_server_without_ranges_sends_everything_again(files: FileServer, run: Run) -> None:
    assert run.fetch(files.put("/f", CONTENT, fileserver.cut(2_000_000), ranges=False), SHA256) == CONTENT


def test_a_file_that_changes_in_between_is_never_mixed(files: FileServer, run: Run) -> None:
    url = files.put("/f", CONTENT, fileserver.cut(2_000_000), fileserver.change(OTHER, '"v2"'))
    assert run.fetch(url) == OTHER


def test_a_range_that_nobody_asked_for_is_not_used(files: FileServer, run: Run) -> None:
    url = files.put("/f", CONTENT, fileserver.cut(2_000_000), fileserver.wrong_range(100))
    assert run.fetch(url, SHA256) == CONTENT


def test_a_range_beyond_the_end_starts_again(files: FileServer, run: Run) -> None:
    url = files.put("/f", CONTENT, fileserver.cut(2_000_000), fileserver.status(416))
    assert run.fetch(url, SHA256) == CONTENT
    assert [asked is None for asked in files.ranges] == [True, False, True]


def test_pieces_of_two_versions_are_found_out_by_the_checksum(files: FileServer, run: Run) -> None:
    broken_cache = fileserver.change(OTHER, '"v2"', then=fileserver.unsafe_range())
    url = files.put("/f", CONTENT, fileserver.cut(2_000_000), broken_cache)
    assert run.fetch(url, hashlib.sha256(OTHER).hexdigest()) == OTHER
    assert any("don't fit together" in line for line in run.said)


@pytest.mark.parametrize("code", [408, 429, 500, 502, 503, 504])
def test_a_busy_server_is_asked_again(files: FileServer, run: Run, code: int) -> None:
    assert run.fetch(files.put("/f", CONTENT, fileserver.status(code, Retry_After="0"))) == CONTENT


def test_a_stall_counts_as_a_cut(files: FileServer, run: Run) -> None:
    assert run.fetch(files.put("/f", CONTENT, fileserver.hold(2_000_000)), SHA256) == CONTENT
    assert any("stopped sending" in line for line in run.said)


def test_progress_earns_more_tries(files: FileServer, run: Run) -> None:
    content = CONTENT * 4
    url = files.put("/f", content, *[fileserver.cut(2_000_000)] * 10)
    assert run.fetch(url) == content


def test_without_progress_tries_are_few(files: FileServer, run: Run) -> None:
    error = run.fails(files.put("/f", CONTENT, *[fileserver.cut(1000)] * 10))
    assert isinstance(error.error, DownloadFailed)
    assert error.may_pass
    assert len(files.requests) == 3


@pytest.mark.parametrize("code", [400, 401, 403, 404, 410])
def test_what_is_final_is_tried_once(files: FileServer, run: Run, code: int) -> None:
    error = run.fails(files.put("/f", CONTENT, fileserver.status(code)))
    assert not error.may_pass
    assert f"with {code} " in str(error)
    assert len(files.requests) == 1


def test_a_server_that_is_not_there_may_come_back(run: Run) -> None:
    error = run.fails(f"http://127.0.0.1:{free_port()}/geheim?geheim")
    assert error.may_pass
    assert "could not be reached, 3 times in a row" in str(error)


def test_five_redirects_are_followed(files: FileServer, run: Run) -> None:
    redirect_in_a_row(files, 5)
    assert run.fetch(f"{files.origin}/0", SHA256) == CONTENT


def test_six_are_too_many(files: FileServer, run: Run) -> None:
    redirect_in_a_row(files, 6)
    assert "redirected too often" in str(run.fails(f"{files.origin}/0"))


def redirect_in_a_row(files: FileServer, count: int) -> None:
    for number in range(count):
        files.put(f"/{number}", b"", fileserver.status(302, Location=f"/{number + 1}"))
    files.put(f"/{count}", CONTENT)


@pytest.mark.parametrize(
    ("location", "words"),
    [
        pytest.param("/f", "redirected too often", id="a circle"),
        pytest.param("file:///etc/passwd", "not an http or https URL", id="a file"),
        pytest.param("ftp://example.org/", "not an http or https URL", id="another protocol"),
    ],
)
def test_redirects_that_lead_nowhere(files: FileServer, run: Run, location: str, words: str) -> None:
    error = run.fails(files.put("/f", b"", *[fileserver.status(302, Location=location)] * 20))
    assert words in str(error)
    assert not error.may_pass


def test_a_clouds_metadata_is_out_of_reach_even_by_redirect(files: FileServer, run: Run) -> None:
    url = files.put("/f", b"", fileserver.status(302, Location="http://169.254.7.7/latest/meta-data/"))
    error = run.fails(url)
    assert "link-local" in str(error)
    assert not error.may_pass


def test_another_file_than_declared_is_refused(files: FileServer, run: Run) -> None:
    error = run.fails(files.put("/f", OTHER), SHA256)
    assert isinstance(error.error, WrongChecksum)
    assert not (run.data / place.WORK).exists()


def test_less_than_announced_is_not_taken(files: FileServer, run: Run) -> None:
    run.fails(files.put("/f", CONTENT, *[fileserver.cut(len(CONTENT) - 1)] * 3, headers={}))


def test_what_is_there_is_not_fetched_again(files: FileServer, run: Run) -> None:
    url = files.put("/f", CONTENT)
    run.fetch(url, SHA256)
    run.fetch(url, SHA256)
    assert len(files.requests) == 1


def test_without_a_checksum_it_is_once_a_run_has_ended(files: FileServer, run: Run) -> None:
    url = files.put("/f", CONTENT)
    run.fetch(url)
    run.fetch(url)
    assert len(files.requests) == 2


def test_no_message_holds_more_of_a_url_than_its_server(files: FileServer, run: Run) -> None:
    faults = [fileserver.cut(10), fileserver.status(503), fileserver.status(404)]
    url = files.put("/geheim", CONTENT, *faults).replace("://", "://user:geheim@") + "?geheim=geheim"
    told = f"{run.fails(url)} {run.said}"
    assert "geheim" not in told
    assert files.origin in told
    assert files.requests[0].authorization is not None


def test_a_url_is_sent_as_it_was_given(files: FileServer, run: Run) -> None:
    """A signature covers every character of it."""
    files.put("/a b/ü+c", CONTENT)
    assert run.fetch(f"{files.origin}/a%20b/%C3%BC%2Bc?X=%2f%2B+~") == CONTENT


def test_an_encoded_file_is_kept_as_it_is(files: FileServer, run: Run) -> None:
    headers = {"Content-Encoding": "gzip", "ETag": '"v"'}
    assert run.fetch(files.put("/f", b"not even gzip", headers=headers)) == b"not even gzip"


def test_several_files_arrive_at_once(files: FileServer, run: Run) -> None:
    place.make_folders(run.data)
    inputs = [
        PlannedFile(path=f"inputs/a/{number}", url=files.put(f"/{number}", CONTENT[number:], fileserver.cut(1_000_000)))
        for number in range(10)
    ]
    plan = ConfigurePlan(job="ns/job", inputs=inputs, algorithm=[], allow_private_addresses=True)
    world = World(now=lambda: datetime.now(UTC), chance=lambda: 0.0, boot="boot", say=run.said.append)
    filled = fill(plan, run.data, run.data.parent / "runner", FAST, world)
    assert filled.files == 11
    assert [(run.data / file.path).read_bytes() == CONTENT[n:] for n, file in enumerate(inputs)] == [True] * 10


class TestPrivateAddresses:
    def test_they_are_refused_with_the_remedy(self, files: FileServer, run: Run) -> None:
        error = run.fails(files.put("/f", CONTENT), allow_private_addresses=False)
        assert "assets.allowPrivateAddresses" in str(error)
        assert not error.may_pass
        assert files.requests == []

    @pytest.mark.parametrize("host", ["127.0.0.1", "localhost", "[::1]", "[::ffff:127.0.0.1]", "0x7f000001", "0"])
    def test_in_every_spelling(self, files: FileServer, run: Run, host: str) -> None:
        url = files.put("/f", CONTENT).replace("127.0.0.1", host)
        run.fails(url, allow_private_addresses=False)
        assert files.requests == []


class TestLimit:
    def test_a_declared_size_is_refused_before_a_byte_is_kept(self, files: FileServer, run: Run) -> None:
        error = run.fails(files.put("/f", CONTENT), max_file_bytes=len(CONTENT) - 1)
        assert f"assets.maxFileBytes allows: a file may have {len(CONTENT) - 1} bytes" in str(error)
        assert not error.may_pass
        assert len(files.requests) == 1

    def test_an_endless_one_while_it_comes(self, files: FileServer, run: Run) -> None:
        assert "assets.maxFileBytes" in str(run.fails(files.put("/f", CONTENT, chunked()), max_file_bytes=1_000_000))

    def test_a_file_that_just_fits(self, files: FileServer, run: Run) -> None:
        url = files.put("/f", CONTENT, fileserver.cut(1_000_000))
        assert run.fetch(url, max_file_bytes=len(CONTENT)) == CONTENT


def chunked() -> fileserver.Fault:
    async def answer(server: FileServer, request: web.Request, file: fileserver.File) -> web.StreamResponse:
        response = web.StreamResponse()
        response.enable_chunked_encoding()
        await response.prepare(request)
        await response.write(file.content)
        return response

    return answer


class TestHeaders:
    def file(self, run: Run, url: str, headers: object, method: str = "GET") -> PlannedFile:
        path = run.data.parent / "headers"
        path.write_text(json.dumps(headers))
        return PlannedFile(path="inputs/a/0", url=url, method=method, headers_file=str(path))

    def test_they_are_sent_with_each_try(self, files: FileServer, run: Run) -> None:
        url = files.put("/f", CONTENT, fileserver.cut(2_000_000))
        given = {"Authorization": "Bearer geheim", "X-API-Key": "geheim"}
        assert run.fetch_file(self.file(run, url, given)) == CONTENT
        assert [seen.headers["X-API-Key"] for seen in files.requests] == ["geheim", "geheim"]
        assert [seen.authorization for seen in files.requests] == ["Bearer geheim"] * 2
        assert files.requests[1].range is not None
        assert "geheim" not in str(run.said)

    def test_a_redirect_takes_them_to_no_other_server(self, files: FileServer, run: Run) -> None:
        elsewhere = files.put("/f", CONTENT).replace("127.0.0.1", "localhost")
        url = files.put("/r", b"", fileserver.status(302, Location=elsewhere))
        assert run.fetch_file(self.file(run, url, {"X-API-Key": "geheim", "Authorization": "geheim"})) == CONTENT
        first, second = files.requests
        assert (first.headers["X-API-Key"], first.authorization) == ("geheim", "geheim")
        assert ("X-API-Key" in second.headers, second.authorization) == (False, None)

    def test_a_redirect_within_the_server_keeps_them(self, files: FileServer, run: Run) -> None:
        files.put("/f", CONTENT)
        url = files.put("/r", b"", fileserver.status(302, Location="/f"))
        assert run.fetch_file(self.file(run, url, {"X-API-Key": "geheim"})) == CONTENT
        assert files.requests[1].headers["X-API-Key"] == "geheim"

    def test_a_post_is_never_asked_for_a_part(self, files: FileServer, run: Run) -> None:
        url = files.put("/f", CONTENT, fileserver.cut(2_000_000))
        assert run.fetch_file(self.file(run, url, {}, "POST")) == CONTENT
        assert [(seen.method, seen.range) for seen in files.requests] == [("POST", None)] * 2


class TestObjects:
    """Objects of a bucket, from a real S3 server behind a proxy that breaks connections."""

    async def test_a_cut_is_resumed_with_a_new_signature(self, s3: S3Server, run: Run) -> None:
        key = "inputs/ü +&.bin"
        s3.client.put_object(Bucket=BUCKET, Key=key, Body=CONTENT)
        async with proxied(s3.endpoint, ConnectionFault(2_000_000)) as proxy:
            file = run.object(proxy.endpoint, key)
            assert await asyncio.to_thread(run.fetch_file, file) == CONTENT
        first, second = proxy.requests
        assert b"X-Amz-Signature=" in first
        assert b"\r\nRange: bytes=" in second
        assert "X-Amz" not in str(run.said)

    @pytest.mark.parametrize("secret", [None, "wrong", ""], ids=["anonymous", "wrong", "incomplete"])
    def test_without_the_right_credentials(self, s3: S3Server, run: Run, secret: str | None) -> None:
        s3.client.put_object(Bucket=BUCKET, Key="k", Body=b"x")
        with pytest.raises(TaskFailed) as caught:
            run.fetch_file(run.object(s3.endpoint, "k", secret))
        assert f"bucket '{BUCKET}'" in str(caught.value)
        assert not caught.value.may_pass

    def test_an_object_that_anybody_may_read(self, files: FileServer, run: Run) -> None:
        files.put("/results/a b", CONTENT)
        assert run.fetch_file(run.object(files.origin, "a b", None)) == CONTENT
