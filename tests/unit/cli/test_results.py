"""Which results are fetched from where."""

import io
import pathlib

import pytest
import rich.console

from c2d.api.manifest import Manifest
from c2d.cli import errors, results
from c2d.cli.connect import Place
from tests.unit.cli.fake import ENVIRONMENT, RESULTS, outcome, seen

PUBLISHED = seen("Succeeded", results=RESULTS, resolvedEnvironment=ENVIRONMENT)


def manifest(count: int) -> Manifest:
    one = {"type": "output", "key": "outputs/result", "filename": "result", "filesize": 1953, "sha256": "ab" * 32}
    return Manifest.model_validate(
        {
            "job": "ns/branin",
            "uid": "uid",
            "publishedAt": "2026-01-02T03:04:05Z",
            "outputs": True,
            "skipped": [],
            "results": [{**one, "index": index} for index in range(count)],
        }
    )


def text(what: rich.console.RenderableType) -> list[str]:
    console = rich.console.Console(file=io.StringIO(), width=80, color_system=None, highlight=False)
    console.print(what)
    return [line.rstrip() for line in console.file.getvalue().splitlines()]


def test_the_status_says_where_and_the_environment_through_which_server():
    target, prefix = results.place(PUBLISHED, RESULTS["location"], None)
    assert (target.bucket, target.endpoint, prefix) == ("kept", "http://inside:7070", "ns/uid")


def test_the_server_may_have_another_address_from_here():
    target, _ = results.place(PUBLISHED, RESULTS["location"], "http://127.0.0.1:30900")
    assert target.endpoint == "http://127.0.0.1:30900"


def test_results_on_ipfs_are_found_by_their_cid():
    cid = "bafybeiczsscdsbs7ffqz55asqdf3smv6klcw3gofszvwlyarci47bgf354"
    environment = {"results": {"ipfs": {"apiUrl": "http://inside:5001"}}}
    job = seen("Succeeded", results={**RESULTS, "location": f"ipfs://{cid}"}, resolvedEnvironment=environment)
    target, prefix = results.place(job, f"ipfs://{cid}", "http://127.0.0.1:5001")
    assert (target.api_url, prefix) == ("http://127.0.0.1:5001", cid)


def test_a_storage_that_is_not_known_is_refused():
    with pytest.raises(errors.Misused, match="ipfs://cid"):
        results.place(PUBLISHED, "ipfs://cid", None)


@pytest.mark.parametrize(
    ("job", "message"),
    [
        pytest.param(seen("Running"), "has no results yet; it is Running", id="not yet"),
        pytest.param(
            seen("Failed", reason="InvalidSpec", outcome=outcome("Failed", "InvalidSpec")),
            r"published nothing: it is Failed \(InvalidSpec\)",
            id="never",
        ),
    ],
)
def test_a_job_without_results_says_why(job, message):
    with pytest.raises(errors.NotAvailable, match=message):
        results.download(Place(), job, pathlib.Path("unused"), None, lambda *_: None)


def test_results_are_shown_with_size_and_the_beginning_of_the_sha256():
    assert text(results.table(manifest(1))) == [
        "RESULT            SIZE  SHA256",
        "outputs/result  2.0 kB  abababababab",
    ]


def test_a_long_table_is_cut():
    lines = text(results.table(manifest(53)))
    assert (len(lines), lines[-1]) == (52, "and 3 more")
