"""Readers give as many bytes as they are asked for, until there are no more."""

from hypothesis import given
from hypothesis import strategies as st

from c2d.publish.readers import Joined, Pieces
from c2d.storage.store import Reader

PIECES = st.lists(st.binary(max_size=20), max_size=10)


def read_all(reader: Reader, count: int) -> list[bytes]:
    found = []
    while piece := reader.read(count):
        found.append(piece)
    return found


@given(PIECES, st.integers(1, 30))
def test_pieces(pieces: list[bytes], count: int) -> None:
    found = read_all(Pieces(pieces), count)
    assert b"".join(found) == b"".join(pieces)
    assert all(len(piece) == count for piece in found[:-1])


@given(st.lists(PIECES, max_size=4), st.integers(1, 30))
def test_joined(sources: list[list[bytes]], count: int) -> None:
    found = read_all(Joined(*map(Pieces, sources)), count)
    assert b"".join(found) == b"".join(piece for source in sources for piece in source)
    assert all(len(piece) == count for piece in found[:-1])
