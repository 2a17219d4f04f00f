"""Makes assets of results, beside the work on jobs: one transaction at a time on each chain.

What is done is written into `status.asset` before and after it happens, and by nobody else while it is under way: a
transaction is signed, written down, and only then sent. Whoever comes after a crash finds it there and sends the very
same one, which a chain takes once. While one is under way no other is made, so that none waits behind a number that was
never sent. `asset` has what follows for the job.

Modules that import web3 are imported where they are needed: an engine that publishes nothing never loads it.
"""
# ruff: noqa: PLC0415

import asyncio
import logging
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from c2d.api.job import AssetState, AssetStatus, AssetStep, AssetTransaction
from c2d.api.reasons import AssetReason
from c2d.chain import encrypt, errors, loading
from c2d.chain.settings import Chain
from c2d.chain.settled import Mined, Overtaken
from c2d.engine import asset
from c2d.engine import status as to
from c2d.engine.observe import World
from c2d.engine.patch import merge_patch
from c2d.engine.queue import WorkQueue
from c2d.engine.state import Job
from c2d.kube import errors as kube_errors
from c2d.kube.client import Client
from c2d.kube.resources import JOBS, Object, uid_of
from c2d.ocean import asset as ocean
from c2d.ocean import provider
from c2d.ocean.asset import Contracts
from c2d.ocean.signatures import PrivateKey, checksum_address

if TYPE_CHECKING:
    from c2d.chain.account import Account

logger = logging.getLogger(__name__)

Key = tuple[str, str]

POLL = 2.0  # seconds between two looks at a transaction
_FIRST_RETRY, _LAST_RETRY = 2.0, 60.0  # seconds after trouble, doubled each time

_REASONS: dict[type[errors.ChainError], AssetReason] = {
    errors.WrongChain: AssetReason.WRONG_CHAIN,
    errors.InsufficientFunds: AssetReason.INSUFFICIENT_FUNDS,
    errors.FeesTooHigh: AssetReason.FEES_TOO_HIGH,
    errors.Refused: AssetReason.TRANSACTION_REFUSED,
    errors.Reverted: AssetReason.TRANSACTION_REVERTED,
    errors.EncryptUnreachable: AssetReason.PROVIDER_UNREACHABLE,
    errors.EncryptRefused: AssetReason.PROVIDER_REFUSED,
    errors.TooLarge: AssetReason.DDO_TOO_LARGE,
}
# Time changes nothing about these.
_FINAL = (errors.Reverted, errors.EncryptRefused, errors.TooLarge)


class Minter:
    """Publishes on one chain, with one account. `done` is told of jobs whose asset is there or given up."""

    def __init__(
        self,
        client: Client,
        world: World,
        chain: Chain,
        key: PrivateKey,
        done: Callable[[Key], None],
        poll: float = POLL,
    ) -> None:
        self.queue: WorkQueue[Key] = WorkQueue()
        self._client = client
        self._world = world
        self._chain = chain
        self._key = key
        self._done = done
        self._poll = poll
        self._failures: dict[Key, int] = {}
        self._account: Account | None = None

    async def work(self) -> None:
        """Run for ever."""
        try:
            while True:
                key = await self.queue.get()
                try:
                    await self._attempt(key)
                finally:
                    self.queue.done(key)
        finally:
            await self._disconnect()

    async def _attempt(self, key: Key) -> None:
        try:
            wake_after = await self.advance(key)
        except kube_errors.KubeError as error:
            logger.warning("%s/%s: %s: %s", *key, type(error).__name__, error)
            wake_after = self._later(key)
        except Exception:
            logger.exception("%s/%s: this is a bug", *key)
            wake_after = self._later(key)
        if wake_after is not None:
            self.queue.wake_after(key, wake_after)

    async def advance(self, key: Key) -> float | None:
        """One step of this job's asset. Returns seconds until the next; None: there is none. Raises KubeError."""
        item = self._world.jobs.get(key)
        job = self._world.job(item) if item is not None else None
        if item is None or job is None or not self._is_ours(job):
            self._failures.pop(key, None)
            return None
        try:
            after = await self._step(job)
        except errors.ChainError as error:
            return await self._troubled(key, item, job, error)
        self._failures.pop(key, None)
        if after is None:
            return self._poll
        await self._record(item, after)
        return 0 if after.state is AssetState.IN_PROGRESS else None

    async def _step(self, job: Job) -> AssetStatus | None:
        """What to write down now; None: nothing, it is waited. Raises ChainError."""
        found = asset.asset_of(job.status)
        if found.transaction is None:
            if self._another_waits(job):
                return None
            prepared = await self._prepare(job, found)
            logger.info("%s: asset: %s is transaction %s", job.full_name, found.step, prepared.hashes[-1])
            return _with(found, transaction=prepared)
        account = await self._connected()
        settled = await account.settle(found.transaction)
        if settled is None:
            return None
        if isinstance(settled, AssetTransaction):
            return _with(found, transaction=settled)
        if isinstance(settled, Overtaken):
            logger.warning("%s: transaction %s was overtaken", job.full_name, found.transaction.hashes[-1])
            return _with(found, transaction=None)
        logger.info("%s: asset: %s is mined in block %s", job.full_name, found.step, settled.block)
        return self._mined(found, settled)

    async def _prepare(self, job: Job, found: AssetStatus) -> AssetTransaction:
        account, address = await self._connected(), self._key.address
        from c2d.chain import calls

        match found.step:
            case AssetStep.CREATE:
                to_, data = self._chain.factory_address, calls.create(asset.description(job).name, address)
            case AssetStep.DESCRIBE:
                to_, data = found.nft_address, await self._describe(job, found)
            case AssetStep.HAND_OVER:
                owner = checksum_address(job.spec.owner if job.spec else "")
                to_, data = found.nft_address, calls.hand_over(address, owner)
        return await account.prepare(to_, data)

    async def _describe(self, job: Job, found: AssetStatus) -> bytes:
        """Files and DDO, each encrypted by the Provider that will hand the files out."""
        environment, results = to.environment_of(job.status), job.status.results
        if results is None:
            raise AssertionError("an asset is published after the results")
        url, chain_id = provider.root(asset.offer_of(job.status).provider_url), found.chain_id
        contracts = Contracts(chain_id, found.nft_address, found.datatoken_address)
        async with encrypt.session() as session:
            known = await encrypt.discover(session, url, chain_id)
            files = ocean.files(contracts, asset.files(results, environment))
            served = await encrypt.encrypt(session, known, chain_id, files)
            document = ocean.document(contracts, asset.description(job), url, served)
            hidden = await encrypt.encrypt(session, known, chain_id, document)
        from c2d.chain import calls

        return calls.describe(document, bytes.fromhex(hidden[2:]), calls.Encryption(url, known.address))

    def _mined(self, found: AssetStatus, mined: Mined) -> AssetStatus:
        """Raises Reverted."""
        if not mined.succeeded:
            raise errors.Reverted(f"transaction {mined.hash} failed")
        after = _with(found, transaction=None, mined=[*found.mined, mined.hash])
        match found.step:
            case AssetStep.CREATE:
                from c2d.chain import calls

                made = calls.created(mined.receipt, self._chain.factory_address)
                changes: dict[str, Any] = {
                    "nft_address": made.nft,
                    "datatoken_address": made.datatoken,
                    "step": AssetStep.DESCRIBE,
                }
            case AssetStep.DESCRIBE:
                changes = {"step": AssetStep.HAND_OVER}
            case AssetStep.HAND_OVER:
                changes = {"state": AssetState.PUBLISHED}
        return _with(after, **changes)

    async def _troubled(self, key: Key, item: Object, job: Job, error: errors.ChainError) -> float | None:
        """Say so in the status, once; whether it passes is seen later, up to the asset's own limit of time."""
        await self._disconnect()
        final = isinstance(error, _FINAL)
        reason = _REASONS.get(type(error), AssetReason.CHAIN_UNREACHABLE)
        found = asset.asset_of(job.status)
        state = AssetState.FAILED if final else found.state
        after = found.model_copy(update={"state": state, "reason": reason, "message": str(error)[:1000]})
        if after != found:
            logger.warning("%s: asset: %s: %s", job.full_name, reason, error)
            await self._record(item, after)
        return None if final else self._later(key)

    def _later(self, key: Key) -> float:
        count = self._failures.get(key, 0)
        self._failures[key] = count + 1
        return min(_FIRST_RETRY * 2.0**count, _LAST_RETRY)

    async def _record(self, item: Object, after: AssetStatus) -> None:
        """Write it down. Raises KubeError: Conflict when the job is not what it was, and then nothing was decided."""
        dumped = after.model_dump(mode="json", by_alias=True, exclude_none=True)
        before = item.get("status", {}).get("asset", {})
        metadata = item["metadata"]
        body = {
            "metadata": {"resourceVersion": metadata["resourceVersion"]},
            "status": {"asset": merge_patch(before, dumped)},
        }
        try:
            written = await self._client.patch(JOBS, metadata["namespace"], metadata["name"], body, "status")
        except kube_errors.Conflict:
            self._world.saw_job(await self._client.get(JOBS, metadata["namespace"], metadata["name"]))
            raise
        self._world.saw_job(written)
        if after.state is not AssetState.IN_PROGRESS:
            self._done((metadata["namespace"], metadata["name"]))

    def _is_ours(self, job: Job) -> bool:
        under_way = asset.is_under_way(job.status) and not job.deleting
        return under_way and asset.asset_of(job.status).chain_id == self._chain.chain_id

    def _another_waits(self, job: Job) -> bool:
        """Whether a transaction of another job is under way: until it is settled its number is taken."""
        others = (self._world.job(item) for item in self._world.jobs if uid_of(item) != job.uid)
        return any(self._is_ours(other) and asset.asset_of(other.status).transaction is not None for other in others)

    async def _connected(self) -> "Account":
        """The account; its node was seen to serve the right chain. Raises ChainError."""
        if self._account is None:
            await asyncio.to_thread(loading.load)
            from c2d.chain.account import Account
            from c2d.chain.node import Node

            node = Node(self._chain)
            try:
                await node.check()
            except errors.ChainError:
                await node.close()
                raise
            self._account = Account(self._chain, self._key.address, self._key.sign_hash, node)
        return self._account

    async def _disconnect(self) -> None:
        account, self._account = self._account, None
        if account is not None:
            await account.node.close()


def _with(found: AssetStatus, **changes: Any) -> AssetStatus:
    """It went on, so whatever was in the way is not any more."""
    return found.model_copy(update={"reason": None, "message": "", **changes})
