"""A till and an online shop on paper, for plans of prices: one article, one list, and hands that do what a plan says as
both systems do it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from decimal import ROUND_FLOOR, ROUND_HALF_EVEN, ROUND_HALF_UP, Decimal
from typing import Any

from retail_sync.ledger.rows import Link, MirrorRow
from retail_sync.records.currencies import minor_digits
from retail_sync.records.prices import Book, OnlineTerms, Quote, TaxTerm, TillTerms, quote_of
from retail_sync.records.types import decimal_text
from retail_sync.settings.models import SyncSettings
from retail_sync.sync.prices.apply import agreed_after
from retail_sync.sync.prices.cases import Given, cases_of
from retail_sync.sync.prices.feeds import Terms
from retail_sync.sync.prices.planner import PricePlan, by_article, change_row, link_of, plan_prices
from retail_sync.sync.prices.quotes import lines_of

NOW = datetime(2026, 11, 25, 12, tzinfo=UTC)
LATER = datetime(2026, 11, 25, 13, tzinfo=UTC)
TILL_ROUNDS = {"half up": ROUND_HALF_UP, "half even": ROUND_HALF_EVEN, "down": ROUND_FLOOR}


@dataclass
class Paper:
    """`online` and `till` are what stands there, each as its system keeps it; None = no price. `book_rounds`: how the
    till rounds the fifth digit of a price that it was given with tax."""

    one: dict[str, Any]
    online_included: bool
    till_included: bool
    online_rate: Decimal | None
    till_rate: Decimal | None
    online: Quote | None = None
    till: Quote | None = None
    book_rounds: str = "half up"
    currency: str = "EUR"
    prices: dict[str, Any] = field(default_factory=dict)
    link: Link | None = None
    moments: dict[str, datetime] = field(default_factory=lambda: {"online": NOW, "till": NOW})
    version: int = 1

    @property
    def in_book(self) -> bool:
        return "price_book" in self.one["lightspeed"]

    def settings(self) -> SyncSettings:
        return SyncSettings.model_validate(
            {
                "products": {"price": {"owner": "none", "currency": self.currency}},
                "prices": {"lists": [self.one], **self.prices},
            }
        )

    def given(self) -> Given:
        name = self.one["name"]
        terms = Terms(
            OnlineTerms({name: {"tax": TaxTerm(self.online_rate, self.online_included)}}),
            TillTerms(
                tax_included=self.till_included,
                currency=self.currency,
                rates={"t": self.till_rate},
                defaults={"o": "t"},
                outlets={name: ["o"]},
                books={name: Book("book")} if self.in_book else {},
            ),
        )
        entries = self._entries()
        return Given(
            settings=self.settings(),
            terms=terms,
            now=LATER,
            pairs=[("p:1", "a")],
            variants={"p:1": self._variant()},
            articles={"a": self._article()},
            entries=by_article(entries),
            links={(name, "a"): self.link} if self.link else {},
        )

    def _variant(self) -> MirrorRow:
        offers = []
        if self.online is not None:
            plain = self.online.plain
            offers = [
                {
                    "id": "offer", "amount": plain["amount"], "from": None, "until": None,
                    "tiers": plain.get("tiers", []), "own": True, "version": None,
                }
            ]  # fmt: skip
        fields = {"tax": "tax", "standalone": False, "offers": {self.one["name"]: offers}, "elsewhere": []}
        return MirrorRow(
            id="p:1", parent_id="p", label="SKU", digest="", fields=fields, version=self.version,
            modified_at=self.moments["online"], carry={"n": 1, "prices": {}},
        )  # fmt: skip

    def _article(self) -> MirrorRow:
        amount = decimal_text(self.till.amount) if self.till and not self.in_book else None
        if self.in_book:
            amount = "1"
        fields: Mapping[str, Any] = {"amount": amount, "supply_price": None, "taxes": {}}
        return MirrorRow(
            id="a",
            label="SKU",
            digest="",
            fields=fields,
            version=self.version,
            modified_at=self.moments["till"],
        )

    def _entries(self) -> list[MirrorRow]:
        if self.till is None or not self.in_book:
            return []
        return [
            MirrorRow(
                id=f"e{n}",
                parent_id="a",
                digest="",
                modified_at=self.moments["till"],
                fields={
                    "book": "book",
                    "amount": decimal_text(line.amount),
                    "tax": "t",
                    "min": None if line.min_units is None else str(line.min_units),
                    "max": None if line.max_units is None else str(line.max_units),
                },
            )
            for n, line in enumerate(lines_of(self.till, "t"))
        ]

    # --- what the systems make of what they are given ---

    def run(self) -> PricePlan:
        """Plan, do as planned, and agree on what stands there then."""
        plan = plan_prices(self.given())
        for case, agreed in plan.agreed:
            self.link = link_of(case, agreed, "run")
        for planned in plan.changes:
            change = change_row(planned, "run")
            wanted = quote_of(change.after["price"])
            if change.system == "commercetools":
                self.write_online(wanted)
            else:
                self.write_till(wanted)
            (case,) = cases_of(self.given())
            self.link = link_of(case, agreed_after(case, change), "run")
        return plan

    def write_online(self, quote: Quote | None) -> None:
        """Whole minor units, or as many digits as the list allows: anything else is refused."""
        if quote is not None:
            digits = (self.one.get("commercetools") or {}).get("high_precision_digits") or minor_digits(
                self.currency
            )
            assert all(a == a.quantize(Decimal(1).scaleb(-digits)) for a in quote.amounts())
        self.online = quote

    def write_till(self, quote: Quote | None) -> None:
        """A price book prints without tax what it is given with it, and keeps five digits."""
        if quote is not None and self.in_book and self.till_included:
            assert self.till_rate is not None
            quote = quote.with_amounts([self._net(amount) for amount in quote.amounts()])
        self.till = quote

    def _net(self, amount: Decimal) -> Decimal:
        net = amount / (1 + (self.till_rate or 0))
        return net.quantize(Decimal("0.00001"), rounding=TILL_ROUNDS[self.book_rounds])
