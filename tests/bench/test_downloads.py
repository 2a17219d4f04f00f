"""The part that measures downloads: its server, its clients, its figures."""

import hashlib
import json
import os
import subprocess
import sys
import urllib.request
from collections.abc import Iterator
from pathlib import Path

import pytest

from bench.downloads import clients, part, serving
from bench.downloads.clients import Configure, Used
from bench.downloads.part import Compared, Measured
from bench.downloads.serving import Served
from cluster.settings import ClusterError

NAMES = ["0", "1", "2"]
SIZE = 40_000_000  # enough for several connections
OPENER = urllib.request.build_opener(urllib.request.ProxyHandler({}))


@pytest.fixture(params=["nginx", "sendfile.py"])
def served(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Served]:
    nginx = serving.find_nginx() if request.param == "nginx" else None
    if request.param == "nginx" and nginx is None:
        pytest.skip("nginx is not installed (Debian and Ubuntu: apt-get install nginx-light)")
    serving.make_files(tmp_path / "files", SIZE, NAMES, 100)
    with serving.running(tmp_path, tmp_path / "files", nginx) as server:
        assert server.name == request.param
        yield server


def get(served: Served, path: str, **headers: str) -> tuple[int, dict[str, str], bytes]:
    request = urllib.request.Request(served.url(path), headers=headers)  # noqa: S310 - on loopback
    with OPENER.open(request, timeout=30) as response:
        return response.status, dict(response.headers), response.read()


def test_the_server_sends_files_and_parts_of_them(served: Served, tmp_path: Path) -> None:
    content = (tmp_path / "files" / serving.LARGE).read_bytes()
    status, headers, body = get(served, serving.LARGE)
    assert (status, body == content, headers["Accept-Ranges"]) == (200, True, "bytes")
    status, headers, body = get(served, serving.LARGE, Range="bytes=10-19")
    assert (status, body, headers["Content-Range"]) == (206, content[10:20], f"bytes 10-19/{SIZE}")
    status, _, body = get(served, serving.LARGE, Range=f"bytes={SIZE - 5}-")
    assert (status, body) == (206, content[-5:])


def test_the_program_fetches_from_it_in_parts(served: Served, tmp_path: Path) -> None:
    folder = tmp_path / "volume"
    folder.mkdir()
    used = clients.large(served)(folder)
    digests = [
        hashlib.sha256(path.read_bytes()).hexdigest()
        for path in (folder / "data/inputs/large/0", tmp_path / "files" / serving.LARGE)
    ]
    assert digests[0] == digests[1]
    assert used.cpu > 0 and used.seconds > 0
    assert used.peak < 150_000_000


def test_the_program_fetches_many_files_from_it(served: Served, tmp_path: Path) -> None:
    folder = tmp_path / "volume"
    folder.mkdir()
    clients.many(served, NAMES)(folder)
    for name in NAMES:
        assert (folder / "data/inputs/many" / name).read_bytes() == (tmp_path / "files/small" / name).read_bytes()


def test_the_memory_of_a_command_is_its_own() -> None:
    """Not that of the process which started it, which here is larger."""
    ballast = bytearray(os.urandom(200_000_000))
    used = clients.run([sys.executable, "-c", "print('not JSON')"])
    assert 0 < used.peak < len(ballast)


def test_a_command_that_fails_ends_the_measurement() -> None:
    with pytest.raises(ClusterError, match="ValueError: told"):
        clients.run([sys.executable, "-c", "raise ValueError('told')"])


def test_the_imports_of_the_program_are_told_by_what_they_take(tmp_path: Path) -> None:
    found = Configure({}).imports(tmp_path)
    assert any(name.startswith("pydantic") for name in found)
    own = [times["own"] for times in found.values()]
    assert own == sorted(own, reverse=True)
    assert all(0 < times["own"] <= times["all"] for times in found.values())


def test_figures_are_ratios_to_the_median_of_the_reference() -> None:
    def used(*seconds: float) -> list[Used]:
        return [Used(second, cpu=1, peak=100_000_000) for second in seconds]

    found = Measured(
        compared=[
            Compared("one file", "MB/s", 100, 0.9, used(1, 2, 9), used(1, 1, 1)),
            Compared("many files", "files/s", 100, 1.0, used(1), []),
        ],
        starts=used(0.1, 0.2, 0.5),
    )
    judged = {figure.name: figure for figure in part.figures(found)}
    assert (judged["one file, MB/s"].ratio, judged["one file, MB/s"].met) == (0.5, False)
    assert judged["many files, files/s"].met is None, "without a reference nothing is judged"
    assert judged["c2d-configure, most memory, MB"].met
    assert judged["c2d-configure with nothing to do, p50 ms"].ours == 200


def test_without_aria2c_it_is_said_how_to_get_it(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    assert clients.aria2c(Served("none", "http://127.0.0.1"), NAMES) is None
    assert "apt-get install aria2" in clients.ARIA2_MISSING


def test_the_figures_of_a_command_are_one_line_of_json() -> None:
    script = Path(clients.__file__).with_name("timed.py")
    done = subprocess.run([sys.executable, "-I", script, "true"], capture_output=True, text=True, check=True)
    assert json.loads(done.stdout)["code"] == 0
