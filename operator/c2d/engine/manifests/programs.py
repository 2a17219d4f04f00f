"""The pods of our own programs: configure and publish."""

from c2d.api import plan, volume
from c2d.api.environment import EnvironmentSpec
from c2d.api.job import JobSpec
from c2d.api.receipt import Facts
from c2d.engine import assets
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
_TOKEN_SECONDS = 600  # the least that Kubernetes takes
_TOKEN_FOLDER, _, _TOKEN_FILE = plan.SIGNER_TOKEN.rpartition("/")
_TOKEN_MOUNT: Object = {"name": "signer", "mountPath": _TOKEN_FOLDER, "readOnly": True}
_START = 60  # seconds added to the kubelet's clock for pulling and starting


def configure(job: Job, spec: JobSpec, environment: EnvironmentSpec, settings: Settings, attempt: int) -> Object:
    """It gets a token that says to the engine which pod it is, and to nobody else anything."""
    keys = secret_keys(spec)
    mounts: list[Object] = []
    volumes: list[Object] = []
    if keys:
        mounts.append({"name": "secrets", "mountPath": plan.SECRETS, "readOnly": True})
        volumes.append(_secrets([(key.name, key.key, secret_path(key)) for key in keys]))
    if settings.engine_url or any(assets.services(spec)):
        mounts.append(_TOKEN_MOUNT)
        volumes.append(_token())
    container = _program(settings, ["c2d-configure", "--plan", f"{plan.MOUNT}/{plan.CONFIGURE_FILE}"], mounts)
    return _pod(job, environment, settings, Step.CONFIGURE, attempt, container, volumes)


def publish(
    job: Job,
    environment: EnvironmentSpec,
    settings: Settings,
    attempt: int,
    *,
    outputs: bool,
    facts: Facts | None = None,
) -> Object:
    """With `outputs` False only logs leave; without `facts` there is no receipt.

    Where it can reach the engine, it gets a token: to tell how far it is, and to have the receipt signed.
    """
    command = ["c2d-publish", "--plan", f"{plan.MOUNT}/{plan.PUBLISH_FILE}"]
    if attempt:
        command += ["--attempt", str(attempt)]
    results = environment.results
    headers = results.ipfs.headers_secret_name if results.ipfs is not None else None
    mounts: list[Object] = (
        [{"name": "headers", "mountPath": f"{plan.SECRETS}/{headers}", "readOnly": True}] if headers else []
    )
    volumes: list[Object] = (
        [{"name": "headers", "secret": {"secretName": headers, "defaultMode": 0o440}}] if headers else []
    )
    if settings.engine_url or settings.signer_url:
        mounts.append(_TOKEN_MOUNT)
        volumes.append(_token())
    container = _program(settings, command if outputs else [*command, "--logs-only"], mounts)
    if facts is not None:
        container["env"].append(frame.env(plan.FACTS, _literally(facts)))
    if results.s3 is not None and results.s3.credentials_secret_name is not None:
        container["envFrom"] = [{"secretRef": {"name": results.s3.credentials_secret_name}}]
    made = _pod(job, environment, settings, Step.PUBLISH, attempt, container, volumes)
    if results.s3 is not None and results.s3.service_account_name is not None:
        # Workload identities mount tokens of their own, for the cloud only; that of the API server is still not there.
        made["spec"]["serviceAccountName"] = results.s3.service_account_name
    return made


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


def _literally(facts: Facts) -> str:
    """JSON without a dollar sign, which the kubelet would take for the beginning of a variable's name."""
    return facts.model_dump_json(by_alias=True, exclude_none=True).replace("$", "\\u0024")


def _token() -> Object:
    """The kubelet renews it in the file while the pod lives."""
    source = {"audience": plan.SIGNER_AUDIENCE, "expirationSeconds": _TOKEN_SECONDS, "path": _TOKEN_FILE}
    return {"name": "signer", "projected": {"defaultMode": 0o440, "sources": [{"serviceAccountToken": source}]}}
