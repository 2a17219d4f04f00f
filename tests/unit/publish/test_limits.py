"""How much is published at most."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from c2d.publish.limits import GIB, Budget, Limits


@pytest.mark.parametrize(
    ("files", "admitted"),
    [
        pytest.param([(10 * GIB, 10 * GIB)], [True], id="a large file that is really there"),
        pytest.param([(GIB, 0)], [True], id="a hole of a gibibyte"),
        pytest.param([(1024 * GIB, 4096)], [False], id="a terabyte that isn't there"),
        pytest.param([(GIB, 0), (GIB, 0), (5, 5)], [True, False, True], id="holes are counted together"),
        pytest.param([(10 * GIB, 10 * GIB), (100 * GIB, 0)], [True, True], id="some holes beside real data"),
        pytest.param([(10 * GIB, 10 * GIB)] + [(10 * GIB, 0)] * 20, [True] * 16 + [False] * 5, id="many links"),
    ],
)
def test_holes(files: list[tuple[int, int]], admitted: list[bool]) -> None:
    budget = Budget(Limits())
    assert [budget.objection(size, data) is None for size, data in files] == admitted


def test_a_cap_on_everything_lets_smaller_files_through() -> None:
    budget = Budget(Limits(bytes=100))
    assert [budget.objection(size, size) is None for size in (60, 60, 40, 1)] == [True, False, True, False]


@given(st.lists(st.tuples(st.integers(0, 10**13), st.floats(0, 1))))
def test_what_is_admitted_is_never_much_more_than_what_is_there(files: list[tuple[int, float]]) -> None:
    budget, size_in_all, data_in_all = Budget(Limits()), 0, 0
    for size, share in files:
        data = int(size * share)
        if budget.objection(size, data) is None:
            size_in_all, data_in_all = size_in_all + size, data_in_all + data
    assert size_in_all <= data_in_all * 16 + GIB
