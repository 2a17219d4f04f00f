"""Reads what was published: the manifest, and all results into a folder."""

import contextlib
import hashlib
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path, PurePosixPath

import pydantic

from c2d.api import receipt
from c2d.api.manifest import Kind, Manifest, Result
from c2d.storage.errors import Corrupt, Missing
from c2d.storage.store import Objects

MANIFEST = "manifest.json"
RECEIPT = receipt.FILE
# What `c2d crate` may put beside them.
CRATE = "ro-crate-metadata.json"
AT_ONCE = 4
DRAFTS = ".c2d-unfinished"

# Bytes; what file systems take for one name, and what they take for sure for many.
_NAME_LIMIT = 255
_PATH_LIMIT = 1024

# Told of each result as soon as it is in the folder, from several threads.
Progress = Callable[[Result, Path], None]


def fetch_all(store: Objects, prefix: str, folder: Path, progress: Progress, manifest_sha256: str = "") -> Manifest:
    """Brings all results below the prefix into the folder.

    Outputs go to `outputs/`, logs to `logs/`, and what has too long a name to `long/`; manifest.json, and receipt.json
    where there is one, come beside these. Every file is verified before
    it gets its name. With `manifest_sha256`, which a job's status holds, the manifest is verified as well. Raises
    StorageError; an OSError is the folder's.
    """
    text = _manifest_text(store, prefix, manifest_sha256)
    manifest = _parse(text)
    places = [(result, folder / place(result)) for result in manifest.results]
    # Beside the results and not among them, where a result could have the name of a draft.
    drafts = folder / DRAFTS
    drafts.mkdir(parents=True, exist_ok=True)

    def bring(item: tuple[Result, Path]) -> None:
        result, path = item
        _fetch(store, f"{prefix}/{result.key}", result, drafts / str(result.index), path)
        progress(result, path)

    with ThreadPoolExecutor(AT_ONCE) as pool:
        for _ in pool.map(bring, places):
            pass
    drafts.rmdir()
    _keep_papers(store, prefix, folder, text)
    return manifest


def _keep_papers(store: Objects, prefix: str, folder: Path, manifest: bytes) -> None:
    """Manifest and receipt, so that the folder can be verified later; last, as they say that all is there."""
    (folder / RECEIPT).unlink(missing_ok=True)
    with contextlib.suppress(Missing):
        (folder / RECEIPT).write_bytes(b"".join(store.get(f"{prefix}/{RECEIPT}")))
    (folder / MANIFEST).write_bytes(manifest)


def read_manifest(store: Objects, prefix: str, sha256: str = "") -> Manifest:
    """The manifest below the prefix. Raises StorageError: Missing where nothing was published."""
    return _parse(_manifest_text(store, prefix, sha256))


def _manifest_text(store: Objects, prefix: str, sha256: str) -> bytes:
    content = b"".join(store.get(f"{prefix}/{MANIFEST}"))
    if sha256 and hashlib.sha256(content).hexdigest() != sha256:
        raise Corrupt("the manifest is not the one that the job wrote")
    return content


def _parse(content: bytes) -> Manifest:
    try:
        return Manifest.model_validate_json(content)
    except pydantic.ValidationError as error:
        raise Corrupt("the manifest can't be understood") from error


def read_log(store: Objects, prefix: str, kind: Kind, manifest_sha256: str = "") -> Iterator[bytes]:
    """The published log of that kind. Raises StorageError: Missing where the job published none."""
    manifest = read_manifest(store, prefix, manifest_sha256)
    result = next((result for result in manifest.results if result.type is kind), None)
    if result is None:
        raise Missing(f"the job published no {kind}")
    return store.get(f"{prefix}/{result.key}")


def place(result: Result) -> PurePosixPath:
    """Where a result goes, relative to the folder and always inside of it. Raises Corrupt for any other name."""
    top = "outputs" if result.type is Kind.OUTPUT else "logs"
    names = result.filename.split("/")
    if any(name in ("", ".", "..") or not name.isprintable() or "\\" in name for name in names):
        raise Corrupt(f"the manifest has a result with the name {result.filename!r}, which publish never gives")
    if len(result.filename.encode()) > _PATH_LIMIT:
        return PurePosixPath("long", hashlib.sha256(result.filename.encode()).hexdigest())
    return PurePosixPath(top, *map(_short, names))


def _short(name: str) -> str:
    """The name, or as much of it as a file system takes and a hash that keeps it apart from others."""
    encoded = name.encode()
    if len(encoded) <= _NAME_LIMIT:
        return name
    return f"{encoded[:200].decode(errors='ignore')}~{hashlib.sha256(encoded).hexdigest()[:32]}"


def _fetch(store: Objects, key: str, result: Result, draft: Path, path: Path) -> None:
    try:
        _fetch_verified(store, key, result, draft)
        path.parent.mkdir(parents=True, exist_ok=True)
        draft.replace(path)
    finally:
        draft.unlink(missing_ok=True)


def _fetch_verified(store: Objects, key: str, result: Result, draft: Path) -> None:
    digest, size = hashlib.sha256(), 0
    with draft.open("wb") as file:
        for chunk in store.get(key):
            file.write(chunk)
            digest.update(chunk)
            size += len(chunk)
    if (digest.hexdigest(), size) != (result.sha256, result.filesize):
        raise Corrupt(f"{result.filename} is not what was published")
