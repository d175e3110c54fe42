"""The hands at the till: sales as a cashier rings them up, completes, voids and takes them back."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from decimal import Decimal
from typing import TYPE_CHECKING, Any

from sandbox.lightspeed import sales
from sandbox.lightspeed.numerals import five_places
from sandbox.lightspeed.prices import both_prices, tax_rate, to_pay, without_tax

if TYPE_CHECKING:
    from sandbox.lightspeed.rows import Record
    from sandbox.lightspeed.store import LightspeedStore, Number


@dataclass(frozen=True)
class Rung:
    """A line as it is rung up. `price`: of a unit, in the store's own tax mode, instead of the product's; `discount`:
    what is taken off it, likewise; a negative quantity comes back."""

    product: str
    quantity: Number = 1
    price: Number | None = None
    discount: Number = 0
    note: str = ""


Line = Rung | tuple[str, "Number"]
Tender = tuple[str, "Number | None"]
"""Name of a payment type, and how much; None is what is left to pay."""


def sell(
    store: LightspeedStore,
    outlet_id: str,
    lines: Iterable[Line],
    state: str,
    attributes: Iterable[str],
    fields: Mapping[str, Any],
    *,
    customer: str | None = None,
    tenders: Iterable[Tender] | None = None,
    register: str | None = None,
) -> str:
    """A sale at this register, or an open one of the outlet, paid in cash when it is closed unless `tenders` say how.
    Raises `ValueError` where the outlet has no open register."""
    rung = [line if isinstance(line, Rung) else Rung(*line) for line in lines]
    earns = store.options.loyalty and customer is not None and _is_member(store, customer)
    items = [_line(store, line, outlet_id, earns=earns) for line in rung]
    register_id = register or _open_register(store, outlet_id).id
    given: dict[str, Any] = {
        "source": {"register_id": register_id, "author_id": store.user_id},
        "state": state,
        "attributes": list(attributes),
        "line_items": items,
        **fields,
    }
    if customer is not None:
        given["customer_id"] = customer
    if tenders is None:
        tenders = [("Cash", None)] if state == "closed" else []
    left = to_pay(store, sum((_amount(item) for item in items), Decimal(0)))
    given["payments"] = []
    for name, asked in tenders:
        amount = left if asked is None else Decimal(asked)
        left -= amount
        if amount:
            given["payments"].append({"type": {"config_id": payment_type(store, name)}, "amount": amount})
    return sales.save(store, given).id


def return_sale(store: LightspeedStore, sale_id: str, quantities: Mapping[str, Number] | None) -> str:
    """A closed return of all that is left of a sale, or of these quantities by product id; paid back as it was paid."""
    made = sales.start_return(store, store.sales.rows[sale_id])
    if quantities is not None:
        left = {product_id: Decimal(quantity) for product_id, quantity in quantities.items()}
        for line in made.lines:
            back = min(-line.quantity, left.get(line.product_id, Decimal(0)))
            left[line.product_id] = left.get(line.product_id, Decimal(0)) - back
            line.quantity = -back
        made.lines = [line for line in made.lines if line.quantity]
    paid = [each.config_id for each in store.sales.rows[sale_id].payments]
    sales.close(store, made, paid[0] if paid else cash(store))
    return made.id


def cash(store: LightspeedStore) -> str:
    """The payment type that every store has."""
    return payment_type(store, "Cash")


def payment_type(store: LightspeedStore, name: str) -> str:
    """The id of a payment type. Raises `ValueError` for a name nobody bears."""
    for row in store.payment_types.live():
        if row.name == name:
            return row.id
    raise ValueError(f"The store has no payment type {name}: add it.")


def _is_member(store: LightspeedStore, customer: str) -> bool:
    return bool(store.customers.rows[customer].fields["enable_loyalty"])


def _open_register(store: LightspeedStore, outlet_id: str) -> Record:
    for register in store.registers.rows.values():
        if register.fields["outlet_id"] == outlet_id and register.fields["is_open"]:
            return register
    raise ValueError(f"The outlet {outlet_id} has no open register: add one.")


def _line(store: LightspeedStore, rung: Rung, outlet_id: str, *, earns: bool) -> dict[str, Any]:
    """At the product's price or the one that was keyed in, with the tax that applies at the outlet."""
    product = store.products.rows[rung.product]
    default = store.outlets.rows[outlet_id].fields["default_tax_id"]
    tax_id = product.outlet_taxes.get(outlet_id) or product.tax_id or default
    rate = tax_rate(store, tax_id)
    _, excluding = both_prices(store, product)
    before = excluding or Decimal(0)
    if rung.price is not None:
        before = without_tax(store, Decimal(rung.price), tax_id)
    discount = without_tax(store, Decimal(rung.discount), tax_id)
    price = before - discount
    tax = five_places(price * rate)
    pricing: dict[str, Any] = {"price": price, "discount": discount}
    if earns:
        pricing["loyalty_amount"] = five_places((price + tax) * store.retailer()["loyalty"]["ratio"])
    return {
        "product": {"id": product.id},
        "quantity": Decimal(rung.quantity),
        "pricing": pricing,
        "tax": {"id": tax_id, "amount": tax},
        "attributes": [{"name": "line_note", "value": rung.note}] if rung.note else [],
        "_metadata": {"is_price_override": rung.price is not None or bool(discount)},
    }


def _amount(item: dict[str, Any]) -> Decimal:
    amount: Decimal = (item["pricing"]["price"] + item["tax"]["amount"]) * item["quantity"]
    return amount
