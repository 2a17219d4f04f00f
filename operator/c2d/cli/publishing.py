"""`c2d publish`: what the publish pod does, in this process and for a person."""

import pathlib
import urllib.parse
import uuid
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime

import pydantic
import rich.table
import rich.text

from c2d.api import volume
from c2d.api.environment import IpfsTarget, S3Target
from c2d.api.plan import PublishPlan
from c2d.cli import errors, results, terminal, wording
from c2d.inpod.log import STDERR, open_log
from c2d.publish.errors import PublishError
from c2d.publish.limits import Limits
from c2d.publish.publication import Publication, Published, World
from c2d.storage.errors import Denied, StorageError
from c2d.storage.folder import FolderStore
from c2d.storage.opening import open_store
from c2d.storage.results import read_manifest
from c2d.storage.store import Store

_NAMESPACE = "by-hand"
_REGION = "us-east-1"
_PLACES = "Name s3://BUCKET/PREFIX, ipfs://HOST:PORT of a node's RPC API, or a folder; --endpoint is an http URL."
_KEYS = "Set AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY to keys that may write to the bucket."
_ROOM = "Name a folder with --to that can be written to and has room."


@dataclass(frozen=True)
class Place:
    """Where to publish to: one of these."""

    s3: S3Target | None = None
    ipfs: IpfsTarget | None = None
    folder: pathlib.Path | None = None


def place(text: str, endpoint: str | None, environ: Mapping[str, str]) -> Place:
    """The place that was named. Raises Misused."""
    scheme, mark, rest = text.partition("://")
    try:
        if not mark:
            return Place(folder=pathlib.Path(text))
        if scheme == "s3":
            region = environ.get("AWS_REGION") or _REGION
            bucket, _, prefix = rest.partition("/")
            return Place(s3=S3Target(endpoint=endpoint, region=region, bucket=bucket, prefix=prefix))
        if scheme == "ipfs" and urllib.parse.urlsplit(text).port and "/" not in rest.rstrip("/"):
            return Place(ipfs=IpfsTarget(api_url=f"http://{rest.rstrip('/')}"))
    except (pydantic.ValidationError, ValueError):
        pass
    raise errors.Misused(f"{wording.plain(text)} is no place to publish to", _PLACES)


def publish(path: pathlib.Path, to: Place, *, with_outputs: bool) -> None:
    """Publishes what is in the folder and prints what is stored where. Raises CliError and StorageError."""
    _require_apart(path, to.folder)
    uid = str(uuid.uuid4())
    plan = PublishPlan(job=f"{_NAMESPACE}/{uid}", uid=uid, s3=to.s3, ipfs=to.ipfs)
    store = _open(to)
    log = open_log(_now, path / volume.PUBLISH_LOG, STDERR)
    log.say(f"publishing {path}" + ("" if with_outputs else ", logs only"))
    publication = Publication(plan, path, store, World(now=_now, say=log.say), Limits())
    try:
        published = publication.run(with_outputs)
    except PublishError as error:
        raise errors.NotAvailable(str(error), "Name a folder that `c2d configure` filled.") from error
    except StorageError as error:
        # The remedies of the other commands are for those who read.
        if to.folder is None and not isinstance(error, Denied):
            raise
        raise errors.NotAvailable(str(error), _KEYS if to.folder is None else _ROOM) from error
    # Read back, so that what is shown is what anybody will find.
    manifest = read_manifest(store, plan.prefix, published.manifest_sha256)
    terminal.answers().print(results.table(manifest))
    terminal.answers().print(_page(plan, published))


def _page(plan: PublishPlan, published: Published) -> rich.table.Table:
    found = rich.table.Table.grid(padding=(0, 2, 0, 0))
    rows = [("job", plan.uid), ("location", published.location), ("manifest sha256", published.manifest_sha256)]
    if published.skipped:
        rows.append(("skipped", f"{published.skipped}; the manifest says which and why"))
    for name, value in rows:
        found.add_row(rich.text.Text(name, style="dim"), rich.text.Text(wording.plain(value), overflow="fold"))
    return found


def _open(to: Place) -> Store:
    if to.folder is not None:
        return FolderStore(to.folder.resolve())
    target = to.s3 or to.ipfs
    if target is None:
        raise AssertionError("a place is one of three")
    return open_store(target, pathlib.Path())


def _require_apart(path: pathlib.Path, folder: pathlib.Path | None) -> None:
    """A folder inside of what is published would be published into itself."""
    if not path.is_dir():
        raise errors.Misused(f"{path} is not a folder", "Name one that `c2d configure` filled with --path.")
    if folder is not None and folder.resolve().is_relative_to(path.resolve()):
        raise errors.Misused(f"{folder} is inside of {path}, which is to be published", "Name another one with --to.")


def _now() -> datetime:
    return datetime.now(UTC)
