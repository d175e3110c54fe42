"""A sale as the date versions print it; its version sits at `_metadata.version`."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

from sandbox.lightspeed.numerals import five_places, plain
from sandbox.lightspeed.prices import money
from sandbox.lightspeed.rows import TIMES, picked
from sandbox.lightspeed.sale_rows import Sale, SaleLine, SalePayment
from sandbox.lightspeed.state import StoreState

_LINE_STATUS = {"parked": "SAVED", "voided": "VOIDED"}
"""Lines of other sales are confirmed."""


def sale_wire(store: StoreState, sale: Sale) -> dict[str, Any]:
    """The JSON object."""
    price = sum((line.price * line.quantity for line in sale.lines), Decimal(0))
    taxes: dict[str, Decimal] = {}
    for line in sale.lines:
        taxes[line.tax_id] = taxes.get(line.tax_id, Decimal(0)) + line.tax * line.quantity
    loyalty = sum((line.loyalty * line.quantity for line in sale.lines), Decimal(0))
    return {
        "_metadata": {
            "version": sale.version,
            "complete_open_sequence_id": None,
            "has_unsynced_on_account_payments": None,
            "xero_reference": None,
        },
        "source": {
            "id": sale.source_id,
            "type": sale.source_type or "USER",
            "outlet_id": sale.outlet_id,
            "register_id": sale.register_id,
            "author": {"id": sale.user_id},
        },
        **picked(sale, f"id date {TIMES} state customer_id invoice_number short_code note"),
        "attributes": list(sale.attributes),
        "receipt_number": sale.invoice_number,
        "line_items": [_line(store, sale, line) for line in sale.lines],
        "payments": [_payment(store, payment) for payment in sale.payments],
        "taxes": [{"id": tax_id, "tax": money(store, amount)} for tax_id, amount in taxes.items()],
        "totals": {
            "price": money(store, price),
            "price_incl_tax": money(store, sale.total),
            "tax": money(store, sum(taxes.values(), Decimal(0))),
            "loyalty": money(store, loyalty),
            "surcharge": 0,
        },
        "return": {
            "is_return": any(line.quantity < 0 for line in sale.lines),
            "original_sale_id": sale.original_id,
            "return_sale_ids": list(sale.return_ids),
        },
        "adjustments": list(sale.adjustments),
        "external_applications": [],
    }


def _line(store: StoreState, sale: Sale, line: SaleLine) -> dict[str, Any]:
    def both(name: str, unit: Decimal) -> dict[str, Any]:
        return {name: money(store, unit), f"{name}_total": money(store, unit * line.quantity)}

    return {
        "id": line.id,
        "product": {"id": line.product_id},
        "quantity": plain(line.quantity),
        "status": _LINE_STATUS.get(sale.state, "CONFIRMED"),
        "note": line.note,
        "pricing": {
            "price": money(store, line.price),
            "total": money(store, line.price * line.quantity),
            **both("cost", line.cost),
            **both("discount", line.discount),
            **both("loyalty_amount", line.loyalty),
        },
        "tax": {
            "id": line.tax_id,
            "amount": money(store, line.tax),
            "total": money(store, line.tax * line.quantity),
        },
        "_metadata": {
            "sequence": line.sequence,
            "is_price_override": line.is_price_override,
            "tax_components": _tax_components(store, line),
        },
        "return": {"is_return": line.quantity < 0, "reason": None},
        "promotions": [],
        "customizations": [],
        "surcharges": [],
    }


def _tax_components(store: StoreState, line: SaleLine) -> list[dict[str, Any]]:
    """The tax of the line, divided among the rates of its tax."""
    rates = store.taxes.rows[line.tax_id].fields["rates"]
    whole = sum((rate["rate"] for rate in rates), Decimal(0))
    total = line.tax * line.quantity
    return [
        {
            "rate_id": rate["id"],
            "total_tax": money(store, five_places(total * rate["rate"] / whole) if whole else total),
        }
        for rate in rates
    ]


def _payment(store: StoreState, payment: SalePayment) -> dict[str, Any]:
    kind = store.payment_types.rows[payment.config_id]
    register = store.registers.rows.get(payment.register_id or "")
    return {
        **picked(payment, "id date deleted_at"),
        "amount": money(store, payment.amount),
        "type": {"id": str(kind.fields["type_id"]), "name": kind.name, "config_id": kind.id},
        "source": {
            "id": payment.id,
            "outlet_id": register.fields["outlet_id"] if register is not None else None,
            "register_id": payment.register_id,
        },
        "surcharge": None,
        "external_applications": [],
        "external_attributes": [],
        "_metadata": {"register_open_sequence_id": None},
    }
