"""Quantities as the cluster writes them, numbers as clients read them."""

from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from c2d.service import environments
from c2d.service.environments import NO_ADDRESS, Offers
from tests.kit.service import CONSUMER_ADDRESS, environment, merged

GIB = 1024**3


@pytest.mark.parametrize(
    ("quantity", "expected"),
    [
        ("1", 1),
        ("500m", Decimal("0.5")),
        ("0.5", Decimal("0.5")),
        ("1k", 1000),
        ("1Ki", 1024),
        ("2M", 2_000_000),
        ("2Mi", 2 * 1024**2),
        ("1.5G", 1_500_000_000),
        ("1.5Gi", GIB * Decimal("1.5")),
        ("3T", 3 * 10**12),
        ("3Ti", 3 * 1024**4),
        ("0", 0),
    ],
)
def test_amount(quantity: str, expected: Decimal) -> None:
    assert environments.amount(quantity) == expected


@pytest.mark.parametrize("text", ["", "Gi", "1 Gi", "1gi ", "-1", "1e3\n"])
def test_what_is_no_quantity(text: str) -> None:
    with pytest.raises((ValueError, KeyError)):
        environments.amount(text)


@pytest.mark.parametrize(
    ("value", "expected", "kind"),
    [("0", 0, int), ("0.0", 0, int), ("3.00", 3, int), ("0.25", 0.25, float), ("0.3333333333", 0.333333, float)],
)
def test_number(value: str, expected: float, kind: type) -> None:
    shown = environments.number(Decimal(value))
    assert (shown, type(shown)) == (expected, kind)


@given(st.from_regex(r"\A[0-9]{1,20}(\.[0-9]{1,10})?(m|k|M|G|T|Ki|Mi|Gi|Ti)?\Z"))
def test_every_quantity_is_shown_as_a_number_near_it(quantity: str) -> None:
    value = environments.amount(quantity) / GIB
    assert environments.number(value) == pytest.approx(float(value), abs=1e-6)


def test_the_address_is_that_of_any_environment() -> None:
    offers = Offers()
    assert offers.address == NO_ADDRESS
    for number, address in enumerate([None, CONSUMER_ADDRESS]):
        item = environment(f"e{number}", address)
        offers.put(merged(item, {"metadata": {"uid": f"u{number}", "resourceVersion": str(number + 1)}}))
    assert offers.address == CONSUMER_ADDRESS


def test_the_newest_version_counts() -> None:
    offers = Offers()

    def seen(version: int, **spec: object) -> None:
        offers.put(merged(environment("e", **spec), {"metadata": {"uid": "u", "resourceVersion": str(version)}}))

    seen(9, description="new")
    seen(10, description="newest")
    seen(8, description="old")
    offer = offers.get("e")
    assert offer is not None
    assert offer.spec.description == "newest"
    offers.keep_only(set(), 9)
    assert offers.get("e") is not None
    offers.keep_only(set(), 10)
    assert offers.get("e") is None


def test_one_that_becomes_broken_is_no_longer_offered() -> None:
    offers = Offers()
    item = merged(environment("e"), {"metadata": {"uid": "u", "resourceVersion": "1"}})
    offers.put(item)
    offers.put(merged(item, {"metadata": {"resourceVersion": "2"}, "spec": {"results": None}}))
    assert offers.get("e") is None
    assert list(offers) == []
