"""A file of IPFS that consists of others: its nodes, from the CIDs of its parts. Pure.

A part is what the node made of some MiB of the file, a tree of its own; joining them moves no bytes. Sources:
https://specs.ipfs.tech/unixfs/ and https://ipld.io/specs/codecs/dag-pb/spec/.
"""

import base64
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass

from c2d.storage.errors import Corrupt

FANOUT = 1024  # links of one node, which has some 50 KiB then
_FILE = 2  # the type of a node


@dataclass(frozen=True)
class Part:
    """Consecutive bytes of a file, as a tree of blocks."""

    cid: str
    size: int  # bytes of the file
    total: int  # bytes of the tree, nodes included


def groups(parts: Sequence[Part]) -> Iterator[Sequence[Part]]:
    """The parts that share a node each."""
    return (parts[begin : begin + FANOUT] for begin in range(0, len(parts), FANOUT))


def node(parts: Iterable[Part]) -> bytes:
    """The block that stands for all of the parts in a row."""
    parts = list(parts)
    links = (_bytes(1, cid_bytes(part.cid)) + _bytes(2, b"") + _number(3, part.total) for part in parts)
    sizes = b"".join(_number(4, part.size) for part in parts)
    data = _number(1, _FILE) + _number(3, sum(part.size for part in parts)) + sizes
    return b"".join(_bytes(2, link) for link in links) + _bytes(1, data)


def cid_bytes(cid: str) -> bytes:
    """Of a CIDv1 in base32. Raises Corrupt for any other text."""
    text = cid[1:].upper()
    try:
        found = base64.b32decode(text + "=" * (-len(text) % 8))
    except ValueError as error:
        raise Corrupt("the IPFS node named a CID that can't be one") from error
    if not cid.startswith("b") or found[:1] != b"\x01":
        raise Corrupt("the IPFS node named a CID of another version than was asked for")
    return found


def _number(field: int, value: int) -> bytes:
    return _varint(field << 3) + _varint(value)


def _bytes(field: int, value: bytes) -> bytes:
    return _varint(field << 3 | 2) + _varint(len(value)) + value


def _varint(value: int) -> bytes:
    found = bytearray()
    while value >= 0x80:
        found.append(value & 0x7F | 0x80)
        value >>= 7
    found.append(value)
    return bytes(found)
