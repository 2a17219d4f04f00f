"""Whether a value of a request can be kept and handed on as JSON. Pure, and without recursion: it may be hostile."""

import json
import math
from collections.abc import Iterator
from typing import Any

DEPTH_LIMIT = 64  # lists and objects within each other; decoders in other languages stop not far above
# Bits. The largest number that a float has a place for, too; Python refuses to print some that are much larger.
_NUMBER_BITS = 1024


class NotKept(Exception):
    """The value can't be kept; the text says why and continues a sentence that begins with its name."""


def decode(text: str) -> Any:
    """The value that the text is the JSON of. Raises ValueError where it is none, NotKept where it is too deep."""
    try:
        return json.loads(text)
    except RecursionError:
        raise NotKept(_too_deep()) from None


def encode(value: object, limit: int) -> bytes:
    """The value as JSON, in the UTF-8 that `require` measures. Raises NotKept."""
    require(value)
    content = json.dumps(value, ensure_ascii=False, allow_nan=False).encode()
    if len(content) > limit:
        raise NotKept(f"is longer than {limit} bytes as JSON")
    return content


def require(value: object) -> None:
    """Raises NotKept for what JSON, UTF-8 or PostgreSQL has no place for."""
    layer = [value]
    for _ in range(DEPTH_LIMIT + 1):
        for each in layer:
            _require_one(each)
        layer = [part for each in layer for part in _parts(each)]
        if not layer:
            return
    raise NotKept(_too_deep())


def require_text(text: str) -> None:
    """Raises NotKept for a text that has no UTF-8, or that ends early wherever C reads it."""
    if "\0" in text:
        raise NotKept("has a NUL character")
    try:
        text.encode()
    except UnicodeEncodeError:
        raise NotKept("has half of a surrogate pair, which is no character") from None


def _require_one(value: object) -> None:
    match value:
        case None | bool() | list() | dict():
            return
        case str():
            require_text(value)
        case int():
            _require_number(value.bit_length() <= _NUMBER_BITS)
        case float():
            _require_number(math.isfinite(value))
        case _:
            raise NotKept("has a part that is no JSON")


def _require_number(fits: bool) -> None:
    if not fits:
        raise NotKept("has a number that is NaN, Infinity or far too large")


def _parts(value: object) -> Iterator[object]:
    if isinstance(value, list):
        yield from value
    elif isinstance(value, dict):
        for name, part in value.items():
            # Only a decoder's own objects have nothing but texts for names.
            yield name if isinstance(name, str) else ...
            yield part


def _too_deep() -> str:
    return f"is nested deeper than {DEPTH_LIMIT} levels"
