"""Several uploads at once, their results in order."""

import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor

import pytest

from c2d.publish.upload import in_order


def test_results_come_in_the_order_of_the_items_however_long_each_takes() -> None:
    second_done = threading.Event()

    def work(item: int) -> int:
        if item == 0:
            assert second_done.wait(10)
        if item == 1:
            second_done.set()
        return item * 10

    with ThreadPoolExecutor(2) as pool:
        assert list(in_order(pool, work, range(5), 3)) == [0, 10, 20, 30, 40]


def test_no_more_items_are_taken_than_the_window_holds() -> None:
    taken = []

    def items() -> Iterator[int]:
        for item in range(100):
            taken.append(item)
            yield item

    with ThreadPoolExecutor(2) as pool:
        results = in_order(pool, lambda item: item, items(), 4)
        next(results)
        assert len(taken) == 4


def test_an_error_ends_it() -> None:
    def work(item: int) -> int:
        if item == 2:
            raise ValueError(item)
        return item

    with ThreadPoolExecutor(1) as pool, pytest.raises(ValueError, match="2"):
        list(in_order(pool, work, range(100), 4))
