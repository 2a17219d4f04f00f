"""`c2d crate`: verifies a folder of results, then describes it as an RO-Crate, in place, as a copy or as a zip file."""

import contextlib
import json
import pathlib
import shutil
import zipfile
from collections.abc import Iterator
from dataclasses import dataclass

import pydantic

from c2d.api import receipt as receipts
from c2d.api.receipt import Receipt
from c2d.cli import errors, verify, wording
from c2d.cli.verify import Expected, Mark
from c2d.storage import results

_ZIP = ".zip"
_EPOCH = (1980, 1, 1, 0, 0, 0)  # the earliest that a zip file can hold; so the same results give the same file


@dataclass(frozen=True)
class Crate:
    """Its metadata and papers, and the results, as paths in the folder."""

    folder: pathlib.Path
    results: tuple[str, ...]
    papers: dict[str, bytes]  # ro-crate-metadata.json is the last


def make(folder: pathlib.Path, to: pathlib.Path | None, expected: Expected) -> pathlib.Path:
    """Writes the crate; returns where it is. Raises CliError: what doesn't verify gets none."""
    try:
        target = None if to is None else _free(folder, to)
        _forget(folder / results.DRAFTS, results.CRATE)
        crate = _crate(folder, expected)
        if target is None:
            _replace(folder / results.CRATE, crate.papers[results.CRATE])
            return folder / results.CRATE
        if target.suffix == _ZIP:
            _zip(crate, target)
        else:
            _copy(crate, target)
    except OSError as error:
        raise errors.NotAvailable(
            f"{to or folder} can't be written: {error.strerror}", "Name another place."
        ) from error
    return target


def _free(folder: pathlib.Path, to: pathlib.Path) -> pathlib.Path:
    """The target, if nothing is there and it isn't among the results, which would be others with it."""
    if to.resolve().is_relative_to(folder.resolve()):
        raise errors.Misused(f"{to} is in the folder of the results", "Name a place outside of it.")
    empty = to.suffix != _ZIP and to.is_dir() and not any(to.iterdir())
    if (to.exists() or to.is_symlink()) and not empty:
        raise errors.Misused(f"{to} is there already", "Name a new file, or a folder that is new or empty.")
    return to


def _crate(folder: pathlib.Path, expected: Expected) -> Crate:
    listed = verify.listed(folder)
    wrong = [line for line in verify.check(folder, expected) if line.mark is Mark.BAD]
    if wrong:
        what = wording.plain("; ".join(f"{line.subject}: {line.finding}" for line in wrong[:2]))
        remedy = f"See all of it with `c2d verify {folder}`; fetch the results again with `c2d results`."
        raise errors.NotAvailable(f"the results don't verify, so there is no crate of them: {what}", remedy)
    receipt = verify.read(folder / receipts.FILE)
    if receipt is None:
        remedy = "Only results of a job in a cluster have one; fetch them again with `c2d results`."
        raise errors.Misused(f"{folder} has no {receipts.FILE}, which tells what ran", remedy)
    papers = {results.MANIFEST: listed.text, receipts.FILE: receipt}
    metadata = _metadata(listed, _parse(folder, receipt), papers)
    return Crate(folder, tuple(listed.places), {**papers, results.CRATE: metadata})


def _parse(folder: pathlib.Path, text: bytes) -> Receipt:
    try:
        return Receipt.model_validate_json(text)
    except pydantic.ValidationError as error:
        raise errors.Misused(f"{folder / receipts.FILE} is not a receipt", "Fetch the results again.") from error


def _metadata(listed: verify.Listed, receipt: Receipt, papers: dict[str, bytes]) -> bytes:
    try:
        from c2d.cli import crate  # noqa: PLC0415 - an extra, and slow to load
    except ModuleNotFoundError as error:
        if error.name is None or not error.name.startswith("rocrate"):
            raise
        remedy = "Install it: pip install 'c2d[crate]'."
        raise errors.NotAvailable("crates are made by the library rocrate, which is not installed", remedy) from error
    content = crate.metadata(crate.Run(listed.manifest, listed.places, receipt, papers))
    return (json.dumps(content, indent=2, ensure_ascii=False) + "\n").encode()


def _copy(crate: Crate, target: pathlib.Path) -> None:
    """The description comes last: a folder that has it is whole."""
    target.mkdir(parents=True, exist_ok=True)
    for place in crate.results:
        (target / place).parent.mkdir(parents=True, exist_ok=True)
        shutil.copyfile(crate.folder / place, target / place)
    for name, content in crate.papers.items():
        _replace(target / name, content)


def _zip(crate: Crate, target: pathlib.Path) -> None:
    target.parent.mkdir(parents=True, exist_ok=True)
    with _draft(target) as draft, zipfile.ZipFile(draft, "w") as archive:
        for name, content in crate.papers.items():
            archive.writestr(_entry(name), content)
        for place in crate.results:
            with (
                (crate.folder / place).open("rb") as source,
                archive.open(_entry(place), "w", force_zip64=True) as file,
            ):
                shutil.copyfileobj(source, file)


def _entry(place: str) -> zipfile.ZipInfo:
    entry = zipfile.ZipInfo(place, _EPOCH)
    entry.compress_type, entry.external_attr = zipfile.ZIP_DEFLATED, 0o644 << 16
    return entry


def _replace(path: pathlib.Path, content: bytes) -> None:
    with _draft(path) as draft:
        draft.write_bytes(content)


@contextlib.contextmanager
def _draft(path: pathlib.Path) -> Iterator[pathlib.Path]:
    """A file that becomes `path` when it is whole; a link in its place is replaced and not followed."""
    drafts = path.parent / results.DRAFTS
    drafts.mkdir(exist_ok=True)
    try:
        yield drafts / path.name
        (drafts / path.name).replace(path)
    finally:
        _forget(drafts, path.name)


def _forget(drafts: pathlib.Path, name: str) -> None:
    """What a run that was killed left, which else would count as a file too many."""
    if not drafts.is_symlink():
        (drafts / name).unlink(missing_ok=True)
        with contextlib.suppress(OSError):
            drafts.rmdir()
