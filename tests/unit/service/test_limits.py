"""A bucket for each caller, and a number of streams."""

import pytest

from c2d.service import limits
from c2d.service.errors import TooMany, Unavailable
from c2d.service.limits import Rate, Streams


class Clock:
    now = 0.0

    def __call__(self) -> float:
        return self.now


def taken(rate: Rate, caller: str = "a") -> int:
    count = 0
    while count < 10_000:
        try:
            rate.take(caller)
        except TooMany:
            break
        count += 1
    return count


def test_a_burst_and_then_the_rate() -> None:
    clock = Clock()
    rate = Rate(10, clock)
    assert taken(rate) == 20
    clock.now += 0.5
    assert taken(rate) == 5
    clock.now += 0.05
    assert taken(rate) == 0
    clock.now += 1000
    assert taken(rate) == 20


def test_callers_do_not_share() -> None:
    rate = Rate(1, Clock())
    assert taken(rate, "a") == taken(rate, "b") == 2


def test_zero_is_no_limit() -> None:
    assert taken(Rate(0, Clock())) == 10_000


def test_refused_requests_cost_nothing() -> None:
    clock = Clock()
    rate = Rate(2, clock)
    assert taken(rate) == 4
    for _ in range(100):
        with pytest.raises(TooMany, match="2 requests a second"):
            rate.take("a")
    clock.now += 0.5
    assert taken(rate) == 1


def test_callers_without_number_do_not_fill_the_memory(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(limits, "_REMEMBERED", 10)
    rate = Rate(1, Clock())
    for number in range(1000):
        rate.take(str(number))
    assert len(rate._buckets) <= 10


def test_streams_are_given_back_whatever_happens() -> None:
    streams = Streams(2)
    with streams.one(), streams.one():
        with pytest.raises(Unavailable, match="2 results"), streams.one():
            raise AssertionError("not reached")
        assert streams.now == 2
    with pytest.raises(ZeroDivisionError), streams.one():
        raise ZeroDivisionError
    assert streams.now == 0
