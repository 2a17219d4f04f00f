"""What the pods of a job may have signed, and which may tell of their progress. Pure.

A signature lets its holder fetch, in the operator's name, what was ordered for the operator. So only the pod that
downloads gets one, while it downloads, for what its own job names. A receipt is signed for the pod that publishes.
"""

from c2d.api.phases import Phase
from c2d.engine import assets
from c2d.engine import status as to
from c2d.engine.errors import NotNow, NotYours
from c2d.engine.observe import World
from c2d.engine.pods import PodView, Step
from c2d.engine.state import Job
from c2d.kube.proof import PodIdentity
from c2d.kube.resources import Object, owner_uid, uid_of
from c2d.ocean import dids

_TRANSFERS = {Phase.CONFIGURING: Step.CONFIGURE, Phase.PUBLISHING: Step.PUBLISH}


def require(world: World, caller: PodIdentity, did: str) -> None:
    """Raises NotYours unless the caller is the live configure pod of an unfinished job that names this DID.

    Raises NotNow while it can't be known.
    """
    job = _job_of_caller(world, caller)
    if job is None or job.spec is None or not _is_configured_by(job, caller.uid, world):
        raise NotYours("this pod does not configure a job now")
    if not dids.is_did(did) or did not in [name for name, _, _ in assets.services(job.spec)]:
        raise NotYours("the job does not name this asset")


def require_publisher(world: World, caller: PodIdentity) -> None:
    """Raises NotYours unless the caller is the live publish pod of a job that publishes now; NotNow as above."""
    job = _job_of_caller(world, caller)
    if job is None or job.deleting or job.status.phase is not Phase.PUBLISHING:
        raise NotYours("this pod does not publish a job now")
    if not _has_live(job, Step.PUBLISH, caller.uid, world):
        raise NotYours("this pod does not publish a job now")


def require_transfer(world: World, caller: PodIdentity) -> tuple[Job, PodView]:
    """The job that the caller configures or publishes now, and its pod as it is seen. Raises NotYours and NotNow."""
    job = _job_of_caller(world, caller)
    step = _TRANSFERS.get(job.status.phase) if job is not None and not job.deleting else None
    if job is None or step is None or (step is Step.CONFIGURE and job.status.outcome is not None):
        raise NotYours("this pod neither configures nor publishes a job now")
    known = to.step_of(job.status, step)
    attempt = known.attempt if known is not None else 0
    for view in world.pods_of(job.uid):
        if (view.uid, view.step, view.attempt) == (caller.uid, step, attempt) and _lives(view):
            return job, view
    raise NotYours("this pod neither configures nor publishes a job now")


def _job_of_caller(world: World, caller: PodIdentity) -> Job | None:
    if not world.complete:
        raise NotNow("the engine has just started and does not know its pods yet; try again")
    pod = world.pods.get((caller.namespace, caller.name))
    if pod is None or uid_of(pod) != caller.uid:
        raise NotYours("this pod is none of the engine's")
    return _job_of(world, pod)


def _job_of(world: World, pod: Object) -> Job | None:
    """By name, as an owner is referred to; then its UID must be the same."""
    owner = owner_uid(pod)
    for reference in pod["metadata"].get("ownerReferences", []):
        item = world.jobs.get((pod["metadata"]["namespace"], reference["name"]))
        if item is not None and owner is not None and uid_of(item) == owner:
            return world.job(item)
    return None


def _is_configured_by(job: Job, pod_uid: str, world: World) -> bool:
    if job.deleting or job.status.phase is not Phase.CONFIGURING or job.status.outcome is not None:
        return False
    return _has_live(job, Step.CONFIGURE, pod_uid, world)


def _has_live(job: Job, step: Step, pod_uid: str, world: World) -> bool:
    return any(view.uid == pod_uid and view.step is step and _lives(view) for view in world.pods_of(job.uid))


def _lives(view: PodView) -> bool:
    return not view.done and not view.deleting
