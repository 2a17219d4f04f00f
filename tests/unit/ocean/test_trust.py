"""Which algorithms a publisher lets near the data."""

import dataclasses
import hashlib

import pytest

from c2d.ocean import trust
from c2d.ocean.ddo import Compute, Container, Ddo, Trusted
from c2d.ocean.trust import Algorithm

DID, OWNER = "did:op:algorithm", "0xAbCd"
CONTAINER = Container("python3 $ALGO", "sha256:" + "1" * 64)
FILES = ("a" * 64, "b" * 64)
SUM = hashlib.sha256(f"{CONTAINER.entrypoint}{CONTAINER.checksum}".encode()).hexdigest()

PUBLISHED = Algorithm(DID, FILES, CONTAINER, Ddo(DID, (), OWNER, CONTAINER))
CLAIMED = dataclasses.replace(PUBLISHED, ddo=None)
RAW = Algorithm("", FILES, CONTAINER)
OTHER_CONTAINER = dataclasses.replace(PUBLISHED, container=Container("sh -c evil", CONTAINER.checksum))
OTHER_IMAGE = dataclasses.replace(PUBLISHED, container=Container(CONTAINER.entrypoint, "sha256:" + "2" * 64))
OTHER_FILES = dataclasses.replace(PUBLISHED, files=FILES[::-1])

EXACT = Trusted(DID, "".join(FILES), SUM)
BY_DID = Trusted(DID)


def lists(*entries: Trusted, publishers: tuple[str, ...] | None = None, raw: bool = False) -> Compute:
    return Compute(raw, entries, publishers)


@pytest.mark.parametrize(
    ("compute", "algorithm"),
    [
        pytest.param(Compute(), PUBLISHED, id="without lists, any that is published"),
        pytest.param(Compute(allow_raw=True), RAW, id="raw code where it is allowed"),
        pytest.param(lists(EXACT, raw=True), RAW, id="raw code beside a list, too"),
        pytest.param(Compute(allow_raw=True), CLAIMED, id="what only claims a DID is raw code"),
        pytest.param(lists(EXACT), PUBLISHED, id="on the list, as it was trusted"),
        pytest.param(lists(EXACT), CLAIMED, id="proven by both checksums, wherever it came from"),
        pytest.param(lists(EXACT), dataclasses.replace(PUBLISHED, ddo=Ddo(DID, ())), id="proven without a container"),
        pytest.param(lists(Trusted(DID, "".join(FILES).upper(), SUM.upper())), PUBLISHED, id="in any case"),
        pytest.param(lists(BY_DID), PUBLISHED, id="on the list without checksums"),
        pytest.param(lists(Trusted("did:op:x"), EXACT), PUBLISHED, id="one of several"),
        pytest.param(lists(Trusted(DID, "0" * 64), EXACT), PUBLISHED, id="listed twice, trusted once"),
        pytest.param(lists(Trusted("*", "*", "*")), PUBLISHED, id="everybody, by entry"),
        pytest.param(Compute(publishers=("*",)), PUBLISHED, id="everybody, by publisher"),
        pytest.param(Compute(publishers=("0xother", "0xABCD")), PUBLISHED, id="of a trusted publisher, in any case"),
        pytest.param(lists(publishers=(OWNER,)), PUBLISHED, id="the publisher is enough beside an empty list"),
        pytest.param(lists(EXACT, publishers=()), PUBLISHED, id="so is the entry"),
        pytest.param(lists(Trusted(DID, "0" * 64), publishers=(OWNER,)), PUBLISHED, id="either list admits"),
    ],
)
def test_admitted(compute: Compute, algorithm: Algorithm) -> None:
    assert trust.objection(compute, algorithm) is None


@pytest.mark.parametrize(
    ("compute", "algorithm", "words"),
    [
        pytest.param(Compute(), RAW, "allowRawAlgorithm", id="raw code"),
        pytest.param(lists(EXACT), RAW, "allowRawAlgorithm", id="raw code that is a trusted one"),
        pytest.param(Compute(), CLAIMED, "not from that asset", id="only claims a DID"),
        pytest.param(lists(BY_DID), CLAIMED, "not from that asset", id="only claims a trusted DID"),
        pytest.param(lists(Trusted(DID, "".join(FILES))), CLAIMED, "not from that", id="files alone prove nothing"),
        pytest.param(Compute(publishers=("*",)), CLAIMED, "not from that asset", id="claims a DID where all may"),
        pytest.param(lists(), PUBLISHED, "none of the lists", id="an empty list admits nobody"),
        pytest.param(Compute(publishers=()), PUBLISHED, "none of the lists", id="nor does one of publishers"),
        pytest.param(lists(publishers=()), PUBLISHED, "none of the lists", id="nor do both"),
        pytest.param(lists(Trusted("did:op:x")), PUBLISHED, "none of the lists", id="another one is trusted"),
        pytest.param(Compute(publishers=("0xother",)), PUBLISHED, "none of the lists", id="another publisher is"),
        pytest.param(lists(EXACT), OTHER_FILES, "filesChecksum", id="its files in another order"),
        pytest.param(lists(EXACT), OTHER_CONTAINER, "containerSectionChecksum", id="another command"),
        pytest.param(
            lists(EXACT), dataclasses.replace(PUBLISHED, container=None), "containerSectionChecksum", id="no container"
        ),
        pytest.param(lists(BY_DID), OTHER_CONTAINER, "than its DDO has", id="another command"),
        pytest.param(Compute(), OTHER_IMAGE, "another container than its DDO", id="another image than its DDO"),
        pytest.param(
            Compute(publishers=(OWNER,)), OTHER_CONTAINER, "another container than its DDO", id="of a trusted publisher"
        ),
        pytest.param(
            Compute(publishers=("",)),
            dataclasses.replace(PUBLISHED, ddo=Ddo(DID, ())),
            "none of the lists",
            id="nobody's algorithm",
        ),
    ],
)
def test_refused(compute: Compute, algorithm: Algorithm, words: str) -> None:
    assert words in str(trust.objection(compute, algorithm))
