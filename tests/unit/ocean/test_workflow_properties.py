"""Whatever is sent as a workflow, the answer is a workflow or one clear refusal."""

import copy
import json
from collections.abc import Iterator
from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st

from c2d.ocean import workflow
from c2d.ocean.errors import WorkflowInvalid
from tests.unit.ocean.test_workflow import CONTAINER, RAW, SENT, by_url, inputs, raw, remote, sent

TEXTS = st.text(st.characters(exclude_categories=()), max_size=20) | st.sampled_from(
    ["", "0", "http://a", "did:op:a", "NaN", '{"a": 1}', "[" * 200, "x" * 5000, "\0", "stages"]
)
SCALARS = st.none() | st.booleans() | st.integers() | st.floats() | TEXTS
VALUES = st.recursive(SCALARS, lambda inner: st.lists(inner, max_size=4) | st.dictionaries(TEXTS, inner, max_size=4))

EVERYTHING = {
    **RAW,
    "envs": {"A": "1"},
    "algocustomdata": {"a": [1]},
    "algouserdata": '{"a": 1}',
    "remote": {"txId": 1},
}
GOOD: list[Any] = [
    SENT,
    raw(),
    sent(algorithm=EVERYTHING),
    raw(envs=[{"name": "A", "value": "1"}], container=CONTAINER),
    inputs(by_url(), by_url(id=None, url=["http://a", "http://b"]), remote(userdata='{"a": 1}') | {"id": "x"}),
]

Path = tuple[Any, ...]


def paths(value: Any, path: Path = ()) -> Iterator[Path]:
    yield path
    parts = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    for name, part in parts:
        yield from paths(part, (*path, name))


def changed(document: Any, path: Path, value: Any, remove: bool) -> Any:
    """The document with another value, or none, at the path."""
    if not path:
        return value
    document = copy.deepcopy(document)
    place = document
    for name in path[:-1]:
        place = place[name]
    if remove:
        del place[path[-1]]
    else:
        place[path[-1]] = value
    return document


def answer(document: Any) -> None:
    try:
        found = workflow.parse(document)
    except WorkflowInvalid as error:
        assert str(error).strip()
        assert error.field.startswith("workflow.")
        # It must do as an answer, as a line of a log, and in a terminal.
        assert str(error).isprintable()
        return
    assert isinstance(found, workflow.Workflow)
    assert [each.index for each in found.inputs] == sorted(each.index for each in found.inputs)
    json.dumps([found.algorithm.custom_data, found.algorithm.user_data], allow_nan=False, ensure_ascii=False).encode()
    "".join([*found.algorithm.envs, *found.algorithm.envs.values()]).encode()


@given(VALUES)
@settings(deadline=None)
def test_any_value(value):
    answer(value)


@given(VALUES)
@settings(deadline=None)
def test_any_stage(value):
    answer({"stages": [value]})


@given(document=st.sampled_from(GOOD), data=st.data())
@settings(max_examples=1500, deadline=None)
def test_a_good_workflow_with_up_to_three_parts_replaced_or_removed(document, data):
    for _ in range(data.draw(st.integers(1, 3))):
        path = data.draw(st.sampled_from(list(paths(document))))
        document = changed(document, path, data.draw(VALUES), data.draw(st.booleans()))
    answer(document)


def test_the_good_ones_are_good():
    for document in GOOD:
        assert isinstance(workflow.parse(document), workflow.Workflow)
