"""Names and labels of a job's children: deterministic, so that the same child is never made twice."""

import re

from c2d.api.environment import GROUP

JOB_UID = f"{GROUP}/job-uid"
JOB_NAME = f"{GROUP}/job"
STEP = f"{GROUP}/step"
# The step's label of a pod that is on no job's way to its end: it reads results afterwards.
READER = "reader"
ATTEMPT = f"{GROUP}/attempt"
MANAGED_BY = "app.kubernetes.io/managed-by"
MANAGER = "c2d-engine"

# The ConfigMap with the bound of the nonces; of the namespace that the engine runs in. It outlives every engine.
NONCES = "c2d-nonces"

_VOLUME = re.compile(r".*-[0-9a-f]{8}-data")
_LIMIT = 63  # of a label's value, and of a pod's hostname
_UID_PART = 8


def child(job: str, uid: str, suffix: str) -> str:
    """`<job>-<first 8 of the UID>-<suffix>`, at most 63 characters.

    The UID keeps apart two jobs of one name, and two long names that are cut to the same one.
    """
    tail = f"-{uid[:_UID_PART]}-{suffix}"
    head = job[: _LIMIT - len(tail)].replace(".", "-").rstrip("-")
    return head + tail


def label(value: str) -> str:
    """The value, cut to what a label may hold."""
    return value[:_LIMIT].rstrip("-_.")


def volume(job: str, uid: str) -> str:
    return child(job, uid, "data")


def is_volume(claim: str) -> bool:
    """Whether a claim has the name of a job's volume, so that nobody reads another job's data by it."""
    return _VOLUME.fullmatch(claim) is not None


def plan(job: str, uid: str) -> str:
    return child(job, uid, "plan")


def pod(job: str, uid: str, step: str, attempt: int) -> str:
    return child(job, uid, f"{step}-{attempt}")
