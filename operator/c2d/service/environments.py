"""What is on offer, as the API tells of it. Reading is pure."""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

import pydantic

from c2d.api.environment import EnvironmentSpec
from c2d.kube.resources import Object, uid_of
from c2d.ocean import signatures

# Well-formed, so that clients can read it, and nobody can order anything for it: no key was configured.
NO_ADDRESS = "0x" + "0" * 40
_GIB = 1024**3
# Source: the reference of Kubernetes' resource.Quantity.
_SUFFIXES = {
    "": Decimal(1),
    "m": Decimal("0.001"),
    "k": Decimal(10**3),
    "M": Decimal(10**6),
    "G": Decimal(10**9),
    "T": Decimal(10**12),
    "Ki": Decimal(2**10),
    "Mi": Decimal(2**20),
    "Gi": Decimal(2**30),
    "Ti": Decimal(2**40),
}


@dataclass(frozen=True)
class Offer:
    """A ComputeEnvironment."""

    name: str
    spec: EnvironmentSpec
    consumer_address: str

    def serves(self, chain: str | int | None) -> bool:
        """Chains are compared as texts: clients send both numbers and texts."""
        allowed = self.spec.allowed_chain_ids
        return chain is None or not allowed or str(chain) in map(str, allowed)

    def as_json(self, current_jobs: int, last_seen: float) -> dict[str, Any]:
        """The API's environment object: these keys in this order. `last_seen`: seconds since 1970."""
        spec, resources = self.spec, self.spec.resources
        shown: dict[str, Any] = {
            "id": self.name,
            "cpuNumber": number(amount(resources.cpu)),
            "cpuType": resources.cpu_type,
            "gpuNumber": resources.gpu,
            "gpuType": resources.gpu_type,
            "ramGB": number(amount(resources.memory) / _GIB),
            "diskGB": number(amount(resources.disk) / _GIB),
            "priceMin": number(Decimal(str(spec.price_per_minute))),
            "desc": spec.description,
            "currentJobs": current_jobs,
            "maxJobs": spec.max_jobs,
            "consumerAddress": self.consumer_address,
            "storageExpiry": spec.storage_expiry_seconds,
            "maxJobDuration": spec.max_job_duration_seconds,
            "lastSeen": str(last_seen),
        }
        if spec.allowed_chain_ids:
            shown["allowedChainId"] = list(spec.allowed_chain_ids)
        return shown


class Offers:
    """A sink of the mirror. One that can't be understood is left out: nothing could run in it."""

    def __init__(self) -> None:
        self._offers: dict[str, tuple[int, Offer | None]] = {}

    def __iter__(self) -> Iterator[Offer]:
        offers = (offer for _, offer in self._offers.values() if offer is not None)
        return iter(sorted(offers, key=lambda offer: offer.name))

    def get(self, name: str) -> Offer | None:
        return next((offer for _, offer in self._offers.values() if offer is not None and offer.name == name), None)

    @property
    def address(self) -> str:
        """That of the operator's key, which is the same in all of them."""
        found = (offer.consumer_address for _, offer in self._offers.values() if offer is not None)
        return next((address for address in found if address != NO_ADDRESS), NO_ADDRESS)

    def put(self, item: Object) -> None:
        version = int(item["metadata"]["resourceVersion"])
        known = self._offers.get(uid_of(item))
        if known is None or known[0] < version:
            self._offers[uid_of(item)] = (version, read(item))

    def remove(self, item: Object) -> None:
        self._offers.pop(uid_of(item), None)

    def keep_only(self, uids: set[str], version: int) -> None:
        self._offers = {uid: entry for uid, entry in self._offers.items() if uid in uids or entry[0] > version}


def read(item: Object) -> Offer | None:
    try:
        spec = EnvironmentSpec.model_validate(item["spec"])
    except pydantic.ValidationError:
        return None
    address = str((item.get("status") or {}).get("consumerAddress", ""))
    # A malformed one would make every download of a compute asset fail, in whichever environment.
    return Offer(item["metadata"]["name"], spec, str(address) if signatures.is_address(address) else NO_ADDRESS)


def amount(quantity: str) -> Decimal:
    """A Kubernetes quantity, the shape of which the model has checked."""
    found = re.fullmatch("([0-9.]+)([A-Za-z]*)", quantity)
    if found is None:
        raise ValueError(f"{quantity!r} is no quantity")
    return Decimal(found[1]) * _SUFFIXES[found[2]]


def number(value: Decimal) -> int | float:
    """Whole numbers as such: clients compare a price with 0."""
    return int(value) if value == value.to_integral_value() else round(float(value), 6)
