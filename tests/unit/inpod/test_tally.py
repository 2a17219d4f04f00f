"""How far all files are together, whatever happens to each."""

import threading

from hypothesis import given
from hypothesis import strategies as some

from c2d.api.progress import LIMIT, Progress
from c2d.inpod.tally import Tally

SIZE = some.integers(0, 10**13)
FILES = 5


def test_a_total_is_known_once_every_file_has_said_its_own() -> None:
    tally = Tally()
    tally.expect(2)
    tally.reached("a", 10, 100)
    assert tally.now() == Progress(done=10, total=None, files=0, total_files=2)
    tally.reached("b", 0, 50)
    assert tally.now() == Progress(done=10, total=150, files=0, total_files=2)


def test_what_an_earlier_run_left_counts_and_what_begins_anew_does_not() -> None:
    tally = Tally()
    tally.expect(1)
    tally.reached("a", 70, 100)
    assert tally.now().done == 70
    tally.reached("a", 1, 90)
    assert tally.now() == Progress(done=1, total=90, files=0, total_files=1)


def test_a_file_that_never_said_its_size_has_one_in_the_end() -> None:
    tally = Tally()
    tally.expect(1)
    tally.reached("a", 70, None)
    assert tally.now().total is None
    tally.completed("a", 80)
    assert tally.now() == Progress(done=80, total=80, files=1, total_files=1)


def test_more_than_was_announced_is_no_nonsense() -> None:
    tally = Tally()
    tally.expect(1, 10)
    tally.passed(11)
    tally.finished()
    tally.finished()
    assert tally.now() == Progress(done=11, total=11, files=2, total_files=2)
    tally.passed(2 * LIMIT)
    assert tally.now().done == LIMIT


@given(some.lists(some.tuples(some.integers(0, FILES - 1), SIZE, some.none() | SIZE, some.booleans()), max_size=50))
def test_it_is_the_sum_of_the_files(steps: list[tuple[int, int, int | None, bool]]) -> None:
    tally, sizes, totals, complete = Tally(), dict[int, int](), dict[int, int | None](), set[int]()
    tally.expect(FILES)
    for number, size, total, completes in steps:
        if number in complete:
            continue
        sizes[number] = size
        if completes:
            totals[number] = size
            complete.add(number)
            tally.completed(str(number), size)
        else:
            totals[number] = None if total is None else max(size, total)
            tally.reached(str(number), size, total)
        known = [total for total in totals.values() if total is not None]
        assert tally.now() == Progress(
            done=sum(sizes.values()),
            total=sum(known) if len(known) == FILES else None,
            files=len(complete),
            total_files=FILES,
        )


def test_many_threads_count_together() -> None:
    tally = Tally()
    tally.expect(8, 80_000)

    def upload() -> None:
        for _ in range(1000):
            tally.passed(10)
        tally.finished()

    threads = [threading.Thread(target=upload) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert tally.now() == Progress(done=80_000, total=80_000, files=8, total_files=8)
