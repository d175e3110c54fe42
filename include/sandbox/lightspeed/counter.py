"""The hands at the till: sales as a cashier rings them up, completes, voids and takes them back."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from decimal import Decimal
from typing import TYPE_CHECKING, Any

from include.sandbox.lightspeed import sales
from include.sandbox.lightspeed.numerals import five_places
from include.sandbox.lightspeed.prices import both_prices, tax_rate

if TYPE_CHECKING:
    from include.sandbox.lightspeed.models import Product
    from include.sandbox.lightspeed.rows import Record
    from include.sandbox.lightspeed.store import LightspeedStore, Number


def sell(
    store: LightspeedStore,
    outlet_id: str,
    lines: Iterable[tuple[str, Number]],
    state: str,
    attributes: Iterable[str],
    fields: Mapping[str, Any],
) -> str:
    """A sale at an open register of the outlet, paid in full when it is closed. Raises `ValueError` where the outlet
    has no open register."""
    items = [
        _line(store, store.products.rows[product_id], outlet_id, Decimal(quantity))
        for product_id, quantity in lines
    ]
    given: dict[str, Any] = {
        "source": {"register_id": _open_register(store, outlet_id).id, "author_id": store.user_id},
        "state": state,
        "attributes": list(attributes),
        "line_items": items,
        **fields,
    }
    if state == "closed":
        total = sum((_amount(item) for item in items), Decimal(0))
        payment = {"type": {"config_id": cash(store)}, "amount": total}
        given["payments"] = [payment] if total else []
    return sales.save(store, given).id


def return_sale(store: LightspeedStore, sale_id: str, quantities: Mapping[str, Number] | None) -> str:
    """A closed return of all that is left of a sale, or of these quantities by product id."""
    made = sales.start_return(store, store.sales.rows[sale_id])
    if quantities is not None:
        left = {product_id: Decimal(quantity) for product_id, quantity in quantities.items()}
        for line in made.lines:
            back = min(-line.quantity, left.get(line.product_id, Decimal(0)))
            left[line.product_id] = left.get(line.product_id, Decimal(0)) - back
            line.quantity = -back
        made.lines = [line for line in made.lines if line.quantity]
    sales.close(store, made, cash(store))
    return made.id


def cash(store: LightspeedStore) -> str:
    """The payment type that every store has."""
    return next(row.id for row in store.payment_types.live() if row.name == "Cash")


def _open_register(store: LightspeedStore, outlet_id: str) -> Record:
    for register in store.registers.rows.values():
        if register.fields["outlet_id"] == outlet_id and register.fields["is_open"]:
            return register
    raise ValueError(f"The outlet {outlet_id} has no open register: add one.")


def _line(store: LightspeedStore, product: Product, outlet_id: str, quantity: Decimal) -> dict[str, Any]:
    """At the product's price, with the tax that applies at the outlet."""
    default = store.outlets.rows[outlet_id].fields["default_tax_id"]
    tax_id = product.outlet_taxes.get(outlet_id) or product.tax_id or default
    rate = tax_rate(store, tax_id)
    _, excluding = both_prices(store, product)
    price = excluding or Decimal(0)
    return {
        "product": {"id": product.id},
        "quantity": quantity,
        "pricing": {"price": price},
        "tax": {"id": tax_id, "amount": five_places(price * rate)},
    }


def _amount(item: dict[str, Any]) -> Decimal:
    amount: Decimal = (item["pricing"]["price"] + item["tax"]["amount"]) * item["quantity"]
    return amount
