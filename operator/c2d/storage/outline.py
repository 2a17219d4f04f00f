"""The outline of a manifest: where which results are in its text, without holding the text. Pure.

A manifest may have a million results. Its text is cut into blocks of some hundred results, each with its place and
sha256; with these, any block can be fetched alone later and is still verified.

A result is where the text has `},{"` and a letter, whatever white space is between. No name of a file can look like
that: inside of a JSON string a quote has a backslash before it, and behind a string's last quote is never a letter.
"""

import bisect
import hashlib
import re
from dataclasses import dataclass

import pydantic

from c2d.api.manifest import Manifest, Result
from c2d.storage.errors import Corrupt

BLOCK = 256 * 1024  # bytes; about a thousand results
KEPT = 4 * 1024 * 1024  # bytes of the first blocks that are at hand when the outline is finished
HEAD_LIMIT = 16 * 1024 * 1024  # bytes; the names of a thousand skipped files, each written as badly as JSON can
RESULT_LIMIT = 1024 * 1024  # bytes

_RESULTS = re.compile(rb'"results"\s*:\s*\[')
_BETWEEN = re.compile(rb'\}(\s*,\s*)(?=\{\s*"[A-Za-z])')
_END = re.compile(rb"\s*\]\s*\}\s*\Z")
_MARGIN = 64  # bytes; more than the pattern of the results' beginning matches

_list = pydantic.TypeAdapter(list[Result])


@dataclass(frozen=True, slots=True)
class Block:
    """Results that are next to each other in the text, without what is around them."""

    first: int  # the first result's index
    count: int
    offset: int  # bytes from the text's beginning
    size: int  # bytes
    sha256: bytes


@dataclass(frozen=True)
class Outline:
    """A verified manifest; `head` has no results."""

    head: Manifest
    total: int
    blocks: tuple[Block, ...]

    def number(self, index: int) -> int:
        """Which block has the result; it has to be one of `total`."""
        return bisect.bisect_right(self.blocks, index, key=lambda block: block.first) - 1


class Outliner:
    """Takes a manifest's text piece by piece; blocks while it computes, about 3 ms for a MiB."""

    def __init__(self, block: int = BLOCK) -> None:
        self._block = block
        self._digest = hashlib.sha256()
        self._buffer = bytearray()
        self._offset = 0  # of the buffer in the text
        self._head = b""
        self._blocks: list[Block] = []
        self._kept = 0
        self.first: list[bytes] = []  # texts of the first blocks

    def feed(self, text: bytes) -> None:
        """Raises Corrupt where this is no manifest."""
        self._digest.update(text)
        for begin in range(0, len(text), self._block):
            self._buffer += text[begin : begin + self._block]
            if not self._head:
                self._find_results()
            if self._head and len(self._buffer) >= self._block:
                self._cut()

    def finish(self, sha256: str) -> Outline:
        """Raises Corrupt where the text is not the one with this sha256, or no manifest."""
        if self._digest.hexdigest() != sha256:
            raise Corrupt("the manifest is not the one that the job wrote")
        end = _END.search(self._buffer, max(0, len(self._buffer) - _MARGIN))
        if not self._head or end is None:
            raise _not_understood()
        del self._buffer[end.start() :]
        if self._buffer:
            self._add(len(self._buffer), len(_BETWEEN.findall(self._buffer)) + 1)
        return Outline(_parse_head(self._head), self._total, tuple(self._blocks))

    @property
    def _total(self) -> int:
        return self._blocks[-1].first + self._blocks[-1].count if self._blocks else 0

    def _find_results(self) -> None:
        found = _RESULTS.search(self._buffer, max(0, len(self._buffer) - self._block - _MARGIN))
        if found:
            self._head = bytes(self._buffer[: found.end()])
            self._drop(found.end())
        elif len(self._buffer) > HEAD_LIMIT:
            raise _not_understood()

    def _cut(self) -> None:
        """Makes a block of what is complete; the last result may be not."""
        between = list(_BETWEEN.finditer(self._buffer))
        if between:
            begin, end = between[-1].span(1)
            self._add(begin, len(between))
            self._drop(end - begin)
        elif len(self._buffer) > self._block + RESULT_LIMIT:
            raise _not_understood()

    def _add(self, size: int, count: int) -> None:
        text = bytes(self._buffer[:size])
        self._blocks.append(Block(self._total, count, self._offset, size, hashlib.sha256(text).digest()))
        if self._kept + size <= KEPT:
            self._kept += size
            self.first.append(text)
        self._drop(size)

    def _drop(self, count: int) -> None:
        del self._buffer[:count]
        self._offset += count


def parse(block: Block, text: bytes) -> list[Result]:
    """The block's results, verified. Raises Corrupt."""
    if hashlib.sha256(text).digest() != block.sha256:
        raise Corrupt("the manifest is not the one that the job wrote")
    try:
        results = _list.validate_json(b"[" + text + b"]")
    except pydantic.ValidationError as error:
        raise _not_understood() from error
    if [result.index for result in results] != list(range(block.first, block.first + block.count)):
        raise _not_understood()
    return results


def _parse_head(text: bytes) -> Manifest:
    try:
        return Manifest.model_validate_json(text + b"]}")
    except pydantic.ValidationError as error:
        raise _not_understood() from error


def _not_understood() -> Corrupt:
    return Corrupt("the manifest can't be understood")
