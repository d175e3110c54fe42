"""Prices as both systems hold them, and what has to be known of each system to read them.

Amounts are exact decimals in major units ("19.99"), with tax or without it as their place says; a till without tax
has five decimals, so minor units would not do. A table is a pandas DataFrame with the columns below; `NA` is unknown,
which is neither "no price" nor zero.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import astuple, dataclass, field
from decimal import Decimal
from typing import Any

import pandas as pd

from retail_sync.records.tables import table_of
from retail_sync.records.types import Column, canonical_value, decimal_text

TILL_DECIMALS = 5
"""Digits after the point of a price without tax at the till (official examples show 2.63158)."""

Tier = tuple[int, Decimal]
"""From how many units on, and the price of each of them."""


@dataclass(frozen=True)
class Quote:
    """A price as one place holds it: the amount, and other amounts from some quantities on, in ascending order."""

    amount: Decimal
    tiers: tuple[Tier, ...] = ()

    @property
    def plain(self) -> dict[str, Any]:
        """As JSON keeps it; amounts as text."""
        tiers = [[units, decimal_text(amount)] for units, amount in self.tiers]
        return {"amount": decimal_text(self.amount), **({"tiers": tiers} if tiers else {})}

    @property
    def shown(self) -> str:
        """As a person reads it: `19.99 (from 10: 17.99)`."""
        tiers = ", ".join(f"from {units}: {decimal_text(amount)}" for units, amount in self.tiers)
        return decimal_text(self.amount) + (f" ({tiers})" if tiers else "")

    def amounts(self) -> tuple[Decimal, ...]:
        """All of them, the plain one first."""
        return self.amount, *(amount for _, amount in self.tiers)

    def with_amounts(self, amounts: Sequence[Decimal]) -> Quote:
        """The same quantities with other amounts, in the order of `amounts()`."""
        tiers = tuple((units, new) for (units, _), new in zip(self.tiers, amounts[1:], strict=True))
        return Quote(amounts[0], tiers)

    def near(self, other: Quote | None, tolerance: Decimal) -> bool:
        """Whether the other one is the same but for so much in each amount."""
        if other is None or [units for units, _ in self.tiers] != [units for units, _ in other.tiers]:
            return False
        pairs = zip(self.amounts(), other.amounts(), strict=True)
        return all(abs(mine - theirs) <= tolerance for mine, theirs in pairs)


def quote_of(plain: Mapping[str, Any] | None) -> Quote | None:
    """The quote that `Quote.plain` gave; None where there is none."""
    if not plain:
        return None
    tiers = tuple((int(units), Decimal(amount)) for units, amount in plain.get("tiers") or ())
    return Quote(Decimal(plain["amount"]), tiers)


VARIANT_COLUMNS: tuple[Column, ...] = (
    Column("id", "text", "id of the variant, as the products entity knows it"),
    Column("product_id", "text", "id of its product"),
    Column("sku", "text", "stock keeping unit; NA = none, then it can have no standalone price"),
    Column("version", "version", "the product's version"),
    Column("modified_at", "time", "source time of the last change, UTC"),
    Column("deleted_at", "time", "proof that it is gone"),
    Column("tax", "text", "id of the product's tax category; empty = none"),
    Column("standalone", "flag", "whether its prices are resources of their own"),
    Column("offers", "json", "list name -> its offers; a list without one is known to have none (see below)"),
    Column("elsewhere", "set", "currencies of prices that belong to no list, for a person to see"),
    Column("carry", "json", "what only the adapter needs to write its prices back"),
)
"""An offer is one price in the place of a list: `id`; `amount`, exact, with tax or without as the tax rate says; `from`
and `until`, which it begins at and ends before, null = always and never; `tiers`, pairs of minimum quantity and amount;
`own`, whether it is of the list's own country and not one for all; `version`, of a standalone price."""

ARTICLE_COLUMNS: tuple[Column, ...] = (
    Column("id", "text", "the till's id of the article"),
    Column("sku", "text", "stock keeping unit"),
    Column("version", "version", "the source's version of this row"),
    Column("modified_at", "time", "source time of the last change, UTC"),
    Column("deleted_at", "time", "proof that it is gone"),
    Column("amount", "decimal", "its price on the side of tax that the store keeps; NA = not shown or none"),
    Column("supply_price", "decimal", "what the shop pays, without tax"),
    Column("taxes", "json", "outlet id -> tax id, where it is not the outlet's default"),
)
ENTRY_COLUMNS: tuple[Column, ...] = (
    Column("id", "text", "id of the price book entry"),
    Column("product_id", "text", "the till's id of the article"),
    Column("book_id", "text", "id of the price book"),
    Column("amount", "decimal", "price without tax, whatever the store keeps"),
    Column("tax_id", "text", "the tax it is meant with"),
    Column("min_units", "decimal", "from how many units on; NA = any"),
    Column("max_units", "decimal", "up to how many units; NA = any"),
    Column("version", "version", "the source's version of this row"),
    Column("modified_at", "time", "source time of the last change, UTC"),
    Column("deleted_at", "time", "proof that it is gone"),
)


def price_table(columns: Sequence[Column], rows: Iterable[Sequence[Any]]) -> pd.DataFrame:
    """A table with these columns and their dtypes from rows in the same order; cells are made canonical."""
    types = [column.type for column in columns]
    return table_of(
        columns, ([_cell(kind, cell) for kind, cell in zip(types, row, strict=True)] for row in rows)
    )


def _cell(kind: str, value: Any) -> Any:
    return canonical_value(kind, value) if kind in ("decimal", "json", "set") else value


# ---------------------------------------------------------------- what is read whole each time


@dataclass(frozen=True)
class TaxTerm:
    """How tax relates to a price: its share (0.19; None where it can't be told as one number), and whether prices hold
    it (None where that can't be told)."""

    rate: Decimal | None
    included: bool | None


@dataclass(frozen=True)
class OnlineTerms:
    """`taxes`: by list name, then by id of the tax category. `categories`: what the categories are called."""

    taxes: Mapping[str, Mapping[str, TaxTerm]]
    categories: Mapping[str, str] = field(default_factory=dict)

    def as_document(self) -> dict[str, Any]:
        return {
            "taxes": {
                name: {
                    category: [None if t.rate is None else decimal_text(t.rate), t.included]
                    for category, t in held.items()
                }
                for name, held in self.taxes.items()
            },
            "categories": dict(self.categories),
        }

    @classmethod
    def of_document(cls, document: Mapping[str, Any]) -> OnlineTerms:
        return cls(
            taxes={
                name: {c: TaxTerm(_number(rate), included) for c, (rate, included) in held.items()}
                for name, held in document["taxes"].items()
            },
            categories=document["categories"],
        )


@dataclass(frozen=True)
class Book:
    """The price book of a list: its id and its dates. `begins`, `ends`: the moments in UTC, the end exclusive; None =
    open. `first_day`, `last_day`: the same as the till knows them, ISO dates in the store's `zone`, the last day
    inclusive."""

    id: str
    begins: str | None = None
    ends: str | None = None
    first_day: str | None = None
    last_day: str | None = None
    zone: str = "UTC"


@dataclass(frozen=True)
class TillTerms:
    """`tax_included`: the side of tax the store keeps. `rates`: by tax id; None = no single number. `defaults`: tax id
    by outlet id. `outlets`: by list name, the outlets for which its prices count. `books`: by list name; a list
    without one has none yet. `tax_names`: for a person."""

    tax_included: bool
    currency: str
    rates: Mapping[str, Decimal | None]
    defaults: Mapping[str, str]
    outlets: Mapping[str, Sequence[str]]
    books: Mapping[str, Book] = field(default_factory=dict)
    tax_names: Mapping[str, str] = field(default_factory=dict)

    def taxes_of(self, name: str, overrides: Mapping[str, str]) -> frozenset[str]:
        """Ids of the taxes an article with these overrides has at the outlets of a list."""
        found = (overrides.get(outlet) or self.defaults.get(outlet) for outlet in self.outlets.get(name, ()))
        return frozenset(tax for tax in found if tax)

    def tax_of(self, name: str, overrides: Mapping[str, str]) -> tuple[str | None, Decimal | None]:
        """The tax of an article at the outlets of a list and its rate. Several taxes of one rate are as good as one;
        None where the rates differ or can't be told."""
        taxes = self.taxes_of(name, overrides)
        rates = {self.rates.get(tax) for tax in taxes}
        if len(rates) != 1:
            return None, None
        return min(taxes), rates.pop()

    def as_document(self) -> dict[str, Any]:
        return {
            "tax_included": self.tax_included,
            "currency": self.currency,
            "rates": {tax: None if rate is None else decimal_text(rate) for tax, rate in self.rates.items()},
            "defaults": dict(self.defaults),
            "outlets": {name: list(ids) for name, ids in self.outlets.items()},
            "books": {name: list(astuple(book)) for name, book in self.books.items()},
            "tax_names": dict(self.tax_names),
        }

    @classmethod
    def of_document(cls, document: Mapping[str, Any]) -> TillTerms:
        return cls(
            tax_included=bool(document["tax_included"]),
            currency=str(document["currency"]),
            rates={tax: _number(rate) for tax, rate in document["rates"].items()},
            defaults=document["defaults"],
            outlets=document["outlets"],
            books={name: Book(*book) for name, book in document["books"].items()},
            tax_names=document["tax_names"],
        )


def _number(text: str | None) -> Decimal | None:
    return None if text is None else Decimal(text)


def loaded(cell: Any) -> Any:
    """What a JSON cell holds; None where it is unknown."""
    return None if cell is None or cell is pd.NA else json.loads(cell)
