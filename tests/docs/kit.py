"""The pages, and what is in them."""

import pathlib
import re
from collections.abc import Iterator
from typing import Any

import typer.main
import yaml

from c2d.cli.main import app

ROOT = pathlib.Path(__file__).parent.parent.parent
_TOP = ("README.md", "CONTRIBUTING.md", "SECURITY.md", "CHANGELOG.md", "runner/README.md")
PAGES = sorted([*(ROOT / name for name in _TOP), *(ROOT / "docs").rglob("*.md")])

_FENCE = re.compile(r"^```(\w*)\n(.*?)^```$", re.MULTILINE | re.DOTALL)


def name(page: pathlib.Path) -> str:
    return str(page.relative_to(ROOT))


def blocks(page: pathlib.Path, language: str) -> list[str]:
    """The page's code blocks of that language; an empty one is a block without."""
    return [body for kind, body in _FENCE.findall(page.read_text()) if kind == language]


def prose(page: pathlib.Path) -> str:
    """The page without its code blocks."""
    return _FENCE.sub("", page.read_text())


def links(page: pathlib.Path) -> list[str]:
    """The targets of all links, code left aside."""
    return re.findall(r"\]\(([^)\s]+)\)", re.sub(r"`[^`\n]+`", "", prose(page)))


def code(page: pathlib.Path) -> str:
    """What a reader could type: code blocks and code in lines."""
    inline = re.findall(r"`([^`\n]+)`", prose(page))
    return "\n".join([*blocks(page, ""), *inline])


def commands() -> dict[str, Any]:
    """Every command of c2d by its words, those of sub-groups included."""
    return dict(_commands(typer.main.get_command(app), ""))


def _commands(group: Any, before: str) -> Iterator[tuple[str, Any]]:
    for name, command in group.commands.items():
        if hasattr(command, "commands"):
            yield from _commands(command, f"{before}{name} ")
        else:
            yield f"{before}{name}", command


def manifests() -> Iterator[tuple[str, dict[str, Any]]]:
    """(page, document) of every YAML block."""
    for page in PAGES:
        for body in blocks(page, "yaml"):
            for document in yaml.safe_load_all(body):
                yield name(page), document
