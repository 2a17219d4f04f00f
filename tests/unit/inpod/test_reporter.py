"""Reports go out beside the work, which never waits for them."""

import itertools
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest

from c2d.api.plan import Listener
from c2d.api.progress import Progress
from c2d.inpod.reporter import Reporter, reporting
from tests.kit import listener
from tests.kit.listener import TOKEN, Port

FAST = 0.01  # seconds
Here = tuple[Port, Listener]


@pytest.fixture
def here(tmp_path: Path) -> Iterator[Here]:
    with listener.listening(tmp_path) as found:
        yield found


def silence(text: str) -> None:
    raise AssertionError(f"there is nothing to say, but: {text}")


def growing() -> Iterator[Progress]:
    return (Progress(done=done, total=1000) for done in itertools.count(1))


def test_numbers_arrive_with_the_pods_token(here: Here) -> None:
    port, to = here
    numbers = growing()
    with reporting(to, lambda: next(numbers), silence, FAST):
        port.wait_for(3)
    assert [told.done for told in port.told[:3]] == [1, 2, 3]
    assert port.tokens == {f"Bearer {TOKEN}"}


def test_nothing_is_sent_twice_nor_before_there_is_anything(here: Here) -> None:
    port, to = here
    reporter = Reporter(to, silence)
    for told in (Progress(done=0, total=0), Progress(done=1), Progress(done=1), Progress(done=2)):
        reporter.tell(told)
    assert [told.done for told in port.told] == [1, 2]


def test_short_work_sends_nothing(here: Here) -> None:
    port, to = here
    with reporting(to, lambda: Progress(done=1), silence):
        pass
    assert not port.told


def test_what_was_not_taken_is_sent_again_and_told_once(here: Here) -> None:
    port, to = here
    port.answers = [503, 403]
    said: list[str] = []
    reporter = Reporter(to, said.append)
    for _ in range(4):
        reporter.tell(Progress(done=1))
    assert len(port.told) == 3
    assert said == ["the engine can't be told of the progress (status 503); the work goes on without"]


def test_nobody_there_is_told_once_and_without_the_address(here: Here, tmp_path: Path) -> None:
    said: list[str] = []
    (tmp_path / "token").write_text(TOKEN)
    nobody = Listener(url="http://127.0.0.1:1/progress", token_file=str(tmp_path / "token"))
    reporter = Reporter(nobody, said.append)
    for done in (1, 2, 3):
        reporter.tell(Progress(done=done))
    assert len(said) == 1
    assert "127.0.0.1" not in said[0]
    assert TOKEN not in said[0]


def test_a_token_that_is_not_there_harms_nothing(here: Here, tmp_path: Path) -> None:
    said: list[str] = []
    port, to = here
    (tmp_path / "token").unlink()
    Reporter(to, said.append).tell(Progress(done=1))
    assert said == ["the engine can't be told of the progress (FileNotFoundError); the work goes on without"]
    assert not port.told


def test_an_engine_that_never_answers_holds_nobody_up(here: Here) -> None:
    """The block ends while the report still waits for its answer."""
    port, to = here
    port.silent.set()
    said: list[str] = []
    with reporting(to, lambda: Progress(done=1), said.append, FAST):
        port.wait_for(1)
    assert any(thread.name == "progress" for thread in threading.enumerate()), "it was waited for"


def test_without_a_listener_there_is_no_thread() -> None:
    before = threading.enumerate()
    with reporting(None, lambda: Progress(done=1), silence, FAST):
        assert threading.enumerate() == before
