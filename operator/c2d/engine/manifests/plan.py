"""The plans of the in-pod programs, in one ConfigMap: no secret is in it, only where a secret is mounted."""

from collections.abc import Iterator

from c2d.api import plan, volume
from c2d.api.environment import EnvironmentSpec
from c2d.api.job import File, JobSpec, Private, SecretKey
from c2d.engine.manifests.child import child
from c2d.engine.state import Job
from c2d.kube import names
from c2d.kube.resources import CONFIG_MAPS, Object


def plans(job: Job, spec: JobSpec, environment: EnvironmentSpec) -> Object:
    data = {
        plan.CONFIGURE_FILE: configure_plan(job, spec).model_dump_json(by_alias=True, exclude_none=True),
        plan.PUBLISH_FILE: publish_plan(job, spec, environment).model_dump_json(by_alias=True, exclude_none=True),
    }
    return {**child(job, CONFIG_MAPS, names.plan(job.name, job.uid)), "immutable": True, "data": data}


def configure_plan(job: Job, spec: JobSpec) -> plan.ConfigurePlan:
    inputs = [
        _planned(volume.input_path(item.id, index), file)
        for item in spec.inputs
        for index, file in enumerate(item.files or [])
    ]
    return plan.ConfigurePlan(
        job=job.full_name,
        inputs=inputs,
        algorithm=list(_algorithm(spec)),
        custom_data=spec.algorithm.custom_data,
        custom_data_file=_mounted(spec.algorithm.custom_data_from),
    )


def publish_plan(job: Job, spec: JobSpec, environment: EnvironmentSpec) -> plan.PublishPlan:
    return plan.PublishPlan(job=job.full_name, uid=job.uid, agreement_id=spec.agreement_id, s3=environment.results.s3)


def secret_keys(spec: JobSpec) -> list[SecretKey]:
    """The keys of Secrets that configure reads, each once, in a stable order."""
    files = [file for item in spec.inputs for file in item.files or []] + (spec.algorithm.source.files or [])
    texts = [text for file in files for text in (file.url_from, file.content_from)] + [spec.algorithm.custom_data_from]
    keys = {text.secret_key_ref for text in texts if text is not None}
    return sorted(keys, key=lambda key: (key.name, key.key))


def secret_path(key: SecretKey) -> str:
    """Below `plan.SECRETS`."""
    return f"{key.name}/{key.key}"


def _algorithm(spec: JobSpec) -> Iterator[plan.PlannedFile]:
    source = spec.algorithm.source
    if source.inline is not None:
        yield plan.PlannedFile(path=volume.ALGORITHM, text=source.inline)
    for index, file in enumerate(source.files or []):
        yield _planned(volume.algorithm_path(index), file)


def _planned(path: str, file: File) -> plan.PlannedFile:
    return plan.PlannedFile(
        path=path,
        url=file.url,
        url_file=_mounted(file.url_from),
        content_file=_mounted(file.content_from),
        sha256=file.sha256,
    )


def _mounted(text: Private | None) -> str | None:
    return f"{plan.SECRETS}/{secret_path(text.secret_key_ref)}" if text is not None else None
