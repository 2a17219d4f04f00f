"""How the generated pages are written."""

from collections.abc import Iterable


def table(head: tuple[str, ...], rows: Iterable[tuple[str, ...]]) -> str:
    lines = [head, tuple("---" for _ in head), *rows]
    return "".join("| " + " | ".join(cell.replace("|", "\\|").strip() for cell in line) + " |\n" for line in lines)


def page(title: str, source: str, *parts: str) -> str:
    head = f"<!-- Written by `python -m docs.generate` from {source}; change that, not this file. -->\n# {title}\n"
    return "\n".join([head, *parts])


def code(text: object) -> str:
    return f"`{text}`" if text != "" else ""
