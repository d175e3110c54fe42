"""Stock per product and outlet: absolute levels through a product, signed adjustments through `/stock_adjustments`."""

from __future__ import annotations

from dataclasses import dataclass
from decimal import Decimal, InvalidOperation
from typing import Any

from sandbox.lightspeed.errors import bad_request, invalid
from sandbox.lightspeed.models import Product, Stock
from sandbox.lightspeed.numerals import plain
from sandbox.lightspeed.rows import Record
from sandbox.lightspeed.state import StoreState

NEGATIVE_REASONS = frozenset({"DAMAGE", "EXPIRY", "INTERNAL_USE", "THEFT", "DONATION"})
POSITIVE_REASONS = frozenset({"STOCK_FOUND", "SAMPLE_FOR_SALE"})
MOST_ADJUSTMENTS = 1000
CLEARED = Decimal(-1)
"""As a reorder point: take it away."""


def start_tracking(store: StoreState, product: Product) -> None:
    """A tracked product has a level at each outlet, from zero; a composite has none, its parts have."""
    if product.components:
        return
    for outlet in store.outlets.live():
        _row(store, product.id, outlet.id)


def set_levels(store: StoreState, product: Product, lines: list[dict[str, Any]]) -> None:
    """Absolute levels and reorder points; each line moves its inventory row, not the product, in the version feed."""
    for line in lines:
        row = _row(store, product.id, line["outlet_id"])
        row.level = line.get("current_amount", row.level)
        if "reorder_point" in line:
            row.reorder_point = None if line["reorder_point"] == CLEARED else line["reorder_point"]
        row.reorder_amount = line.get("reorder_amount", row.reorder_amount)
        store.stock.touch(row)


def change_level(store: StoreState, product_id: str, outlet_id: str, by: Decimal) -> Stock:
    """Adds a signed quantity to a level."""
    row = _row(store, product_id, outlet_id)
    row.level += by
    store.stock.touch(row)
    return row


def adjust(store: StoreState, given: Any, user_id: str) -> list[Record]:
    """Up to a thousand adjustments; all or none, which is inferred. Raises 400 or 422."""
    entries = given.get("stock_adjustments") if isinstance(given, dict) else None
    if not isinstance(entries, list) or not 1 <= len(entries) <= MOST_ADJUSTMENTS:
        raise bad_request(f"stock_adjustments must hold 1 to {MOST_ADJUSTMENTS} items")
    checked = [_checked(store, entry) for entry in entries]
    return [_apply(store, entry, user_id) for entry in checked]


@dataclass
class _Adjustment:
    product_id: str
    outlet_id: str
    quantity: Decimal
    reason: str
    custom_id: str | None


def _checked(store: StoreState, given: Any) -> _Adjustment:
    if not isinstance(given, dict):
        raise bad_request("An adjustment must be an object")
    quantity = _quantity(given.get("quantity"))
    product, outlet = store.products.find(given.get("product_id")), store.outlets.find(given.get("outlet_id"))
    if product is None:
        raise invalid("product_id does not exist", product_id="Not found")
    if outlet is None:
        raise invalid("outlet_id does not exist", outlet_id="Not found")
    reason, custom_id = given.get("reason"), given.get("custom_inventory_adjustment_reason_id")
    if reason == "CUSTOM":
        custom = store.adjustment_reasons.find(custom_id)
        if custom is None:
            raise invalid(
                "CUSTOM needs a custom reason that exists", custom_inventory_adjustment_reason_id="Not found"
            )
        fits = (custom.fields["type"] == "POSITIVE") == (quantity > 0)
    elif reason in NEGATIVE_REASONS or reason in POSITIVE_REASONS:
        fits = (reason in POSITIVE_REASONS) == (quantity > 0)
    else:
        raise invalid(f"Unknown reason {reason}", reason="Invalid")
    if not fits:
        raise invalid(f"The reason {reason} does not fit the sign of the quantity", reason="Invalid")
    return _Adjustment(product.id, outlet.id, quantity, str(reason), custom_id)


def _quantity(given: Any) -> Decimal:
    if not isinstance(given, str):
        raise bad_request("quantity must be a decimal string")
    try:
        quantity = Decimal(given)
    except InvalidOperation:
        raise bad_request("quantity must be a decimal string") from None
    if not quantity.is_finite() or quantity == 0:
        raise invalid("quantity must not be zero", quantity="Invalid")
    return quantity


def _apply(store: StoreState, entry: _Adjustment, user_id: str) -> Record:
    change_level(store, entry.product_id, entry.outlet_id, entry.quantity)
    fields: dict[str, Any] = {
        "user_id": user_id,
        "product_id": entry.product_id,
        "outlet_id": entry.outlet_id,
        "quantity": str(plain(entry.quantity)),
        "reason": entry.reason,
    }
    if entry.custom_id is not None:
        fields["custom_inventory_adjustment_reason_id"] = entry.custom_id
    return store.add_record(store.adjustments, fields)


def _row(store: StoreState, product_id: str, outlet_id: str) -> Stock:
    key = (product_id, outlet_id)
    row_id = store.stock_ids.get(key)
    if row_id is not None:
        return store.stock.rows[row_id]
    cost = store.products.rows[product_id].supply_price
    row = store.stock.add(
        Stock(id=store.new_id(), product_id=product_id, outlet_id=outlet_id, average_cost=cost)
    )
    store.stock_ids[key] = row.id
    return row
