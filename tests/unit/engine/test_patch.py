import copy
from typing import Any

from hypothesis import given
from hypothesis import strategies as some

from c2d.engine.patch import merge_patch

leaves = some.one_of(some.integers(), some.text(max_size=3), some.booleans(), some.lists(some.integers(), max_size=2))
objects = some.recursive(
    some.dictionaries(some.sampled_from("abcd"), leaves, max_size=4),
    lambda inner: some.dictionaries(some.sampled_from("abcd"), some.one_of(leaves, inner), max_size=4),
    max_leaves=12,
)


def applied(target: dict[str, Any], patch: dict[str, Any]) -> dict[str, Any]:
    """RFC 7396, by the letter."""
    for key, value in patch.items():
        if value is None:
            target.pop(key, None)
        elif isinstance(value, dict):
            known = target.get(key)
            target[key] = applied(known if isinstance(known, dict) else {}, value)
        else:
            target[key] = value
    return target


@given(objects, objects)
def test_a_patch_turns_one_object_into_the_other(before: dict[str, Any], after: dict[str, Any]) -> None:
    assert applied(copy.deepcopy(before), merge_patch(before, after)) == after


@given(objects)
def test_nothing_is_sent_when_nothing_changed(item: dict[str, Any]) -> None:
    assert merge_patch(item, copy.deepcopy(item)) == {}
