"""Lists of prices are validated when they are loaded: what, on which line, and the way out."""

from __future__ import annotations

import pytest

from retail_sync.settings.loader import parse_settings
from tests.support.settings_files import refused

HEAD = """
locations: [{name: Nord, outlet: Nord}]
products: {price: {owner: none, currency: EUR}}
prices:
"""
SHELF = "{name: A, owner: commercetools, lightspeed: {base: true}}"


@pytest.mark.parametrize(
    ("prices", "says"),
    [
        ("  lists: [{name: A, owner: commercetools, lightspeed: {}}]", "by exactly one of base, price_book, location"),
        ("  lists: [{name: A, lightspeed: {base: true, price_book: B}}]", "by exactly one of base, price_book"),
        ("  lists: [{name: A, lightspeed: {base: true, customer_groups: [x]}}]", "only a price book that is named"),
        ("  lists: [{name: A, lightspeed: {price_book: B, valid_from: 2026-12-02, valid_to: 2026-12-01}}]", "swap"),
        ("  lists: [{name: A, owner: newest, markup_percent: 5, lightspeed: {base: true}}]", "come back as it went"),
        ("  lists: [{name: A, owner: review, rounding: {}, lightspeed: {base: true}}]", "come back as it went"),
        ("  lists: [{name: A, owner: lightspeed, validity: in force, lightspeed: {base: true}}]", "in force count"),
        ("  lists: [{name: A, owner: commercetools, validity: book, lightspeed: {base: true}}]", "has no dates"),
        (
            "  lists: [{name: A, owner: commercetools, direction: to_commercetools, lightspeed: {base: true}}]",
            "nothing is ever written",
        ),
        ("  lists: [{name: A, owner: commercetools, markup_percent: 5, lightspeed: {base: true}}]", "rounding: {}"),
        (f"  lists: [{SHELF}, {SHELF}]", "'A' is used by two lists"),
        (f"  lists: [{SHELF}, {{name: B, owner: lightspeed, lightspeed: {{base: true}}}}]", "same place at the till"),
        (
            f"  lists: [{SHELF}, {{name: B, owner: lightspeed, lightspeed: {{price_book: B}}}}]",
            "has the same prices online, and one of the two writes them",
        ),
        ("  lists: [{name: A, owner: commercetools, lightspeed: {location: Nrod}}]", "Did you mean 'Nord'?"),
        (
            "  lists: [{name: A, owner: commercetools, commercetools: {currency: GBP}, lightspeed: {base: true}}]",
            "no rate says what GBP is in EUR",
        ),
        (
            "  lists: [{name: A, owner: newest, commercetools: {currency: GBP}, lightspeed: {price_book: B}}]",
            "can't be owned by 'newest'",
        ),
        ("  lists: [{name: A, lightspeed: {base: true}, commercetools: {channel: a, store: b}}]", "not both"),
        ("  lists: [{name: A, lightspeed: {base: true}, commercetools: {currency: eur}}]", "currency"),
        ("  rules: {price_zero: drop field}", "price_zero"),
        ("  most_change_percent: 0", "most_change_percent"),
        ("  exchange_rates: [{source: EUR, target: GBP, rate: 0, as_of: 2026-11-01}]", "rate"),
    ],
)  # fmt: skip
def test_lists_that_cannot_work_are_refused_by_line_with_the_way_out(prices: str, says: str) -> None:
    told = refused(HEAD + prices)
    assert says in told and "sync.yaml:" in told and "What to do" in told


def test_the_tills_own_price_has_one_owner() -> None:
    told = refused(f"prices:\n  lists: [{SHELF}]")
    assert "Set products.price.owner to `none`" in told


def test_lists_that_one_side_owns_may_share_what_they_only_read() -> None:
    second = "{name: B, owner: commercetools, lightspeed: {price_book: B}}"
    settings = parse_settings(f"{HEAD}  lists: [{SHELF}, {second}]")
    assert [one.name for one in settings.prices.synced] == ["A", "B"]
