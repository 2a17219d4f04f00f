"""The pods of our own programs: configure and publish."""

from c2d.api import plan, volume
from c2d.api.environment import EnvironmentSpec
from c2d.api.job import JobSpec
from c2d.engine.manifests import pod as frame
from c2d.engine.manifests.plan import secret_keys, secret_path
from c2d.engine.pods import Step
from c2d.engine.state import Job, Settings
from c2d.kube import names
from c2d.kube.resources import Object

_RESOURCES: Object = {
    "requests": {"cpu": "50m", "memory": "64Mi"},
    "limits": {"cpu": "1", "memory": "512Mi", "ephemeral-storage": "256Mi"},
}
_SCRATCH = "64Mi"
_START = 60  # seconds added to the kubelet's clock for pulling and starting


def configure(job: Job, spec: JobSpec, environment: EnvironmentSpec, settings: Settings, attempt: int) -> Object:
    keys = secret_keys(spec)
    mounts = [{"name": "secrets", "mountPath": plan.SECRETS, "readOnly": True}] if keys else []
    volumes = [_secrets([(key.name, key.key, secret_path(key)) for key in keys])] if keys else []
    container = _program(settings, ["c2d-configure", "--plan", f"{plan.MOUNT}/{plan.CONFIGURE_FILE}"], mounts)
    return _pod(job, environment, settings, Step.CONFIGURE, attempt, container, volumes)


def publish(
    job: Job,
    environment: EnvironmentSpec,
    settings: Settings,
    attempt: int,
    *,
    outputs: bool,
) -> Object:
    """With `outputs` False only logs leave."""
    command = ["c2d-publish", "--plan", f"{plan.MOUNT}/{plan.PUBLISH_FILE}"]
    container = _program(settings, command if outputs else [*command, "--logs-only"], [])
    secret = environment.results.s3.credentials_secret_name
    if secret is not None:
        container["envFrom"] = [{"secretRef": {"name": secret}}]
    return _pod(job, environment, settings, Step.PUBLISH, attempt, container, [])


def _program(settings: Settings, command: list[str], mounts: list[Object]) -> Object:
    return {
        "image": settings.image,
        "imagePullPolicy": settings.image_pull_policy,
        "command": command,
        "env": [frame.env("HOME", "/tmp")],  # noqa: S108 - the pod's own scratch space
        "resources": _RESOURCES,
        "volumeMounts": [
            {"name": frame.DATA, "mountPath": str(volume.ROOT)},
            {"name": frame.TMP, "mountPath": "/tmp"},  # noqa: S108
            {"name": "plan", "mountPath": plan.MOUNT, "readOnly": True},
            *mounts,
        ],
    }


def _pod(
    job: Job,
    environment: EnvironmentSpec,
    settings: Settings,
    step: Step,
    attempt: int,
    container: Object,
    volumes: list[Object],
) -> Object:
    timeouts = environment.timeouts
    run = timeouts.configure_seconds if step is Step.CONFIGURE else timeouts.publish_seconds
    plans = {"name": "plan", "configMap": {"name": names.plan(job.name, job.uid)}}
    return frame.pod(
        job,
        environment,
        step,
        attempt,
        container=container,
        volumes=[plans, *volumes],
        scratch=_SCRATCH,
        deadline_seconds=timeouts.pending_seconds + run + _START,
        pull_secrets=settings.image_pull_secrets,
    )


def _secrets(keys: list[tuple[str, str, str]]) -> Object:
    sources = [{"secret": {"name": name, "items": [{"key": key, "path": path}]}} for name, key, path in keys]
    return {"name": "secrets", "projected": {"defaultMode": 0o440, "sources": sources}}
