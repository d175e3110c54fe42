"""A sale as what it becomes online: an imported order, or the value of an entry. Nothing of a card, no note, nobody's
name is in either."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import asdict, replace
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any

from retail_sync.records.currencies import iso_code, minor_digits
from retail_sync.records.ports.orders import ImportedLine, ImportedSale
from retail_sync.records.sales import Sale, SaleLine, SaleTerms
from retail_sync.records.types import digest
from retail_sync.settings.models.sales import SaleSettings
from retail_sync.sync.orders.exact import spread
from retail_sync.sync.sales.amounts import Amounts, amounts_of, minor, portions_of, totals_of
from retail_sync.sync.sales.plan import Article, Target, World

OTHER = "Other"
"""Name of a line for what a sale came to beyond its lines."""
UNNAMED = "Article"
"""Name of a line whose article nobody names."""
LONGEST_NUMBER = 60
"""Of the invoice number, in the number of an order."""
DUE, PAID = "BalanceDue", "Paid"
"""Payment states of an order."""
TAIL = 6
"""Digits of the sale's id at the end of an order's number: invoice numbers may repeat, at another register or after
its sequence was set back."""


def online_terms(sale: Sale, terms: SaleTerms, named: str) -> SaleTerms:
    """The terms in the money of an imported order: `named` by the configuration, where it is the till's money in whole
    units (HUF0) and the sale comes to whole ones; else the till's."""
    digits = minor_digits(named)
    same_money = iso_code(named) == terms.currency and named != terms.currency
    if not same_money or sale.total.scaleb(digits) % 1:
        return terms
    return replace(terms, currency=named, digits=digits)


def order_number(sale: Sale, settings: SaleSettings) -> str:
    """The number its order gets: the prefix, the invoice number, the end of the sale's id; without an invoice number
    the whole id."""
    number = re.sub(r"[^A-Za-z0-9._-]+", "-", sale.number).strip("-")[:LONGEST_NUMBER]
    return f"{settings.prefix}{number}-{sale.id[-TAIL:]}" if number else f"{settings.prefix}{sale.id}"


def content_of(sale: Sale, target: Target) -> str:
    """A digest of what is taken of a sale: where it differs, the sale is not what it was. An order can't follow later
    payments or another customer, so they do not count for one."""
    taken: dict[str, Any] = {
        "total": _plain(sale.total),
        "tax": _plain(sale.tax),
        "lines": sorted(
            [line.product_id, _plain(line.quantity), _plain(line.price), _plain(line.tax), line.tax_id]
            for line in sale.lines
        ),
    }
    if target == "entries":
        taken |= {
            "state": sale.state,
            "customer": sale.customer_id,
            "tenders": sorted([one.payment_type_id, one.amount] for one in sale.tenders),
            "loyalty": _plain(sale.loyalty),
            "return_of": sale.return_of,
        }
    return digest(taken)


def imported_of(sale: Sale, world: World, number: str, customer_id: str | None) -> ImportedSale:
    """The order a sale becomes."""
    settings = world.settings
    terms = online_terms(sale, world.terms, settings.products.price.currency)
    amounts = amounts_of(sale, terms)
    totals = totals_of(sale, terms.digits)
    return ImportedSale(
        number=number,
        customer_id=customer_id,
        currency=terms.currency,
        country=settings.customers.default_country,
        lines=[line for one in amounts for line in _lines(one, world)],
        net=totals.net,
        gross=totals.gross,
        portions=portions_of(amounts),
        completed_at=sale.sold_at,
        store=_store(sale, world),
        payment_state=payment_state_of(sale, world.terms),
        fields=_fields(sale, world),
    )


def entry_of(sale: Sale, world: World, customer_id: str | None) -> dict[str, Any]:
    """The value of a sale's entry: amounts in minor units, quantities and rates as decimal text; what is not known is
    not there."""
    terms = world.terms
    amounts = amounts_of(sale, terms)
    totals = totals_of(sale, terms.digits)
    value = {
        "sale": sale.id,
        "number": sale.number or None,
        "state": "voided" if sale.deleted_at else sale.state,
        "sold_at": _moment(sale.sold_at),
        "customer": customer_id,
        "outlet": outlet_of(sale, terms),
        "currency": terms.currency,
        "digits": terms.digits,
        "net": totals.net,
        "gross": totals.gross,
        "taxes": [
            {"rate": _plain(rate), "name": name, "tax": tax, "net": net}
            for rate, name, tax, net in portions_of(amounts)
        ],
        "lines": [_entry_line(one, world) for one in amounts],
        "tenders": [
            {"name": _tender(one.name, one.payment_type_id, terms), "amount": one.amount}
            for one in sale.tenders
        ],
        "loyalty": _plain(sale.loyalty) if sale.loyalty else None,
        "return_of": sale.return_of,
        "original": world.originals.get(sale.return_of) if sale.return_of else None,
    }
    return {name: content for name, content in value.items() if content is not None}


def as_plain(sale: ImportedSale) -> dict[str, Any]:
    """An order as plain values, for the ledger; `from_plain` reads it back."""
    document = asdict(sale)
    return document | {
        "completed_at": _moment(sale.completed_at),
        "lines": [{**asdict(one), "rate": _plain(one.rate)} for one in sale.lines],
        "portions": [[_plain(rate), name, tax, net] for rate, name, tax, net in sale.portions],
        "fields": dict(sale.fields),
    }


def from_plain(document: Mapping[str, Any]) -> ImportedSale:
    return ImportedSale(
        **{
            **document,
            "completed_at": datetime.fromisoformat(document["completed_at"]),
            "lines": [ImportedLine(**{**one, "rate": Decimal(one["rate"])}) for one in document["lines"]],
            "portions": [(Decimal(rate), name, tax, net) for rate, name, tax, net in document["portions"]],
        }
    )


def outlet_of(sale: Sale, terms: SaleTerms) -> str | None:
    """Name of the outlet that sold it."""
    outlet = _outlet_id(sale, terms)
    return next((name for name, one in terms.outlets.items() if one == outlet), None)


def _outlet_id(sale: Sale, terms: SaleTerms) -> str | None:
    return sale.outlet_id or next(
        (one.outlet_id for one in terms.registers.values() if one.id == sale.register_id), None
    )


def _lines(one: Amounts, world: World) -> list[ImportedLine]:
    """An order knows a line by units and what one costs, so units of a line whose amount can't be divided are two
    lines, a minor unit apart."""
    if one.line is None:
        return [ImportedLine(None, OTHER, 1, one.gross, one.net, one.gross, one.rate)]
    line, article = one.line, _article(one.line, world)
    name, sign = _name(line, article), 1 if line.quantity > 0 else -1
    if line.quantity != line.quantity.to_integral_value():
        # An order counts whole units only: one stands for all of them.
        name, units = f"{name} x {_plain(abs(line.quantity))}", 1
    else:
        units = abs(int(line.quantity))
    unit, dearer = divmod(one.gross * sign, units)
    groups = [(units - dearer, unit), *([(dearer, unit + 1)] if dearer else [])]
    nets = spread(one.net, [count * cost for count, cost in groups]) if dearer else [one.net]
    return [
        ImportedLine(article.sku, name, sign * count, cost, net, sign * count * cost, one.rate)
        for (count, cost), net in zip(groups, nets, strict=True)
    ]


def _entry_line(one: Amounts, world: World) -> dict[str, Any]:
    amounts = {"net": one.net, "gross": one.gross, "rate": _plain(one.rate)}
    if one.line is None:
        return {"name": OTHER, "quantity": "1", "unit": one.gross, **amounts}
    article = _article(one.line, world)
    sku = article.sku or article.till_sku
    return {
        **({"sku": sku} if sku else {}),
        "name": _name(one.line, article),
        "quantity": _plain(one.line.quantity),
        "unit": minor(one.line.price + one.line.tax, world.terms.digits),
        **amounts,
    }


def _article(line: SaleLine, world: World) -> Article:
    return world.articles.get(line.product_id) or Article(till_sku=line.sku)


def _name(line: SaleLine, article: Article) -> str:
    return line.name or article.name or article.sku or article.till_sku or UNNAMED


def _store(sale: Sale, world: World) -> str | None:
    """Key of the store of the location that sold it. An outlet may be known by several spellings of its name."""
    outlet, stores = _outlet_id(sale, world.terms), world.settings.sales.stores
    if outlet is None:
        return None
    return next(
        (
            stores[one.name]
            for one in world.settings.locations
            if one.name in stores and world.terms.outlets.get(one.outlet) == outlet
        ),
        None,
    )


def _fields(sale: Sale, world: World) -> dict[str, str]:
    """Values of custom fields, by their names in the settings."""
    named, terms = world.settings.sales.fields, world.terms
    tenders = ", ".join(
        f"{_tender(one.name, one.payment_type_id, terms)} {_money(one.amount, terms.digits)}"
        for one in sale.tenders
    )
    values = {
        named.sale: sale.id,
        named.outlet: outlet_of(sale, terms),
        named.tenders: tenders,
        named.loyalty: _plain(sale.loyalty) if sale.loyalty else None,
    }
    return {name: value for name, value in values.items() if name and value}


def _tender(name: str, payment_type: str, terms: SaleTerms) -> str:
    return name or next((known for known, one in terms.payment_types.items() if one == payment_type), "")


def payment_state_of(sale: Sale, terms: SaleTerms) -> str:
    """Closed, the till has it settled (cash may be rounded); on account it is open as far as nobody paid."""
    paid = sum(one.amount for one in sale.tenders)
    return DUE if sale.state == "pending" and paid < totals_of(sale, terms.digits).gross else PAID


def _money(amount: int, digits: int) -> str:
    return f"{Decimal(amount).scaleb(-digits):f}"


def _plain(amount: Decimal) -> str:
    """One text for one amount, whatever zeros it was written with."""
    return f"{amount.normalize():f}" if amount else "0"


def _moment(at: datetime) -> str:
    return at.astimezone(UTC).isoformat()
