"""Prices that begin and end by dates: the days of a price book, and changes that time alone brings."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any

import pytest

from retail_sync.ledger.rows import MirrorRow
from retail_sync.records.prices import Book, Quote
from retail_sync.settings.models.prices import PriceList
from retail_sync.sync.prices.quotes import online_standing
from tests.sync.prices.paper import NOW, Paper

DECEMBER = Book(
    "b", "2026-11-30T23:00:00.000Z", "2026-12-24T23:00:00.000Z", "2026-12-01", "2026-12-24", "Europe/Berlin"
)
BOOK: dict[str, Any] = {
    "name": "L",
    "owner": "commercetools",
    "lightspeed": {"price_book": "L"},
    "validity": "book",
}
BASE: dict[str, Any] = {
    "name": "L",
    "owner": "commercetools",
    "lightspeed": {"base": True},
    "validity": "in force",
}


def offer(begins: str | None, ends: str | None, amount: str = "15") -> dict[str, Any]:
    return {
        "id": f"{begins}-{ends}", "amount": amount, "from": begins, "until": ends, "tiers": [], "own": True,
        "version": None,
    }  # fmt: skip


def shown(offers: Sequence[dict[str, Any]], book: Book = DECEMBER) -> tuple[Quote | None, str]:
    row = MirrorRow(
        id="p:1", digest="", fields={"tax": "tax", "offers": {"L": list(offers)}, "elsewhere": []}
    )
    found = online_standing(PriceList.model_validate(BOOK), row, book, NOW)
    return found.quote, found.other_dates


@pytest.mark.parametrize(
    "ends",
    ["2026-12-24T22:59:59.999Z", "2026-12-24T22:59:59Z", "2026-12-24T23:00:00Z", "2026-12-24T22:00:00.000Z"],
)
@pytest.mark.parametrize("begins", ["2026-11-30T23:00:00Z", "2026-12-01T07:00:00.000Z"])
def test_the_same_days_in_the_zone_of_the_store_are_the_days_of_the_book(begins: str, ends: str) -> None:
    assert shown([offer(begins, ends)]) == (Quote(Decimal(15)), "")


@pytest.mark.parametrize(
    ("begins", "ends", "span"),
    [
        ("2026-11-30T23:00:00Z", "2026-12-24T23:00:00.001Z", "from 2026-12-01 to 2026-12-25"),
        ("2026-11-30T22:59:59.999Z", "2026-12-24T23:00:00Z", "from 2026-11-30 to 2026-12-24"),
        ("2026-11-30T23:00:00Z", None, "from 2026-12-01 to any day"),
        (None, "2026-12-24T23:00:00Z", "from any day to 2026-12-24"),
    ],
)
def test_other_days_are_told_with_both_spans(begins: str | None, ends: str | None, span: str) -> None:
    quote, told = shown([offer(begins, ends)])
    assert quote is None
    assert told == f"the price book counts from 2026-12-01 to 2026-12-24, online prices {span}"


def test_a_price_without_dates_and_one_that_has_ended_are_nothing_to_tell() -> None:
    assert shown([offer(None, None), offer("2026-01-01T00:00:00Z", "2026-02-01T00:00:00Z")]) == (None, "")
    ended = Book("b", None, "2026-10-01T00:00:00.000Z", None, "2026-09-30", "UTC")
    assert shown([offer("2026-12-01T00:00:00Z", None)], ended) == (None, "")


def test_prices_for_other_days_than_the_book_are_held() -> None:
    made = Dated(BOOK, [offer("2026-11-30T23:00:00Z", "2026-12-31T23:00:00Z")], book=DECEMBER)
    plan = made.run()
    assert [hold.code for hold in plan.holds] == ["price_dates"]
    assert made.till is None


# ---------------------------------------------------------------- jumps


class Dated(Paper):
    """A shop whose online prices have dates. `known_since`: when the mirror came to hold them as they are."""

    def __init__(
        self, one: dict[str, Any], offers: list[dict[str, Any]], *, book: Book | None = None
    ) -> None:
        super().__init__(one, True, True, Decimal("0.19"), Decimal("0.19"))
        self.offers = offers
        self.known_since = NOW
        self.at = NOW
        self.book = book

    def given(self) -> Any:
        given = super().given()
        variant = replace(
            given.variants["p:1"],
            fields={**given.variants["p:1"].fields, "offers": {"L": self.offers}},
            changed_at=self.known_since,
        )
        till = given.terms.till if self.book is None else replace(given.terms.till, books={"L": self.book})
        return replace(given, variants={"p:1": variant}, now=self.at, terms=replace(given.terms, till=till))

    def held_at(self, at: datetime) -> list[str]:
        self.at = at
        return [hold.code for hold in self.run().holds]


def day(days: int) -> datetime:
    return NOW + timedelta(days=days)


def text(moment: datetime) -> str:
    return moment.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%S.000Z")


@pytest.mark.parametrize("lowered", ["15", "9.99", "1"])
def test_a_dated_price_begins_and_ends_without_a_decision_where_it_was_known_before(lowered: str) -> None:
    shop = Dated(BASE, [offer(None, None, "20")])
    shop.till = Quote(Decimal(20))
    assert shop.held_at(day(0)) == [] and shop.till == Quote(Decimal(20))
    shop.offers.append(offer(text(day(2)), text(day(5)), lowered))
    shop.known_since = day(1)
    assert shop.held_at(day(1)) == [] and shop.till == Quote(Decimal(20))
    assert shop.held_at(day(3)) == [] and shop.till == Quote(Decimal(lowered))
    assert shop.held_at(day(6)) == [] and shop.till == Quote(Decimal(20))


def test_a_dated_price_that_was_entered_after_its_beginning_is_a_jump_like_any_other() -> None:
    shop = Dated(BASE, [offer(None, None, "20")])
    shop.till = Quote(Decimal(20))
    shop.held_at(day(0))
    shop.offers.append(offer(text(day(2)), None, "2"))
    shop.known_since = day(3)
    assert shop.held_at(day(3)) == ["price_jump"] and shop.till == Quote(Decimal(20))


def test_a_price_that_was_agreed_on_before_comes_back_without_a_decision() -> None:
    shop = Dated(BASE, [offer(None, None, "20")])
    shop.till = Quote(Decimal(20))
    shop.held_at(day(0))
    for days, amount in ((1, "15"), (2, "11"), (3, "20")):
        shop.offers[:] = [offer(None, None, amount)]
        shop.known_since = day(days)
        assert shop.held_at(day(days)) == []
        assert shop.till == Quote(Decimal(amount))
    shop.offers[:] = [offer(None, None, "200")]
    shop.known_since = day(4)
    assert shop.held_at(day(4)) == ["price_jump"]
