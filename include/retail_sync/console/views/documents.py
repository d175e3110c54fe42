"""Orders and sales as documents that a person reads."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal
from typing import Any, TypeVar

from pydantic import BaseModel, ValidationError

from retail_sync.console.vocabulary import when
from retail_sync.ledger.queries.records import BothSides
from retail_sync.records.orders import Order
from retail_sync.records.sales import Sale

Kept = TypeVar("Kept", bound=BaseModel)


@dataclass(frozen=True)
class Paper:
    """An order or a sale: facts by name, lines (article, quantity, each, together), payments (how, amount)."""

    title: str
    facts: Sequence[tuple[str, str]]
    lines: Sequence[tuple[str, str, str, str]]
    payments: Sequence[tuple[str, str]]


def papers_of(both: BothSides) -> list[Paper]:
    """The documents of an order or a sale, as far as they are kept."""
    kept = {system: side.document for system, side in both.sides.items() if side.document is not None}
    order = _read(Order, kept.get("commercetools"))
    sale = _read(Sale, kept.get("lightspeed"))
    found = []
    if order:
        found.append(_order(order))
    if sale:
        found.append(_sale(sale, both.articles, order.digits if order else None))
    return found


def _read(kind: type[Kept], document: Mapping[str, Any] | None) -> Kept | None:
    try:
        return None if document is None else kind.model_validate(document)
    except ValidationError:
        # Kept by an earlier version of this package; the next run that reads it keeps it anew.
        return None


def _order(order: Order) -> Paper:
    def money(minor: int) -> str:
        return f"{Decimal(minor).scaleb(-order.digits)} {order.currency}"

    facts = [
        ("Number", order.label),
        ("Placed", when(order.placed_at)),
        ("State", order.state),
        ("Payment", order.payment_state or "–"),
        ("Shipment", order.shipment_state or "–"),
        ("Total with tax", money(order.gross)),
    ]
    lines = [
        (one.sku or one.name or one.kind, str(one.quantity), money(one.unit), money(one.total))
        for one in order.lines
    ]
    paid = [
        (
            f"{payment.method or payment.interface or 'payment'}: {move.type.replace('_', ' ')}, {move.state}",
            money(move.amount),
        )
        for payment in order.payments
        for move in payment.transactions
    ]
    return Paper("Order in commercetools", facts, lines, paid)


def _sale(sale: Sale, articles: Mapping[str, str], digits: int | None) -> Paper:
    """`digits`: of the currency, where an order tells them; a sale names no currency."""
    facts = [
        ("Number", sale.label),
        ("Sold", when(sale.sold_at)),
        ("State", sale.state),
        ("Total with tax", str(sale.total)),
        ("Tax", str(sale.tax)),
        *([("Return of", sale.return_of)] if sale.return_of else []),
    ]
    lines = [
        (
            one.sku or articles.get(one.product_id) or one.name or one.product_id,
            f"{one.quantity.normalize():f}",
            str(one.price + one.tax),
            str((one.price + one.tax) * one.quantity),
        )
        for one in sale.lines
    ]
    paid = [
        (
            one.name or one.payment_type_id,
            f"{one.amount} in minor units" if digits is None else str(Decimal(one.amount).scaleb(-digits)),
        )
        for one in sale.tenders
    ]
    return Paper("Sale in Lightspeed", facts, lines, paid)
