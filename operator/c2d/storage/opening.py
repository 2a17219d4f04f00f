"""Opens the storage that a target names. What a kind needs is loaded with the first of it: botocore takes its time."""
# ruff: noqa: PLC0415

import os
from pathlib import Path

from c2d.api.environment import IpfsTarget, S3Target
from c2d.storage.store import Objects, Store

# A folder with a folder of headers for each Secret, for programs outside of a cluster.
HEADERS = "C2D_IPFS_HEADERS"


def open_store(target: S3Target | IpfsTarget, secrets: Path) -> Store:
    """To write to. Credentials for S3 are those of the environment; headers for IPFS are below `secrets`."""
    if isinstance(target, IpfsTarget):
        from c2d.storage import ipfs

        return ipfs.open_store(target, secrets)
    from c2d.storage import s3

    return s3.open_store(target)


def open_published(target: S3Target | IpfsTarget) -> Objects:
    """To read from, by a person: for IPFS, headers are in the folder that C2D_IPFS_HEADERS names, if it names one."""
    if isinstance(target, IpfsTarget):
        from c2d.storage import ipfs

        folder = os.environ.get(HEADERS)
        asked = target if folder else target.model_copy(update={"headers_secret_name": None})
        return ipfs.open_published(asked, Path(folder or "."))
    from c2d.storage import s3

    return s3.open_store(target)
