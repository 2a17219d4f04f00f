"""A folder of results as a Process Run Crate: what ran, on what and what came of it, in JSON-LD. Pure.

The profile is https://w3id.org/ro/wfrun/process/0.5, on RO-Crate 1.1. Names in a manifest or a receipt can be anything;
as ids they are percent-encoded, and what is no file of the crate has an id that begins with `#`.
"""

import hashlib
import mimetypes
import re
import urllib.parse
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime
from pathlib import PurePosixPath
from typing import Any

from rocrate.model.contextentity import ContextEntity
from rocrate.rocrate import ROCrate

from c2d.api import volume
from c2d.api.manifest import Kind, Manifest, Result
from c2d.api.reasons import Reason
from c2d.api.receipt import FILE as RECEIPT
from c2d.api.receipt import HashedFile, Receipt
from c2d.cli.image import Image
from c2d.cli.image import parse as parse_image
from c2d.storage.results import MANIFEST

PROFILE = "https://w3id.org/ro/wfrun/process/0.5"
# The newest that the profile is made for.
_VERSION = "1.1"
_TERMS = "https://w3id.org/ro/terms/workflow-run#"
# As in the context https://w3id.org/ro/terms/workflow-run/context; here, so that a reader has one thing less to fetch.
_EXTRA_TERMS = {
    name: _TERMS + name for name in ("ContainerImage", "DockerImage", "containerImage", "registry", "sha256", "tag")
}
DOCKER_IMAGE = f"{_TERMS}DockerImage"
_STATUS = "http://schema.org/{}ActionStatus"
_HEX = re.compile("[0-9a-f]{64}")
_UUID = re.compile("[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}")

Entity = Any  # the library has no types


@dataclass(frozen=True)
class Run:
    """What a crate is made of; `places` are the results' paths in the folder."""

    manifest: Manifest
    places: Mapping[str, Result]
    receipt: Receipt
    papers: Mapping[str, bytes]  # manifest.json and receipt.json


def metadata(run: Run) -> dict[str, Any]:
    """The content of ro-crate-metadata.json."""
    crate = ROCrate(version=_VERSION)
    crate.metadata.extra_terms.update(_EXTRA_TERMS)
    action = _add(crate, f"#run-{_quoted(run.receipt.uid)}", "CreateAction", **_course(run))
    operator = _operator(crate, run)
    agent = _owner(crate, run) or operator or _unknown(crate)
    _set(crate.root_dataset, **_about(crate, run), mentions=action, author=agent, publisher=operator)
    files = {place: _result(crate, place, result) for place, result in run.places.items()}
    outputs = [file for place, file in files.items() if run.places[place].type is Kind.OUTPUT]
    logs = [file for place, file in files.items() if run.places[place].type is not Kind.OUTPUT]
    for paper in [*logs, *_papers(crate, run, operator)]:
        paper["about"] = action
    _set(
        action,
        agent=agent,
        provider=operator,
        instrument=_algorithm(crate, run),
        object=[_input(crate, file) for folder in (volume.INPUTS, volume.DDOS) for file in _files(run, folder)],
        result=outputs,
        additionalProperty=list(_properties(crate, run)),
        containerImage=_image(crate, run),
    )
    generated: dict[str, Any] = crate.metadata.generate()
    return generated


def _add(crate: ROCrate, identifier: str, kind: str, /, **properties: object) -> Entity:
    return crate.add(_set(ContextEntity(crate, identifier, properties={"@type": kind}), **properties))


def _set(entity: Entity, /, **properties: object) -> Entity:
    """What has no value is left out, and a list of one is written as that one, as RO-Crate recommends."""
    for name, value in properties.items():
        if isinstance(value, list) and len(value) == 1:
            entity[name] = value[0]
        elif value is not None and value not in ("", []):
            entity[name] = value
    return entity


def _quoted(text: str) -> str:
    quoted = urllib.parse.quote(text, safe="/")
    # rocrate takes a slash at the end for the mark of a folder, and drops it from some of the references.
    return f"{quoted[:-1]}%2F" if quoted.endswith("/") else quoted


def _about(crate: ROCrate, run: Run) -> dict[str, object]:
    """The crate as a whole."""
    description = (
        "What an algorithm made of data that stayed where they are (Compute-to-Data): its outputs and logs, a manifest "
        "with the hash of each, and the operator's receipt. The inputs are described, and not in here."
    )
    license_ = _add(
        crate,
        "#license",
        "CreativeWork",
        name="No license is stated",
        description="Ask the owner of the data on which terms these results may be used.",
    )
    return {
        "name": f"Results of the compute job {run.receipt.job}",
        "description": description,
        "datePublished": _time(run.manifest.published_at),
        "license": license_,
        "conformsTo": _add(
            crate, PROFILE, "CreativeWork", name="Process Run Crate", version=PROFILE.rpartition("/")[2]
        ),
    }


def _course(run: Run) -> dict[str, object]:
    """What became of the run."""
    facts = run.receipt.facts
    failed = _failure(run)
    return {
        "name": f"Compute job {run.receipt.job}",
        "description": f"An algorithm beside the data, in the environment {facts.environment or '(not named)'}.",
        "identifier": [text for text in (run.receipt.uid, run.receipt.agreement_id) if text],
        "startTime": _time(facts.start_time),
        "endTime": _time(facts.finish_time),
        "actionStatus": _STATUS.format("Failed" if failed else "Completed"),
        "error": failed,
    }


def _failure(run: Run) -> str:
    """Empty where it succeeded. An older receipt has no reason; then the exit code and the manifest have to do."""
    code, reason = run.receipt.facts.exit_code, run.receipt.facts.reason
    if reason not in ("", Reason.SUCCEEDED):
        return f"The job ended with {reason}" + (f", exit code {code}." if code else ".")
    if code is None:
        return "The algorithm did not run to an end; logs/ may tell why."
    if code != 0:
        return f"The algorithm ended with exit code {code}."
    return "" if run.manifest.outputs else "The job did not succeed, so its outputs were not published."


def _time(moment: datetime | None) -> str | None:
    return moment.isoformat() if moment is not None else None


def _owner(crate: ROCrate, run: Run) -> Entity | None:
    address = run.receipt.facts.owner
    if not address:
        return None
    said = "Who asked for the run and gets its results: an Ethereum account."
    return _add(
        crate, f"#owner-{_quoted(address)}", "Person", name=f"Owner {address}", identifier=address, description=said
    )


def _operator(crate: ROCrate, run: Run) -> Entity | None:
    if run.receipt.signature is None:
        return None
    address = run.receipt.signature.address
    said = "Who ran the algorithm beside the data and signed the receipt: an Ethereum account."
    return _add(
        crate,
        f"#operator-{_quoted(address)}",
        "Organization",
        name=f"Operator {address}",
        identifier=address,
        description=said,
    )


def _unknown(crate: ROCrate) -> Entity:
    return _add(crate, "#agent", "Person", name="Unknown", description="The job names no owner, and nobody signed.")


def _algorithm(crate: ROCrate, run: Run) -> Entity:
    """The image and the files that were put into it; together they are what ran."""
    files, image = list(_files(run, volume.TRANSFORMATIONS)), _image_of(run)
    code = _hash_of_all(files)
    return _add(
        crate,
        _algorithm_id(run),
        "SoftwareApplication",
        name=f"The algorithm of {run.receipt.job}",
        description="It ran in the image of containerImage; its files are not in this crate.",
        softwareVersion=f"sha256:{code}" if code else image.reference or "unknown",
        url=image.url,
        identifier=run.receipt.facts.algorithm or None,
        hasPart=[_algorithm_file(crate, file) for file in files],
    )


def _algorithm_id(run: Run) -> str:
    """A URI, as the profile recommends; UIDs of Kubernetes are UUIDs."""
    return f"urn:uuid:{run.receipt.uid}#algorithm" if _UUID.fullmatch(run.receipt.uid) else "#algorithm"


def _hash_of_all(files: list[HashedFile]) -> str:
    """Of one file its own; of many that of what `sha256sum` prints of them, sorted by path."""
    if len(files) <= 1:
        return files[0].sha256 if files else ""
    lines = (f"{file.sha256}  {file.path}\n" for file in sorted(files, key=lambda file: file.path))
    return hashlib.sha256("".join(lines).encode()).hexdigest()


def _files(run: Run, folder: str) -> Iterator[HashedFile]:
    return (file for file in run.receipt.inputs or () if PurePosixPath(file.path).parts[:1] == (folder,))


def _algorithm_file(crate: ROCrate, file: HashedFile) -> Entity:
    return _elsewhere(crate, file, "A file of the algorithm; it is not in this crate.")


def _input(crate: ROCrate, file: HashedFile) -> Entity:
    asset = _asset(file.path)
    if PurePosixPath(file.path).parts[0] == volume.DDOS:
        return _elsewhere(crate, file, "The DDO of an asset, by which it was judged who may use it; not in this crate.")
    if not asset:
        return _elsewhere(crate, file, "What the owner of the run gave with it; it is not in this crate.")
    if PurePosixPath(file.path).name == volume.MOUNT_POINT:
        said = "A volume of the data's owner, mounted as it is: not in this crate, and nothing of it was hashed."
        return _add(crate, f"#{_quoted(file.path)}", "CreativeWork", name=asset, description=said, identifier=asset)
    return _elsewhere(crate, file, "An input. It is not in this crate: it never left the cluster of the data's owner.")


def _elsewhere(crate: ROCrate, file: HashedFile, said: str) -> Entity:
    asset = _asset(file.path)
    return _add(
        crate,
        f"#{_quoted(file.path)}",
        "CreativeWork",
        name=f"{asset}, file {file.path.rpartition('/')[2]}" if asset else file.path,
        description=said,
        identifier=asset,
        contentSize=str(file.size),
        sha256=file.sha256,
    )


def _asset(path: str) -> str:
    """The DID, or another name, of the input that the file is of; empty for what is of none, such as custom data."""
    parts = PurePosixPath(path).parts
    if len(parts) < 3 or parts[0] != volume.INPUTS:
        return ""
    return volume.DID_PREFIX + parts[1] if _HEX.fullmatch(parts[1]) else parts[1]


def _result(crate: ROCrate, place: str, result: Result) -> Entity:
    said = "" if result.type is Kind.OUTPUT else "A log of the run."
    return _file(crate, place, result.filename, result.filesize, result.sha256, said)


def _file(crate: ROCrate, place: str, name: str, size: int, sha256: str, said: str) -> Entity:
    file = crate.add_file(dest_path=place)
    return _set(
        file, name=name, description=said, contentSize=str(size), sha256=sha256, encodingFormat=_format(place, said)
    )


def _format(place: str, said: str) -> str:
    """By its name only, as a web server tells it."""
    found, encoding = mimetypes.guess_type(f"x{PurePosixPath(place).suffix}")
    known = found if encoding is None else "application/gzip" if encoding == "gzip" else None
    return known or ("text/plain" if said else "application/octet-stream")


def _papers(crate: ROCrate, run: Run, operator: Entity | None) -> Iterator[Entity]:
    signed = f"signed by {operator['identifier']}" if operator is not None else "not signed by anybody"
    said = {
        MANIFEST: "Every result with its size and sha256. The receipt has this file's sha256.",
        RECEIPT: f"What the operator says of the run, {signed}. `c2d verify` checks the signature: it is one of "
        "Ethereum, over the sha256 of the receipt without it (keys sorted, no white space).",
    }
    for name, content in run.papers.items():
        sha256 = hashlib.sha256(content).hexdigest()
        yield _set(_file(crate, name, name, len(content), sha256, said[name]), creator=operator)


def _properties(crate: ROCrate, run: Run) -> Iterator[Entity]:
    facts = run.receipt.facts
    values = {
        "environment": facts.environment,
        "isolation": facts.isolation,
        "reason": facts.reason,
        "exitCode": "" if facts.exit_code is None else str(facts.exit_code),
        "limits.cpu": facts.limits.cpu,
        "limits.memory": facts.limits.memory,
        "limits.disk": facts.limits.disk,
        "limits.gpu": str(facts.limits.gpu) if facts.limits.gpu else "",
        "limits.maxDurationSeconds": str(facts.limits.max_duration_seconds or ""),
        "dateCreated": _time(facts.date_created) or "",
    }
    for name, value in values.items():
        if value:
            yield _add(crate, f"#property-{name}", "PropertyValue", name=name, value=value)


def _image_of(run: Run) -> Image:
    return parse_image(run.receipt.facts.image, run.receipt.facts.image_id)


def _image(crate: ROCrate, run: Run) -> Entity | None:
    image = _image_of(run)
    if image == Image():
        return None
    entity = _add(
        crate,
        "#image",
        "ContainerImage",
        name=image.name or "unknown",
        registry=image.registry,
        tag=image.tag,
        sha256=image.sha256,
    )
    return _set(entity, additionalType={"@id": DOCKER_IMAGE})
