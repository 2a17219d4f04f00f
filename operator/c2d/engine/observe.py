"""From what the cache holds to one frozen snapshot of a job."""

import re
from datetime import datetime

import pydantic

from c2d.api.environment import EnvironmentSpec
from c2d.api.job import JobSpec, JobStatus
from c2d.api.phases import Phase
from c2d.engine import pods
from c2d.engine.admission import Admission
from c2d.engine.state import Job, Observed, Place, Settings
from c2d.engine.steps import expects_pod
from c2d.kube.cache import Children, Store
from c2d.kube.names import JOB_UID
from c2d.kube.resources import Object, owner_uid

Key = tuple[str, str]


class World:
    """What the engine knows of the cluster, and the places it has given away."""

    def __init__(self) -> None:
        self.jobs = Store()
        self.environments = Store()
        self.pods = Children(JOB_UID)
        self.admission = Admission()

    def saw_job(self, item: Object) -> None:
        """A job as the API server has it now, from a watch or from the answer to our own write."""
        if self.jobs.put(item):
            job = read_job(item)
            self.admission.saw(environment_key(item), job.uid, job.status.phase)

    def environment(self, key: Key) -> EnvironmentSpec | None:
        item = self.environments.get(key)
        return EnvironmentSpec.model_validate(item["spec"]) if item is not None else None


def observe(world: World, item: Object, settings: Settings) -> Observed:
    """The snapshot that a decision is made on. A pending job is given its place here, if there is one."""
    job = read_job(item)
    environment = world.environment(environment_key(item))
    place = Place(admitted=False)
    if environment is not None and job.status.phase is Phase.PENDING and not job.deleting:
        place = world.admission.place(environment_key(item), job, environment.max_jobs)
    views = [pods.view(pod) for pod in world.pods.of(job.uid) if owner_uid(pod) == job.uid]
    return Observed(
        job=job,
        environment=environment,
        place=place,
        settings=settings,
        pods={(pod.step, pod.attempt): pod for pod in views},
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
    )


def _spec(item: Object) -> tuple[JobSpec | None, str]:
    try:
        return JobSpec.model_validate(item.get("spec", {})), ""
    except pydantic.ValidationError as error:
        first = error.errors(include_url=False, include_input=False)[0]
        field = re.sub(r"\.(\d+)", r"[\1]", ".".join(str(part) for part in first["loc"]))
        return None, f"{field}: {first['msg']}" if field else first["msg"]
