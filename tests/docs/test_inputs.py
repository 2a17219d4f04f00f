"""docs/howto/give-inputs.md shows what is in the examples, and every example is on the page."""

import re
from typing import Any

import pytest
import yaml

from tests.docs import kit

PAGE = kit.ROOT / "docs" / "howto" / "give-inputs.md"
FOLDER = kit.ROOT / "examples" / "inputs"
# A link to an example, then what is shown of it.
SHOWN = re.findall(
    r"\(\.\./\.\./examples/inputs/([\w-]+)\.yaml\)[^\n]*\n```yml\n(.*?)^```$", PAGE.read_text(), re.M | re.S
)


@pytest.mark.parametrize(("name", "shown"), [pytest.param(*each, id=each[0]) for each in SHOWN])
def test_what_is_shown_is_in_the_example(name: str, shown: str) -> None:
    spec = yaml.safe_load((FOLDER / f"{name}.yaml").read_text())["spec"]
    assert within(yaml.safe_load(shown), spec)


def within(part: Any, whole: Any) -> bool:
    """Whether it is the same but for fields that are left out."""
    if isinstance(part, dict) and isinstance(whole, dict):
        return all(name in whole and within(value, whole[name]) for name, value in part.items())
    return bool(part == whole)


def test_every_example_is_shown() -> None:
    assert {name for name, _ in SHOWN} == {path.stem for path in FOLDER.glob("*.yaml")} - {"secrets"}
    assert len(kit.blocks(PAGE, "yml")) == len(SHOWN)


@pytest.mark.parametrize("path", sorted(FOLDER.glob("*.yaml")), ids=lambda path: path.stem)
def test_an_example_says_what_it_shows(path: Any) -> None:
    assert path.read_text().startswith("# ")
