"""Finds out what an order is for: the asset's DDO, its Provider, and how many files there are."""

import asyncio
import json
from dataclasses import dataclass, field
from hashlib import sha256
from pathlib import Path, PurePosixPath
from typing import Any

from c2d.api import volume
from c2d.api.plan import PlannedAsset
from c2d.configure import address, place
from c2d.configure.asking import Asker, Question
from c2d.configure.errors import DownloadFailed
from c2d.configure.tasks import Stored, Task, tasks_of_asset
from c2d.configure.transport import Request
from c2d.ocean import aquarius, ddo, provider
from c2d.ocean.ddo import Ddo, Service
from c2d.ocean.errors import AssetInvalid
from c2d.ocean.provider import Endpoints, Order

_DDO_MODE = 0o644
_USER_DATA_LIMIT = 2_000_000  # characters
_JSON = {"Accept": "application/json", "Content-Type": "application/json"}


@dataclass(frozen=True)
class Opened:
    """An asset, and the tasks that bring its files."""

    asset: PlannedAsset
    ddo: Ddo
    service: Service
    tasks: tuple[Task, ...]
    note: Stored  # the DDO on the volume


@dataclass(frozen=True)
class Assets:
    data: Path
    asker: Asker
    writing: asyncio.Lock = field(default_factory=asyncio.Lock)

    async def open(self, asset: PlannedAsset) -> Opened:
        """Raises DownloadFailed."""
        try:
            return await self._open(asset)
        except AssetInvalid as error:
            raise DownloadFailed(f"{asset.did}: {error}") from error

    async def _open(self, asset: PlannedAsset) -> Opened:
        content = await self._fetch_ddo(asset)
        found = ddo.parse(content, asset.did)
        service = found.service(asset.service_id)
        note = await self._keep(asset, content)
        order = Order(asset.did, asset.service_id, asset.transfer_tx_id, _user_data(asset))
        shown = address.of_server(service.endpoint, f"the Provider in the DDO of {asset.did}").shown
        endpoints = await self._discover(asset, provider.root(service.endpoint), shown)
        count = await self._count(order, endpoints, shown)
        self.asker.world.say(f"{asset.did}: {count} files at {shown}")
        return Opened(asset, found, service, tasks_of_asset(asset, endpoints.download, order, count), note)

    async def _fetch_ddo(self, asset: PlannedAsset) -> bytes:
        server = address.of_server(asset.metadata_uri, f"the metadata store of {asset.did}")
        url = aquarius.ddo_url(server.url, asset.did)
        self.asker.world.say(f"{asset.did}: fetching its DDO from {server.shown}")
        request = Request(url, headers=_JSON)
        return await self.asker.ask(Question(f"the DDO of {asset.did}", server.shown, lambda: request, ddo.LIMIT))

    async def _keep(self, asset: PlannedAsset, content: bytes) -> Stored:
        """The DDO, byte for byte as it came, where algorithms look for it."""
        path = PurePosixPath(volume.DDOS, volume.short_id(asset.did))
        async with self.writing:  # an asset may be there twice, as data and as code
            await asyncio.to_thread(place.write, self.data, self.data / path, content, _DDO_MODE)
        return Stored(path, len(content), sha256(content).hexdigest())

    async def _discover(self, asset: PlannedAsset, base: str, shown: str) -> Endpoints:
        request = Request(base or "/", headers=_JSON)
        question = Question(f"the Provider of {asset.did}", shown, lambda: request, provider.ANSWER_LIMIT)
        try:
            return provider.endpoints(base, await self.asker.ask(question))
        except DownloadFailed as error:
            if error.may_pass:
                raise
            self.asker.world.say(f"{error}; its services are looked for at their usual places")
            return provider.standard_endpoints(base)

    async def _count(self, order: Order, endpoints: Endpoints, shown: str) -> int:
        request = Request(endpoints.fileinfo, "POST", _JSON, provider.fileinfo_body(order))
        question = Question(f"the files of {order.did}", shown, lambda: request, provider.ANSWER_LIMIT)
        return provider.count_files(await self.asker.ask(question))


def _user_data(asset: PlannedAsset) -> Any:
    if asset.user_data_file is None:
        return asset.user_data
    path = PurePosixPath(asset.user_data_file)
    text = address.read_secret(path, "the user data", _USER_DATA_LIMIT)
    try:
        return json.loads(text)
    except (ValueError, RecursionError):
        # Without `from`: the error holds the text.
        raise DownloadFailed(f"{address.secret_name(path, 'the user data')} is not JSON") from None
