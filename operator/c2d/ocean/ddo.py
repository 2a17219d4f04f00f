"""An asset's DDO, version 4: its services, and which algorithms its publisher lets near the data. Pure.

Source: Ocean's documentation, "DDO specification" and "Compute options". What is malformed where it would restrict is
an error, never a permission.
"""

from dataclasses import dataclass
from typing import Any

from c2d.ocean import values
from c2d.ocean.errors import AssetInvalid

LIMIT = 10_000_000  # bytes


@dataclass(frozen=True)
class Trusted:
    """An algorithm on a publisher's list; a checksum that is "" was not given."""

    did: str
    files_checksum: str = ""
    container_checksum: str = ""


@dataclass(frozen=True)
class Compute:
    """What a service of type compute allows. A list that is None was not given, and is not the same as an empty one."""

    allow_raw: bool = False
    algorithms: tuple[Trusted, ...] | None = None
    publishers: tuple[str, ...] | None = None


@dataclass(frozen=True)
class Service:
    id: str
    type: str
    endpoint: str  # the URL of its Provider, as it was published
    compute: Compute | None = None  # None: nothing is computed on it, it may only be downloaded


@dataclass(frozen=True)
class Container:
    """What is listed of an algorithm's container."""

    entrypoint: str
    checksum: str


@dataclass(frozen=True)
class Ddo:
    did: str
    services: tuple[dict[str, Any], ...]
    owner: str = ""  # the address that has the asset's NFT
    container: Container | None = None  # of an algorithm

    def service(self, name: str) -> Service:
        """The service of this id. Raises AssetInvalid where there is none, or where it can't be read."""
        for service in self.services:
            if service.get("id") == name:
                return _service(service)
        raise AssetInvalid("its DDO has no service of the id that was ordered")


def parse(content: bytes, did: str) -> Ddo:
    """The DDO of this asset. Raises AssetInvalid for anything else."""
    document = _decode(content)
    if document.get("id") != did:
        raise AssetInvalid("its DDO is that of another asset")
    services = document.get("services")
    if not isinstance(services, list) or not all(isinstance(service, dict) for service in services):
        raise AssetInvalid("its DDO has no list of services")
    return Ddo(did, tuple(services), _owner(document), _container(document))


def _decode(content: bytes) -> dict[str, Any]:
    try:
        document = values.decode(content.decode())
    except (ValueError, values.NotKept):
        # Without `from`: the error holds what a server wrote.
        raise AssetInvalid("its DDO is not JSON") from None
    if not isinstance(document, dict):
        raise AssetInvalid("its DDO is not a JSON object")
    return document


def _owner(document: dict[str, Any]) -> str:
    """Who has the NFT now; older Aquariuses only tell who published the asset."""
    return _text(document, "nft", "owner") or _text(document, "event", "from")


def _container(document: dict[str, Any]) -> Container | None:
    found = _within(document, "metadata", "algorithm", "container")
    if not isinstance(found, dict):
        return None
    return Container(_text(found, "entrypoint"), _text(found, "checksum"))


def _service(service: dict[str, Any]) -> Service:
    endpoint = _text(service, "serviceEndpoint")
    if not endpoint:
        raise AssetInvalid("its service names no Provider (serviceEndpoint)")
    kind, section = _text(service, "type"), service.get("compute")
    compute = _compute(section) if kind == "compute" or section is not None else None
    return Service(_text(service, "id"), kind, endpoint, compute)


def _compute(given: object) -> Compute:
    if given is None:
        return Compute()
    if not isinstance(given, dict):
        raise AssetInvalid("the compute section of its service is not an object")
    return Compute(
        allow_raw=given.get("allowRawAlgorithm") is True,
        algorithms=_list(given, "publisherTrustedAlgorithms", _trusted),
        publishers=_list(given, "publisherTrustedAlgorithmPublishers", _publisher),
    )


def _list(given: dict[str, Any], name: str, read: Any) -> Any:
    listed = given.get(name)
    if listed is None:
        return None
    if not isinstance(listed, list):
        raise AssetInvalid(f"{name} of its service is not a list")
    return tuple(read(entry) for entry in listed)


def _trusted(entry: object) -> Trusted:
    if entry == "*":
        return Trusted("*")
    if not isinstance(entry, dict) or not isinstance(entry.get("did"), str):
        raise AssetInvalid("publisherTrustedAlgorithms of its service has an entry without did")
    return Trusted(entry["did"], _checksum(entry, "filesChecksum"), _checksum(entry, "containerSectionChecksum"))


def _checksum(entry: dict[str, Any], name: str) -> str:
    given = entry.get(name)
    if given is not None and not isinstance(given, str):
        raise AssetInvalid(f"{name} in publisherTrustedAlgorithms of its service is not a text")
    return given or ""


def _publisher(entry: object) -> str:
    if not isinstance(entry, str):
        raise AssetInvalid("publisherTrustedAlgorithmPublishers of its service has an entry that is not a text")
    return entry


def _text(document: dict[str, Any], *names: str) -> str:
    found = _within(document, *names)
    return found if isinstance(found, str) else ""


def _within(document: object, *names: str) -> object:
    for name in names:
        document = document.get(name) if isinstance(document, dict) else None
    return document
