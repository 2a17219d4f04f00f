"""What is shown of jobs, as text."""

import io
from datetime import datetime

import rich.console

from c2d.cli import pages
from tests.unit.cli.fake import BEGIN, ENVIRONMENT, RESULTS, outcome, seen, step

NOW = datetime.fromisoformat("2026-01-02T03:09:05+00:00")


def text(what: rich.console.RenderableType) -> list[str]:
    console = rich.console.Console(file=io.StringIO(), width=120, color_system=None, highlight=False)
    console.print(what)
    return [line.rstrip() for line in console.file.getvalue().splitlines()]


FAILED = seen(
    "Failed",
    reason="AlgorithmFailed",
    message="exit code 3",
    hint="Read algorithm.log.",
    duration="12s",
    dateFinished="2026-01-02T03:04:17Z",
    outcome=outcome("Failed", "AlgorithmFailed", "exit code 3"),
    results=RESULTS,
    resolvedEnvironment=ENVIRONMENT,
    steps={
        "configure": step(pod="configure-0", startTime="2026-01-02T03:04:07Z", finishTime="2026-01-02T03:04:09Z"),
        "algorithm": step(
            pod="algorithm-0",
            finishTime="2026-01-02T03:04:10Z",
            exitCode=3,
            reason="AlgorithmFailed",
            peakMemoryBytes=30_000_000,
        ),
    },
    conditions=[{"type": "Accepted", "status": "True", "reason": "Accepted", "lastTransitionTime": BEGIN}],
)


def test_a_page_tells_what_happened():
    assert text(pages.page(FAILED, NOW)) == [
        "branin in namespace ns: Failed (AlgorithmFailed)",
        "",
        "phase        something went wrong; the reason says what",
        "message      exit code 3",
        "hint         Read algorithm.log.",
        "environment  default",
        "image        python",
        "submitted    2026-01-02T03:04:05Z, 5m ago",
        "duration     12 s",
        "results      4 files, 2.5 kB, s3://kept/ns/uid",
        "",
        "STEP       WAITED  RAN  EXIT  MEMORY  NODE    REASON",
        "configure  2 s     2 s                node-1",
        "algorithm  0 s     5 s  3     30 MB   node-1  AlgorithmFailed",
        "",
        "CONDITION  STATUS  REASON    MESSAGE",
        "Accepted   True    Accepted",
    ]


def test_a_page_tells_for_how_long_results_are_kept():
    environment = {**ENVIRONMENT, "storageExpirySeconds": 3600}
    finished = {"dateFinished": "2026-01-02T03:04:17Z", "results": RESULTS, "resolvedEnvironment": environment}
    job = seen("Succeeded", **finished)
    assert "results      4 files, 2.5 kB, s3://kept/ns/uid, kept until 2026-01-02T04:04:17Z" in text(
        pages.page(job, NOW)
    )
    job.item["metadata"]["annotations"] = {"c2d.oceanprotocol.com/results-removed": "2026-01-02T04:05:17Z"}
    assert "results      4 files, 2.5 kB, s3://kept/ns/uid, removed 2026-01-02T04:05:17Z" in text(pages.page(job, NOW))


def test_a_page_tells_of_the_asset_or_of_what_is_in_its_way():
    asset = {"chainId": 137, "startTime": "2026-01-02T03:04:17Z", "message": "send it funds"}
    assert "asset        InProgress: send it funds" in text(pages.page(seen("Publishing", asset=asset), NOW))
    assert "asset        did:op:0a" in text(pages.page(seen("Succeeded", asset=asset, resultsDid="did:op:0a"), NOW))


def test_a_page_of_a_job_that_waits_is_short():
    assert text(pages.page(seen(), NOW)) == [
        "branin in namespace ns: Pending",
        "",
        "phase        waits for a place in its environment",
        "environment  default",
        "image        python",
        "submitted    2026-01-02T03:04:05Z, 5m ago",
        "duration     5 min 0 s",
    ]


def test_a_message_from_a_pod_can_neither_act_nor_be_markup():
    job = seen("Running", message="\x1b[2J[bold]quota[/bold]")
    assert "message      �[2J[bold]quota[/bold]" in text(pages.page(job, NOW))


def test_jobs_are_listed():
    assert text(pages.listing([FAILED, seen("Running")], NOW, namespaces=True)) == [
        "NAMESPACE  NAME    ENVIRONMENT  PHASE    REASON           DURATION   AGE",
        "ns         branin  default      Failed   AlgorithmFailed  12 s       5m",
        "ns         branin  default      Running                   5 min 0 s  5m",
    ]


def test_a_list_says_how_far_transfers_are_where_there_are_any():
    job = seen("Publishing", progress="1.2 GiB, 3/100 files")
    assert text(pages.listing([FAILED, job], NOW, namespaces=False)) == [
        "NAME    ENVIRONMENT  PHASE       PROGRESS              REASON           DURATION   AGE",
        "branin  default      Failed                            AlgorithmFailed  12 s       5m",
        "branin  default      Publishing  1.2 GiB, 3/100 files                   5 min 0 s  5m",
    ]
    assert "progress     1.2 GiB, 3/100 files" in text(pages.page(job, NOW))


def test_the_end_says_what_to_do_next():
    assert text(pages.end(FAILED)) == [
        "✗ Failed after 12s: AlgorithmFailed: exit code 3",
        "  Read algorithm.log.",
        "  4 results, 2.5 kB; fetch them with c2d results branin -n ns -o branin",
    ]


def test_the_end_of_a_success_is_short():
    assert text(pages.end(seen("Succeeded", reason="Succeeded", duration="9s"))) == ["✓ Succeeded after 9s"]
