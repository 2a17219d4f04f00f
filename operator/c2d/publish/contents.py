"""The manifest: its list of results, and its text. Pure."""

from collections.abc import Iterable, Iterator, Mapping

from c2d.api.job import ResultEntry
from c2d.api.manifest import Kind, Manifest, Result
from c2d.publish.upload import Sent

LOG_ORDER = (Kind.ALGORITHM_LOG, Kind.CONFIGURE_LOG, Kind.PUBLISH_LOG)


def results(outputs: Iterable[Sent], logs: Mapping[Kind, Sent]) -> Iterator[Result]:
    """Outputs as they come, then the logs that exist, numbered as getResult's index counts them."""
    index = 0
    for index, sent in enumerate(outputs, start=1):
        yield _result(index - 1, sent)
    present = [logs[kind] for kind in LOG_ORDER if kind in logs]
    yield from (_result(index + place, sent) for place, sent in enumerate(present))


def entries(sent: Iterable[Sent]) -> Iterator[ResultEntry]:
    """The same as the API lists them."""
    return (ResultEntry(filename=item.filename, filesize=item.size, type=item.kind) for item in sent)


def _result(index: int, sent: Sent) -> Result:
    return Result(
        index=index, type=sent.kind, filename=sent.filename, key=sent.key, filesize=sent.size, sha256=sent.sha256
    )


def render(head: Manifest, listed: Iterable[Result]) -> Iterator[bytes]:
    """The JSON of the manifest with these results, piece by piece; `head` has none of its own."""
    text = head.model_dump_json(by_alias=True)
    opening, end = text[:-2], text[-2:]
    if end != "]}" or head.results:
        raise ValueError("a manifest has its results last, and the head has none yet")
    yield opening.encode()
    for number, result in enumerate(listed):
        yield (("," if number else "") + result.model_dump_json(by_alias=True)).encode()
    yield end.encode()
