"""UnixFS as a node of IPFS makes and reads it, written apart from the product's so that neither hides a mistake.

Files are cut as `ipfs add --cid-version=1` cuts them: leaves of 256 KiB without any wrapping, and nodes of 174 links.
Folders that it makes have one node each, as those in its tree of names are small; those with thousands of entries,
which a real node splits, it reads.
"""

import base64
import hashlib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass

CHUNK = 262_144
LINKS = 174
DIRECTORY, FILE, SHARD = 1, 2, 5
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
        kind = FILE if _codec(cid) == RAW else _parse(self[cid])[1][1]
        return DIRECTORY if kind == SHARD else kind

    def links(self, cid: str) -> list[Link]:
        """Those of a file to its parts, or of a folder to what is in it, however many nodes it has."""
        links, data = ([], b"") if _codec(cid) == RAW else _parse(self[cid])
        return list(self._spread(links)) if data[:2] == bytes([8, SHARD]) else links

    def _spread(self, links: list[Link]) -> Iterator[Link]:
        """Names begin with two digits, the place in the shard; those without more are of shards below."""
        for link in links:
            if link.name[2:]:
                yield Link(link.name[2:], link.cid, link.total)
            else:
                yield from self.links(link.cid)

    def complete(self, cid: str) -> bool:
        """Whether everything below is there."""
        if cid not in self:
            return False
        return _codec(cid) == RAW or all(self.complete(link.cid) for link in _parse(self[cid])[0])

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
