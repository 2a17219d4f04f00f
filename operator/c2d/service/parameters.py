"""From what a client sent to typed requests, with the texts that clients in the field know. Pure."""

import hashlib
import json
import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from c2d.service.errors import BadRequest

Parameters = Mapping[str, Any]

_EMPTY = "payload seems empty."
_ID_LIMIT = 256  # characters of an owner, an agreement or a job's id
_LAST_SECOND = 253_402_300_799  # of the year 9999


@dataclass(frozen=True)
class Signed:
    """What the caller signed, and how."""

    text: str
    signature: Any
    nonce: str
    names_owner: bool  # the owner stands alone before the nonce, so nothing but its length keeps it apart


@dataclass(frozen=True)
class Start:
    """POST /compute."""

    workflow: Any
    agreement_id: str
    owner: str
    environment: str
    chain_id: int | None
    valid_until: datetime | None
    signed: Signed

    def digest(self, provider: str) -> str:
        """Of everything that makes two starts the same; a client that lost the answer only takes a new nonce."""
        same = [provider, self.agreement_id, self.owner, self.environment, self.chain_id, self.workflow]
        return hashlib.sha256(json.dumps(same, sort_keys=True).encode()).hexdigest()


@dataclass(frozen=True)
class Query:
    """Which jobs are meant: filters that are all to hold."""

    job_id: str | None
    agreement_id: str | None
    owner: str | None
    chain_id: str | None
    signed: Signed


@dataclass(frozen=True)
class Fetch:
    """GET /getResult. The index is parsed after the signature is checked, as clients expect."""

    job_id: str
    owner: str
    index: str
    signed: Signed


def body(content: bytes) -> Parameters:
    """The JSON object in a body. Raises BadRequest."""
    try:
        value = json.loads(content, parse_constant=_no_constant)
    except (ValueError, RecursionError) as error:
        raise BadRequest(f"the body is not JSON: {_plain(error)}") from None
    if not isinstance(value, dict):
        raise BadRequest("the body must be a JSON object with the call's parameters")
    return value


def start(given: Parameters) -> Start:
    """Raises BadRequest."""
    _require(given, ("workflow", "agreementId", "owner", "providerSignature", "environment", "nonce"), "POST:/compute")
    workflow = given["workflow"]
    if not isinstance(workflow, dict) or not workflow:
        raise BadRequest("`workflow` is required in the payload and must include workflow stages")
    owner, agreement, environment = (_id(given, name) for name in ("owner", "agreementId", "environment"))
    chain, until = _integer(given, "chainId"), _integer(given, "validUntil")
    return Start(
        workflow=workflow,
        agreement_id=agreement,
        owner=owner,
        environment=environment,
        chain_id=chain,
        valid_until=_moment(until),
        signed=_signed(given, owner, None),
    )


def status(given: Parameters) -> Query:
    """GET /compute. Raises BadRequest."""
    query = _query(given)
    if query.job_id is None and query.agreement_id is None and query.owner is None:
        raise BadRequest("You have to specify one of agreementId, jobId or owner")
    return query


def control(given: Parameters, method: str) -> Query:
    """PUT and DELETE /compute. Raises BadRequest.

    An id that is too short to be one is refused here: passed over, it would mean everything that the owner has.
    """
    _require(given, ("owner", "providerSignature", "nonce"), f"{method}:/compute")
    for name in ("jobId", "agreementId", "owner"):
        if given.get(name) is not None and len(str(given[name])) < 2:
            raise BadRequest(f'"{name}" is too short to name anything')
    return _query(given)


def fetch(given: Parameters) -> Fetch:
    """Raises BadRequest."""
    _require(given, ("owner", "providerSignature", "nonce", "index", "jobId"), "GET:/getResult")
    owner, job = _id(given, "owner"), _id(given, "jobId")
    return Fetch(job, owner, str(given["index"]), _signed(given, owner, job))


def index_of(fetch: Fetch) -> int:
    """Raises BadRequest in Python's own words, which clients know."""
    try:
        return int(fetch.index)
    except ValueError as error:
        raise BadRequest(f"Error getResult: {error}") from None


def chain_of(given: Parameters) -> str | None:
    """The chain to filter environments by, under either of its names."""
    value = given.get("chainId", given.get("chain_id"))
    return None if value in (None, "") else str(value)


def _require(given: Parameters, names: tuple[str, ...], call: str) -> None:
    if not given:
        raise BadRequest(_EMPTY)
    for name in names:
        # An empty workflow has a text of its own.
        if name not in given or (given[name] in (None, "") and name != "workflow"):
            raise BadRequest(f'"{name}" is required in the call to {call}')


def _query(given: Parameters) -> Query:
    job, agreement, owner = (_filter(given, name) for name in ("jobId", "agreementId", "owner"))
    chain = given.get("chainId")
    return Query(
        job_id=job,
        agreement_id=agreement,
        owner=owner,
        chain_id=None if chain in (None, "") else str(chain),
        signed=_signed(given, owner, job),
    )


def _signed(given: Parameters, owner: str | None, job: str | None) -> Signed:
    nonce = given.get("nonce")
    text = f"{owner}{job or ''}{nonce}"
    return Signed(text, given.get("providerSignature"), str(nonce), names_owner=job is None)


def _filter(given: Parameters, name: str) -> str | None:
    """An id that is missing, or too short to be one, doesn't filter."""
    value = given.get(name)
    if value is None or len(str(value)) < 2:
        return None
    return _id(given, name)


def _id(given: Parameters, name: str) -> str:
    value = given[name]
    if not isinstance(value, str) or not value.isprintable():
        raise BadRequest(f'"{name}" must be a printable text')
    if len(value) > _ID_LIMIT:
        raise BadRequest(f'"{name}" is longer than {_ID_LIMIT} characters')
    return value


def _integer(given: Parameters, name: str) -> int | None:
    value = given.get(name)
    if value is None or value == "":
        return None
    if isinstance(value, bool) or not re.fullmatch("[0-9]{1,18}", str(value)):
        raise BadRequest(f'"{name}" must be a whole number that is not negative')
    return int(value)


def _moment(seconds: int | None) -> datetime | None:
    """None for the end that isn't one: 0, which means the environment's maximum."""
    if not seconds:
        return None
    if seconds > _LAST_SECOND:
        raise BadRequest('"validUntil" must be a time in seconds since 1970')
    return datetime.fromtimestamp(seconds, UTC)


def _no_constant(name: str) -> None:
    raise ValueError(f"{name} is no JSON")


def _plain(error: Exception) -> str:
    return "it is nested too deeply" if isinstance(error, RecursionError) else str(error)
