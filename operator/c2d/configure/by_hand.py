"""From a workflow straight to the plan, without a cluster between them. Pure.

What is secret in it, such as URLs and user data, is in the plan itself: it stays in the memory of one process.
"""

from collections.abc import Iterator

from c2d.api import volume
from c2d.api.plan import ConfigurePlan, PlannedAsset, PlannedContainer, PlannedFile
from c2d.ocean import dids
from c2d.ocean.errors import WorkflowInvalid
from c2d.ocean.workflow import Input, RawCode, Remote, Urls, Workflow

_STAGE = "workflow.stages[0]"


def plan(workflow: Workflow, job: str, allow_private_addresses: bool) -> ConfigurePlan:
    """What the engine would plan for it. Raises WorkflowInvalid where that would refuse the job."""
    algorithm = workflow.algorithm
    return ConfigurePlan(
        job=job,
        inputs=[file for item in workflow.inputs for file in _input_files(item)],
        algorithm=list(_algorithm_files(algorithm.source)),
        assets=list(_assets(workflow)),
        algorithm_did=algorithm.id or "",
        container=PlannedContainer(entrypoint=algorithm.container.entrypoint, checksum=algorithm.container.checksum),
        allow_private_addresses=allow_private_addresses,
        custom_data=algorithm.custom_data,
    )


def _input_files(item: Input) -> Iterator[PlannedFile]:
    if isinstance(item.source, Urls):
        for index, url in enumerate(item.source.urls):
            yield PlannedFile(path=volume.input_path(item.folder, index), url=url)


def _algorithm_files(source: RawCode | Urls | Remote) -> Iterator[PlannedFile]:
    match source:
        case RawCode(text):
            yield PlannedFile(path=volume.ALGORITHM, text=text)
        case Urls(urls):
            yield from (PlannedFile(path=volume.algorithm_path(index), url=url) for index, url in enumerate(urls))
        case Remote():
            pass  # an asset


def _assets(workflow: Workflow) -> Iterator[PlannedAsset]:
    uri = workflow.output.metadata_uri
    for item in workflow.inputs:
        if isinstance(item.source, Remote):
            path = volume.input_path(item.folder, 0)
            yield _asset(item.source, item.id or "", path, uri, f"{_STAGE}.input")
    source = workflow.algorithm.source
    if isinstance(source, Remote):
        yield _asset(source, workflow.algorithm.id or "", volume.ALGORITHM, uri, f"{_STAGE}.algorithm")


def _asset(source: Remote, did: str, path: str, metadata_uri: str, field: str) -> PlannedAsset:
    if not dids.is_did(did):
        raise WorkflowInvalid(f"{field}: what is remote must have a DID as its id, did:op: and 64 hex digits", field)
    if not metadata_uri:
        field = f"{_STAGE}.output.metadataUri"
        raise WorkflowInvalid(f"{field} is missing; name the Aquarius that has the DDO of {did}", field)
    return PlannedAsset(
        did=did,
        path=path,
        algorithm=path == volume.ALGORITHM,
        service_id=source.service_id,
        transfer_tx_id=source.tx_id,
        metadata_uri=metadata_uri,
        user_data=source.user_data,
    )
