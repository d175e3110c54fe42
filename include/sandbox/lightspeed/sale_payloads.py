"""What callers send about a sale (`SaleRequest`), read and checked before anything is changed.

Amounts may be numbers or text: the description says the one, its examples show the other.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime
from decimal import Decimal
from typing import Any, TypeVar

from sandbox.lightspeed.errors import bad_request, invalid
from sandbox.lightspeed.numerals import decimal_or_text_of
from sandbox.lightspeed.rows import Record, Row, Table
from sandbox.lightspeed.sale_rows import ATTRIBUTES, EXCLUSIVE, STATES, SaleLine, SalePayment
from sandbox.lightspeed.state import StoreState

Given = dict[str, Any]
R = TypeVar("R", bound=Row)


@dataclass(kw_only=True)
class SaleDraft:
    """A `SaleRequest` that may be carried out; lines and payments without an id have a new one."""

    state: str
    attributes: list[str]
    user_id: str
    register: Record | None
    source_type: str
    source_id: str | None
    date: str | None
    customer_id: str | None
    note: str
    invoice_number: str
    short_code: str
    lines: list[SaleLine] = field(default_factory=list)
    payments: list[SalePayment] = field(default_factory=list)
    adjustments: list[Any] = field(default_factory=list)


def read_sale(store: StoreState, given: Given) -> SaleDraft:
    """Raises 400 for what is no such document, 422 for a field that is missing or names what is not there."""
    source = _object(given.get("source", {}), "source")
    state = _required(given, "state")
    if state not in STATES:
        raise invalid(f"state must be one of {', '.join(STATES)}", state="Invalid")
    register_id = source.get("register_id")
    register = None if register_id is None else _row(store.registers, register_id, "source.register_id")
    draft = SaleDraft(
        state=state,
        attributes=_attributes(given.get("attributes")),
        user_id=_row(store.users, _required(source, "author_id", "source."), "source.author_id").id,
        register=register,
        source_type=_text(source, "type"),
        source_id=source.get("id"),
        date=_moment(given, "date"),
        customer_id=given.get("customer_id"),
        note=_text(given, "note"),
        invoice_number=_text(given, "invoice_number"),
        short_code=_text(given, "short_code"),
        lines=[_line(store, item, place) for place, item in enumerate(_list(given, "line_items"), 1)],
        payments=[_payment(store, item, register_id) for item in _list(given, "payments")],
        adjustments=_list(_object(given.get("pricing", {}), "pricing"), "adjustments"),
    )
    if draft.customer_id is not None:
        _row(store.customers, draft.customer_id, "customer_id")
    return draft


def _line(store: StoreState, given: Any, place: int) -> SaleLine:
    line = _object(given, "line_items")
    pricing, tax = _object(line.get("pricing", {}), "pricing"), _object(line.get("tax", {}), "tax")
    details = _object(line.get("_metadata") or {}, "_metadata")
    product_id = _required(_object(line.get("product", {}), "product"), "id", "product.")
    product = _row(store.products, product_id, "product.id")
    notes = [
        each.get("value")
        for each in _list(line, "attributes")
        if isinstance(each, dict) and each.get("name") == "line_note"
    ]
    return SaleLine(
        id=line.get("id") or store.new_id(),
        product_id=product.id,
        quantity=_number(line, "quantity"),
        price=_number(pricing, "price", "pricing."),
        tax_id=_row(store.taxes, _required(tax, "id", "tax."), "tax.id").id,
        tax=_number(tax, "amount", "tax."),
        cost=_number(pricing, "cost", "pricing.", product.supply_price),
        discount=_number(pricing, "discount", "pricing.", Decimal(0)),
        loyalty=_number(pricing, "loyalty_amount", "pricing.", Decimal(0)),
        sequence=int(details.get("sequence") or place),
        is_price_override=bool(details.get("is_price_override")),
        note=str(notes[0]) if notes else "",
    )


def _payment(store: StoreState, given: Any, register_id: str | None) -> SalePayment:
    payment = _object(given, "payments")
    config_id = _required(_object(payment.get("type", {}), "type"), "config_id", "type.")
    own = _object(payment.get("source") or {}, "source").get("register_id")
    if own is not None:
        _row(store.registers, own, "payments.source.register_id")
    return SalePayment(
        id=payment.get("id") or store.new_id(),
        config_id=_row(store.payment_types, config_id, "type.config_id").id,
        amount=_number(payment, "amount"),
        date=_moment(payment, "date") or store.ticker.now_text(),
        register_id=own or register_id,
    )


def _attributes(given: Any) -> list[str]:
    attributes = [] if given is None else given
    if not isinstance(attributes, list) or any(each not in ATTRIBUTES for each in attributes):
        raise invalid(f"attributes must be some of {', '.join(ATTRIBUTES)}", attributes="Invalid")
    for group in EXCLUSIVE:
        if group <= set(attributes):
            raise invalid(f"Only one of {', '.join(sorted(group))} is possible", attributes="Invalid")
    return attributes


def _required(given: Given, key: str, prefix: str = "") -> Any:
    value = given.get(key)
    if value is None or value == "":
        raise invalid(f"{prefix}{key} is required", **{f"{prefix}{key}": "Required"})
    return value


def _row(table: Table[R], row_id: Any, name: str) -> R:
    row = table.find(row_id)
    if row is None:
        raise invalid(f"{name} does not exist", **{name: "Not found"})
    return row


def _number(given: Given, key: str, prefix: str = "", default: Decimal | None = None) -> Decimal:
    value = given.get(key)
    if value is None and default is not None:
        return default
    number = decimal_or_text_of(value)
    if number is None:
        raise invalid(f"{prefix}{key} must be a number", **{f"{prefix}{key}": "Required"})
    return number


def _moment(given: Given, key: str) -> str | None:
    value = given.get(key)
    if value is None:
        return None
    try:
        parsed = datetime.fromisoformat(value)
    except (TypeError, ValueError):
        parsed = None
    if parsed is None or parsed.tzinfo is None:
        raise invalid(f"{key} must be a time with its zone", **{key: "Invalid"})
    return str(value)


def _text(given: Given, key: str) -> str:
    value = given.get(key)
    if value is not None and not isinstance(value, str):
        raise bad_request(f"{key} must be text")
    return value or ""


def _object(given: Any, name: str) -> Given:
    if not isinstance(given, dict):
        raise bad_request(f"{name} must be an object")
    return given


def _list(given: Given, key: str) -> list[Any]:
    value = given.get(key)
    if value is not None and not isinstance(value, list):
        raise bad_request(f"{key} must be a list")
    return value or []
