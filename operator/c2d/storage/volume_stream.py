"""Objects on a job's volume, read through the pod that reads it, which answers as a server of files does."""

import contextlib
from collections.abc import Iterator, Mapping
from typing import Protocol
from urllib.parse import quote

import aiohttp
import yarl

from c2d.api import reading
from c2d.api.environment import VolumeTarget
from c2d.storage.errors import Corrupt, Denied, Missing, Refused, StorageError, Unavailable, Unsatisfiable
from c2d.storage.ipfs_stream import Answer

_ERRORS: dict[int, tuple[type[StorageError], str]] = {
    401: (Denied, "the reader of the volume doesn't take our token"),
    404: (Missing, "the object is not on the volume"),
    412: (Corrupt, "an object on the volume was replaced while it was read"),
    416: (Unsatisfiable, "the range begins behind the object's end"),
}


class Readers(Protocol):
    """Knows where a job's volume is read, and has a pod started that does, where there is none."""

    async def address(self, target: VolumeTarget, prefix: str) -> str:
        """The pod's, as `http://<address>:<port>`. Raises StorageError: Missing where there is no volume any more."""

    async def token(self) -> str:
        """What the pod knows us by. Raises StorageError."""

    def lost(self, prefix: str) -> None:
        """What was last told of this one isn't so any more."""


class Nobody:
    """Where nothing is on volumes."""

    async def address(self, target: VolumeTarget, prefix: str) -> str:  # noqa: ARG002
        raise Unavailable("results on a volume can't be read from here")

    async def token(self) -> str:
        raise Unavailable("results on a volume can't be read from here")

    def lost(self, prefix: str) -> None:
        """Nothing was told."""


async def get(
    session: aiohttp.ClientSession, readers: Readers, target: VolumeTarget, key: str, headers: Mapping[str, str]
) -> Answer:
    """A good answer. Raises StorageError, and errors of aiohttp."""
    prefix = prefix_of(key)
    address, token = await readers.address(target, prefix), await readers.token()
    url = yarl.URL(f"{address}/{quote(key)}", encoded=True)
    with _lost_with_errors(readers, prefix):
        response = await session.get(url, headers={**headers, reading.TOKEN_HEADER: token}, allow_redirects=False)
        if response.status in (200, 206):
            return response
        response.close()
        kind, text = _ERRORS.get(response.status, (Refused, f"the volume's reader answered {response.status}"))
        raise Unavailable(text) if response.status >= 500 else kind(text)


def prefix_of(key: str) -> str:
    """The job's own, which has two parts: the claim and the job's UID."""
    return "/".join(key.split("/", 2)[:2])


@contextlib.contextmanager
def _lost_with_errors(readers: Readers, prefix: str) -> Iterator[None]:
    try:
        yield
    except (aiohttp.ClientError, OSError, Denied, Unavailable):
        # Another pod may have the address by now.
        readers.lost(prefix)
        raise
