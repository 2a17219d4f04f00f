"""The algorithm pod: the consumer's image, one container, the runner as its first process."""

import json
from collections.abc import Mapping

from c2d.api import volume
from c2d.api.environment import EnvironmentSpec, Resources
from c2d.api.job import JobSpec, VolumeInput
from c2d.engine.manifests import pod as frame
from c2d.engine.pods import Step
from c2d.engine.state import Job
from c2d.kube.resources import Object

LOG_LIMIT = 100 * 1024 * 1024  # bytes of algorithm.log
_GRACE = 10  # seconds between the runner's SIGTERM and its SIGKILL
_PROBE_TIMEOUT = 1000  # milliseconds for one probe of the gate


def algorithm(job: Job, spec: JobSpec, environment: EnvironmentSpec, attempt: int, budget_seconds: int) -> Object:
    """`budget_seconds`: how long the algorithm itself may run, counted by the runner from its start."""
    resources = environment.resources
    claims = _claims(spec)
    container: Object = {
        "image": spec.algorithm.container.reference,
        "imagePullPolicy": environment.pod.image_pull_policy.value,
        "command": [volume.absolute(volume.RUNNER)],
        "workingDir": "/",
        "env": _environment(spec, environment, budget_seconds),
        "resources": _resources(resources),
        "volumeMounts": [
            *(_mount(folder, writable) for folder, writable in volume.ALGORITHM_MOUNTS),
            *(_owners_mount(item.id, item.volume, claims) for item in spec.inputs if item.volume is not None),
            {"name": frame.TMP, "mountPath": "/tmp"},  # noqa: S108 - the pod's own scratch space
        ],
    }
    timeouts = environment.timeouts
    manifest = frame.pod(
        job,
        environment,
        Step.ALGORITHM,
        attempt,
        container=container,
        volumes=[_owners_volume(name, claim) for claim, name in claims.items()],
        scratch=resources.scratch,
        deadline_seconds=timeouts.pending_seconds + environment.isolation.timeout_seconds + budget_seconds + 120,
    )
    if environment.pod.runtime_class_name is not None:
        manifest["spec"]["runtimeClassName"] = environment.pod.runtime_class_name
    return manifest


def _environment(spec: JobSpec, environment: EnvironmentSpec, budget_seconds: int) -> list[Object]:
    """Ours come last and so win over the consumer's."""
    ours = {
        "DIDS": json.dumps([volume.short_id(item.id) for item in spec.inputs]),
        "TRANSFORMATION_DID": volume.short_id(spec.algorithm.id),
        "VOLUME": str(volume.ROOT),
        "LOGS": volume.absolute(volume.LOGS),
        "INPUTS": volume.absolute(volume.INPUTS),
        "OUTPUTS": volume.absolute(volume.OUTPUTS),
        "HOME": "/tmp",  # noqa: S108 - the pod's own scratch space; the root filesystem can't be written
        "C2D_RUNNER": json.dumps(_runner(spec, environment, budget_seconds), separators=(",", ":")),
    }
    theirs = [frame.env(item.name, item.value) for item in spec.algorithm.env if item.name not in ours]
    return theirs + [frame.env(name, value) for name, value in ours.items()]


def _runner(spec: JobSpec, environment: EnvironmentSpec, budget_seconds: int) -> Object:
    isolation = environment.isolation
    return {
        "entrypoint": spec.algorithm.container.entrypoint,
        "algorithm": volume.absolute(volume.ALGORITHM),
        "log": volume.absolute(volume.ALGORITHM_LOG),
        "logLimitBytes": LOG_LIMIT,
        "deadlineSeconds": budget_seconds,
        "graceSeconds": _GRACE,
        "once": volume.absolute(volume.STARTED),
        "gate": {
            "mode": isolation.gate.value,
            "probes": list(isolation.probes),
            "timeoutSeconds": isolation.timeout_seconds,
            "probeTimeoutMilliseconds": _PROBE_TIMEOUT,
        },
    }


def _resources(resources: Resources) -> Object:
    """Requests equal limits for what is sold; the node's disk only serves the container's own log and /tmp."""
    sold = {"cpu": resources.cpu, "memory": resources.memory}
    if resources.gpu:
        sold[resources.gpu_resource] = str(resources.gpu)
    return {"requests": sold, "limits": dict(sold)}


def _mount(folder: str, writable: bool) -> Object:
    mount: Object = {"name": frame.DATA, "mountPath": volume.absolute(folder), "subPath": folder}
    return mount if writable else {**mount, "readOnly": True}


def _claims(spec: JobSpec) -> dict[str, str]:
    """The data owner's claims that are inputs -> what the pod calls them. Inputs may share one."""
    claims = dict.fromkeys(item.volume.claim_name for item in spec.inputs if item.volume is not None)
    return {claim: f"input-{index}" for index, claim in enumerate(claims)}


def _owners_volume(name: str, claim: str) -> Object:
    """Read-only as a whole, too: else the kubelet would give the owner's files to the pod's group."""
    return {"name": name, "persistentVolumeClaim": {"claimName": claim, "readOnly": True}}


def _owners_mount(asset: str, source: VolumeInput, claims: Mapping[str, str]) -> Object:
    """Upon the input's folder, which configure has made on the job's volume."""
    folder = volume.absolute(f"{volume.INPUTS}/{volume.short_id(asset)}")
    mount: Object = {"name": claims[source.claim_name], "mountPath": folder, "readOnly": True}
    return {**mount, "subPath": source.path} if source.path else mount
