"""Whether the publisher of a dataset lets an algorithm near it. Pure.

The Provider has judged this before; here it is judged again, on the files that were fetched and the container that
will run. The rules are those of Ocean's documentation, "Compute options":

- code that is no published algorithm needs `allowRawAlgorithm`;
- a list that is absent or null says nothing, an empty one admits nobody, and without any list every published
  algorithm is admitted. Where both lists are given, either may admit it: that is how Ocean's market fills them, and
  ocean.py leaves one of them empty;
- `*` stands for everybody. A checksum that an entry leaves out is not compared, as the Provider doesn't either.

Published means more than a DID, which anybody can write down: the files came from the asset's own Provider and the
container is that of its DDO, or both checksums of a trusted entry fit.
"""

import hashlib
from dataclasses import dataclass

from c2d.ocean.ddo import Compute, Container, Ddo, Trusted

_ANY = ("", "*")


@dataclass(frozen=True)
class Algorithm:
    """What is about to run."""

    did: str = ""  # "" for raw code
    files: tuple[str, ...] = ()  # sha256 of each, lower-case hex, in order
    container: Container | None = None
    ddo: Ddo | None = None  # where its files came from its own asset

    @property
    def files_checksum(self) -> str:
        return "".join(self.files)

    @property
    def container_checksum(self) -> str | None:
        """sha256(entrypoint + checksum), as Ocean's clients make it."""
        if self.container is None:
            return None
        return hashlib.sha256((self.container.entrypoint + self.container.checksum).encode()).hexdigest()


def objection(compute: Compute, algorithm: Algorithm) -> str | None:
    """Why the publisher would not let it run, as the end of a sentence about it; None where nothing is wrong."""
    if algorithm.ddo is None and compute.allow_raw:
        # Raw code, whatever it calls itself.
        return None
    if not algorithm.did:
        return "is no published one, and allowRawAlgorithm is not set"
    problems = _problems(compute, algorithm)
    if None in problems:
        return None
    # The last one is of the entry that came closest.
    return problems[-1]


def _problems(compute: Compute, algorithm: Algorithm) -> list[str | None]:
    """What is wrong by each rule that could admit it; None for one that does."""
    if _unrestricted(compute):
        return [_not_as_published(algorithm)]
    found: list[str | None] = ["is on none of the lists of trusted algorithms and publishers"]
    if _is_of(compute.publishers or (), algorithm):
        found.append(_not_as_published(algorithm))
    entries = [entry for entry in compute.algorithms or () if entry.did in (algorithm.did, "*")]
    found.extend(_mismatch(entry, algorithm) for entry in entries)
    return found


def _unrestricted(compute: Compute) -> bool:
    return compute.algorithms is None and compute.publishers is None


def _is_of(publishers: tuple[str, ...], algorithm: Algorithm) -> bool:
    owner = algorithm.ddo.owner.lower() if algorithm.ddo else ""
    return "*" in publishers or (bool(owner) and owner in {publisher.lower() for publisher in publishers})


def _mismatch(entry: Trusted, algorithm: Algorithm) -> str | None:
    files, container = entry.files_checksum.lower(), entry.container_checksum.lower()
    if files not in _ANY and files != algorithm.files_checksum:
        return "is trusted with other files (filesChecksum)"
    if container not in _ANY and container != algorithm.container_checksum:
        return "is trusted with another container (containerSectionChecksum)"
    both = files not in _ANY and container not in _ANY
    return None if both else _not_as_published(algorithm, container not in _ANY)


def _not_as_published(algorithm: Algorithm, container_is_proven: bool = False) -> str | None:
    if algorithm.ddo is None:
        return "has the DID of a published one, but its files are not from that asset"
    published, runs = algorithm.ddo.container, algorithm.container
    if container_is_proven or published is None or runs is None:
        return None
    other_image = published.checksum not in ("", runs.checksum)
    if other_image or published.entrypoint != runs.entrypoint:
        return "runs with another container than its DDO has"
    return None
