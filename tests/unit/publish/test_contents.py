"""The manifest's list and its text."""

from datetime import UTC, datetime

import pytest

from c2d.api.manifest import Kind, Manifest, Skipped
from c2d.publish import contents
from c2d.publish.upload import Sent

HEAD = Manifest(
    job="ns/job",
    uid="u",
    agreement_id="0x1",
    published_at=datetime(2026, 1, 2, 3, 4, 5, tzinfo=UTC),
    outputs=True,
    skipped=[Skipped(filename="link", reason="it is a symbolic link")],
    skipped_count=1,
    results=[],
)


def sent(filename: str, kind: Kind = Kind.OUTPUT) -> Sent:
    return Sent(kind, filename, 1, bytes(32))


def listed(outputs: list[Sent], logs: dict[Kind, Sent]) -> list[tuple[int, str, str]]:
    return [(result.index, result.type.value, result.filename) for result in contents.results(outputs, logs)]


def test_outputs_come_first_then_logs_in_the_order_that_clients_know() -> None:
    logs = {
        Kind.PUBLISH_LOG: sent("publish.log", Kind.PUBLISH_LOG),
        Kind.CONFIGURE_LOG: sent("configure.log", Kind.CONFIGURE_LOG),
        Kind.ALGORITHM_LOG: sent("algorithm.log", Kind.ALGORITHM_LOG),
    }
    assert listed([sent("a"), sent("b/c")], logs) == [
        (0, "output", "a"),
        (1, "output", "b/c"),
        (2, "algorithmLog", "algorithm.log"),
        (3, "configrationLog", "configure.log"),
        (4, "publishLog", "publish.log"),
    ]


def test_a_log_that_is_missing_leaves_no_gap() -> None:
    logs = {kind: sent(f"{kind.name}", kind) for kind in (Kind.PUBLISH_LOG, Kind.CONFIGURE_LOG)}
    assert listed([], logs) == [(0, "configrationLog", "CONFIGURE_LOG"), (1, "publishLog", "PUBLISH_LOG")]


@pytest.mark.parametrize("count", [0, 1, 3])
def test_the_text_in_pieces_is_the_text_of_the_whole(count: int) -> None:
    results = list(contents.results([sent(f"file {number}") for number in range(count)], {}))
    text = b"".join(contents.render(HEAD, results))
    assert text.decode() == HEAD.model_copy(update={"results": results}).model_dump_json(by_alias=True)
    assert Manifest.model_validate_json(text).results == results


def test_a_head_with_results_is_a_mistake() -> None:
    results = list(contents.results([sent("a")], {}))
    with pytest.raises(ValueError, match="none yet"):
        list(contents.render(HEAD.model_copy(update={"results": results}), []))
