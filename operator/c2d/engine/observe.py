"""From what the cache holds to one frozen snapshot of a job."""

import re
from collections.abc import Iterator
from datetime import datetime

import pydantic

from c2d.api import reading
from c2d.api.environment import EnvironmentSpec
from c2d.api.job import JobSpec, JobStatus
from c2d.api.phases import Phase
from c2d.engine import pods
from c2d.engine.admission import Admission
from c2d.engine.agreements import Agreements
from c2d.engine.pods import PodView, ReaderView
from c2d.engine.progress import Told
from c2d.engine.state import Job, Observed, Place, Settings
from c2d.engine.steps import expects_pod
from c2d.kube.cache import Children, Store
from c2d.kube.names import JOB_UID
from c2d.kube.resources import Object, owner_uid, uid_of

Key = tuple[str, str]


class World:
    """What the engine knows of the cluster, and the places it has given away.

    Everything is parsed once, when it comes in: a job is looked at several times between two changes of its own.
    """

    def __init__(self) -> None:
        self.jobs = Store()
        self.environments = Store()
        self.pods = Children(JOB_UID)
        self.admission = Admission()
        self.agreements = Agreements()
        self.progress = Told()
        # Whether everything that was there at the start is known: until then, what isn't here may still exist.
        self.complete = False
        # The API server's public keys, as a pod takes them that reads results.
        self.reader_keys = ""
        self._read: dict[str, Job] = {}
        self._views: dict[str, PodView | ReaderView] = {}
        self._offers: dict[str, tuple[int, EnvironmentSpec | None]] = {}

    def saw_job(self, item: Object) -> bool:
        """A job as the API server has it now, from a watch or from the answer to our own write; True when it is new."""
        if not self.jobs.put(item):
            return False
        job = self._read[uid_of(item)] = read_job(item)
        self.admission.saw(environment_key(item), job.uid, job.status.phase)
        self.agreements.saw(job)
        return True

    def lost_job(self, item: Object) -> Key | None:
        """The job is gone; returns the environment that has room now."""
        self.jobs.remove(item)
        self._read.pop(uid_of(item), None)
        self.agreements.forget(uid_of(item))
        return self.admission.forget(uid_of(item))

    def saw_pod(self, item: Object) -> bool:
        """A pod as it is now; True when it tells anything that could change a decision."""
        if not self.pods.put(item):
            return False
        before, after = self._views.get(uid_of(item)), pods.view(item)
        if after.done:
            self.progress.forget(after.uid)
        self._views[uid_of(item)] = after
        if isinstance(before, PodView) and isinstance(after, PodView):
            return before.tells(after)
        return before != after

    def lost_pod(self, item: Object) -> None:
        self.pods.remove(item)
        self._views.pop(uid_of(item), None)
        self.progress.forget(uid_of(item))

    def listed_pods(self, job: str, items: list[Object]) -> None:
        """All pods of the job with this UID, as the API server has listed them: any other is gone."""
        there = {uid_of(item) for item in items}
        for known in self.pods.of(job):
            if uid_of(known) not in there:
                self.lost_pod(known)
        for item in items:
            self.saw_pod(item)

    def job(self, item: Object) -> Job:
        return self._read.get(uid_of(item)) or read_job(item)

    def pods_of(self, job: str) -> list[PodView]:
        """Pods that only pretend to be the job's, by their labels, are left out."""
        return [view for view in self._own(job) if isinstance(view, PodView)]

    def reader_of(self, job: str) -> ReaderView | None:
        return next((view for view in self._own(job) if isinstance(view, ReaderView)), None)

    def _own(self, job: str) -> Iterator[PodView | ReaderView]:
        return (self._views[uid_of(pod)] for pod in self.pods.of(job) if owner_uid(pod) == job)

    def environment(self, key: Key) -> EnvironmentSpec | None:
        """None when there is none that could be understood."""
        item = self.environments.get(key)
        if item is None:
            return None
        generation = item["metadata"].get("generation", 0)
        known = self._offers.get(uid_of(item))
        if known is None or known[0] != generation:
            known = self._offers[uid_of(item)] = (generation, _offer(item))
        return known[1]


def observe(world: World, item: Object, settings: Settings) -> Observed:
    """The snapshot that a decision is made on. A pending job is given its place here, if there is one."""
    job = world.job(item)
    environment = world.environment(environment_key(item))
    place, holder = Place(admitted=False), ""
    if environment is not None and job.status.phase is Phase.PENDING and not job.deleting:
        holder = world.agreements.holder(job)
    if environment is not None and job.status.phase is Phase.PENDING and not job.deleting and not holder:
        place = world.admission.place(environment_key(item), job, environment.max_jobs)
    there = world.pods_of(job.uid)
    return Observed(
        job=job,
        environment=environment,
        place=place,
        agreement_holder=holder,
        settings=settings,
        pods={(pod.step, pod.attempt): pod for pod in there},
        progress={pod.uid: told for pod in there if (told := world.progress.of(pod.uid)) is not None},
        reader=world.reader_of(job.uid),
        reader_keys=world.reader_keys,
    )


def misses_pod(seen: Observed) -> bool:
    """Whether a pod that was created is not among those seen: gone, or not told of yet."""
    expected = expects_pod(seen.job.status)
    return expected is not None and expected not in seen.pods


def environment_key(item: Object) -> Key:
    return item["metadata"]["namespace"], item.get("spec", {}).get("environment", "default")


def read_job(item: Object) -> Job:
    metadata = item["metadata"]
    spec, invalid = _spec(item)
    return Job(
        namespace=metadata["namespace"],
        name=metadata["name"],
        uid=metadata["uid"],
        generation=metadata.get("generation", 0),
        created=datetime.fromisoformat(metadata["creationTimestamp"].replace("Z", "+00:00")),
        deleting="deletionTimestamp" in metadata,
        status=JobStatus.model_validate(item.get("status") or {}),
        spec=spec,
        invalid=invalid,
        asked=_asked((metadata.get("annotations") or {}).get(reading.ASKED, "")),
    )


def _asked(text: str) -> datetime | None:
    """Anybody who may change the job may have written it."""
    try:
        moment = datetime.fromisoformat(text)
    except ValueError:
        return None
    return moment if moment.tzinfo is not None else None


def _offer(item: Object) -> EnvironmentSpec | None:
    """None when it can't be understood; its status says then that it is not ready."""
    try:
        return EnvironmentSpec.model_validate(item["spec"])
    except pydantic.ValidationError:
        return None


def _spec(item: Object) -> tuple[JobSpec | None, str]:
    try:
        return JobSpec.model_validate(item.get("spec", {})), ""
    except pydantic.ValidationError as error:
        first = error.errors(include_url=False, include_input=False)[0]
        field = re.sub(r"\.(\d+)", r"[\1]", ".".join(str(part) for part in first["loc"]))
        return None, f"{field}: {first['msg']}" if field else first["msg"]
