"""The bookkeeping of parts, against a plain set of numbers."""

from itertools import pairwise

from hypothesis import given
from hypothesis import strategies as st

from c2d.configure.parts import Part, Parts

TOTAL = 40
PART = st.tuples(st.integers(0, TOTAL), st.integers(0, TOTAL)).map(lambda ends: Part(min(ends), max(ends)))
PARTS = st.lists(PART, max_size=12)


def numbers(parts: Parts | list[Part]) -> set[int]:
    return {number for part in parts for number in range(part.begin, part.end)}


def require_sound(parts: Parts, expected: set[int]) -> None:
    """In order, none empty, none touching the next, and the size is right."""
    listed = list(parts)
    assert all(part.begin < part.end for part in listed)
    assert all(one.end < other.begin for one, other in pairwise(listed))
    assert numbers(parts) == expected
    assert parts.size == len(expected)


@given(PARTS)
def test_parts_that_were_added_are_there_and_nothing_else(added: list[Part]) -> None:
    parts = Parts(added)
    require_sound(parts, numbers(added))
    there = numbers(added)
    assert parts.prefix == next(number for number in range(TOTAL + 1) if number not in there)


@given(PARTS, st.integers(0, TOTAL))
def test_what_is_missing_completes_the_file(added: list[Part], total: int) -> None:
    require_sound(Parts(added).missing(total), set(range(total)) - numbers(added))


@given(PARTS, st.lists(st.tuples(st.integers(1, 10), st.none() | st.integers(0, TOTAL)), max_size=12))
def test_what_was_taken_is_gone_and_was_there(added: list[Part], takes: list[tuple[int, int | None]]) -> None:
    parts, left = Parts(added), numbers(added)
    for most, at in takes:
        before = list(parts)
        taken = parts.take(most, at)
        if taken is None:
            assert all(part.begin != at for part in before) if at is not None else not before
            continue
        assert taken.begin == (before[0].begin if at is None else at)
        assert 0 < taken.size <= most
        assert numbers([taken]) <= left
        left -= numbers([taken])
        require_sound(parts, left)


@given(PARTS, st.lists(st.integers(1, 10), max_size=12))
def test_what_was_given_back_is_to_be_taken_again(added: list[Part], takes: list[int]) -> None:
    parts = Parts(added)
    taken = [part for most in takes if (part := parts.take(most)) is not None]
    for part in reversed(taken):
        parts.add(part)
    require_sound(parts, numbers(added))
