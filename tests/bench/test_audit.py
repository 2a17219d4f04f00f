"""What a run is made of: the audit log's lines, and the gaps between them."""

import json
from typing import Any

from bench import audit, gaps
from bench.audit import Request


def line(**changes: Any) -> bytes:
    record = {
        "stage": "ResponseComplete",
        "verb": "patch",
        "userAgent": "c2d-engine/0.1.0",
        "objectRef": {"resource": "computejobs", "subresource": "status", "name": "job1"},
        "responseStatus": {"code": 200},
        "requestReceivedTimestamp": "2026-11-22T16:00:00.000100Z",
        "stageTimestamp": "2026-11-22T16:00:00.008200Z",
        "requestObject": {"status": {"phase": "Succeeded"}},
        **changes,
    }
    return json.dumps(record).encode() + b"\n"


def request(kind: str, name: str, begin: float, end: float, *, agent: str = "c2d-engine", **changes: Any) -> Request:
    verb, _, resource = kind.partition(" ")
    code = 201 if verb == "create" else 200
    return Request(
        **{"code": code, **changes}, agent=agent, verb=verb, resource=resource, name=name, received=begin, answered=end
    )


def test_a_line_becomes_a_request_with_times_to_the_microsecond() -> None:
    (found,) = audit.parse([line()])
    assert (found.agent, found.kind, found.name, found.code, found.phase) == (
        "c2d-engine",
        "patch computejobs/status",
        "job1",
        200,
        "Succeeded",
    )
    assert round(found.answered - found.received, 6) == 0.0081


def test_a_watch_counts_when_it_is_opened_and_not_when_it_ends() -> None:
    lines = [line(verb="watch", stage="ResponseStarted"), line(verb="watch")]
    assert [found.verb for found in audit.parse(lines)] == ["watch"]


def test_requests_about_no_object_are_left_out() -> None:
    record = json.loads(line())
    del record["objectRef"]
    assert list(audit.parse([json.dumps(record).encode()])) == []


def test_only_refused_writes_of_the_engine_are_its_conflicts() -> None:
    requests = [
        request("create pods", "a", 0, 1, code=409),
        request("patch computejobs/status", "a", 0, 1, code=409),
        request("delete pods", "a", 0, 1, code=409),
        request("create pods", "a", 0, 1, code=409, agent="kube-scheduler"),
        request("create pods", "a", 0, 1),
    ]
    assert audit.conflicts(requests) == 2


def test_the_gaps_of_a_job() -> None:
    kubelet = {"agent": "kwok", "kind": "patch pods/status"}
    times = gaps.times(
        [
            request("create computejobs", "job1", 0, 1, agent="c2d-bench"),
            request("create pods", "job1-x-configure-0", 3, 4),
            request(begin=5, end=6, name="job1-x-configure-0", **kubelet),
            request(begin=7, end=8, name="job1-x-configure-0", **kubelet),
            request("create pods", "job1-x-algorithm-0", 10, 11),
            request(begin=12, end=13, name="job1-x-algorithm-0", **kubelet),
            request("patch computejobs/status", "job1", 14, 15, phase="Running"),
            request(begin=16, end=17, name="job1-x-algorithm-0", **kubelet),
            request("patch computejobs/status", "job1", 18, 20, phase="Succeeded"),
        ]
    )
    assert times == {"job1": gaps.Times(created=(3, 10), succeeded=(8, 17), submitted=1, done=20)}
    assert times["job1"].between == [2]


def test_percentiles_are_of_the_nearest_rank() -> None:
    values = [float(number) for number in range(1, 21)]
    assert [gaps.percentile(values, percent) for percent in (5, 50, 95, 100)] == [1, 10, 19, 20]
    assert gaps.percentile([7.0], 50) == 7
