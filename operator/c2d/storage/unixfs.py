"""Files of IPFS: their nodes and their CIDs. Pure.

A part is what the node made of some MiB of a file, a tree of its own; joining parts moves no bytes. Sources:
https://specs.ipfs.tech/unixfs/ and https://ipld.io/specs/codecs/dag-pb/spec/.
"""

import base64
import hashlib
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass

from c2d.storage.errors import Corrupt

FANOUT = 1024  # links of one node, which has some 50 KiB then
CHUNK = 262_144  # bytes of a leaf
_LINKS = 174  # of a node that a node of IPFS makes
_FILE = 2  # the type of a node
_RAW, _DAG_PB = 0x55, 0x70


@dataclass(frozen=True)
class Part:
    """Consecutive bytes of a file, as a tree of blocks."""

    cid: str
    size: int  # bytes of the file
    total: int  # bytes of the tree, nodes included


def groups(parts: Sequence[Part]) -> Iterator[Sequence[Part]]:
    """The parts that share a node each."""
    return (parts[begin : begin + FANOUT] for begin in range(0, len(parts), FANOUT))


def part(content: bytes) -> Part:
    """What a node makes of the content, told by us, so that its answer can be verified."""
    view = memoryview(content)
    leaves = [view[begin : begin + CHUNK] for begin in range(0, len(content), CHUNK)] or [view]
    level = [Part(cid_text(_cid(_RAW, leaf)), len(leaf), len(leaf)) for leaf in leaves]
    while len(level) > 1:
        level = [joined(level[begin : begin + _LINKS]) for begin in range(0, len(level), _LINKS)]
    return level[0]


def joined(parts: Sequence[Part]) -> Part:
    """The parts in a row, by one node over them."""
    block = node(parts)
    total = len(block) + sum(part.total for part in parts)
    return Part(cid_text(block_cid(block)), sum(part.size for part in parts), total)


def node(parts: Iterable[Part]) -> bytes:
    """The block that stands for all of the parts in a row."""
    parts = list(parts)
    sizes = b"".join(number(4, part.size) for part in parts)
    data = number(1, _FILE) + number(3, sum(part.size for part in parts)) + sizes
    return block([link(b"", cid_bytes(part.cid), part.total) for part in parts], data)


def link(name: bytes, cid: bytes, total: int) -> bytes:
    """What a block has of another."""
    return field(1, cid) + field(2, name) + number(3, total)


def block(links: Iterable[bytes], data: bytes) -> bytes:
    return b"".join(field(2, link) for link in links) + field(1, data)


def block_cid(block: bytes) -> bytes:
    """Of a block that has links."""
    return _cid(_DAG_PB, block)


def _cid(codec: int, content: bytes | memoryview) -> bytes:
    return bytes([1, codec, 0x12, 0x20]) + hashlib.sha256(content).digest()


def cid_text(cid: bytes) -> str:
    """In base32."""
    return "b" + base64.b32encode(cid).decode().lower().rstrip("=")


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


def number(key: int, value: int) -> bytes:
    """A field of a message."""
    return _varint(key << 3) + _varint(value)


def field(key: int, value: bytes) -> bytes:
    """The same with bytes."""
    return _varint(key << 3 | 2) + _varint(len(value)) + value


def _varint(value: int) -> bytes:
    found = bytearray()
    while value >= 0x80:
        found.append(value & 0x7F | 0x80)
        value >>= 7
    found.append(value)
    return bytes(found)
