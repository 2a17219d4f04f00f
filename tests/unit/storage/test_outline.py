"""Every result of a manifest is found at its place in the text, whatever the names are."""

import hashlib
import json
from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from c2d.api.manifest import Kind, Manifest, Result, Skipped
from c2d.publish import contents
from c2d.storage import outline
from c2d.storage.errors import Corrupt
from c2d.storage.outline import Outline, Outliner

HOSTILE = st.text(st.sampled_from('a"\\{}[],: \n%')) | st.sampled_from(
    ['},{"index":0', '"}]}', '"results":[', '\\"},{\\"a', '},{"', '"},{"type', 'results":[{"index":7}]}']
)
names = HOSTILE | st.text(st.characters(categories=["L", "N", "P", "S"]), max_size=20)


def manifest(filenames: list[str], skipped: list[str]) -> Manifest:
    return Manifest(
        job="ns/job",
        uid="uid",
        published_at=datetime(2026, 1, 2, tzinfo=UTC),
        outputs=True,
        skipped=[Skipped(filename=name, reason=name) for name in skipped],
        results=[
            Result(index=i, type=Kind.OUTPUT, filename=name, key=name, filesize=i, sha256="0" * 64)
            for i, name in enumerate(filenames)
        ],
    )


def outlined(text: bytes, block: int, piece: int) -> Outline:
    outliner = Outliner(block)
    for begin in range(0, len(text), piece):
        outliner.feed(text[begin : begin + piece])
    return outliner.finish(hashlib.sha256(text).hexdigest())


def everything(found: Outline, text: bytes) -> list[Result]:
    return [
        result
        for block in found.blocks
        for result in outline.parse(block, text[block.offset : block.offset + block.size])
    ]


@given(st.lists(names, max_size=12), st.lists(names, max_size=3), st.integers(1, 700), st.integers(1, 900))
def test_any_names(filenames: list[str], skipped: list[str], block: int, piece: int) -> None:
    original = manifest(filenames, skipped)
    head = original.model_copy(update={"results": []})
    text = b"".join(contents.render(head, original.results))
    found = outlined(text, block, piece)
    assert found.head == head
    assert found.total == len(filenames)
    assert everything(found, text) == original.results
    for index in range(found.total):
        chosen = found.blocks[found.number(index)]
        assert chosen.first <= index < chosen.first + chosen.count


@given(st.lists(names, max_size=12), st.sampled_from([None, 0, 3]), st.booleans())
def test_any_white_space_and_order(filenames: list[str], indent: int | None, turned: bool) -> None:
    original = manifest(filenames, [])
    document = json.loads(original.model_dump_json(by_alias=True))
    document["results"] = [dict(sorted(one.items(), reverse=turned)) for one in document["results"]]
    text = json.dumps(document, indent=indent).encode() + b"\n"
    assert everything(outlined(text, 100, 50), text) == original.results


@pytest.mark.parametrize(
    "text",
    [
        pytest.param(b"", id="nothing"),
        pytest.param(b'{"results":[', id="no end"),
        pytest.param(b'{"job":"x","results":[]}', id="no head"),
        pytest.param(b'{"job":"x"}', id="no results"),
        pytest.param(b"[" * 20_000_000, id="a head without end"),
        pytest.param(b'{"results":[' + b" " * 3_000_000, id="a result without end"),
    ],
)
def test_what_is_no_manifest(text: bytes) -> None:
    with pytest.raises(Corrupt, match="understood"):
        outlined(text, outline.BLOCK, 1_000_000)


def test_results_that_are_not_in_order() -> None:
    original = manifest(["a", "b"], [])
    turned = original.model_copy(update={"results": original.results[::-1]})
    text = turned.model_dump_json(by_alias=True).encode()
    with pytest.raises(Corrupt, match="understood"):
        everything(outlined(text, 1000, 1000), text)


def test_another_text_than_the_job_wrote() -> None:
    outliner = Outliner()
    outliner.feed(manifest([], []).model_dump_json(by_alias=True).encode())
    with pytest.raises(Corrupt, match="not the one"):
        outliner.finish("0" * 64)


def test_another_block_than_the_outline_has() -> None:
    text = manifest(["a"], []).model_dump_json(by_alias=True).encode()
    with pytest.raises(Corrupt, match="not the one"):
        outline.parse(outlined(text, 1000, 1000).blocks[0], b"{}")
