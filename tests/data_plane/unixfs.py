"""UnixFS as a node of IPFS makes and reads it, written apart from the product's so that neither hides a mistake.

Files are cut as `ipfs add --cid-version=1` cuts them: leaves of 256 KiB without any wrapping, and nodes of 174 links.
Folders have one node each; a real node splits those with thousands of entries.
"""

import base64
import hashlib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass

CHUNK = 262_144
LINKS = 174
DIRECTORY, FILE = 1, 2
RAW, DAG_PB = 0x55, 0x70


@dataclass(frozen=True)
class Link:
    name: str
    cid: str
    total: int


class Blocks(dict[str, bytes]):
    """Blocks by their CIDs."""

    def keep(self, codec: int, block: bytes) -> str:
        raw = bytes([1, codec, 0x12, 0x20]) + hashlib.sha256(block).digest()
        cid = "b" + base64.b32encode(raw).decode().lower().rstrip("=")
        self[cid] = block
        return cid

    def add(self, content: bytes) -> Link:
        """A file."""
        chunks = [content[begin : begin + CHUNK] for begin in range(0, len(content), CHUNK)] or [b""]
        level = [(Link("", self.keep(RAW, chunk), len(chunk)), len(chunk)) for chunk in chunks]
        while len(level) > 1:
            level = [self._node(level[begin : begin + LINKS]) for begin in range(0, len(level), LINKS)]
        return level[0][0]

    def _node(self, below: list[tuple[Link, int]]) -> tuple[Link, int]:
        size = sum(size for _, size in below)
        data = b"\x08\x02" + b"\x18" + varint(size) + b"".join(b"\x20" + varint(size) for _, size in below)
        return self.node([link for link, _ in below], data), size

    def directory(self, entries: Mapping[str, Link]) -> Link:
        links = [Link(name, entries[name].cid, entries[name].total) for name in sorted(entries, key=str.encode)]
        return self.node(links, b"\x08\x01")

    def node(self, links: list[Link], data: bytes) -> Link:
        block = b"".join(_field(0x12, _link(link)) for link in links) + _field(0x0A, data)
        return Link("", self.keep(DAG_PB, block), len(block) + sum(link.total for link in links))

    def total(self, cid: str) -> int:
        block = self[cid]
        return len(block) + sum(link.total for link in _parse(block)[0]) if _codec(cid) == DAG_PB else len(block)

    def kind(self, cid: str) -> int:
        return FILE if _codec(cid) == RAW else _parse(self[cid])[1][1]

    def links(self, cid: str) -> list[Link]:
        return [] if _codec(cid) == RAW else _parse(self[cid])[0]

    def read(self, cid: str) -> Iterator[bytes]:
        """A file's content."""
        if _codec(cid) == RAW:
            yield self[cid]
        for link in self.links(cid):
            yield from self.read(link.cid)


def varint(value: int) -> bytes:
    return bytes([value & 0x7F | 0x80]) + varint(value >> 7) if value >> 7 else bytes([value])


def _field(tag: int, value: bytes) -> bytes:
    return bytes([tag]) + varint(len(value)) + value


def _raw(cid: str) -> bytes:
    return base64.b32decode(cid[1:].upper() + "=" * (-len(cid[1:]) % 8))


def _codec(cid: str) -> int:
    return _raw(cid)[1]


def _link(link: Link) -> bytes:
    return _field(0x0A, _raw(link.cid)) + _field(0x12, link.name.encode()) + b"\x18" + varint(link.total)


def _parse(block: bytes) -> tuple[list[Link], bytes]:
    links, data = [], b""
    for tag, value in _fields(block):
        if tag == 0x12:
            found = dict(_fields(bytes(value)))
            cid = "b" + base64.b32encode(found[0x0A]).decode().lower().rstrip("=")
            links.append(Link(bytes(found[0x12]).decode(), cid, int(found[0x18])))
        else:
            data = bytes(value)
    return links, data


def _fields(block: bytes) -> Iterator[tuple[int, bytes | int]]:
    position = 0

    def number() -> int:
        nonlocal position
        value = shift = 0
        while True:
            byte = block[position]
            position += 1
            value |= (byte & 0x7F) << shift
            shift += 7
            if byte < 0x80:
                return value

    while position < len(block):
        tag, value = block[position], 0
        position += 1
        value = number()
        if tag & 7 == 2:
            yield tag, block[position : position + value]
            position += value
        else:
            yield tag, value
