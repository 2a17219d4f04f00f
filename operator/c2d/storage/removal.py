"""Removes what a job published, and nothing of any other job."""

import asyncio
import re
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor

from c2d.api.environment import IpfsTarget, VolumeTarget
from c2d.api.plan import ATTEMPTS, own_place
from c2d.storage import ipfs, targets
from c2d.storage.errors import Refused
from c2d.storage.presign import Clients
from c2d.storage.s3 import S3Store
from c2d.storage.store import Store
from c2d.storage.targets import Target

AT_ONCE = 2
# Kubernetes gives UUIDs; whatever it may give in future, a short one is somebody's mistake.
_UID = re.compile("[0-9A-Za-z-]{16,64}")


class Remover:
    """Removes results in threads of its own; to be closed."""

    def __init__(self, clients: Clients) -> None:
        self._clients = clients
        self._threads = ThreadPoolExecutor(AT_ONCE, thread_name_prefix="remove")

    async def remove(self, target: Target, prefix: str, uid: str) -> int:
        """Deletes all objects below `s3://bucket/<prefix>/`; gives how many. Repeating it is fine.

        What an earlier attempt of publishing wrote too late goes as well. On IPFS, the job's folder and its pin go,
        and its blocks with the node's next garbage collection; what other nodes have copied meanwhile stays there.

        Raises StorageError: Refused where the prefix doesn't end in the job's UID. Once begun, it goes on even if
        nobody waits for it any more. In a bucket that keeps versions, older versions stay.
        """
        run = asyncio.get_running_loop().run_in_executor
        return await run(self._threads, self._remove, target, prefix, uid)

    def close(self) -> None:
        """Doesn't wait for what was begun."""
        self._threads.shutdown(wait=False, cancel_futures=True)

    def _remove(self, target: Target, prefix: str, uid: str) -> int:
        if isinstance(target, IpfsTarget):
            store = ipfs.open_store(target, self._clients.folder)
            return sum(remove_folder(store, folder, uid) for folder in targets.folders(target, uid))
        if isinstance(target, VolumeTarget):
            raise Refused("what stays on a job's volume goes with it")
        bucket = S3Store(self._clients.client(target), target.bucket)
        return remove_all(bucket, prefix, uid)


def remove_all(store: Store, prefix: str, uid: str) -> int:
    """The same on any store, where the caller is."""
    return sum(_empty(store, own) for own in attempts(prefix, uid))


def _empty(store: Store, prefix: str) -> int:
    count = 0

    def found() -> Iterator[str]:
        nonlocal count
        for key in store.keys(f"{prefix}/"):
            if not key.startswith(f"{prefix}/"):
                raise Refused("the server lists objects that were not asked for")
            count += 1
            yield key

    store.delete(found())
    store.discard_unfinished(f"{prefix}/")
    return count


def remove_folder(store: Store, folder: str, uid: str) -> int:
    """The same on IPFS, where a job has one folder; a CID that a status names counts for nothing."""
    if not _UID.fullmatch(uid):
        raise _not_its_own()
    count = sum(1 for _ in store.keys(f"{folder}/"))
    store.discard_unfinished(f"{folder}/")
    return count


def attempts(prefix: str, uid: str) -> list[str]:
    """The prefix, and those of the attempts before it. Raises Refused where it could be another's than this job's."""
    before, _, last = prefix.rpartition("/")
    known = [own_place(uid, attempt) for attempt in range(ATTEMPTS)]
    if not _UID.fullmatch(uid) or last not in known or {"", ".", ".."} & set(before.split("/")):
        raise _not_its_own()
    return [f"{before}/{place}" for place in known[: known.index(last) + 1]]


def _not_its_own() -> Refused:
    return Refused("only what is below a job's own UID is ever removed")
