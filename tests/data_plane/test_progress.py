"""What the whole programs tell of their progress, and that nobody waits for whoever should hear it."""

import itertools
import os
import signal
import threading
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import urlsplit

import pytest

from c2d.api.plan import ConfigurePlan, Listener, PlannedFile
from c2d.api.progress import Progress
from c2d.api.report import EXIT_OK, EXIT_RETRY
from tests.data_plane import fileserver
from tests.data_plane.benches import S3Bench
from tests.data_plane.fileserver import FileServer
from tests.data_plane.programs import Program, eventually
from tests.data_plane.s3server import S3Server, free_port
from tests.data_plane.tap import Tap
from tests.data_plane.volumes import Volume
from tests.kit import listener
from tests.kit.listener import TOKEN, Port

MIB = 1024 * 1024
CONTENT = os.urandom(6 * MIB)
INTERVAL = 0.05  # seconds
OFTEN = ("--progress-interval", INTERVAL)
CANT = "the engine can't be told of the progress"
Here = tuple[Port, Listener]


@pytest.fixture
def here(tmp_path: Path) -> Iterator[Here]:
    with listener.listening(tmp_path) as found:
        yield found


def start(volume: Volume, to: Listener | None, *urls: str, options: tuple[object, ...] = OFTEN) -> Program:
    inputs = [PlannedFile(path=f"inputs/a/{index}", url=url) for index, url in enumerate(urls)]
    plan = ConfigurePlan(job="ns/job", inputs=inputs, algorithm=[], allow_private_addresses=True, progress=to)
    return volume.start_plan(plan, *options)


def halfway(told: Progress) -> bool:
    return told.total == 7 * MIB and 0 < told.done < told.total and told.files == 1


def test_a_download_is_told_of_while_it_goes_on(files: FileServer, volume: Volume, here: Here) -> None:
    port, to = here
    go_on = threading.Event()
    large = files.put("/large", CONTENT, fileserver.pause(2 * MIB, go_on))
    program = start(volume, to, large, files.put("/small", CONTENT[:MIB]))
    port.wait_until(halfway, "one file of two")
    go_on.set()
    done = program.wait()
    assert done.code == EXIT_OK, done.output
    assert CANT not in done.output
    assert port.tokens == {f"Bearer {TOKEN}"}
    assert {told.total_files for told in port.told} <= {0, 1, 2}
    gaps = [after - before for before, after in itertools.pairwise(port.moments)]
    assert all(gap >= INTERVAL for gap in gaps), gaps
    assert all(one != other for one, other in itertools.pairwise(port.told)), "only what is new"


def test_what_an_earlier_pod_fetched_counts(files: FileServer, volume: Volume, here: Here) -> None:
    port, to = here
    url = files.put("/large", CONTENT, fileserver.hold(3 * MIB), fileserver.hold(MIB))
    first = start(volume, to, url)
    port.wait_until(lambda told: told.done >= 2 * MIB, "most of what the server sends")
    first.kill()
    port.told.clear()
    second = start(volume, to, url)
    port.wait_until(lambda told: told.done > MIB and told.total == len(CONTENT), "more than this pod fetched")
    second.kill()


def test_short_work_tells_nothing(files: FileServer, volume: Volume, here: Here) -> None:
    port, to = here
    assert start(volume, to, files.put("/f", CONTENT), options=()).wait().code == EXIT_OK
    assert not port.told


def test_an_engine_that_is_away_is_told_of_once_and_not_waited_for(
    files: FileServer, volume: Volume, tmp_path: Path
) -> None:
    (tmp_path / "token").write_text(TOKEN)
    nobody = Listener(url=f"http://127.0.0.1:{free_port()}/progress", token_file=str(tmp_path / "token"))
    go_on = threading.Event()
    program = start(volume, nobody, files.put("/f", CONTENT, fileserver.pause(MIB, go_on)))
    log = volume.path("adminlogs/configure.log")
    eventually(lambda: log.exists() and CANT in log.read_text(), "a line about the engine")
    go_on.set()
    done = program.wait()
    assert done.code == EXIT_OK, done.output
    assert volume.read("inputs/a/0") == CONTENT
    assert done.output.count(CANT) == 1
    assert nobody.url not in done.output


def test_an_engine_that_never_answers_is_not_waited_for(files: FileServer, volume: Volume, here: Here) -> None:
    port, to = here
    port.silent.set()
    go_on = threading.Event()
    program = start(volume, to, files.put("/f", CONTENT, fileserver.pause(MIB, go_on)))
    port.wait_for(1)
    go_on.set()
    done = program.wait()
    assert done.code == EXIT_OK, done.output
    assert not port.over.is_set(), "nobody had an answer"


def test_sigterm_ends_it_at_once_though_a_report_is_under_way(files: FileServer, volume: Volume, here: Here) -> None:
    port, to = here
    port.silent.set()
    program = start(volume, to, files.put("/f", CONTENT, fileserver.hold(MIB)))
    port.wait_for(1)
    program.process.send_signal(signal.SIGTERM)
    done = program.wait()
    assert (done.report["reason"], done.code) == ("ConfigureFailed", EXIT_RETRY)


def test_an_upload_is_told_of_while_it_goes_on(s3: S3Server, volume: Volume, place_name: str, here: Here) -> None:
    port, to = here
    bench = S3Bench(s3, volume, place_name)
    bench.output("large", os.urandom(30 * MIB))
    bench.output("small", b"x")
    address = urlsplit(s3.endpoint)
    assert address.hostname is not None
    assert address.port is not None
    with Tap(address.hostname, address.port, 9 * MIB).running() as tap:
        target = bench.target.model_copy(update={"endpoint": tap.endpoint})
        program = volume.start_publish(target, bench.environment, *OFTEN, listener=to)
        port.wait_until(lambda told: told.total == 30 * MIB + 1 and told.done > MIB, "a part of the upload")
        program.kill()
    done = volume.start_publish(bench.target, bench.environment, *OFTEN, listener=to).wait()
    assert done.code == EXIT_OK, done.output
    assert all(told.done <= (told.total or 0) for told in port.told)
