"""What of a job only the asset's Provider hands out. Pure."""

import re
from collections.abc import Iterator

from c2d.api.job import JobSpec, Service

# The DID of an asset, and nothing that could be read as another text: what is signed is the DID with digits behind it,
# so an identifier that ends with digits of its own could pass for a shorter one with a larger nonce.
_DID = re.compile(r"did:op:[0-9a-fA-F]{64}")


def is_did(asset: str) -> bool:
    return _DID.fullmatch(asset) is not None


def services(spec: JobSpec) -> Iterator[tuple[str, Service, bool]]:
    """(DID, service, whether it is the algorithm's), in the order of the job."""
    for item in spec.inputs:
        if item.service is not None:
            yield item.id, item.service, False
    if spec.algorithm.source.service is not None:
        yield spec.algorithm.id, spec.algorithm.source.service, True
