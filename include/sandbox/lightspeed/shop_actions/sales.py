"""What happens at the till: sales are rung up, completed, voided and taken back."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

from sandbox.lightspeed import sales
from sandbox.lightspeed.numerals import Number, five_places
from sandbox.lightspeed.prices import both_prices, tax_rate, to_pay, without_tax
from sandbox.lightspeed.rows import Record
from sandbox.lightspeed.state import StoreState
from sandbox.locks import locked


@dataclass(frozen=True)
class Rung:
    """A line as it is rung up. `price`: of a unit, in the store's own tax mode, instead of the product's; `discount`:
    what is taken off it, likewise; a negative quantity comes back."""

    product: str
    quantity: Number = 1
    price: Number | None = None
    discount: Number = 0
    note: str = ""


Line = Rung | tuple[str, Number]
Tender = tuple[str, Number | None]
"""Name of a payment type, and how much; None is what is left to pay."""


class SaleActions(StoreState):
    """Each raises `ApiError` as the API would."""

    @locked
    def sell(
        self,
        outlet_id: str,
        lines: Iterable[Line],
        *,
        state: str = "closed",
        attributes: Iterable[str] = (),
        customer: str | None = None,
        tenders: Iterable[Tender] | None = None,
        register: str | None = None,
        **fields: Any,
    ) -> str:
        """A sale of these products and quantities, to nobody in particular or a customer, at this register, or an open
        one of the outlet. Without `tenders` it is paid in cash when it is closed. `fields` as in `POST /sales`. Returns
        its id. Raises `ValueError` where the outlet has no open register."""
        rung = [line if isinstance(line, Rung) else Rung(*line) for line in lines]
        earns = self.options.loyalty and customer is not None and self._is_member(customer)
        items = [self._line(line, outlet_id, earns=earns) for line in rung]
        register_id = register or self._open_register(outlet_id).id
        given: dict[str, Any] = {
            "source": {"register_id": register_id, "author_id": self.user_id},
            "state": state,
            "attributes": list(attributes),
            "line_items": items,
            **fields,
        }
        if customer is not None:
            given["customer_id"] = customer
        if tenders is None:
            tenders = [("Cash", None)] if state == "closed" else []
        left = to_pay(self, sum((_amount(item) for item in items), Decimal(0)))
        given["payments"] = []
        for name, asked in tenders:
            amount = left if asked is None else Decimal(asked)
            left -= amount
            if amount:
                given["payments"].append({"type": {"config_id": self._payment_type(name)}, "amount": amount})
        return sales.save(self, given).id

    @locked
    def complete_sale(self, sale_id: str) -> None:
        """What is still to pay is paid, and the sale is closed."""
        sales.close(self, self.sales.rows[sale_id], self._payment_type("Cash"))

    @locked
    def void_sale(self, sale_id: str) -> None:
        """The sale did not happen: stock comes back, payments are deleted."""
        sales.void(self, self.sales.rows[sale_id])

    @locked
    def return_sale(self, sale_id: str, quantities: Mapping[str, Number] | None = None) -> str:
        """All that is left of a closed sale comes back, or these quantities by product id, paid back as it was paid.
        Returns the id of the return, which is closed."""
        made = sales.start_return(self, self.sales.rows[sale_id])
        if quantities is not None:
            left = {product_id: Decimal(quantity) for product_id, quantity in quantities.items()}
            for line in made.lines:
                back = min(-line.quantity, left.get(line.product_id, Decimal(0)))
                left[line.product_id] = left.get(line.product_id, Decimal(0)) - back
                line.quantity = -back
            made.lines = [line for line in made.lines if line.quantity]
        paid = [each.config_id for each in self.sales.rows[sale_id].payments]
        sales.close(self, made, paid[0] if paid else self._payment_type("Cash"))
        return made.id

    def _payment_type(self, name: str) -> str:
        """The id of a payment type. Raises `ValueError` for a name nobody bears."""
        for row in self.payment_types.live():
            if row.name == name:
                return row.id
        raise ValueError(f"The store has no payment type {name}: add it.")

    def _is_member(self, customer: str) -> bool:
        return bool(self.customers.rows[customer].fields["enable_loyalty"])

    def _open_register(self, outlet_id: str) -> Record:
        for register in self.registers.rows.values():
            if register.fields["outlet_id"] == outlet_id and register.fields["is_open"]:
                return register
        raise ValueError(f"The outlet {outlet_id} has no open register: add one.")

    def _line(self, rung: Rung, outlet_id: str, *, earns: bool) -> dict[str, Any]:
        """At the product's price or the one that was keyed in, with the tax that applies at the outlet."""
        product = self.products.rows[rung.product]
        default = self.outlets.rows[outlet_id].fields["default_tax_id"]
        tax_id = product.outlet_taxes.get(outlet_id) or product.tax_id or default
        rate = tax_rate(self, tax_id)
        _, excluding = both_prices(self, product)
        before = excluding or Decimal(0)
        if rung.price is not None:
            before = without_tax(self, Decimal(rung.price), tax_id)
        discount = without_tax(self, Decimal(rung.discount), tax_id)
        price = before - discount
        tax = five_places(price * rate)
        pricing: dict[str, Any] = {"price": price, "discount": discount}
        if earns:
            pricing["loyalty_amount"] = five_places((price + tax) * self.retailer()["loyalty"]["ratio"])
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
