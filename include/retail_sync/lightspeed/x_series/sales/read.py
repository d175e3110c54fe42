"""Rows of `/sales` as documents. Both shapes are read: nested (date versions) and flat (2.0).

What a sale must have to be one (id, state, time, totals, and of each line article, quantity, price and tax) is not
guessed where it is missing: such a row is unreadable, and the others go on.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime
from decimal import ROUND_HALF_UP, Decimal
from typing import Any, cast, get_args

from retail_sync.lightspeed.x_series.api.numbers import number, whole
from retail_sync.records.rows import BadField
from retail_sync.records.sales import Sale, SaleAttribute, SaleLine, SaleState, Tender

TILL_ITSELF = "USER"
"""Source of sales made in the till's own apps (description of API 2.0)."""
TAKEN_OUT = "VOIDED"
"""Status of a line that somebody took out of a sale (inferred); in a voided sale all lines have it."""

_STATES = frozenset(get_args(SaleState))
_ATTRIBUTES = frozenset(get_args(SaleAttribute))


class UnreadableSale(BadField):
    """A row that is no sale as the API describes it; the text says why, and nothing of what is in it."""

    def __init__(self, why: str) -> None:
        super().__init__("", why)


def sale_of(row: Mapping[str, Any], digits: int) -> Sale:
    """The document. `digits`: fraction digits of the store's currency. Raises UnreadableSale."""
    sale_id, state, sold_at = (
        _text(row, "id"),
        _text(row, "state"),
        _moment(_value(row, "date", "sale_date")),
    )
    if not sale_id:
        raise UnreadableSale("it has no id")
    if state not in _STATES:
        raise UnreadableSale("its state is none of those that are known")
    if sold_at is None:
        raise UnreadableSale("it has no date")
    total, tax = _totals(row)
    told = row.get("attributes")
    source_type = _text(row, "source.type", "source")
    return Sale(
        id=sale_id,
        version=whole(_value(row, "_metadata.version", "version")),
        state=cast(SaleState, state),
        attributes=tuple(one for one in told if one in _ATTRIBUTES) if isinstance(told, list) else (),
        outlet_id=_text(row, "source.outlet_id", "outlet_id") or None,
        register_id=_text(row, "source.register_id", "register_id") or None,
        customer_id=_text(row, "customer_id") or None,
        number=_text(row, "invoice_number"),
        source_type="" if source_type == TILL_ITSELF else source_type,
        source_id=_text(row, "source.id", "source_id") or None,
        sold_at=sold_at,
        modified_at=_moment(row.get("updated_at")),
        deleted_at=_moment(row.get("deleted_at")),
        note=_text(row, "note"),
        lines=tuple(_line(line) for line in _rows(row, "line_items") if not _is_out(line, state)),
        tenders=tuple(_tender(one, digits) for one in _rows(row, "payments") if not one.get("deleted_at")),
        total=total,
        tax=tax,
        loyalty=number(_value(row, "totals.loyalty", "total_loyalty")) or Decimal(0),
        return_of=_text(row, "return.original_sale_id", "return_for") or None,
        returns=_returns(row),
    )


def _totals(row: Mapping[str, Any]) -> tuple[Decimal, Decimal]:
    """What is to pay with tax, and the tax in it."""
    tax = number(_value(row, "totals.tax", "total_tax"))
    gross = number(_value(row, "totals.price_incl_tax"))
    net = number(_value(row, "total_price"))
    if tax is None or (gross is None and net is None):
        raise UnreadableSale("its totals are missing")
    return (gross if gross is not None else cast(Decimal, net) + tax), tax


def _line(line: Mapping[str, Any]) -> SaleLine:
    product_id = _text(line, "product.id", "product_id")
    quantity = number(line.get("quantity"))
    price = number(_value(line, "pricing.price", "price"))
    tax = number(_value(line, "tax.amount", "tax"))
    if not product_id or quantity is None or price is None or tax is None:
        raise UnreadableSale("a line lacks its article, quantity, price or tax")
    return SaleLine(
        id=_text(line, "id") or None,
        product_id=product_id,
        quantity=quantity,
        price=price,
        tax=tax,
        tax_id=_text(line, "tax.id", "tax_id"),
        discount=number(_value(line, "pricing.discount", "discount")) or Decimal(0),
        note=_text(line, "note"),
        sequence=whole(_value(line, "_metadata.sequence", "sequence")) or 0,
    )


def _tender(payment: Mapping[str, Any], digits: int) -> Tender:
    amount = number(payment.get("amount"))
    if amount is None:
        raise UnreadableSale("a payment lacks its amount")
    return Tender(
        id=_text(payment, "id") or None,
        payment_type_id=_text(payment, "type.config_id", "retailer_payment_type_id"),
        name=_text(payment, "type.name", "name"),
        amount=int(amount.scaleb(digits).quantize(Decimal(1), rounding=ROUND_HALF_UP)),
        at=_moment(_value(payment, "date", "payment_date")),
    )


def _is_out(line: Mapping[str, Any], state: str) -> bool:
    return state != "voided" and line.get("status") == TAKEN_OUT


def _returns(row: Mapping[str, Any]) -> tuple[str, ...]:
    told = row.get("return")
    ids = told.get("return_sale_ids") if isinstance(told, Mapping) else None
    return tuple(str(one) for one in ids) if isinstance(ids, list) else ()


def _rows(row: Mapping[str, Any], name: str) -> list[Mapping[str, Any]]:
    rows = row.get(name)
    if rows is None:
        return []
    if not isinstance(rows, list) or not all(isinstance(one, Mapping) for one in rows):
        raise UnreadableSale(f"its {name} are no list of objects")
    return rows


def _value(row: Mapping[str, Any], *paths: str) -> Any:
    """The first of these that is there and is no object; `source.type` is the `type` inside of `source`."""
    for path in paths:
        value: Any = row
        for name in path.split("."):
            value = value.get(name) if isinstance(value, Mapping) else None
        if value is not None and not isinstance(value, (Mapping, list)):
            return value
    return None


def _text(row: Mapping[str, Any], *paths: str) -> str:
    value = _value(row, *paths)
    return "" if value is None else str(value)


def _moment(told: Any) -> datetime | None:
    """A moment; without a zone it is UTC, as all times of the API are."""
    if not told:
        return None
    try:
        moment = datetime.fromisoformat(str(told))
    except ValueError:
        raise UnreadableSale("a time in it can't be read") from None
    return moment.replace(tzinfo=UTC) if moment.tzinfo is None else moment
