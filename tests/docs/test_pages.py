"""What the pages say to type, follow or apply exists and is valid."""

import json
import pathlib
import re
import shlex
from collections.abc import Iterator
from typing import Any

import pytest

from c2d.api.environment import EnvironmentSpec
from c2d.api.job import JobSpec
from c2d.cli import jobfile
from c2d.ocean import workflow
from tests.docs import kit
from tests.docs.kit import PAGES, ROOT

EVERY_PAGE = pytest.mark.parametrize("page", [pytest.param(page, id=kit.name(page)) for page in PAGES])
CHART_VALUES = json.loads((ROOT / "charts" / "c2d" / "values.schema.json").read_text())
UNFINISHED = re.compile(r"\b(TODO|FIXME|TBD|XXX|WIP|coming soon|lorem ipsum)\b", re.IGNORECASE)
BOASTING = re.compile(
    r"\b(blazing|seamless(ly)?|cutting-edge|state-of-the-art|enterprise-grade|world-class|revolutionary|effortless(ly)?"
    r"|robust|powerful|leverage)\b",
    re.IGNORECASE,
)


def slug(heading: str) -> str:
    """The anchor that GitHub gives a heading."""
    return re.sub(r"[^\w\- ]", "", heading.strip().lower()).replace(" ", "-")


def anchors(page: pathlib.Path) -> set[str]:
    return {slug(heading) for heading in re.findall(r"^#+ (.+)$", kit.prose(page), re.MULTILINE)}


@EVERY_PAGE
def test_links_lead_somewhere(page: pathlib.Path) -> None:
    for target in kit.links(page):
        if target.startswith(("http://", "https://")):
            continue
        path, _, anchor = target.partition("#")
        there = (page.parent / path).resolve() if path else page
        assert there.exists(), target
        assert there.is_relative_to(ROOT), target
        assert not anchor or anchor in anchors(there), target


def test_every_page_can_be_found_from_the_readme() -> None:
    found, left = set[pathlib.Path](), [ROOT / "README.md"]
    while left:
        page = left.pop()
        if page in found or page.suffix != ".md":
            continue
        found.add(page)
        links = [link.partition("#")[0] for link in kit.links(page) if not link.startswith("http")]
        left += [(page.parent / link).resolve() for link in links if link]
    assert not set(PAGES) - found - {ROOT / "runner" / "README.md"}


@EVERY_PAGE
def test_files_that_are_named_exist(page: pathlib.Path) -> None:
    folders = "operator|cluster|charts|crds|examples|images|runner|tests|docs"
    for path in re.findall(rf"`((?:{folders})/[\w./-]*)`", kit.prose(page)):
        assert (ROOT / path).exists(), path


@EVERY_PAGE
def test_every_make_target_exists(page: pathlib.Path) -> None:
    targets = set(re.findall(r"^([a-z][a-z-]*):", (ROOT / "Makefile").read_text(), re.MULTILINE))
    named = re.findall(r"(?:^|\$\()make(?: -s)? ([a-z][a-z-]*)", kit.code(page), re.MULTILINE)
    assert set(named) <= targets


@EVERY_PAGE
def test_every_command_exists(page: pathlib.Path) -> None:
    """`c2d …` as it is written, up to what a person fills in."""
    commands = kit.commands()
    groups = {name.split()[0] for name in commands if " " in name}
    for line in re.findall(r"^(?:kubectl )?c2d ([^#\n|>]*)", kit.code(page), re.MULTILINE):
        name, *words = shlex.split(line)
        if name in groups and words:
            name = f"{name} {words.pop(0)}"
        if name.endswith("…") or name in groups:
            continue
        assert name in commands, line
        options = {option for parameter in commands[name].params for option in parameter.opts}
        assert {word for word in words if word.startswith("-") and word != "-"} <= options, line


def test_every_manifest_is_valid() -> None:
    seen = 0
    for page, document in kit.manifests():
        match document.get("kind"):
            case "ComputeJob":
                JobSpec.model_validate(document["spec"])
                assert jobfile.parse(str(document).encode(), page)
            case "ComputeEnvironment":
                EnvironmentSpec.model_validate(document["spec"])
            case None:
                assert not list(unknown_values(document, CHART_VALUES)), page
                for environment in document.get("environments", ()):
                    EnvironmentSpec.model_validate(environment["spec"])
            case other:
                assert other in ("NetworkPolicy", "Role"), page
                continue
        seen += 1
    assert seen >= 10


def unknown_values(values: dict[str, Any], schema: dict[str, Any], path: str = "") -> Iterator[str]:
    """What the chart would refuse."""
    for name, value in values.items():
        known = schema.get("properties")
        if known is None or ("additionalProperties" in schema and schema["additionalProperties"] is not False):
            return
        if name not in known:
            yield f"{path}{name}"
        elif isinstance(value, dict):
            yield from unknown_values(value, known[name], f"{path}{name}.")


def test_the_error_texts_of_the_how_to_are_those_of_the_service() -> None:
    whole = (ROOT / "docs" / "howto" / "connect-your-provider.md").read_text()
    page = whole.partition("## What goes wrong\n")[2].partition("\n## ")[0]
    rows = re.findall(r"^\| (`.*?) \| \d{3} \|", page, re.MULTILINE)
    written = "".join(path.read_text() for part in ("service", "ocean") for path in code_of(part))
    source = re.sub(r'"\s*\n\s*f?"', "", written)
    texts = [text for row in rows for text in re.findall(r"`([^`]+)`", row)]
    assert len(texts) >= 20
    for text in texts:
        assert text in source, text


def code_of(package: str) -> Iterator[pathlib.Path]:
    return (ROOT / "operator" / "c2d" / package).rglob("*.py")


def test_the_example_workflow_is_one() -> None:
    assert workflow.parse(json.loads((ROOT / "examples" / "workflow.json").read_text())).inputs == ()


@EVERY_PAGE
def test_python_in_the_pages_compiles(page: pathlib.Path) -> None:
    for body in kit.blocks(page, "python"):
        compile(body, kit.name(page), "exec")


@EVERY_PAGE
def test_no_page_is_unfinished_or_boasts(page: pathlib.Path) -> None:
    assert not UNFINISHED.search(page.read_text())
    assert not BOASTING.search(page.read_text())


def test_the_licence_is_the_one_that_the_package_names() -> None:
    assert "Apache License" in (ROOT / "LICENSE").read_text()
    assert 'license = "Apache-2.0"' in (ROOT / "pyproject.toml").read_text()


def test_decisions_are_numbered_and_listed() -> None:
    folder = ROOT / "docs" / "decisions"
    records = sorted(path for path in folder.glob("*.md") if path.name != "README.md")
    listed = (folder / "README.md").read_text()
    for number, record in enumerate(records, start=1):
        assert record.name.startswith(f"{number:04}-")
        text = record.read_text()
        assert text.startswith(f"# {number}. ")
        assert all(f"**{part}.**" in text for part in ("Context", "Decision", "Consequences"))
        assert record.name in listed


# Which right each request to a bucket takes, by the name that botocore has for it.
RIGHTS = {
    "put_object": "s3:PutObject",
    "create_multipart_upload": "s3:PutObject",
    "upload_part": "s3:PutObject",
    "complete_multipart_upload": "s3:PutObject",
    "abort_multipart_upload": "s3:AbortMultipartUpload",
    "list_multipart_uploads": "s3:ListBucketMultipartUploads",
    "list_objects_v2": "s3:ListBucket",
    "delete_objects": "s3:DeleteObject",
    "get_object": "s3:GetObject",
}


def test_the_rights_that_the_how_to_lists_are_those_that_are_used() -> None:
    source = "".join((ROOT / "operator" / "c2d" / "storage" / name).read_text() for name in ("s3.py", "presign.py"))
    methods = set(re.findall(r"client\.((?!get_paginator|generate_presigned_url)\w+)\(", source))
    named = set(re.findall(r'(?:get_paginator|generate_presigned_url)\(\s*"(\w+)"', source))
    page = ROOT / "docs" / "howto" / "store-results.md"
    used = {RIGHTS[name] for name in methods | named}
    assert set(re.findall(r"`(s3:\w+)`", kit.prose(page))) == used
    (policy,) = kit.blocks(page, "json")
    granted = {action for statement in json.loads(policy)["Statement"] for action in statement["Action"]}
    assert granted == used - {"s3:GetObject"}
