"""The plans of the in-pod programs, in one ConfigMap: no secret is in it, only where a secret is mounted."""

from collections.abc import Iterator
from urllib.parse import quote

from c2d.api import plan, volume
from c2d.api.environment import Assets, EnvironmentSpec
from c2d.api.job import File, JobSpec, Private, S3File, SecretKey
from c2d.engine import assets
from c2d.engine.manifests.child import child
from c2d.engine.state import Job, Settings
from c2d.kube import names
from c2d.kube.resources import CONFIG_MAPS, Object

# What a Secret with a bucket's credentials has.
_CREDENTIALS = ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY")


def plans(job: Job, spec: JobSpec, environment: EnvironmentSpec, settings: Settings) -> Object:
    configure = configure_plan(job, spec, environment, settings)
    data = {
        plan.CONFIGURE_FILE: configure.model_dump_json(by_alias=True, exclude_none=True),
        plan.PUBLISH_FILE: publish_plan(job, spec, environment, settings).model_dump_json(
            by_alias=True, exclude_none=True
        ),
    }
    return {**child(job, CONFIG_MAPS, names.plan(job.name, job.uid)), "immutable": True, "data": data}


def configure_plan(job: Job, spec: JobSpec, environment: EnvironmentSpec, settings: Settings) -> plan.ConfigurePlan:
    container = spec.algorithm.container
    planned = list(_assets(spec, settings))
    return plan.ConfigurePlan(
        job=job.full_name,
        inputs=list(_inputs(spec, environment.assets)),
        algorithm=list(_algorithm(spec, environment.assets)),
        assets=planned,
        algorithm_did=spec.algorithm.id,
        container=plan.PlannedContainer(entrypoint=container.entrypoint, checksum=container.checksum),
        signer=plan.Signer(url=f"{settings.signer_url}/sign", token_file=plan.SIGNER_TOKEN) if planned else None,
        progress=_listener(settings),
        allow_private_addresses=environment.assets.allow_private_addresses,
        max_file_bytes=environment.assets.max_file_bytes,
        custom_data=spec.algorithm.custom_data,
        custom_data_file=_mounted(spec.algorithm.custom_data_from),
    )


def publish_plan(job: Job, spec: JobSpec, environment: EnvironmentSpec, settings: Settings) -> plan.PublishPlan:
    signer = plan.Signer(url=f"{settings.signer_url}/receipt", token_file=plan.SIGNER_TOKEN)
    return plan.PublishPlan(
        job=job.full_name,
        uid=job.uid,
        agreement_id=spec.agreement_id,
        s3=environment.results.s3,
        ipfs=environment.results.ipfs,
        volume=names.volume(job.name, job.uid) if environment.results.volume is not None else None,
        signer=signer if settings.signer_url else None,
        progress=_listener(settings),
    )


def _listener(settings: Settings) -> plan.Listener | None:
    if not settings.engine_url:
        return None
    return plan.Listener(url=f"{settings.engine_url}/progress", token_file=plan.SIGNER_TOKEN)


def secret_keys(spec: JobSpec) -> list[SecretKey]:
    """The keys of Secrets that configure reads, each once, in a stable order."""
    files = [file for item in spec.inputs for file in item.files or []] + (spec.algorithm.source.files or [])
    texts = [text for file in files for text in (file.url_from, file.content_from, file.headers_from)]
    texts += [service.user_data_from for _, service, _ in assets.services(spec)]
    keys = {text.secret_key_ref for text in [*texts, spec.algorithm.custom_data_from] if text is not None}
    buckets = {file.s3.credentials_secret_name for file in files if file.s3 is not None}
    keys |= {SecretKey(name=name, key=key) for name in buckets if name is not None for key in _CREDENTIALS}
    return sorted(keys, key=lambda key: (key.name, key.key))


def secret_path(key: SecretKey) -> str:
    """Below `plan.SECRETS`."""
    return f"{key.name}/{key.key}"


def _inputs(spec: JobSpec, how: Assets) -> Iterator[plan.PlannedFile]:
    for item in spec.inputs:
        for index, file in enumerate(item.files or []):
            yield _planned(volume.input_path(item.id, index), file, how)
        if item.volume is not None:
            place = f"{volume.INPUTS}/{volume.short_id(item.id)}/{volume.MOUNT_POINT}"
            yield plan.PlannedFile(path=place, text="")


def _algorithm(spec: JobSpec, how: Assets) -> Iterator[plan.PlannedFile]:
    source = spec.algorithm.source
    if source.inline is not None:
        yield plan.PlannedFile(path=volume.ALGORITHM, text=source.inline)
    for index, file in enumerate(source.files or []):
        yield _planned(volume.algorithm_path(index), file, how)


def _assets(spec: JobSpec, settings: Settings) -> Iterator[plan.PlannedAsset]:
    for did, service, is_algorithm in assets.services(spec):
        yield plan.PlannedAsset(
            did=did,
            path=volume.ALGORITHM if is_algorithm else volume.input_path(did, 0),
            algorithm=is_algorithm,
            service_id=service.service_id,
            transfer_tx_id=service.transfer_tx_id,
            metadata_uri=service.metadata_uri or settings.metadata_uri,
            user_data_file=_mounted(service.user_data_from),
        )


def _planned(path: str, file: File, how: Assets) -> plan.PlannedFile:
    return plan.PlannedFile(
        path=path,
        url=_url(file, how),
        url_file=_mounted(file.url_from),
        content_file=_mounted(file.content_from),
        s3=_object(file.s3),
        method=file.method,
        headers_file=_mounted(file.headers_from),
        sha256=file.sha256,
    )


def _url(file: File, how: Assets) -> str | None:
    """Its own, or the gateway's that has it."""
    if file.ipfs is not None:
        return f"{how.ipfs_gateway.rstrip('/')}/ipfs/{quote(file.ipfs.cid, safe='/%')}"
    if file.arweave is not None:
        return f"{how.arweave_gateway.rstrip('/')}/{file.arweave.transaction_id}"
    return file.url


def _object(file: S3File | None) -> plan.PlannedObject | None:
    if file is None:
        return None
    secret = file.credentials_secret_name
    return plan.PlannedObject(
        endpoint=file.endpoint,
        region=file.region,
        bucket=file.bucket,
        key=file.key,
        credentials=f"{plan.SECRETS}/{secret}" if secret is not None else None,
    )


def _mounted(text: Private | None) -> str | None:
    return f"{plan.SECRETS}/{secret_path(text.secret_key_ref)}" if text is not None else None
