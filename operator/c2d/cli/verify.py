"""Is a folder of results what a job published? Without any network, from manifest.json and receipt.json beside them."""

import enum
import hashlib
import json
import os
import pathlib
import re
import stat
from collections.abc import Iterator
from dataclasses import dataclass

import pydantic
import rich.table
import rich.text

from c2d.api import receipt as receipts
from c2d.api.manifest import Manifest, Result
from c2d.api.receipt import Receipt
from c2d.cli import errors, wording
from c2d.ocean import signatures
from c2d.ocean.errors import OceanError
from c2d.storage import results
from c2d.storage.errors import Corrupt

_SHOWN = 50  # problems; a folder may lack a million files
_PIECE = 1024 * 1024
_LONG = re.compile("long/[0-9a-f]{64}")


class Mark(enum.StrEnum):
    GOOD = "✓"
    BAD = "✗"
    UNKNOWN = "-"


@dataclass(frozen=True)
class Line:
    """One thing that was looked at."""

    subject: str
    mark: Mark
    finding: str


@dataclass(frozen=True)
class Expected:
    """What the user knows from elsewhere; empty where they don't."""

    manifest_sha256: str = ""
    address: str = ""


@dataclass(frozen=True)
class Listed:
    """A manifest, and where in the folder it has each result."""

    text: bytes
    manifest: Manifest
    places: dict[str, Result]


def listed(folder: pathlib.Path) -> Listed:
    """What should be in the folder. Raises `Misused` where it has no manifest that can be read."""
    text = read(folder / results.MANIFEST)
    if text is None:
        raise errors.Misused(f"{folder} has no {results.MANIFEST}", "Fetch it with `c2d results JOB -o DIR`.")
    try:
        manifest = Manifest.model_validate_json(text)
        places = {_place(folder, result): result for result in manifest.results}
    except (pydantic.ValidationError, Corrupt) as error:
        raise errors.Misused(f"{folder / results.MANIFEST} is not a manifest", "Fetch the results again.") from error
    return Listed(text, manifest, places)


def check(folder: pathlib.Path, expected: Expected) -> list[Line]:
    """Everything that can be told of the folder. Raises `Misused` where it has no manifest that can be read."""
    there = listed(folder)
    manifest, sha256 = there.manifest, hashlib.sha256(there.text).hexdigest()
    problems = [*_wrong(folder, there.places), *_extra(folder, set(there.places))]
    lines = [_manifest(sha256, expected), _files(manifest, problems), *problems[:_SHOWN]]
    if len(problems) > _SHOWN:
        lines.append(Line("…", Mark.BAD, f"and {len(problems) - _SHOWN} more"))
    return [*lines, *_receipt(read(folder / receipts.FILE), manifest, sha256, expected), *_crate(folder)]


def _place(folder: pathlib.Path, result: Result) -> str:
    """Where a download puts it; a name too long for that is, in a folder that was published to, below its key."""
    place = str(results.place(result))
    return result.key if _LONG.fullmatch(result.key) and (folder / result.key).is_file() else place


def good(lines: list[Line]) -> bool:
    """Nothing is wrong; what could not be told isn't."""
    return all(line.mark is not Mark.BAD for line in lines)


def table(lines: list[Line]) -> rich.table.Table:
    found = rich.table.Table(box=None, padding=(0, 2, 0, 0), pad_edge=False, header_style="dim")
    found.add_column("")
    found.add_column("WHAT", overflow="fold")
    found.add_column("FINDING", overflow="fold")
    styles = {Mark.GOOD: "green", Mark.BAD: "red", Mark.UNKNOWN: "dim"}
    for line in lines:
        mark = rich.text.Text(line.mark, style=styles[line.mark])
        found.add_row(mark, rich.text.Text(wording.plain(line.subject)), rich.text.Text(wording.plain(line.finding)))
    return found


def read(path: pathlib.Path) -> bytes | None:
    """The file's content; None where there is none. Raises `Misused`."""
    try:
        return path.read_bytes()
    except FileNotFoundError:
        return None
    except OSError as error:
        raise errors.Misused(f"{path} can't be read: {error.strerror}", "Name a folder of results.") from error


def _manifest(sha256: str, expected: Expected) -> Line:
    if not expected.manifest_sha256:
        return Line(results.MANIFEST, Mark.UNKNOWN, f"sha256 {sha256}; the job's status has the right one")
    if sha256 == expected.manifest_sha256.lower():
        return Line(results.MANIFEST, Mark.GOOD, "it is the one that was expected")
    return Line(results.MANIFEST, Mark.BAD, f"it is another one than expected: its sha256 is {sha256}")


def _files(manifest: Manifest, problems: list[Line]) -> Line:
    count, size = len(manifest.results), wording.size(sum(result.filesize for result in manifest.results))
    if problems:
        return Line(f"{count} results", Mark.BAD, f"{len(problems)} files are not as the manifest has them")
    return Line(
        f"{count} results", Mark.GOOD, f"{size}, each with the size and sha256 of the manifest, and nothing else"
    )


def _wrong(folder: pathlib.Path, places: dict[str, Result]) -> Iterator[Line]:
    for place, result in places.items():
        why = _objection(folder / place, result)
        if why:
            yield Line(place, Mark.BAD, why)


def _objection(path: pathlib.Path, result: Result) -> str:
    try:
        status = path.lstat()
        if not stat.S_ISREG(status.st_mode):
            return "it is not a file"
        if status.st_size != result.filesize:
            return f"it has {status.st_size} bytes and not {result.filesize}"
        return "" if _sha256(path) == result.sha256 else "it has another content: its sha256 differs"
    except (FileNotFoundError, NotADirectoryError):
        return "it is missing"
    except OSError as error:
        return f"it can't be read: {error.strerror}"


def _sha256(path: pathlib.Path) -> str:
    digest = hashlib.sha256()
    with path.open("rb") as file:
        while piece := file.read(_PIECE):
            digest.update(piece)
    return digest.hexdigest()


def _extra(folder: pathlib.Path, known: set[str]) -> Iterator[Line]:
    """Links are not followed: one to a folder is an extra file."""
    known = known | {results.MANIFEST, receipts.FILE, results.CRATE}
    for place, folders, files in os.walk(folder):
        links = [name for name in folders if pathlib.Path(place, name).is_symlink()]
        for name in sorted(files + links):
            path = str(pathlib.Path(place, name).relative_to(folder))
            if path not in known:
                yield Line(path, Mark.BAD, "it is not in the manifest")


def _receipt(text: bytes | None, manifest: Manifest, sha256: str, expected: Expected) -> list[Line]:
    if text is None:
        mark = Mark.BAD if expected.address else Mark.UNKNOWN
        return [Line(receipts.FILE, mark, "there is none, so nobody vouches for these results")]
    try:
        receipt = Receipt.model_validate_json(text)
        signed = receipts.text_to_sign(json.loads(text))
    except ValueError:
        return [Line(receipts.FILE, Mark.BAD, "it is not a receipt")]
    return [_same(receipt, manifest, sha256), _signature(receipt, signed, expected)]


def _crate(folder: pathlib.Path) -> list[Line]:
    """What `c2d crate` wrote, or somebody else: no hash and no signature covers it."""
    path = folder / results.CRATE
    if path.is_symlink() or (path.exists() and not path.is_file()):
        return [Line(results.CRATE, Mark.BAD, "it is not a file")]
    finding = "it describes these results, and nobody vouches for it; `c2d crate` writes it again"
    return [Line(results.CRATE, Mark.UNKNOWN, finding)] if path.exists() else []


def _same(receipt: Receipt, manifest: Manifest, sha256: str) -> Line:
    if receipt.manifest_sha256 != sha256:
        return Line(receipts.FILE, Mark.BAD, "it is for another manifest")
    if (receipt.uid, receipt.job, receipt.results) != (manifest.uid, manifest.job, len(manifest.results)):
        return Line(receipts.FILE, Mark.BAD, "it is for another job than the manifest")
    return Line(receipts.FILE, Mark.GOOD, f"it is for this manifest, of job {receipt.job}")


def _signature(receipt: Receipt, text: str, expected: Expected) -> Line:
    """The text is that of the file as it is: what a model passes over would else not be noticed in there."""
    address = expected.address
    if receipt.signature is None:
        return Line("signature", Mark.BAD if address else Mark.UNKNOWN, "the receipt is not signed")
    try:
        signer = signatures.recover(text, receipt.signature.signature)
    except OceanError:
        return Line("signature", Mark.BAD, "it is no signature")
    if signer.lower() != receipt.signature.address.lower():
        return Line("signature", Mark.BAD, "it is not of the address that the receipt names")
    if not address:
        return Line("signature", Mark.UNKNOWN, f"by {signer}; say with --address whose it has to be")
    if signer.lower() != address.lower():
        return Line("signature", Mark.BAD, f"by {signer}, who is not {address}")
    return Line("signature", Mark.GOOD, f"by {signer}")
