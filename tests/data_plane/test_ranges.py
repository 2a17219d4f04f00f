"""Large files through several connections at once, from a server that misbehaves on some of them."""

import asyncio
import hashlib
import os
import re
from dataclasses import replace

import pytest
from aiohttp import web

from c2d.api.plan import PlannedFile
from c2d.api.report import EXIT_FAILED, EXIT_OK
from c2d.configure.parts import Part, Parts
from c2d.configure.sources import Ordered
from tests.data_plane import fileserver
from tests.data_plane.faults import proxied
from tests.data_plane.fileserver import File, FileServer
from tests.data_plane.programs import eventually
from tests.data_plane.run import FAST, Run
from tests.data_plane.s3server import BUCKET, S3Server
from tests.data_plane.volumes import Volume

ALGORITHM = PlannedFile(path="transformations/algorithm", text="print(1)\n")
MIB = 1024 * 1024
CONTENT = os.urandom(4 * MIB + 17)
OTHER = os.urandom(len(CONTENT))
SHA256 = hashlib.sha256(CONTENT).hexdigest()
HEADERS = {"ETag": '"v1"', "Accept-Ranges": "bytes"}
LANES = replace(FAST, lanes=4, look=0, piece=MIB // 2, large=MIB)
# What the program itself has in its settings, and files that are large for it.
PIECE = 16 * MIB
LARGE = os.urandom(4 * PIECE + 17)


def waits_for(requests: int) -> fileserver.Fault:
    """Sends the beginning, and the rest when so many requests have come: the client has its lanes then."""

    async def answer(server: FileServer, request: web.Request, file: File) -> web.StreamResponse:
        content = file.content
        response = web.StreamResponse(headers=file.headers)
        response.content_length = len(content)
        await response.prepare(request)
        await response.write(content[: 64 * 1024])
        async with asyncio.timeout(30):
            while len(server.requests) < requests:  # noqa: ASYNC110 - the list knows no event
                await asyncio.sleep(0.001)
        await response.write(content[64 * 1024 :])
        return response

    return answer


def put(files: FileServer, *faults: fileserver.Fault, first: fileserver.Fault | None = None) -> str:
    """The faults befall the further lanes, one each."""
    return files.put("/f", CONTENT, first or waits_for(4), *faults, headers=HEADERS)


def asked(files: FileServer) -> list[Part]:
    """The parts that were asked for."""
    found = (re.fullmatch(r"bytes=(\d+)-(\d+)", text) for text in files.ranges if text)
    return [Part(int(match[1]), int(match[2]) + 1) for match in found if match]


def test_a_large_file_comes_in_parts(files: FileServer, run: Run) -> None:
    assert run.fetch(put(files), SHA256, LANES) == CONTENT
    parts = asked(files)
    assert len(parts) >= 3
    assert sum(part.size for part in parts) == Parts(parts).size, "no byte is asked for twice"
    assert all(part.size <= LANES.piece for part in parts)
    assert {seen.if_range for seen in files.requests[1:]} == {'"v1"'}


@pytest.mark.parametrize(
    ("headers", "settings"),
    [
        pytest.param({"ETag": '"v1"'}, LANES, id="a server that doesn't speak of ranges"),
        pytest.param({"ETag": '"v1"', "Accept-Ranges": "none"}, LANES, id="one that says it has none"),
        pytest.param({"ETag": 'W/"v1"', "Accept-Ranges": "bytes"}, LANES, id="a version without a strong name"),
        pytest.param(HEADERS, replace(LANES, large=5 * MIB), id="a file that is not large"),
        pytest.param(HEADERS, replace(LANES, lanes=1), id="one lane"),
    ],
)
def test_others_come_in_one(files: FileServer, run: Run, headers: dict[str, str], settings: object) -> None:
    assert run.fetch(files.put("/f", CONTENT, headers=headers), SHA256, settings) == CONTENT  # type: ignore[arg-type]
    assert files.ranges == [None]


def test_after_a_cut_a_server_that_does_not_speak_of_ranges_is_asked_for_one(files: FileServer, run: Run) -> None:
    """Its answer shows that it has them, and the rest comes in parts."""
    # A cut loses what had been read ahead, so it comes after much more than that.
    url = files.put("/f", CONTENT, fileserver.cut(2_000_000), headers={"ETag": '"v1"'})
    assert run.fetch(url, SHA256, LANES) == CONTENT
    again = files.ranges[1]
    assert again is not None and again.endswith("-")


def test_a_file_of_a_provider_comes_in_one() -> None:
    """Each request of one needs a signature with a nonce of its own."""
    assert Ordered.parallel is False


FAULTS = [
    pytest.param([fileserver.status(503, Retry_After="3600")], id="503, with patience asked for"),
    pytest.param([fileserver.status(429, Retry_After="3600")] * 3, id="429 on all but the first"),
    pytest.param([fileserver.status(403)] * 3, id="403 for more than one connection"),
    pytest.param([fileserver.status(416)], id="416"),
    pytest.param([fileserver.wrong_range(100)], id="another range"),
    pytest.param([fileserver.wrong_range(-100)] * 3, id="other ranges"),
    pytest.param([fileserver.cut(0)] * 3, id="cuts at once"),
    pytest.param([fileserver.cut(100_000)] * 5, id="cuts in the middle"),
    pytest.param([fileserver.hold(100_000)], id="one stalls"),
    pytest.param([fileserver.hold(0)] * 3, id="all but the first stall"),
    pytest.param([fileserver.short(100_000)] * 6, id="short parts"),
    pytest.param([fileserver.short(1)] * 3, id="parts of a byte"),
]


@pytest.mark.parametrize("faults", FAULTS)
def test_trouble_on_some_connections_is_left_to_the_others(
    files: FileServer, run: Run, faults: list[fileserver.Fault]
) -> None:
    assert run.fetch(put(files, *faults), None, LANES) == CONTENT


@pytest.mark.parametrize("faults", FAULTS)
def test_trouble_and_the_first_connection_breaks(files: FileServer, run: Run, faults: list[fileserver.Fault]) -> None:
    settings = replace(LANES, policy=replace(LANES.policy, longest_retry_after=0.001))
    assert run.fetch(put(files, *faults, first=fileserver.cut(200_000)), None, settings) == CONTENT


def test_one_that_stalls_is_not_waited_for_by_the_others(files: FileServer, run: Run) -> None:
    """The first connection brings the beginning and no more."""
    assert run.fetch(put(files, first=fileserver.hold(200_000)), SHA256, LANES) == CONTENT
    assert any("stopped sending" in line for line in run.said)


def test_a_server_that_ignores_ranges_gets_one_request_that_it_understands(files: FileServer, run: Run) -> None:
    url = files.put("/f", CONTENT, waits_for(4), headers=HEADERS, ranges=False)
    assert run.fetch(url, SHA256, LANES) == CONTENT
    assert len(files.requests) == 4, "the first one goes on to the end"


def test_a_server_that_ignores_ranges_and_cuts(files: FileServer, run: Run) -> None:
    url = files.put("/f", CONTENT, fileserver.cut(200_000), headers=HEADERS, ranges=False)
    assert run.fetch(url, SHA256, LANES) == CONTENT


@pytest.mark.parametrize("ranges", [True, False], ids=["206", "200"])
def test_a_file_that_changes_in_between_is_never_mixed(files: FileServer, run: Run, ranges: bool) -> None:
    url = put(files, fileserver.change(OTHER, '"v2"'))
    files.files["/f"].ranges = ranges
    assert run.fetch(url, None, LANES) == OTHER


def test_another_version_of_the_same_name_is_found_out_by_the_checksum(files: FileServer, run: Run) -> None:
    url = put(files, fileserver.change(OTHER, '"v1"'))
    assert run.fetch(url, hashlib.sha256(OTHER).hexdigest(), LANES) == OTHER
    assert files.ranges[-1] is None, "in one piece"
    assert any("don't fit together" in line for line in run.said)


def test_a_server_that_goes_away_ends_it(files: FileServer, run: Run) -> None:
    url = put(files, *[fileserver.status(404)] * 50, first=fileserver.cut(200_000))
    error = run.fails(url, settings=LANES)
    assert not error.may_pass
    assert "refused with 404" in str(error)


def test_the_limit_holds(files: FileServer, run: Run) -> None:
    error = run.fails(put(files), settings=LANES, max_file_bytes=len(CONTENT) - 1)
    assert "assets.maxFileBytes" in str(error)
    assert len(files.requests) == 1


def test_one_bound_is_for_all_files(files: FileServer, run: Run) -> None:
    inputs = [
        PlannedFile(path=f"inputs/a/{number}", url=files.put(f"/{number}", CONTENT, headers=HEADERS))
        for number in range(6)
    ]
    settings = replace(LANES, at_once=3)
    run.fetch_file(inputs[0], settings, inputs=inputs)
    assert all((run.data / file.path).read_bytes() == CONTENT for file in inputs)
    assert files.most_at_once <= 3


async def test_objects_of_a_bucket_have_a_signature_for_each_part(s3: S3Server, run: Run) -> None:
    s3.client.put_object(Bucket=BUCKET, Key="inputs/large", Body=CONTENT)
    async with proxied(s3.endpoint) as proxy:
        file = run.object(proxy.endpoint, "inputs/large")
        assert await asyncio.to_thread(run.fetch_file, file, LANES) == CONTENT
    assert sum(b"\r\nRange: bytes=" in request for request in proxy.requests) >= 3


class TestKilled:
    """With the settings that the program has."""

    def planned(self, url: str) -> list[PlannedFile]:
        return [PlannedFile(path="inputs/a/0", url=url)]

    def noted(self, volume: Volume) -> int:
        """Bytes that the note says are there."""
        (note,) = volume.data.glob(".configure/*.note")
        lines = note.read_text().split("\n")[1:-1]
        return Parts(Part(*map(int, line.split())) for line in lines).size

    def finish(self, volume: Volume, url: str) -> None:
        done = volume.configure(self.planned(url), [ALGORITHM])
        assert done.code == EXIT_OK, done.output
        assert volume.read("inputs/a/0") == LARGE
        assert not volume.path(".configure").exists()

    def test_what_was_complete_is_not_fetched_again(self, files: FileServer, volume: Volume) -> None:
        holding = [fileserver.hold(7 * MIB) for _ in range(4)]
        url = files.put("/f", LARGE, *holding, headers=HEADERS)
        program = volume.start_configure(self.planned(url), [ALGORITHM])
        eventually(lambda: len(files.requests) == 4, "there are four lanes")
        eventually(lambda: self.noted(volume) >= 4 * 6 * MIB, "nearly all that was sent is noted")
        program.kill()
        noted, sent = self.noted(volume), files.sent
        assert not volume.path("inputs/a/0").exists()

        self.finish(volume, url)
        assert files.sent - sent == len(LARGE) - noted
        assert None not in files.ranges[4:]

    @pytest.mark.parametrize("after", [1, PIECE // 2, PIECE + 1, 3 * PIECE, len(LARGE) - 1])
    def test_after_any_number_of_bytes(self, files: FileServer, volume: Volume, after: int) -> None:
        url = files.put("/f", LARGE, waits_for(4), headers=HEADERS)
        program = volume.start_configure(self.planned(url), [ALGORITHM])
        eventually(lambda: files.sent >= after or program.process.poll() is not None, "so much was sent")
        program.kill()
        self.finish(volume, url)

    def test_and_the_file_has_changed_when_it_comes_back(self, files: FileServer, volume: Volume) -> None:
        holding = [fileserver.hold(7 * MIB) for _ in range(4)]
        url = files.put("/f", LARGE[::-1], *holding, headers=HEADERS)
        program = volume.start_configure(self.planned(url), [ALGORITHM])
        eventually(lambda: len(files.requests) == 4 and self.noted(volume) >= 4 * MIB, "something is noted")
        program.kill()
        files.files["/f"] = File(LARGE, {"ETag": '"v2"', "Accept-Ranges": "bytes"})
        self.finish(volume, url)

    def test_and_the_node_had_crashed(self, files: FileServer, volume: Volume) -> None:
        """Of another boot, what the note says is nothing."""
        url = files.put("/f", LARGE, *[fileserver.hold(7 * MIB) for _ in range(4)], headers=HEADERS)
        program = volume.start_configure(self.planned(url), [ALGORITHM])
        eventually(lambda: len(files.requests) == 4 and self.noted(volume) >= 4 * MIB, "something is noted")
        program.kill()
        (note,) = volume.data.glob(".configure/*.note")
        note.write_text(re.sub('"boot": "[^"]*"', '"boot": "another"', note.read_text()))
        (part,) = volume.data.glob(".configure/*.part")
        part.write_bytes(bytes(part.stat().st_size))
        self.finish(volume, url)


def test_a_full_volume_has_a_reason_of_its_own(files: FileServer, small_volume: Volume) -> None:
    file = PlannedFile(path="inputs/a/0", url=files.put("/f", LARGE, headers=HEADERS))
    done = small_volume.configure([file], [ALGORITHM])
    assert (done.report["reason"], done.code) == ("DiskFull", EXIT_FAILED)
    assert not small_volume.path(".configure").exists()
