"""Product selections and stores as conditions of the assortment, and the price side of pure arithmetic."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as some

from retail_sync.commercetools.api.price_drafts import TaxRule, tax_rule
from retail_sync.commercetools.api.wire import TaxCategory
from retail_sync.commercetools.products.base_price import from_canonical, to_canonical
from tests.commercetools.world import Json, World, settings, variant


def select(world: World, key: str, *products: Json, mode: str = "Individual") -> Json:
    selection = world.store.create("product-selections", {"key": key, "name": {"en-GB": key}, "mode": mode})
    actions = [{"action": "addProduct", "product": {"typeId": "product", "id": p["id"]}} for p in products]
    return world.store.update("product-selections", actions, id=selection["id"]) if actions else selection


def listed(world: World, **rule: Any) -> set[str]:
    products = world.read(settings(assortment={"commercetools": rule}, limits={"page_size": 2})).products
    return set(products.loc[products["listed"], "key"])


@pytest.fixture
def sold(world: World) -> World:
    products = [world.product(variant(f"S-{n}"), key=f"p-{n}") for n in range(4)]
    select(world, "spring", *products[:2])
    select(world, "summer", *products[1:3])
    select(world, "resting", products[3])
    settings_of_store = [
        {"productSelection": {"typeId": "product-selection", "key": key}, "active": active}
        for key, active in (("summer", True), ("resting", False))
    ]
    world.store.create(
        "stores", {"key": "berlin", "name": {"en-GB": "Berlin"}, "productSelections": settings_of_store}
    )
    return world


@pytest.mark.parametrize(
    ("rule", "expected"),
    [
        pytest.param({"product_selections": ["spring"]}, {"p-0", "p-1"}, id="a-selection"),
        pytest.param(
            {"product_selections": ["spring", "summer"]},
            {"p-0", "p-1", "p-2"},
            id="any-of-several-selections",
        ),
        pytest.param({"stores": ["berlin"]}, {"p-1", "p-2"}, id="active-selections-of-a-store"),
        pytest.param({"stores": ["berlin"], "product_selections": ["spring"]}, {"p-1"}, id="both"),
        pytest.param({"product_selections": ["winter"]}, set(), id="a-selection-nobody-knows"),
    ],
)
def test_selections_and_stores_list_their_products(sold: World, rule: Json, expected: set[str]) -> None:
    assert listed(sold, **rule) == expected


# ------------------------------------------------------------ tax in prices

SHARES = some.integers(0, 30_00).map(lambda n: Decimal(n) / 10_000)


@given(price=some.integers(0, 10**12), share=SHARES, included=some.booleans(), wanted=some.booleans())
def test_what_is_told_to_be_exact_comes_back_to_the_cent(
    price: int, share: Decimal, included: bool, wanted: bool
) -> None:
    rule = TaxRule(share, included)
    converted = to_canonical(Decimal(price), rule, wanted)
    assert converted is not None
    canonical, exact = converted
    assert (from_canonical(canonical, rule, wanted) == price) is exact
    if included == wanted:
        assert canonical == price and exact


@given(price=some.integers(0, 10**12), share=SHARES)
def test_a_gross_price_written_as_net_reads_back_within_a_cent(price: int, share: Decimal) -> None:
    rule = TaxRule(share, included=False)
    net = from_canonical(price, rule, tax_included=True)
    assert net is not None
    back = to_canonical(Decimal(net), rule, tax_included=True)
    assert back is not None and abs(back[0] - price) <= 1


def _rates(*rates: tuple[str, str | None, float, bool]) -> TaxCategory:
    fields = ("country", "state", "amount", "includedInPrice")
    return TaxCategory.model_validate(
        {"id": "x", "rates": [dict(zip(fields, rate, strict=True)) for rate in rates]}
    )


@pytest.mark.parametrize(
    ("rates", "country", "expected"),
    [
        ([("DE", None, 0.19, True), ("GB", None, 0.2, False)], "GB", TaxRule(Decimal("0.2"), False)),
        ([("DE", None, 0.19, True), ("GB", None, 0.2, True)], None, TaxRule(None, True)),
        ([("DE", None, 0.19, True), ("GB", None, 0.2, False)], None, None),
        ([("DE", None, 0.19, True)], "FR", None),
        ([("US", "NY", 0.04, False), ("US", "CA", 0.07, False)], "US", TaxRule(None, False)),
        ([("US", "NY", 0.04, False), ("US", None, 0.01, False)], "US", TaxRule(Decimal("0.01"), False)),
        ([], None, None),
    ],
)
def test_the_tax_rule_is_told_only_where_it_is_one(
    rates: list[tuple[str, str | None, float, bool]], country: str | None, expected: TaxRule | None
) -> None:
    assert tax_rule(_rates(*rates), country) == expected


def test_a_price_that_needs_no_conversion_needs_no_rate() -> None:
    assert to_canonical(Decimal(5), TaxRule(None, True), tax_included=True) == (5, True)
    assert to_canonical(Decimal(5), TaxRule(None, True), tax_included=False) is None
