"""Everything that a user can set or see is in the reference, and the reference is what the code says now."""

import ast
import pathlib
import re
from collections.abc import Iterator
from typing import Any

import pytest

from c2d.api import reasons, schema
from c2d.api.phases import TABLE
from c2d.api.volume import ALGORITHM_MOUNTS, absolute
from c2d.engine import diagnose
from c2d.engine.manifests import algorithm
from cluster.given import IMAGE_VARIABLES
from docs import generate, variables
from tests.docs import kit
from tests.docs.kit import ROOT
from tests.kit import build

REFERENCE = ROOT / "docs" / "reference"
SET_BY_OTHERS = {"KUBERNETES_SERVICE_HOST", "KUBERNETES_SERVICE_PORT"}
# What one program of ours sets for another.
INTERNAL = {"C2D_READER_KEYS", "C2D_RECEIPT", "C2D_RUNNER"}
# Not variables: what a Secret with S3 credentials may hold.
ENTRIES = {"AWS_SESSION_TOKEN"}


@pytest.mark.parametrize("page", [pytest.param(page, id=page.stem) for page in generate.pages()])
def test_a_generated_page_is_fresh(page: pathlib.Path) -> None:
    assert page.read_text() == generate.pages()[page], "run `python -m docs.generate`"


def paths(node: dict[str, Any], prefix: str = "") -> Iterator[str]:
    for name, child in node.get("properties", {}).items():
        yield f"{prefix}{name}"
        if name != "resolvedEnvironment":
            inner = child.get("items", child)
            yield from paths(inner, f"{prefix}{name}{'[]' if 'items' in child else ''}.")


@pytest.mark.parametrize("kind", ["computejob", "computeenvironment"])
@pytest.mark.parametrize("part", ["spec", "status"])
def test_every_field_is_described(kind: str, part: str) -> None:
    version = schema.definitions()[f"{kind}s.yaml"]["spec"]["versions"][0]
    text = (REFERENCE / f"{kind}.md").read_text()
    fields = list(paths(version["schema"]["openAPIV3Schema"]["properties"][part]))
    described = dict(re.findall(r"^\| `([^`]+)` \|.*\| (.*) \|$", text, re.MULTILINE))
    assert fields
    assert not [field for field in fields if not described.get(field)]


def test_every_phase_and_reason_is_in_its_table() -> None:
    phases, hints = (REFERENCE / "phases.md").read_text(), (REFERENCE / "reasons.md").read_text()
    assert not [phase for phase in TABLE if f"| `{phase}` |" not in phases]
    assert not [reason for reason in reasons.Reason if f"| `{reason}` |" not in hints]


def test_every_reason_has_its_advice() -> None:
    text = (ROOT / "docs" / "howto" / "debug-a-job.md").read_text()
    advised = re.findall(r"^\| `(\w+)` \|", text, re.MULTILINE)
    assert set(advised) == set(reasons.Reason)
    assert len(advised) == len(set(advised))


def test_the_diagram_of_the_architecture_is_the_table_of_phases() -> None:
    text = (ROOT / "docs" / "architecture.md").read_text()
    arrows = set(re.findall(r"^    (\w+) --> (\w+)$", text, re.MULTILINE))
    assert arrows == {(phase.value, after.value) for phase, row in TABLE.items() for after in row.next}


def test_every_chart_value_is_described() -> None:
    text = (REFERENCE / "chart.md").read_text()
    template = "\n".join(path.read_text() for path in (ROOT / "charts/c2d/templates").rglob("*") if path.is_file())
    for value in set(re.findall(r"\.Values\.([a-zA-Z.]+)", template)):
        assert f"`{value}`" in text, value


def test_the_engine_reads_what_is_described() -> None:
    assert set(generate.engine_variables()) == set(variables.ENGINE)


def test_the_service_reads_what_is_described() -> None:
    assert set(generate.service_variables()) == set(variables.SERVICE)


def test_every_environment_variable_of_ours_is_described() -> None:
    described = {*variables.ENGINE, *variables.SERVICE, *variables.CLI, *variables.CLUSTER, *variables.TOLD}
    assert set(IMAGE_VARIABLES.values()) <= set(variables.CLUSTER)
    assert literals() - SET_BY_OTHERS - INTERNAL - ENTRIES <= described
    assert {name for name in described if name.startswith("C2D_")} <= literals(), "nobody reads it any more"


def literals() -> set[str]:
    """Strings in the code that name an environment variable."""
    found = set()
    for folder in ("operator", "cluster", "examples"):
        for file in (ROOT / folder).rglob("*.py"):
            for node in ast.walk(ast.parse(file.read_text())):
                if isinstance(node, ast.Constant) and isinstance(node.value, str):
                    found |= set(re.findall(r"^(?:(?:C2D|AWS|KUBE\w*)_[A-Z0-9_]+|KUBECONFIG|LOG_LEVEL)$", node.value))
    return found


def test_every_command_and_option_is_described() -> None:
    text = (REFERENCE / "cli.md").read_text()
    for name, command in kit.commands().items():
        section = text.partition(f"## c2d {name}\n")[2].partition("\n## ")[0]
        for parameter in command.params:
            spelled = parameter.opts if parameter.param_type_name == "option" else [parameter.metavar]
            assert all(f"`{word}`" in section for word in spelled), (name, spelled)


def test_the_container_contract_names_what_the_pod_has() -> None:
    text = (REFERENCE / "container-contract.md").read_text()
    for folder, writable in ALGORITHM_MOUNTS:
        rows = [line for line in text.splitlines() if re.match(rf"\| `{absolute(folder)}[`/]", line)]
        assert rows, folder
        assert all(row.endswith("| yes |" if writable else "| no |") for row in rows), folder
    environment = build.environment()
    pod = algorithm.algorithm(build.job(), build.spec(), environment, 0, 60)
    given = {item["name"] for item in pod["spec"]["containers"][0]["env"]}
    assert not [name for name in given if f"`{name}`" not in text]
    for code in (diagnose._EXIT_RAN_BEFORE, *diagnose._EXIT_CANNOT_EXECUTE):
        assert str(code) in text
