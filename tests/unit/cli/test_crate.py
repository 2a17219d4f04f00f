"""A folder of results becomes a Process Run Crate, or the command says why not."""

import hashlib
import json
import os
import subprocess
import sys
import urllib.parse
import zipfile
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import example as example_of
from hypothesis import strategies as st

from c2d.api import receipt as receipts
from c2d.api.manifest import Kind, Manifest, Result
from c2d.api.receipt import Facts, HashedFile, Receipt, Signature
from c2d.cli import crate, crating, errors, image, verify
from c2d.cli.verify import Expected
from c2d.ocean import signatures
from c2d.ocean.signatures import PrivateKey
from c2d.publish import names
from c2d.storage import results
from examples.receipt import __main__ as example
from tests.kit import crate_validator

KEY = PrivateKey("1" * 64)
SIGNED_BY = Expected(address=KEY.address)
ODD = (
    "a b#?%25:é;x",
    "empty",
    "[x](y) & <z>",
    "http:host",
    "tab\there",
    "back\\slash",
    "~",
    "dir.d/..data",
    "\N{SNOWMAN}",
)
# What the profile recommends and nobody knows: what the owner belongs to, a web page of the operator's. The last wants
# a web address as the algorithm's id, where the profile itself speaks of any absolute URI.
UNKNOWN = {"ro-crate-1.1_30.2", "ro-crate-1.1_30.3", "ro-crate-1.1_31.2", "process-run-crate-0.5_5.1"}


def write(folder: Path, files: Mapping[str, bytes], key: PrivateKey | None = KEY, **said: Any) -> Path:
    """A signed set of results, as a download leaves it; names are those in the manifest."""
    listed = [
        Result(
            index=index,
            type=Kind.OUTPUT if name.startswith("outputs/") else Kind.ALGORITHM_LOG,
            filename=name.partition("/")[2],
            key=name,
            filesize=len(content),
            sha256=hashlib.sha256(content).hexdigest(),
        )
        for index, (name, content) in enumerate(files.items())
    ]
    head = {"job": "ns/job", "uid": "u", "published_at": "2026-01-02T03:04:05Z", "outputs": True, "skipped": []}
    manifest = Manifest.model_validate({**head, "results": listed})
    text = manifest.model_dump_json(by_alias=True).encode()
    known = {
        "job": "ns/job",
        "uid": "u",
        "facts": Facts(exit_code=0),
        "manifest_sha256": hashlib.sha256(text).hexdigest(),
        "results": len(listed),
        "bytes": 0,
        "published_at": "2026-01-02T03:04:05Z",
    }
    receipt = Receipt.model_validate({**known, **said})
    if key is not None:
        signature = signatures.sign_like_a_wallet(receipts.signed_text(receipt), key)
        receipt = receipt.model_copy(update={"signature": Signature(address=key.address, signature=signature)})
    places = {results.place(result): files[result.key] for result in listed}
    papers = {"manifest.json": text, "receipt.json": receipt.model_dump_json(by_alias=True).encode()}
    for name, content in {**places, **papers}.items():
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_bytes(content)
    return folder


def described(folder: Path) -> dict[str, dict[str, Any]]:
    """The crate's entities by their ids."""
    content = json.loads((folder / "ro-crate-metadata.json").read_bytes())
    entities = {entity["@id"]: entity for entity in content["@graph"]}
    assert len(entities) == len(content["@graph"]), "an id is there once"
    return entities


def the(entities: Mapping[str, dict[str, Any]], kind: str) -> dict[str, Any]:
    [found] = [entity for entity in entities.values() if entity["@type"] == kind]
    return found


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    example.write(tmp_path / "r")
    return tmp_path / "r"


def test_the_crate_tells_what_ran_on_what_and_what_came_of_it(folder: Path) -> None:
    assert crating.make(folder, None, Expected()) == folder / "ro-crate-metadata.json"
    entities = described(folder)
    action, image = the(entities, "CreateAction"), the(entities, "ContainerImage")
    assert action["actionStatus"] == "http://schema.org/CompletedActionStatus"
    assert "error" not in action
    assert (action["startTime"], action["endTime"]) == ("2026-01-02T03:04:31+00:00", "2026-01-02T03:05:17+00:00")
    assert (image["registry"], image["name"], image["tag"]) == ("registry.example.com", "algorithms/python", "3.11")
    assert image["sha256"] in entities[action["instrument"]["@id"]]["url"]
    [dataset] = [entities[item["@id"]] for item in [action["object"]]]
    assert dataset["identifier"] == f"did:op:{'0123456789abcdef' * 4}"
    assert (dataset["contentSize"], dataset["sha256"]) == ("12", example.sha256(example.DATASET))
    assert "never left" in dataset["description"]
    outputs = [item["@id"] for item in action["result"]]
    assert outputs == ["outputs/mean.json", "outputs/report/rows%201-2.csv"]
    assert entities[outputs[0]]["sha256"] == example.sha256(example.RESULTS["outputs/mean.json"][1])
    assert entities[outputs[0]]["encodingFormat"] == "application/json"
    assert entities[action["agent"]["@id"]]["identifier"] == "0xC41808BBef371AD5CFc76466dDF9dEe228d2BdAA"
    assert entities[action["provider"]["@id"]]["identifier"] == "0xe17D2A07EFD5b112F4d675ea2d122ddb145d117B"
    assert "signed by 0xe17D" in entities["receipt.json"]["description"]
    values = {entity["name"]: entity["value"] for entity in entities.values() if entity["@type"] == "PropertyValue"}
    assert values.items() >= {"isolation": "Isolated", "limits.memory": "4Gi", "environment": "default"}.items()


@pytest.mark.parametrize("form", ["in place", "a copy", "a zip file"])
def test_the_validator_of_the_profile_has_nothing_to_object(folder: Path, tmp_path: Path, form: str) -> None:
    target = {"in place": None, "a copy": tmp_path / "copy", "a zip file": tmp_path / "crate.zip"}[form]
    made = crating.make(folder, target, Expected())
    found = crate_validator.objections(made if target else folder, "RECOMMENDED")
    assert {line.rpartition("[")[2].rstrip("]") for line in found} <= UNKNOWN, found


def test_the_validator_sees_what_is_wrong(folder: Path) -> None:
    crating.make(folder, None, Expected())
    (folder / "outputs" / "mean.json").unlink()
    [found] = crate_validator.objections(folder)
    assert "outputs/mean.json" in found


def test_names_of_any_kind_are_valid_ids(tmp_path: Path) -> None:
    files = {f"outputs/{names.encode(name.encode())}": name.encode() for name in ODD}
    folder = write(tmp_path / "r", {**files, "logs/algorithm.log": b""})
    crating.make(folder, tmp_path / "r.zip", SIGNED_BY)
    crating.make(folder, None, SIGNED_BY)
    assert [line for line in crate_validator.objections(folder)] == []
    entities = described(folder)
    for name, content in files.items():
        assert entities[urllib.parse.quote(name)]["sha256"] == hashlib.sha256(content).hexdigest()
    with zipfile.ZipFile(tmp_path / "r.zip") as archive:
        assert {name: archive.read(name) for name in files} == files


@settings(deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(paths=st.sets(st.text(min_size=1), min_size=1), uid=st.text(), owner=st.text(), inputs=st.sets(st.text()))
@example_of(paths={"a"}, uid="u", owner="o", inputs={"", "a/", "//"})
def test_whatever_is_written_in_there_every_reference_leads_to_one_entity(
    paths: set[str], uid: str, owner: str, inputs: set[str]
) -> None:
    places = {
        f"outputs/{path}": Result(index=0, type="output", filename=path, key="k", filesize=1, sha256="0")
        for path in map(_clean, paths)
    }
    files = [HashedFile(path=f"inputs/{path}", size=1, sha256="0" * 64) for path in inputs]
    receipt = Receipt(
        job="n/j",
        uid=uid,
        facts=Facts(owner=owner, image=owner),
        inputs=files,
        manifest_sha256="0" * 64,
        results=1,
        bytes=1,
        published_at="2026-01-02T03:04:05Z",
    )
    head = Manifest(job="n/j", uid=uid, published_at="2026-01-02T03:04:05Z", outputs=True, skipped=[], results=[])
    content = crate.metadata(crate.Run(head, places, receipt, {"manifest.json": b""}))
    ids = [entity["@id"] for entity in content["@graph"]]
    assert len(set(ids)) == len(ids)
    for identifier in ids:
        assert urllib.parse.urlsplit(identifier), identifier
        assert identifier.isascii()
        assert not set(identifier) & set(' "<>\\^`{|}'), identifier
    assert _references(content["@graph"]) - set(ids) - {crate.DOCKER_IMAGE, "https://w3id.org/ro/crate/1.1"} == set()


def _clean(text: str) -> str:
    """As publish names outputs, one level deep."""
    return names.encode(text.encode("utf-8", "surrogatepass").replace(b"/", b"-")).lstrip(".") or "x"


def _references(node: Any) -> set[str]:
    if isinstance(node, list):
        return {found for item in node for found in _references(item)}
    if not isinstance(node, dict):
        return set()
    if set(node) == {"@id"}:
        return {node["@id"]}
    return {found for value in node.values() for found in _references(value)}


@pytest.mark.parametrize(
    ("facts", "status", "error"),
    [
        pytest.param({"exit_code": 137}, "Failed", "exit code 137", id="the algorithm failed"),
        pytest.param({}, "Failed", "did not run to an end", id="it never ran"),
        pytest.param({"exit_code": 0}, "Completed", None, id="it worked"),
    ],
)
def test_what_became_of_the_run(tmp_path: Path, facts: dict[str, Any], status: str, error: str | None) -> None:
    folder = write(tmp_path / "r", {"logs/algorithm.log": b"hello"}, facts=Facts(**facts))
    crating.make(folder, None, SIGNED_BY)
    action = the(described(folder), "CreateAction")
    assert action["actionStatus"] == f"http://schema.org/{status}ActionStatus"
    assert (error or "") in action.get("error", "")
    assert ("error" in action) is (error is not None)
    assert crate_validator.objections(folder) == []


def test_a_volume_of_the_owner_is_named_and_has_no_hash(tmp_path: Path) -> None:
    placeholder = HashedFile(path="inputs/images/.volume", size=0, sha256=hashlib.sha256(b"").hexdigest())
    folder = write(tmp_path / "r", {"outputs/a": b"1"}, inputs=[placeholder])
    crating.make(folder, None, SIGNED_BY)
    [item] = [entity for name, entity in described(folder).items() if "images" in name]
    assert item["name"] == "images"
    assert "volume" in item["description"]
    assert not {"sha256", "contentSize"} & set(item)


def test_ddos_are_told_of_too(tmp_path: Path) -> None:
    ddo = HashedFile(path=f"ddos/{'0' * 64}", size=7, sha256="1" * 64)
    folder = write(tmp_path / "r", {"outputs/a": b"1"}, inputs=[ddo])
    crating.make(folder, None, SIGNED_BY)
    entities = described(folder)
    item = entities[the(entities, "CreateAction")["object"]["@id"]]
    assert (item["sha256"], "DDO" in item["description"]) == ("1" * 64, True)


DIGEST = "sha256:" + "a" * 64


@pytest.mark.parametrize(
    ("asked", "ran", "reference", "tag"),
    [
        ("python:3.11", f"docker.io/library/python@{DIGEST}", f"docker.io/library/python@{DIGEST}", "3.11"),
        ("host:5000/a/b", f"docker-pullable://host:5000/a/b@{DIGEST}", f"host:5000/a/b@{DIGEST}", ""),
        ("localhost/x:1", DIGEST, f"localhost/x@{DIGEST}", "1"),
        (f"acme/x:1@{DIGEST}", "", f"docker.io/acme/x@{DIGEST}", "1"),
        ("acme/x", "", "docker.io/acme/x", ""),
        ("", f"quay.io/a/b@{DIGEST}", f"quay.io/a/b@{DIGEST}", ""),
        ("", DIGEST, "", ""),
        ("", "", "", ""),
    ],
)
def test_an_image_in_parts(asked: str, ran: str, reference: str, tag: str) -> None:
    found = image.parse(asked, ran)
    assert (found.reference, found.tag) == (reference, tag)
    assert found.sha256 == ("a" * 64 if DIGEST in asked + ran else "")


def test_the_folder_still_verifies_and_is_described_again(folder: Path) -> None:
    crating.make(folder, None, Expected())
    first = (folder / "ro-crate-metadata.json").read_bytes()
    assert verify.good(verify.check(folder, Expected()))
    (folder / "ro-crate-metadata.json").write_text("{}")
    crating.make(folder, None, Expected())
    assert (folder / "ro-crate-metadata.json").read_bytes() == first


def test_what_a_killed_run_left_is_in_nobodys_way(folder: Path) -> None:
    (folder / ".c2d-unfinished").mkdir()
    (folder / ".c2d-unfinished" / "ro-crate-metadata.json").write_text('{"@con')
    crating.make(folder, None, Expected())
    assert verify.good(verify.check(folder, Expected()))


def test_drafts_are_looked_for_in_the_folder_only(folder: Path, tmp_path: Path) -> None:
    (tmp_path / "mine").mkdir()
    (tmp_path / "mine" / "ro-crate-metadata.json").write_text("mine")
    (folder / ".c2d-unfinished").symlink_to(tmp_path / "mine")
    with pytest.raises(errors.NotAvailable, match="not in the manifest"):
        crating.make(folder, None, Expected())
    assert (tmp_path / "mine" / "ro-crate-metadata.json").read_text() == "mine"


def test_a_copy_is_whole_and_verifies(folder: Path, tmp_path: Path) -> None:
    (tmp_path / "copy").mkdir()
    crating.make(folder, tmp_path / "copy", Expected())
    assert verify.good(verify.check(tmp_path / "copy", Expected()))
    assert not (folder / "ro-crate-metadata.json").exists()


def test_a_zip_file_of_the_same_results_is_the_same_file(folder: Path, tmp_path: Path) -> None:
    crating.make(folder, tmp_path / "a.zip", Expected())
    crating.make(folder, tmp_path / "b" / "b.zip", Expected())
    assert (tmp_path / "a.zip").read_bytes() == (tmp_path / "b" / "b.zip").read_bytes()
    assert sorted(path.name for path in tmp_path.iterdir()) == ["a.zip", "b", "r"], "no draft is left"


def test_results_that_do_not_verify_get_no_crate(folder: Path, tmp_path: Path) -> None:
    (folder / "outputs" / "mean.json").write_bytes(b"{}")
    for target in (None, tmp_path / "copy", tmp_path / "crate.zip"):
        with pytest.raises(errors.NotAvailable, match=r"don't verify.*mean\.json") as caught:
            crating.make(folder, target, Expected())
        assert "c2d verify" in caught.value.remedy
    assert [path.name for path in tmp_path.iterdir()] == ["r"]
    assert not (folder / "ro-crate-metadata.json").exists()


def test_another_signer_than_expected_gets_no_crate(folder: Path) -> None:
    with pytest.raises(errors.NotAvailable, match="who is not"):
        crating.make(folder, None, Expected(address=KEY.address))


def test_without_a_receipt_nothing_is_known_of_the_run(folder: Path) -> None:
    (folder / "receipt.json").unlink()
    with pytest.raises(errors.Misused, match="has no receipt"):
        crating.make(folder, None, Expected())


@pytest.mark.parametrize("name", ["r/crate", "r/crate.zip", "there", "there.zip"])
def test_nothing_is_overwritten_or_put_among_the_results(folder: Path, tmp_path: Path, name: str) -> None:
    (tmp_path / "there").mkdir()
    (tmp_path / "there" / "file").touch()
    (tmp_path / "there.zip").touch()
    with pytest.raises(errors.Misused):
        crating.make(folder, tmp_path / name, Expected())
    assert (tmp_path / "there.zip").read_bytes() == b""


def test_a_place_that_can_not_be_written_is_told(folder: Path, tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    with pytest.raises(errors.NotAvailable, match="can't be written"):
        crating.make(folder, tmp_path / "file" / "crate.zip", Expected())


@pytest.mark.parametrize("name", ["../evil", "/evil", "a/../../evil", "a//b", "."])
def test_a_manifest_with_paths_out_of_the_folder_is_none(tmp_path: Path, name: str) -> None:
    folder = write(tmp_path / "r", {"outputs/a": b"1"})
    text = (folder / "manifest.json").read_text().replace('"filename":"a"', f'"filename":{json.dumps(name)}')
    (folder / "manifest.json").write_text(text)
    with pytest.raises(errors.Misused, match="not a manifest"):
        crating.make(folder, tmp_path / "copy", Expected())
    assert [path.name for path in tmp_path.iterdir()] == ["r"]


def test_links_are_not_followed(folder: Path, tmp_path: Path) -> None:
    (tmp_path / "secret").write_text("secret")
    (folder / "ro-crate-metadata.json").symlink_to(tmp_path / "secret")
    with pytest.raises(errors.NotAvailable, match="not a file"):
        crating.make(folder, None, Expected())
    (folder / "ro-crate-metadata.json").unlink()
    (folder / "outputs").rename(tmp_path / "elsewhere")
    (folder / "outputs").symlink_to(tmp_path / "elsewhere")
    with pytest.raises(errors.NotAvailable, match="not in the manifest"):
        crating.make(folder, None, Expected())
    assert (tmp_path / "secret").read_text() == "secret"


def c2d(*arguments: object, **variables: str) -> "subprocess.CompletedProcess[str]":
    operator = Path(crating.__file__).parents[2]
    command = [sys.executable, "-m", "c2d.cli.main", *map(str, arguments)]
    environment = {**os.environ, "PYTHONPATH": str(operator), **variables}
    return subprocess.run(command, env=environment, capture_output=True, text=True, timeout=60, check=False)


def test_the_command(folder: Path, tmp_path: Path) -> None:
    done = c2d("crate", folder, "--to", tmp_path / "c.zip", "--address", example.receipt().signature.address)
    assert (done.returncode, done.stdout) == (0, f"{tmp_path / 'c.zip'}\n"), done.stderr
    (folder / "logs" / "more").touch()
    done = c2d("crate", folder)
    assert done.returncode == errors.FAILED
    assert done.stderr.startswith("error: the results don't verify")
    assert c2d("crate", tmp_path / "nothing").returncode == errors.MISUSED


def test_without_the_library_the_command_says_how_to_get_it(folder: Path, tmp_path: Path) -> None:
    (tmp_path / "sitecustomize.py").write_text("import sys\nsys.modules['rocrate'] = None\n")
    operator = Path(crating.__file__).parents[2]
    done = c2d("crate", folder, PYTHONPATH=f"{tmp_path}{os.pathsep}{operator}")
    assert (done.returncode, "pip install 'c2d[crate]'" in done.stderr) == (errors.FAILED, True), done.stderr


def test_no_other_command_loads_the_library() -> None:
    code = (
        "import sys\nfrom c2d.cli import main, commands\nassert not any(m.startswith('rocrate') for m in sys.modules)"
    )
    operator = Path(crating.__file__).parents[2]
    environment = {**os.environ, "PYTHONPATH": str(operator)}
    subprocess.run([sys.executable, "-c", code], env=environment, check=True, timeout=60)
