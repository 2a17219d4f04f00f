"""The workflow of POST /compute: from what Providers send, of whatever age, to one frozen value. Pure.

A workflow has one stage: inputs, an algorithm, an output. What is null counts as absent, and so do "", [] and {} where
a source could be. `parse` takes any JSON value and raises nothing but WorkflowInvalid, in the API's own words where
clients know them.

The forms were seen in what ocean_provider sends (its StageAlgoSerializer and InputItemValidator) and in what older
releases of it and of ocean.js sent.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import pydantic

from c2d.api import job, volume
from c2d.ocean import envs, values
from c2d.ocean.errors import WorkflowInvalid
from c2d.ocean.field import Field

RAWCODE_LIMIT = 1_000_000  # bytes of UTF-8
DATA_LIMIT = 1_000_000  # bytes as JSON; of the custom data, and of each user data
INPUTS_LIMIT = 64
URLS_LIMIT = 64  # of each input
ALGORITHM_URLS_LIMIT = 16
_ASSET_LIMITS = {"name": 256, "description": 4096, "author": 256, "license": 256}  # characters
_ID_LIMIT = 256  # characters; of a DID, a service, a transaction


@dataclass(frozen=True)
class Urls:
    """Files to fetch, in this order. URLs may be secret, so they are not shown."""

    urls: tuple[str, ...] = field(repr=False)


@dataclass(frozen=True)
class Remote:
    """Files that the asset's Provider hands out against the order `tx_id`."""

    tx_id: str
    service_id: str
    user_data: Any = field(default=None, repr=False)
    service_endpoint: str = ""  # an http or https URL, or "": what the DDO says counts


@dataclass(frozen=True)
class RawCode:
    """The algorithm's code itself."""

    text: str = field(repr=False)


@dataclass(frozen=True)
class Input:
    """A dataset."""

    index: int
    id: str | None  # a DID, or any name that can be a folder's
    source: Urls | Remote

    @property
    def folder(self) -> str:
        """Its folder's name below /data/inputs: the id without did:op:, or the index where there is none."""
        return volume.short_id(self.id) if self.id is not None else str(self.index)


@dataclass(frozen=True)
class Algorithm:
    """What computes. `id` is None where the key is absent or null, and "" where that is sent."""

    id: str | None
    source: RawCode | Urls | Remote
    container: job.Container
    user_data: Any = field(default=None, repr=False)  # also in the source, where that is Remote
    custom_data: Any = field(default=None, repr=False)
    envs: Mapping[str, str] = field(default_factory=dict, repr=False)


@dataclass(frozen=True)
class Output:
    """Where DDOs are found; "" for the operator's own choice. And what an asset of the results is to tell of itself."""

    metadata_uri: str = ""
    asset: Mapping[str, str] | None = None  # None: they become none


@dataclass(frozen=True)
class Workflow:
    """What a job is to do; the main dataset is the first of the inputs."""

    inputs: tuple[Input, ...]
    algorithm: Algorithm
    output: Output


def parse(workflow: object) -> Workflow:
    """The workflow in the decoded JSON. Raises WorkflowInvalid."""
    stage = _only_stage(workflow)
    for name in ("algorithm", "compute", "input", "output"):
        if stage.child(name).value is None:
            raise WorkflowInvalid(f"Missing {name} in stage 0", f"{stage.path}.{name}")
    # Nothing in it is the client's choice; the environment and validUntil say how long a job may run.
    stage.child("compute").members()
    return Workflow(_inputs(stage.child("input")), _algorithm(stage.child("algorithm")), _output(stage.child("output")))


def _only_stage(workflow: object) -> Field:
    stages = workflow.get("stages") if isinstance(workflow, dict) else None
    if not isinstance(stages, list) or not stages:
        raise WorkflowInvalid("Missing stages", "workflow.stages")
    if len(stages) > 1:
        raise WorkflowInvalid("Multiple stages are not supported yet", "workflow.stages")
    return Field("workflow.stages[0]", stages[0])


def _output(output: Field) -> Output:
    """Whatever else older clients put there is theirs to know."""
    uri = output.child("metadataUri").url()
    return Output(uri, _asset(output.child("metadata")) if output.child("publishOutput").value is True else None)


def _asset(metadata: Field) -> dict[str, str]:
    """What can be used of the metadata as ocean.js has it; its other members are never an error, so none is here."""
    given = metadata.value if isinstance(metadata.value, dict) else {}
    return {name: text for name, limit in _ASSET_LIMITS.items() if (text := _shown(given.get(name), limit))}


def _shown(given: object, limit: int) -> str:
    """The text, cut where it is too long; "" for what is none, or can't be kept."""
    if not isinstance(given, str):
        return ""
    try:
        values.require_text(given)
    except values.NotKept:
        return ""
    return given[:limit]


# --- inputs


def _inputs(inputs: Field) -> tuple[Input, ...]:
    """In the order of their indices; a job without any is as good as one with."""
    elements = inputs.elements(INPUTS_LIMIT)
    found = [_input(element, position) for position, element in enumerate(elements)]
    # Indices are numbers and folders are texts, so one table does for both.
    taken: dict[int | str, str] = {volume.CUSTOM_DATA.rpartition("/")[2]: "the custom data"}
    for element, each in zip(elements, found, strict=True):
        for what, value in (("index", each.index), ("folder", each.folder)):
            if value in taken:
                element.refuse(f"has the same {what} as {taken[value]}", "give it another index or id")
            taken[value] = element.path
    return tuple(sorted(found, key=lambda each: each.index))


def _input(given: Field, position: int) -> Input:
    name = _asset_id(given.child("id")) or None
    return Input(
        index=given.child("index").whole_number(default=position), id=name, source=_input_source(given, bool(name))
    )


def _input_source(given: Field, has_id: bool) -> Urls | Remote:
    url, remote = given.child("url"), given.child("remote")
    if url.is_set and remote.is_set:
        given.refuse("has both url and remote", "leave one of them out")
    if url.is_set:
        return _urls(url, URLS_LIMIT)
    if not remote.is_set:
        given.refuse("must have one of url, remote")
    _require_did(given, has_id)
    return _remote(remote, _user_data(remote.child("userdata"), remote.child("userData")))


def _asset_id(given: Field) -> str:
    """The id, or "" where there is none: it becomes a folder's name, and a field of the job."""
    name = given.text(_ID_LIMIT)
    if name:
        try:
            _ASSET_ID.validate_python(name)
        except pydantic.ValidationError:
            given.refuse("must be a DID, or a name of at most 128 letters, digits, dots, - and _")
    return name


_ASSET_ID = pydantic.TypeAdapter[str](job.AssetId)


# --- the algorithm


def _algorithm(given: Field) -> Algorithm:
    asset = given.child("id")
    name = None if asset.value is None else _asset_id(asset)
    user_data = _algorithm_user_data(given)
    return Algorithm(
        id=name,
        source=_algorithm_source(given, bool(name), user_data),
        container=_container(given.child("container")),
        user_data=user_data,
        custom_data=given.child("algocustomdata").decoded().kept(DATA_LIMIT),
        envs=envs.parse(given.child("envs")),
    )


def _algorithm_source(given: Field, has_id: bool, user_data: Any) -> RawCode | Urls | Remote:
    """Code wins over the other two, which some clients send along with it."""
    code, url, remote = (given.child(name) for name in ("rawcode", "url", "remote"))
    if code.is_set:
        return _rawcode(code)
    if url.is_set and remote.is_set:
        given.refuse("has both url and remote", "leave one of them out")
    if url.is_set:
        return _urls(url, ALGORITHM_URLS_LIMIT)
    if not remote.is_set:
        given.refuse("must have one of rawcode, url, remote")
    _require_did(given, has_id)
    return _remote(remote, user_data)


def _rawcode(code: Field) -> RawCode:
    # Every character has a byte at least: nothing that is far too long gets encoded.
    if isinstance(code.value, str) and len(code.value) > RAWCODE_LIMIT:
        _refuse_rawcode(code)
    text = code.text(RAWCODE_LIMIT)
    if len(text.encode()) > RAWCODE_LIMIT:
        _refuse_rawcode(code)
    return RawCode(text)


def _refuse_rawcode(code: Field) -> None:
    code.refuse(f"is longer than {RAWCODE_LIMIT} bytes", "put the algorithm behind a URL")


def _algorithm_user_data(given: Field) -> Any:
    """Each release of the Provider has another name for it."""
    remote = given.child("remote")
    inside = [remote.child(name) for name in ("userdata", "userData", "algouserdata")] if remote.is_set else []
    return _user_data(*inside, given.child("algouserdata"))


_CONTAINER_FIELDS = {
    "image": "must be an image's name without tag and digest, of at most 512 characters",
    "tag": "must be a tag: at most 128 letters, digits, dots, - and _",
    "checksum": "must be a digest: sha256: and 64 hex digits in lower case",
    "entrypoint": "must be a command of at most 4096 characters",
}


def _container(given: Field) -> job.Container:
    if not given.is_set:
        given.refuse("is missing", "name at least the image")
    fields = {name: given.child(name) for name in _CONTAINER_FIELDS}
    fields["image"].needed_text(512)
    texts = {name: part.text(4096) for name, part in fields.items()}
    try:
        return job.Container.model_validate(texts)
    except pydantic.ValidationError as error:
        name = str(error.errors()[0]["loc"][0])
        fields[name].refuse(_CONTAINER_FIELDS[name])


# --- sources


def _urls(given: Field, limit: int) -> Urls:
    elements = given.elements(limit) if isinstance(given.value, list) else [given]
    return Urls(tuple(_needed_url(element) for element in elements))


def _needed_url(given: Field) -> str:
    if not given.is_set:
        given.refuse("is missing", "give an http or https URL")
    return given.url()


def _remote(given: Field, user_data: Any) -> Remote:
    return Remote(
        tx_id=given.child("txId").needed_text(_ID_LIMIT),
        service_id=given.child("serviceId").needed_text(_ID_LIMIT),
        user_data=user_data,
        service_endpoint=given.child("serviceEndpoint").url(),
    )


def _user_data(*spellings: Field) -> Any:
    """The first that is set. A text that is the JSON of an object or a list becomes that, any other stays itself."""
    for given in spellings:
        if given.is_set:
            decoded = given.decoded()
            return (decoded if isinstance(decoded.value, dict | list) else given).kept(DATA_LIMIT)
    return None


def _require_did(given: Field, has_id: bool) -> None:
    if not has_id:
        given.child("id").refuse("is missing", "a remote asset is found by its DID")
