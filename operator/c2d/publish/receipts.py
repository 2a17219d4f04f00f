"""The receipt: the engine's facts, the hashes that configure left on the volume, and those of what is stored now."""

from datetime import datetime
from pathlib import Path, PurePosixPath

import pydantic

from c2d.api import receipt
from c2d.api.plan import PublishPlan
from c2d.api.receipt import Facts, HashedFile, Inputs, Receipt
from c2d.publish import hostile

INPUTS_LIMIT = 16 * 1024 * 1024  # bytes; a hundred thousand files


def inputs(data: Path) -> list[HashedFile] | None:
    """What configure says that it fetched; None where it says nothing that can be understood.

    The algorithm can't have written it: configure's folder is no mount of its pod. Still it is opened as if.
    """
    path = PurePosixPath(receipt.INPUTS)
    try:
        with (
            hostile.closing(hostile.open_root(data / path.parent)) as root,
            hostile.closing(hostile.open_file(root, path.name.encode())) as descriptor,
        ):
            text = hostile.Slice(descriptor, 0, INPUTS_LIMIT + 1).read(INPUTS_LIMIT + 1)
        return Inputs.model_validate_json(text).files if len(text) <= INPUTS_LIMIT else None
    except (OSError, pydantic.ValidationError):
        return None


def make(
    plan: PublishPlan,
    facts: Facts,
    fetched: list[HashedFile] | None,
    manifest_sha256: str,
    sizes: list[int],
    now: datetime,
) -> Receipt:
    """Not signed yet."""
    return Receipt(
        job=plan.job,
        uid=plan.uid,
        agreement_id=plan.agreement_id,
        facts=facts,
        inputs=fetched,
        manifest_sha256=manifest_sha256,
        results=len(sizes),
        bytes=sum(sizes),
        published_at=now,
    )
