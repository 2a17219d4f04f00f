"""The frame of every pod of a job: Pod Security `restricted`, no token, the job's volume.

Pods are kept small on purpose: the API server merges the managed fields of the whole pod at each status write.
"""

from typing import Any

from c2d.api.environment import EnvironmentSpec
from c2d.engine.manifests.child import child
from c2d.engine.state import Job
from c2d.kube import names
from c2d.kube.resources import PODS, Object

DATA = "data"
TMP = "tmp"
_GRACE = 30  # seconds between SIGTERM and SIGKILL


def pod(
    job: Job,
    environment: EnvironmentSpec,
    step: str,
    attempt: int,
    *,
    container: Object,
    volumes: list[Object],
    scratch: str,
    deadline_seconds: int,
    pull_secrets: tuple[str, ...] = (),
) -> Object:
    """One container, never restarted. `deadline_seconds`: the kubelet's own clock, should the engine be away."""
    labels = {names.STEP: step, names.ATTEMPT: str(attempt)}
    spec: Object = {
        "restartPolicy": "Never",
        "automountServiceAccountToken": False,
        "enableServiceLinks": False,
        "terminationGracePeriodSeconds": _GRACE,
        "activeDeadlineSeconds": deadline_seconds,
        "securityContext": _pod_security(environment.pod.run_as_user),
        "containers": [{"name": step, **container, "securityContext": _CONTAINER_SECURITY}],
        "volumes": [_claim(job), _scratch(scratch), *volumes],
        **_placement(environment, pull_secrets),
    }
    return {**child(job, PODS, names.pod(job.name, job.uid, step, attempt), **labels), "spec": spec}


_CONTAINER_SECURITY: Object = {
    "allowPrivilegeEscalation": False,
    "readOnlyRootFilesystem": True,
    "capabilities": {"drop": ["ALL"]},
}


def _pod_security(user: int) -> Object:
    return {
        "runAsNonRoot": True,
        "runAsUser": user,
        "runAsGroup": user,
        "fsGroup": user,
        # Re-owning a full volume at the start of each pod would take longer than many algorithms.
        "fsGroupChangePolicy": "OnRootMismatch",
        "seccompProfile": {"type": "RuntimeDefault"},
    }


def _claim(job: Job) -> Object:
    return {"name": DATA, "persistentVolumeClaim": {"claimName": names.volume(job.name, job.uid)}}


def _scratch(size: str) -> Object:
    return {"name": TMP, "emptyDir": {"sizeLimit": size}}


def _placement(environment: EnvironmentSpec, pull_secrets: tuple[str, ...]) -> dict[str, Any]:
    settings = environment.pod
    placement: dict[str, Any] = {}
    if settings.node_selector:
        placement["nodeSelector"] = dict(settings.node_selector)
    if settings.tolerations:
        placement["tolerations"] = [
            item.model_dump(by_alias=True, exclude_defaults=True) | {"operator": item.operator}
            for item in settings.tolerations
        ]
    secrets = dict.fromkeys([*settings.image_pull_secrets, *pull_secrets])
    if secrets:
        placement["imagePullSecrets"] = [{"name": name} for name in secrets]
    return placement


def env(name: str, value: str) -> Object:
    return {"name": name, "value": value}
