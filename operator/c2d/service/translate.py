"""From the Ocean workflow to a ComputeJob's spec, and to what must not be seen in it. Pure.

URLs, code, parameters and user data go into Secrets; the spec only says where they are.
"""

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import pydantic

from c2d.api.job import JobSpec
from c2d.api.model import format_time
from c2d.ocean import signatures, workflow
from c2d.ocean.errors import WorkflowInvalid
from c2d.ocean.workflow import Algorithm, Input, RawCode, Remote, Urls
from c2d.service.errors import BadRequest
from c2d.service.parameters import Start

# A Secret may have 1 MiB, the keys' names and the base64 of nothing included.
_SECRET_BYTES = 1_020_000

Json = dict[str, Any]


@dataclass(frozen=True)
class Parts:
    """A job, in its parts."""

    spec: Json
    private: Mapping[str, Mapping[str, str]]  # Secrets by name: keys and texts
    algo_did: str
    input_dids: tuple[str, ...]


@dataclass
class Private:
    """Texts on their way into Secrets: as few of these as have room for them."""

    name: str
    secrets: dict[str, dict[str, str]] = field(default_factory=dict)
    _left: int = 0

    def keep(self, key: str, text: str) -> Json:
        """Where the text will be."""
        size = len(text.encode())
        if size > self._left or not self.secrets:
            self.secrets[f"{self.name}-{len(self.secrets)}"] = {}
            self._left = _SECRET_BYTES
        self._left -= size
        name = list(self.secrets)[-1]
        self.secrets[name][key] = text
        return {"secretKeyRef": {"name": name, "key": key}}


def job(asked: Start, private_name: str, metadata_uri: str, assets: bool = False) -> Parts:
    """The same request and name give the same parts. Raises BadRequest, which names the field.

    `assets`: whether results may become assets. Where they may not, clients ask for it in vain, as they always did.
    """
    try:
        flow = workflow.parse(asked.workflow)
    except WorkflowInvalid as error:
        raise BadRequest(str(error)) from error
    private = Private(private_name)
    uri = flow.output.metadata_uri or metadata_uri
    spec: Json = {
        "environment": asked.environment,
        "owner": asked.owner,
        "agreementId": asked.agreement_id,
        "inputs": [_input(item, uri, private) for item in flow.inputs],
        "algorithm": _algorithm(flow.algorithm, uri, private),
    }
    if asked.chain_id is not None:
        spec["chainId"] = asked.chain_id
    if asked.valid_until is not None:
        spec["validUntil"] = format_time(asked.valid_until)
    if assets and flow.output.asset is not None and signatures.is_address(asked.owner):
        spec["resultsAsset"] = dict(flow.output.asset)
    _check(spec)
    return Parts(
        spec=spec,
        private=private.secrets,
        algo_did="raw" if flow.algorithm.id is None else flow.algorithm.id,
        input_dids=tuple(item.id for item in flow.inputs if item.id is not None),
    )


def _input(item: Input, metadata_uri: str, private: Private) -> Json:
    stem = f"input-{item.index}"
    name = item.id if item.id is not None else item.folder
    if isinstance(item.source, Remote):
        return {"id": name, "service": _service(item.source, metadata_uri, private, stem)}
    return {"id": name, "files": _files(item.source, private, stem)}


def _algorithm(algorithm: Algorithm, metadata_uri: str, private: Private) -> Json:
    container = algorithm.container
    spec: Json = {
        "id": algorithm.id or "",
        "source": _source(algorithm, metadata_uri, private),
        "container": container.model_dump(mode="json", by_alias=True),
        "env": [{"name": name, "value": value} for name, value in algorithm.envs.items()],
    }
    if algorithm.custom_data is not None:
        spec["customDataFrom"] = private.keep("custom-data", json.dumps(algorithm.custom_data, ensure_ascii=False))
    return spec


def _source(algorithm: Algorithm, metadata_uri: str, private: Private) -> Json:
    match algorithm.source:
        case RawCode(text):
            return {"files": [{"contentFrom": private.keep("algorithm", text)}]}
        case Urls():
            return {"files": _files(algorithm.source, private, "algorithm")}
        case Remote():
            return {"service": _service(algorithm.source, metadata_uri, private, "algorithm")}


def _files(source: Urls, private: Private, stem: str) -> list[Json]:
    return [{"urlFrom": private.keep(f"{stem}-url-{place}", url)} for place, url in enumerate(source.urls)]


def _service(source: Remote, metadata_uri: str, private: Private, stem: str) -> Json:
    service: Json = {
        "serviceId": source.service_id,
        "transferTxId": source.tx_id,
        "metadataUri": metadata_uri,
    }
    if source.user_data is not None:
        text = json.dumps(source.user_data, ensure_ascii=False)
        service["userDataFrom"] = private.keep(f"{stem}-user-data", text)
    return service


def _check(spec: Json) -> None:
    """What the API server would say, in words that name the field."""
    try:
        JobSpec.model_validate(spec)
    except pydantic.ValidationError as error:
        first = error.errors(include_url=False, include_input=False)[0]
        place = ".".join(str(part) for part in first["loc"])
        raise BadRequest(f"the job can't be accepted: {place}: {first['msg']}") from None
