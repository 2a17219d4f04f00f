"""Results of jobs: what there is, and the bytes of one."""

import logging
from dataclasses import dataclass

from c2d.api.manifest import Kind, Result
from c2d.service.records import Listed, Published
from c2d.storage.errors import StorageError
from c2d.storage.listing import Manifests
from c2d.storage.stream import Opened, Reader

logger = logging.getLogger(__name__)


@dataclass(frozen=True)
class Results:
    """Reads what jobs have published. Everything raises StorageError."""

    reader: Reader
    manifests: Manifests

    async def listed(self, published: Published) -> tuple[Listed, ...]:
        """The first ten thousand results; none while the storage is out of reach, as then none can be fetched."""
        try:
            found = await self.manifests.listing(published.target, published.prefix, published.manifest_sha256)
        except StorageError as error:
            logger.warning("results below %s are not listed: %s", published.prefix, error)
            return ()
        return tuple(Listed(item.filename, item.filesize, item.type) for item in found.results)

    async def at(self, published: Published, index: int) -> Result | None:
        """The result with that index."""
        place = published.target, published.prefix, published.manifest_sha256
        return (await self.manifests.lookup(*place, index)).result

    async def log(self, published: Published, kind: Kind) -> Result | None:
        """The log of that kind; logs come last."""
        for index in reversed(range(published.count)):
            result = await self.at(published, index)
            if result is None or result.type is kind:
                return result
            if result.type is Kind.OUTPUT:
                break
        return None

    async def open(self, published: Published, result: Result, span: str | None = None) -> Opened:
        """Its bytes, or those of a range as a client asks for it."""
        return await self.reader.open(published.target, f"{published.prefix}/{result.key}", span)
