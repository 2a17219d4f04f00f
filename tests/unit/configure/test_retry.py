"""What is tried again, and when."""

from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from c2d.configure.retry import Fault, Patience, Policy, fault_of_status, parse_retry_after

NOW = datetime(2026, 1, 2, 3, 4, 5, tzinfo=UTC)


@pytest.mark.parametrize(
    ("status", "fault"),
    [
        (200, None),
        (206, None),
        (204, Fault.REFUSED),
        (304, Fault.REFUSED),
        (400, Fault.REFUSED),
        (401, Fault.REFUSED),
        (403, Fault.REFUSED),
        (404, Fault.REFUSED),
        (410, Fault.REFUSED),
        (408, Fault.BUSY),
        (425, Fault.BUSY),
        (429, Fault.BUSY),
        (500, Fault.BUSY),
        (503, Fault.BUSY),
        (599, Fault.BUSY),
    ],
)
def test_statuses(status: int, fault: Fault | None) -> None:
    assert fault_of_status(status) is fault


def test_what_a_new_try_can_heal() -> None:
    passing = {fault for fault in Fault if fault.may_pass}
    of_the_network = {Fault.CONNECT, Fault.CUT, Fault.STALLED, Fault.BUSY, Fault.NONSENSE}
    assert passing == of_the_network | {Fault.CHANGED, Fault.RANGE, Fault.NONCE, Fault.SIGNATURE}


@pytest.mark.parametrize(
    ("failures", "chance", "retry_after", "seconds"),
    [
        pytest.param(1, 1.0, None, 0.5, id="the first wait is short"),
        pytest.param(1, 0.0, None, 0.25, id="chance may halve it"),
        pytest.param(3, 1.0, None, 2.0, id="each failure doubles it"),
        pytest.param(100, 1.0, None, 30.0, id="up to a bound"),
        pytest.param(1, 1.0, 7.0, 7.0, id="the server's wish counts"),
        pytest.param(1, 1.0, 9999.0, 60.0, id="but not beyond its own bound"),
        pytest.param(5, 1.0, 1.0, 8.0, id="and never shortens ours"),
    ],
)
def test_delays(failures: int, chance: float, retry_after: float | None, seconds: float | None) -> None:
    assert Policy().delay(failures, chance, retry_after) == seconds


@given(st.integers(1, 10_000), st.floats(0, 1), st.none() | st.floats(0, 1e12))
def test_a_delay_is_always_positive_and_bounded(failures: int, chance: float, retry_after: float | None) -> None:
    assert 0 < Policy().delay(failures, chance, retry_after) <= 60


POLICY = Policy(attempts=3, signatures=5)


def waits(*faults: Fault, progressed: bool = False) -> list[float | None]:
    patience = Patience(POLICY)
    return [patience.after(fault, 1.0, None, progressed) for fault in faults]


def test_patience_ends_after_so_many_failures_in_a_row() -> None:
    assert waits(*[Fault.CUT] * 3) == [0.5, 1.0, None]


def test_progress_renews_it() -> None:
    assert waits(*[Fault.CUT] * 4, progressed=True) == [0.5] * 4


def test_refused_signatures_count_apart_and_wait_less() -> None:
    assert waits(*[Fault.NONCE, Fault.SIGNATURE, Fault.NONCE, Fault.NONCE, Fault.NONCE]) == [0.5, 1.0, 2.0, 2.0, None]
    assert waits(Fault.CUT, Fault.NONCE, Fault.NONCE, Fault.CUT) == [0.5, 0.5, 1.0, 1.0]


def test_what_is_final_is_not_waited_for() -> None:
    assert waits(Fault.REFUSED, Fault.PRIVATE, Fault.TOO_LARGE) == [None] * 3


@pytest.mark.parametrize(
    ("value", "seconds"),
    [
        (None, None),
        ("", None),
        ("soon", None),
        ("-5", None),
        ("³", None),
        ("0", 0.0),
        ("120", 120.0),
        ("9" * 400, 999999999.0),
        ("Fri, 02 Jan 2026 03:05:05 GMT", 60.0),
        ("Fri, 02 Jan 2026 03:00:00 GMT", 0.0),
    ],
)
def test_retry_after(value: str | None, seconds: float | None) -> None:
    assert parse_retry_after(value, NOW) == seconds


@given(st.text())
def test_no_retry_after_breaks_anything(value: str | None) -> None:
    seconds = parse_retry_after(value, NOW)
    assert seconds is None or seconds >= 0
