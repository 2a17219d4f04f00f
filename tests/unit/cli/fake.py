"""A cluster that answers as it is told, and jobs as it would send them."""

from collections.abc import AsyncIterator, Iterable
from typing import Any

from c2d.cli import job
from c2d.kube.resources import JOBS, Object, Resource

UID = "6f1c0c9e-1111-2222-3333-444455556666"
BEGIN = "2026-01-02T03:04:05Z"
SPEC = {
    "algorithm": {"source": {"inline": "1"}, "container": {"image": "python", "entrypoint": "python3 $ALGO"}},
}
RESULTS = {"location": "s3://kept/ns/uid", "manifest": "m", "manifestSha256": "0" * 64, "count": 4, "bytes": 2500}
ENVIRONMENT = {"results": {"s3": {"bucket": "results", "endpoint": "http://inside:7070"}}}

Answer = Object | Exception


def item(phase: str = "Pending", name: str = "branin", uid: str = UID, **status: Any) -> Object:
    return {
        "apiVersion": JOBS.api_version,
        "kind": JOBS.kind,
        "metadata": {"name": name, "namespace": "ns", "uid": uid, "creationTimestamp": BEGIN, "resourceVersion": "7"},
        "spec": SPEC,
        "status": {"phase": phase, "dateCreated": BEGIN, **status},
    }


def seen(phase: str = "Pending", **status: Any) -> job.Job:
    return job.read(item(phase, **status))


def step(**fields: Any) -> Object:
    return {"pod": "the-pod", "node": "node-1", "createTime": BEGIN, "startTime": BEGIN, **fields}


def outcome(phase: str, reason: str, message: str = "") -> Object:
    return {"phase": phase, "reason": reason, "message": message}


class Cluster:
    """Each list, watch and log request takes the next answer of its kind; an exception is raised where it stands."""

    namespace = "default"

    def __init__(
        self,
        lists: Iterable[Answer] = (),
        watches: Iterable[Iterable[tuple[str, Object] | Exception]] = (),
        logs: Iterable[Iterable[bytes | Exception]] = (),
        created: Answer | None = None,
    ) -> None:
        self._lists, self._watches, self._logs = iter(lists), iter(watches), iter(logs)
        self._created = created
        self.asked: list[Any] = []

    async def list(self, resource: Resource, namespace: str, **selectors: str) -> Object:
        answer = _or_raise(next(self._lists))
        return {"metadata": {"resourceVersion": "7"}, "items": [answer] if answer else []}

    async def watch(
        self, resource: Resource, namespace: str, version: str, **selectors: str
    ) -> AsyncIterator[tuple[str, Object]]:
        self.asked.append((version, selectors["fieldSelector"]))
        for event in next(self._watches):
            yield _or_raise(event)

    async def logs(self, namespace: str, pod: str, *, follow: bool) -> AsyncIterator[bytes]:
        self.asked.append((namespace, pod, follow))
        for piece in next(self._logs):
            yield _or_raise(piece)

    async def create(self, resource: Resource, item: Object, *, strict: bool = False) -> Object:
        self.asked.append((item, strict))
        return _or_raise(self._created)


class Recorder:
    """A display that remembers."""

    def __init__(self) -> None:
        self.told: list[tuple[str, str]] = []

    def job(self, job: job.Job) -> None:
        self.told.append(("job", job.status.phase))

    def log(self, line: str) -> None:
        self.told.append(("log", line))

    def note(self, text: str) -> None:
        self.told.append(("note", text))

    def close(self) -> None:
        self.told.append(("close", ""))


async def no_pause(_: float) -> None:
    pass


def _or_raise(answer: Any) -> Any:
    if isinstance(answer, Exception):
        raise answer
    return answer
