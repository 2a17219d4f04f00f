"""docs/howto/audit-a-run.md: its receipt is the example's, its commands and lines find what they say."""

import json
import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from c2d.api.receipt import Facts, Receipt
from c2d.cli import verify
from c2d.cli.verify import Expected, Mark
from docs import example
from examples.receipt import __main__ as example_receipt
from tests.docs import kit

PAGE = kit.ROOT / "docs" / "howto" / "audit-a-run.md"
FOLDER = example_receipt.FOLDER


def test_the_example_is_what_its_program_writes(tmp_path: Path) -> None:
    example_receipt.write(tmp_path / "results")
    assert contents(tmp_path / "results") == contents(FOLDER)


def contents(folder: Path) -> dict[str, bytes]:
    return {str(path.relative_to(folder)): path.read_bytes() for path in folder.rglob("*") if path.is_file()}


def test_the_example_verifies() -> None:
    expected = Expected(example_receipt.sha256(example_receipt.manifest()), example.ADDRESS)
    assert [line.mark for line in verify.check(FOLDER, expected)] == [Mark.GOOD] * 4


def test_the_page_shows_the_example() -> None:
    [shown] = kit.blocks(PAGE, "json")
    assert json.loads(shown) == json.loads((FOLDER / "receipt.json").read_text())


def test_the_page_explains_every_field() -> None:
    explained = set(re.findall(r"`(?:facts\.)?(\w+)(?:\[\])?`", kit.prose(PAGE)))
    known = {field.alias or name for model in (Receipt, Facts) for name, field in model.model_fields.items()}
    assert known <= explained | {"facts"}


def test_the_lines_of_python_find_the_signer() -> None:
    [code] = kit.blocks(PAGE, "python")
    done = subprocess.run([sys.executable, "-c", code], cwd=FOLDER, capture_output=True, text=True, check=True)
    assert done.stdout.strip() == example.ADDRESS


@pytest.mark.skipif(shutil.which("jq") is None, reason="jq is not on PATH")
def test_the_lines_for_the_shell_find_the_sums() -> None:
    [sum_, check] = [line for block in kit.blocks(PAGE, "") for line in block.splitlines() if line.startswith("jq")]
    signed = example_receipt.receipt()
    assert f"c2d receipt {typed(sum_).split()[0]}" == example_receipt.signed_text(signed)
    assert typed(check).count(": OK") == len(example_receipt.RESULTS)


def typed(line: str) -> str:
    command = ["bash", "-euo", "pipefail", "-c", line]
    environment = {**os.environ, "LC_ALL": "C.UTF-8"}
    return subprocess.run(command, cwd=FOLDER, env=environment, capture_output=True, text=True, check=True).stdout
