"""Stores everything of a job, then the manifest, then deletes what an earlier run left and the manifest doesn't name.

The manifest is the commit point: before it, nothing counts; a run that was killed is simply run again. Where the
address of results is made of what they are, as on IPFS, it is there with the store's `finish`.

Each attempt writes below a prefix of its own, because the pod before it may live on where nobody sees it: both could
be at work, and manifest and logs differ from one to the other.
"""

from collections.abc import Callable, Iterator, Sequence, Set
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path

from c2d.api import receipt, volume
from c2d.api.job import ResultEntry
from c2d.api.manifest import Kind, Manifest, Result
from c2d.api.plan import PublishPlan
from c2d.inpod.tally import Tally
from c2d.publish import contents, hostile, logs, outputs, receipts, signing
from c2d.publish.limits import Limits
from c2d.publish.readers import Pieces
from c2d.publish.skips import Skips
from c2d.publish.upload import Hashing, Sent, Uploader
from c2d.storage.errors import Denied, Refused
from c2d.storage.store import Store

MANIFEST = "manifest.json"
FILES_AT_ONCE = 8
FILES_AT_ONCE_ON_IPFS = 256  # those that wait together go in one request
SKIPS_LOGGED = 20
FEW = 32  # results that a report of 4 KiB may have room for


@dataclass(frozen=True)
class World:
    """What a run takes from outside: time, and somebody to tell; and its tally."""

    now: Callable[[], datetime]
    say: Callable[[str], None]
    tally: Tally = field(default_factory=Tally)


@dataclass(frozen=True)
class Published:
    """What is stored now."""

    location: str
    manifest: str  # the manifest's key
    manifest_sha256: str
    count: int
    bytes: int
    skipped: int
    files: tuple[ResultEntry, ...]  # all of them, or none where they are many


@dataclass(frozen=True)
class Publication:
    """One job's results, on their way from its volume to the storage."""

    plan: PublishPlan
    data: Path
    store: Store
    world: World
    limits: Limits

    @property
    def _uploader(self) -> Uploader:
        return Uploader(self.store, self.plan.prefix, self.world.tally)

    def run(self, with_outputs: bool) -> Published:
        """Publishes outputs, if asked for, and logs. Raises StorageError and PublishError."""
        self._make_room()
        skips = Skips()
        outputs_sent = self._send_outputs(skips) if with_outputs else []
        logs_sent = self._send_logs(skips)
        everything = [*outputs_sent, *logs_sent.values()]
        manifest = self._commit(self._head(with_outputs, skips), contents.results(outputs_sent, logs_sent))
        papers = {MANIFEST, *self._send_receipt(manifest, everything)}
        self._delete_stale(everything, papers)
        finished = self.store.finish(self.plan.prefix)
        return Published(
            location=finished.location,
            manifest=f"{finished.prefix}/{MANIFEST}",
            manifest_sha256=manifest.digest.hex(),
            count=len(everything),
            bytes=sum(sent.size for sent in everything),
            skipped=skips.count,
            files=tuple(contents.entries(everything)) if len(everything) <= FEW else (),
        )

    def _make_room(self) -> None:
        """Frees what killed attempts left; only a store that won't let us leaves it there."""
        try:
            for prefix in self.plan.earlier_prefixes:
                self.store.discard_unfinished(f"{prefix}/")
                self.store.delete(self.store.keys(f"{prefix}/"))
            self.store.discard_unfinished(f"{self.plan.prefix}/")
        except (Denied, Refused) as error:
            self.world.say(f"what earlier attempts left can't be deleted: {error}")

    def _send_outputs(self, skips: Skips) -> list[Sent]:
        at_once = FILES_AT_ONCE if self.plan.ipfs is None else FILES_AT_ONCE_ON_IPFS
        with ThreadPoolExecutor(at_once, thread_name_prefix="file") as pool:
            sent = outputs.publish(self.data / volume.OUTPUTS, self._uploader, pool, self.limits, skips, at_once)
        self.world.say(f"outputs: {len(sent)} files, {sum(file.size for file in sent)} bytes, {skips.count} skipped")
        for skipped in skips.listed[:SKIPS_LOGGED]:
            self.world.say(f"skipped {skipped.filename}: {skipped.reason}")
        return sent

    def _send_logs(self, skips: Skips) -> dict[Kind, Sent]:
        """Our own log comes last, so that it tells of everything before it."""
        sent = {kind: self._send_log(kind, skips) for kind in contents.LOG_ORDER}
        return {kind: log for kind, log in sent.items() if log is not None}

    def _send_log(self, kind: Kind, skips: Skips) -> Sent | None:
        try:
            return logs.publish(self.data, kind, self._uploader)
        except OSError as error:
            reason = f"the log can't be read: {hostile.explain(error)}"
        skips.add(logs.PATHS[kind].name, reason)
        self.world.say(f"skipped {logs.PATHS[kind].name}: {reason}")
        return None

    def _head(self, with_outputs: bool, skips: Skips) -> Manifest:
        return Manifest(
            job=self.plan.job,
            uid=self.plan.uid,
            agreement_id=self.plan.agreement_id,
            published_at=self.world.now(),
            outputs=with_outputs,
            skipped=skips.listed,
            skipped_count=skips.count,
            results=[],
        )

    def _commit(self, head: Manifest, results: Iterator[Result]) -> Hashing:
        return self._uploader.put(MANIFEST, Pieces(contents.render(head, results)), 0)

    def _send_receipt(self, manifest: Hashing, published: Sequence[Sent]) -> Iterator[str]:
        """Gives its key, if the plan wants one."""
        if self.plan.receipt is not None:
            fetched, sizes = receipts.inputs(self.data), [sent.size for sent in published]
            facts, now = self.plan.receipt, self.world.now()
            made = receipts.make(self.plan, facts, fetched, manifest.digest.hex(), sizes, now)
            text = signing.signed(made, self.plan.signer, self.world.say).model_dump_json(by_alias=True).encode()
            self._uploader.put(receipt.FILE, Pieces([text]), len(text))
            yield receipt.FILE

    def _delete_stale(self, published: Sequence[Sent], papers: Set[str]) -> None:
        """All that was published is there now, so only where there is more can something be stale."""
        prefix = f"{self.plan.prefix}/"
        try:
            if sum(1 for _ in self.store.keys(prefix)) > len(published) + len(papers):
                wanted = {sent.key for sent in published} | papers
                self.store.delete(key for key in self.store.keys(prefix) if key.removeprefix(prefix) not in wanted)
        except (Denied, Refused) as error:
            self.world.say(f"what earlier runs stored can't be deleted: {error}")
