from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from tests.data_plane import ipfs_server, s3server
from tests.data_plane.benches import IpfsBench, KeptBench
from tests.data_plane.fileserver import FileServer
from tests.data_plane.ipfs_server import IpfsServer
from tests.data_plane.s3server import S3Server
from tests.data_plane.volumes import Volume


@pytest.fixture
def files() -> Iterator[FileServer]:
    with FileServer().running() as server:
        yield server


@pytest.fixture(scope="session")
def s3(tmp_path_factory: pytest.TempPathFactory) -> Iterator[S3Server]:
    binary = s3server.find()
    if binary is None:
        pytest.skip(f"versitygw, an S3 server, is not here: {s3server.WHERE}")
    with s3server.running(binary, tmp_path_factory.mktemp("s3") / "buckets") as server:
        yield server


@pytest.fixture(scope="session")
def ipfs_node(tmp_path_factory: pytest.TempPathFactory) -> Iterator[IpfsServer]:
    with ipfs_server.running(tmp_path_factory.mktemp("ipfs")) as server:
        yield server


@pytest.fixture
def ipfs(ipfs_node: IpfsServer, record_property: Callable[[str, object], None]) -> IpfsServer:
    """A node that is well; which one it is stands in the test's report."""
    record_property("ipfs", ipfs_node.kind)
    ipfs_node.faults.clear()
    ipfs_node.commands.clear()
    ipfs_node.seen_headers.clear()
    return ipfs_node


@pytest.fixture
def volume(tmp_path: Path) -> Volume:
    return Volume(tmp_path)


@pytest.fixture
def place_name(request: pytest.FixtureRequest) -> str:
    """Another one for each test."""
    return f"t{abs(hash(request.node.nodeid))}"


@pytest.fixture
def kept(volume: Volume) -> KeptBench:
    return KeptBench(volume)


@pytest.fixture
def on_ipfs(ipfs: IpfsServer, volume: Volume, place_name: str) -> IpfsBench:
    return IpfsBench(ipfs, volume, place_name)


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    """Says which node of IPFS the tests had."""
    reports = terminalreporter.stats.get("passed", []) + terminalreporter.stats.get("failed", [])
    kinds = {value for report in reports for name, value in report.user_properties if name == "ipfs"}
    if kinds:
        terminalreporter.write_line(f"IPFS node of these tests: {', '.join(sorted(kinds))}")
