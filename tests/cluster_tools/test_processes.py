"""A daemon is found again by who it is, never by its number alone."""

import json
import signal
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from cluster import processes
from cluster.processes import Daemon
from cluster.settings import Places

SLEEPER = Daemon("sleeper", [sys.executable, "-c", "import time; time.sleep(600)"])


@pytest.fixture
def places(tmp_path: Path) -> Iterator[Places]:
    places = Places(tmp_path, tmp_path / "cache")
    yield places
    processes.stop(places, processes.names(places), grace=1)


def test_a_second_start_finds_the_first_one(places: Places) -> None:
    assert processes.start(places, SLEEPER)
    first = processes.find(places, "sleeper")

    assert not processes.start(places, SLEEPER)
    assert processes.find(places, "sleeper") == first


def test_other_arguments_mean_a_restart(places: Places) -> None:
    processes.start(places, SLEEPER)
    first = processes.find(places, "sleeper")

    assert processes.start(places, Daemon("sleeper", [*SLEEPER.argv, "again"]))
    assert first is not None
    assert not processes.alive(first)


def test_a_killed_daemon_is_started_again(places: Places) -> None:
    processes.start(places, SLEEPER)
    first = processes.find(places, "sleeper")
    assert first is not None
    processes.send(first, signal.SIGKILL)
    assert processes.wait_gone([first], 10)

    assert processes.find(places, "sleeper") is None
    assert processes.start(places, SLEEPER)


@pytest.mark.parametrize("field", ["start_ticks", "boot_id"])
def test_another_process_with_the_same_pid_is_left_alone(places: Places, field: str) -> None:
    processes.start(places, SLEEPER)
    stranger = processes.find(places, "sleeper")
    assert stranger is not None
    record = processes.record_path(places, "sleeper")
    original = record.read_text()
    record.write_text(json.dumps({**json.loads(original), field: 1 if field == "start_ticks" else "before"}))

    assert processes.find(places, "sleeper") is None
    assert processes.stop(places, ["sleeper"]) == []
    assert processes.alive(stranger)
    record.write_text(original)
