"""A folder of IPFS: its blocks, as kubo makes them. Pure.

One block has the links to all that is in it. Where they would be too many for one, they are spread over blocks by the
hashes of their names, each byte of a hash choosing the way one level down: a hash array mapped trie (HAMT). Source:
https://specs.ipfs.tech/unixfs/#dag-pb-hamtdirectory.
"""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass

from c2d.storage import unixfs
from c2d.storage.errors import Refused

LARGEST = 256 * 1024  # bytes of names and CIDs in one block; kubo's own bound, so that CIDs are those of `ipfs add`
_DIRECTORY, _SHARD = 1, 5  # types of a block
_MURMUR3, _FANOUT = 0x22, 256
_LEVELS = 8  # bytes of a hash
_MASK = (1 << 64) - 1
_C1, _C2 = 0x87C37B91114253D5, 0x4CF5AD432745937F

Keep = Callable[[bytes], None]


@dataclass(frozen=True, slots=True)
class Link:
    """Something in a folder."""

    name: bytes
    cid: bytes
    total: int  # bytes of its tree, nodes included

    @property
    def encoded(self) -> bytes:
        return unixfs.link(self.name, self.cid, self.total)


def make(links: Iterable[Link], keep: Keep) -> Link:
    """The folder, without a name; its blocks are handed to `keep`, those that are linked to before those that link.

    Raises Refused where names can't be spread: an enemy can make many names with one hash.
    """
    ordered = sorted(links, key=lambda link: link.name)
    if sum(len(link.name) + len(link.cid) for link in ordered) > LARGEST:
        return _shard([(name_hash(link.name), link) for link in ordered], 0, keep)
    return _kept(ordered, unixfs.number(1, _DIRECTORY), keep)


def _shard(hashed: Sequence[tuple[bytes, Link]], level: int, keep: Keep) -> Link:
    if level == _LEVELS:
        raise Refused("the names of files in one folder have the same hash, which IPFS can't store")
    places: dict[int, list[tuple[bytes, Link]]] = {}
    for item in hashed:
        places.setdefault(item[0][level], []).append(item)
    links = [_at(place, places[place], level, keep) for place in sorted(places)]
    bits = sum(1 << place for place in places).to_bytes(_FANOUT // 8, "big").lstrip(b"\0")
    head = unixfs.number(1, _SHARD) + unixfs.field(2, bits)
    return _kept(links, head + unixfs.number(5, _MURMUR3) + unixfs.number(6, _FANOUT), keep)


def _at(place: int, hashed: Sequence[tuple[bytes, Link]], level: int, keep: Keep) -> Link:
    """What has this place in its shard: the one that hashes to it, or another shard."""
    below = hashed[0][1] if len(hashed) == 1 else _shard(hashed, level + 1, keep)
    return Link(b"%02X" % place + below.name, below.cid, below.total)


def _kept(links: Sequence[Link], data: bytes, keep: Keep) -> Link:
    block = unixfs.block((link.encoded for link in links), data)
    keep(block)
    return Link(b"", unixfs.block_cid(block), len(block) + sum(link.total for link in links))


def name_hash(name: bytes) -> bytes:
    """The first half of its MurmurHash3 x64 128. Source: https://github.com/aappleby/smhasher, MurmurHash3.cpp."""
    one = two = 0
    whole = len(name) // 16 * 16
    for begin in range(0, whole, 16):
        one ^= _mixed(name[begin : begin + 8], _C1, 31, _C2)
        one = ((_rotated(one, 27) + two) * 5 + 0x52DCE729) & _MASK
        two ^= _mixed(name[begin + 8 : begin + 16], _C2, 33, _C1)
        two = ((_rotated(two, 31) + one) * 5 + 0x38495AB5) & _MASK
    one ^= _mixed(name[whole : whole + 8], _C1, 31, _C2) ^ len(name)
    two ^= _mixed(name[whole + 8 :], _C2, 33, _C1) ^ len(name)
    one = (one + two) & _MASK
    two = (one + two) & _MASK
    return ((_finished(one) + _finished(two)) & _MASK).to_bytes(8, "big")


def _mixed(some: bytes, first: int, rotation: int, second: int) -> int:
    value = int.from_bytes(some, "little") * first & _MASK
    return _rotated(value, rotation) * second & _MASK


def _rotated(value: int, count: int) -> int:
    return (value << count | value >> (64 - count)) & _MASK


def _finished(value: int) -> int:
    value = (value ^ value >> 33) * 0xFF51AFD7ED558CCD & _MASK
    value = (value ^ value >> 33) * 0xC4CEB9FE1A85EC53 & _MASK
    return value ^ value >> 33
