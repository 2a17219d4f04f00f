"""The whole program `c2d-configure`: its volume, its report, its exit code, and what a kill leaves."""

import hashlib
import os
import signal
from pathlib import Path

import pytest

from c2d.api import volume as contract
from c2d.api.plan import PlannedFile
from c2d.api.receipt import Inputs
from c2d.api.report import EXIT_FAILED, EXIT_OK, EXIT_RETRY
from tests.data_plane import fileserver
from tests.data_plane.fileserver import FileServer
from tests.data_plane.programs import Finished, eventually
from tests.data_plane.s3server import free_port
from tests.data_plane.volumes import RUNNER, Volume

CONTENT = os.urandom(6 * 1024 * 1024)
SHA256 = hashlib.sha256(CONTENT).hexdigest()
ALGORITHM = PlannedFile(path="transformations/algorithm", text="print(1)\n")


def journal(volume: Volume) -> list[str]:
    """The lines of the files that are at their place."""
    path = volume.path(".configure/finished")
    return [line for line in path.read_text().split("\n") if line.endswith("}")] if path.exists() else []


def planned(url: str, path: str = "inputs/a/0", sha256: str | None = None) -> PlannedFile:
    return PlannedFile(path=path, url=url, sha256=sha256)


def test_it_fills_the_volume_as_the_contract_says(files: FileServer, volume: Volume) -> None:
    done = volume.configure([planned(files.put("/f", CONTENT), sha256=SHA256)], [ALGORITHM], {"n": 3})

    assert done.code == EXIT_OK, done.output
    assert done.report == {"message": "", "files": 3, "bytes": len(CONTENT) + 9 + 8}
    assert volume.contents() == {
        "bin/c2d-runner": (0o555, RUNNER),
        "inputs/a/0": (0o644, CONTENT),
        "inputs/algoCustomData.json": (0o644, b'{"n": 3}'),
        "transformations/algorithm": (0o755, b"print(1)\n"),
    }
    modes = {name: volume.path(name).stat().st_mode & 0o777 for name in contract.FOLDERS}
    assert modes == dict.fromkeys(contract.FOLDERS, 0o755) | {"outputs": 0o777, "logs": 0o777}


def test_it_tells_the_receipt_what_it_fetched(files: FileServer, volume: Volume) -> None:
    inputs = [planned(files.put("/f", CONTENT), sha256=SHA256)]
    for _ in range(2):
        assert volume.configure(inputs, [ALGORITHM], {"n": 3}).code == EXIT_OK
        told = Inputs.model_validate_json(volume.read("adminlogs/inputs.json"))
        assert {file.path: file.size for file in told.files} == {
            "inputs/a/0": len(CONTENT),
            "inputs/algoCustomData.json": 8,
            "transformations/algorithm": 9,
        }
        for file in told.files:
            assert hashlib.sha256(volume.read(file.path)).hexdigest() == file.sha256


def test_its_log_is_on_the_volume_too(volume: Volume) -> None:
    done = volume.configure([], [ALGORITHM])
    assert volume.read(contract.CONFIGURE_LOG).decode() == done.output
    assert all(line[19:21] == "Z " for line in done.output.splitlines())


def test_a_second_run_changes_nothing_and_fetches_nothing(files: FileServer, volume: Volume) -> None:
    inputs = [planned(files.put("/f", CONTENT), sha256=SHA256)]
    volume.configure(inputs, [ALGORITHM])
    before = volume.contents()
    (volume.path("outputs") / "kept").write_text("kept")

    assert volume.configure(inputs, [ALGORITHM]).code == EXIT_OK
    assert volume.contents() == before | {"outputs/kept": (0o644, b"kept")}
    assert len(files.requests) == 1


def test_a_url_in_a_secret(files: FileServer, volume: Volume, tmp_path: Path) -> None:
    secret = tmp_path / "key"
    secret.write_text(files.put("/geheim", CONTENT) + "?geheim\n")
    done = volume.configure([PlannedFile(path="inputs/a/0", url_file=str(secret))], [ALGORITHM])
    assert done.code == EXIT_OK
    assert volume.read("inputs/a/0") == CONTENT
    assert "geheim" not in done.output
    assert files.origin not in done.output


@pytest.mark.parametrize(
    ("path", "fault", "sha256", "reason", "code"),
    [
        pytest.param("inputs/a/0", 404, None, "InputDownloadFailed", EXIT_FAILED, id="an input that is not there"),
        pytest.param(
            contract.ALGORITHM, 404, None, "AlgorithmDownloadFailed", EXIT_FAILED, id="an algorithm that is not there"
        ),
        pytest.param("inputs/a/0", None, "0" * 64, "ChecksumMismatch", EXIT_FAILED, id="another input than declared"),
        pytest.param(
            contract.ALGORITHM,
            None,
            "0" * 64,
            "AlgorithmChecksumMismatch",
            EXIT_FAILED,
            id="another algorithm than declared",
        ),
    ],
)
def test_failures_have_reasons(
    files: FileServer, volume: Volume, path: str, fault: int | None, sha256: str | None, reason: str, code: int
) -> None:
    url = files.put("/geheim", CONTENT, *([fileserver.status(fault)] if fault else []))
    file = planned(url, path, sha256)
    done = volume.configure(*(([], [file]) if path == contract.ALGORITHM else ([file], [ALGORITHM])))
    assert (done.report["reason"], done.code) == (reason, code)
    assert path in str(done.report["message"])
    assert "geheim" not in done.output + str(done.report)
    assert not volume.path(path).exists()


def test_a_server_that_does_not_answer_is_worth_another_pod(volume: Volume) -> None:
    done = volume.configure([planned(f"http://127.0.0.1:{free_port()}/")], [ALGORITHM], None, "--attempts", 2)
    assert (done.report["reason"], done.code) == ("InputDownloadFailed", EXIT_RETRY)


def test_an_inline_algorithm_with_another_checksum(volume: Volume) -> None:
    file = PlannedFile(path=contract.ALGORITHM, text="x", sha256="0" * 64)
    assert volume.configure([], [file]).report["reason"] == "AlgorithmChecksumMismatch"


@pytest.mark.parametrize("plan", ["", "{", '{"job": "a/b", "geheim": 1}', None], ids=["empty", "half", "other", "none"])
def test_a_plan_that_can_not_be_read(volume: Volume, tmp_path: Path, plan: str | None) -> None:
    path = tmp_path / "broken.json"
    if plan is not None:
        path.write_text(plan)
    done = volume.configure([], [ALGORITHM], None, "--plan", path)
    assert (done.report["reason"], done.code) == ("ConfigureFailed", EXIT_FAILED)
    assert "the plan" in str(done.report["message"])


def test_a_missing_runner_is_reported(volume: Volume) -> None:
    done = volume.configure([], [ALGORITHM], None, "--runner", "/nonexistent")
    assert (done.report["reason"], done.code) == ("ConfigureFailed", EXIT_FAILED)
    assert "FileNotFoundError (No such file or directory) at " in str(done.report["message"])


class TestKilled:
    """Whatever instruction a run is killed at, the next one ends with the same volume."""

    @pytest.mark.parametrize("after", [0, 1, 1_000_000, len(CONTENT) - 1])
    def test_after_any_number_of_bytes(self, files: FileServer, volume: Volume, after: int) -> None:
        inputs = [planned(files.put("/f", CONTENT, fileserver.hold(after)))]
        program = volume.start_configure(inputs, [ALGORITHM])
        assert files.holding.wait(60)
        program.kill()
        self.finish(volume, inputs)

    def test_in_the_middle_of_a_download(self, files: FileServer, volume: Volume) -> None:
        inputs = [
            planned(files.put("/f", CONTENT, fileserver.hold(4_000_000)), sha256=SHA256),
            planned(files.put("/g", b"other"), "inputs/b/0"),
        ]
        self.kill_while_holding(files, volume, inputs)
        assert not volume.path("inputs/a/0").exists()

        self.finish(volume, inputs)
        (again,) = files.requests[2:]
        assert (again.path, again.if_range) == ("/f", '"v1"')
        assert again.range is not None

    def test_and_the_file_has_changed_when_it_comes_back(self, files: FileServer, volume: Volume) -> None:
        url = files.put("/f", CONTENT[::-1], fileserver.hold(4_000_000), fileserver.change(CONTENT, '"v2"'))
        self.kill_while_holding(files, volume, [planned(url)])
        self.finish(volume, [planned(url)])

    def test_and_what_it_left_is_damaged(self, files: FileServer, volume: Volume) -> None:
        inputs = [planned(files.put("/f", CONTENT, fileserver.hold(4_000_000)), sha256=SHA256)]
        self.kill_while_holding(files, volume, inputs)
        (part,) = volume.data.glob(".configure/*.part")
        part.write_bytes(bytes(part.stat().st_size))

        done = self.finish(volume, inputs)
        assert "don't fit together" in done.output

    def test_and_its_note_is_gone(self, files: FileServer, volume: Volume) -> None:
        inputs = [planned(files.put("/f", CONTENT, fileserver.hold(4_000_000)))]
        self.kill_while_holding(files, volume, inputs)
        for note in volume.data.glob(".configure/*.note"):
            note.unlink()
        self.finish(volume, inputs)
        assert files.requests[-1].range is None

    def test_between_writing_a_file_and_giving_it_its_name(self, volume: Volume) -> None:
        volume.configure([], [ALGORITHM])
        folder = volume.path(".configure")
        folder.mkdir()
        for path in ("bin/c2d-runner", contract.ALGORITHM, contract.CUSTOM_DATA):
            draft = folder / f"{hashlib.sha256(path.encode()).hexdigest()[:32]}.draft"
            draft.write_text("half of it")
            draft.chmod(0o555)
        assert volume.configure([], [ALGORITHM]).code == EXIT_OK
        assert volume.read("bin/c2d-runner") == RUNNER
        assert not folder.exists()

    def test_files_that_are_at_their_place_are_not_fetched_again(self, files: FileServer, volume: Volume) -> None:
        """Without a declared checksum; the last of them keeps the run from ending."""
        many = [planned(files.put(f"/{number}", b"%d" % number), f"inputs/b/{number}") for number in range(30)]
        last = planned(files.put("/f", CONTENT, fileserver.hold(4_000_000)))
        program = volume.start_configure([*many, last], [ALGORITHM])
        eventually(lambda: all(volume.path(file.path).exists() for file in many), "the small ones are there")
        assert files.holding.wait(60)
        eventually(lambda: len(journal(volume)) >= len(many), "and written down")
        program.kill()
        volume.path("inputs/b/7").write_bytes(b"X")  # of the same size
        volume.path("inputs/b/8").unlink()
        changed = planned(files.put("/new", b"new"), "inputs/b/9")

        self.finish(volume, [*many[:9], changed, *many[10:], last])
        assert {seen.path for seen in files.requests[31:]} == {"/7", "/8", "/new", "/f"}
        assert [volume.read(f"inputs/b/{number}") for number in range(7, 10)] == [b"7", b"8", b"new"]

    def test_and_half_a_line_of_the_journal_was_written(self, files: FileServer, volume: Volume) -> None:
        many = [planned(files.put(f"/{number}", b"%d" % number), f"inputs/b/{number}") for number in range(3)]
        last = planned(files.put("/f", CONTENT, fileserver.hold(1), fileserver.hold(1)))
        for _ in range(2):
            files.holding.clear()
            program = volume.start_configure([*many, last], [ALGORITHM])
            assert files.holding.wait(60)
            eventually(lambda: len(journal(volume)) >= 3, "the small ones are written down")
            program.kill()
            lines = volume.path(".configure/finished").read_bytes().rstrip(b"\n")
            volume.path(".configure/finished").write_bytes(lines[:-10])

        self.finish(volume, [*many, last])
        small = [seen.path for seen in files.requests if seen.path != "/f"]
        assert len(small) == 3 + 1 + 1

    def kill_while_holding(self, files: FileServer, volume: Volume, inputs: list[PlannedFile]) -> None:
        program = volume.start_configure(inputs, [ALGORITHM])
        assert files.holding.wait(60)
        eventually(
            lambda: any(part.stat().st_size > 3_000_000 for part in volume.data.glob(".configure/*.part")),
            "most of what was sent is on the volume",
        )
        program.kill()

    def finish(self, volume: Volume, inputs: list[PlannedFile]) -> Finished:
        done = volume.configure(inputs, [ALGORITHM])
        assert done.code == EXIT_OK, done.output
        assert volume.read("inputs/a/0") == CONTENT
        assert not volume.path(".configure").exists()
        return done


def test_sigterm_ends_it_at_once_with_a_report(files: FileServer, volume: Volume) -> None:
    program = volume.start_configure([planned(files.put("/f", CONTENT, fileserver.hold(1_000_000)))], [ALGORITHM])
    assert files.holding.wait(60)
    program.process.send_signal(signal.SIGTERM)
    done = program.wait()
    assert (done.report["reason"], done.code) == ("ConfigureFailed", EXIT_RETRY)
    assert "told to end" in str(done.report["message"])


def test_a_full_volume_has_a_reason_of_its_own(files: FileServer, small_volume: Volume) -> None:
    done = small_volume.configure([planned(files.put("/f", CONTENT))], [ALGORITHM])
    assert (done.report["reason"], done.code) == ("DiskFull", EXIT_FAILED)
    assert "volume is full" in small_volume.read(contract.CONFIGURE_LOG).decode()
    assert not small_volume.path(".configure").exists()
