"""Sales: how one comes about, changes its state, and is taken back; and what of it is in the levels.

Closed sales and sales on account take stock. Whether lay-bys and sales that wait for pick-up or dispatch do so while
they are pending is not documented: the option `pending_sales_take_stock` names the attributes that do.
The same sales give their customer the loyalty their lines hold. Whoever sells works that out; that the balance follows
at once is inferred.
"""

from __future__ import annotations

import string
import uuid
from collections.abc import Iterable
from dataclasses import replace as copy_of
from decimal import Decimal
from typing import Any

from sandbox.lightspeed import movements
from sandbox.lightspeed.errors import conflict, invalid
from sandbox.lightspeed.models import Levels
from sandbox.lightspeed.prices import to_pay
from sandbox.lightspeed.rows import Record
from sandbox.lightspeed.sale_payloads import Given, SaleDraft, read_sale
from sandbox.lightspeed.sale_rows import Sale, SaleLine, SalePayment
from sandbox.lightspeed.state import StoreState


def save(store: StoreState, given: Given) -> Sale:
    """`POST /sales`. What an id that is known already means is open in the date versions: the option
    `sale_with_existing_id` decides between an update and 409."""
    sale_id = given.get("id")
    known = store.sales.find(sale_id)
    if known is not None:
        if store.options.sale_with_existing_id == "conflict":
            raise conflict(f"A sale with the id {sale_id} already exists")
        return replace(store, known, given)
    draft = read_sale(store, given)
    sale = Sale(id=store.new_id() if sale_id is None else _checked_id(sale_id))
    _check_register(draft)
    _fill(store, sale, draft)
    store.sales.add(sale)
    _settle(store, sale)
    return sale


def replace(store: StoreState, sale: Sale, given: Given) -> Sale:
    """`PUT /sales/{id}`: the whole sale anew. A line or payment is the one whose id it carries; without an id it is a
    new one, and one that is not sent again is gone."""
    draft = read_sale(store, given)
    _check_transition(sale.state, draft.state)
    if draft.state != "voided":
        _check_register(draft)
    known = {line.id: line for line in sale.lines}
    for line in draft.lines:
        if line.id in known:
            line.returned_line_id = known[line.id].returned_line_id
        elif sale.original_id is not None and line.quantity < 0:
            raise invalid("A return of a sale takes no further returns", line_items="Invalid")
    paid = {payment.id: payment for payment in sale.payments}
    for payment in draft.payments:
        before = paid.pop(payment.id, None)
        payment.deleted_at = before.deleted_at if before is not None else None
    _fill(store, sale, draft)
    _drop(store, paid.values())
    sale.payments = [*paid.values(), *sale.payments]
    if draft.state == "voided":
        _drop(store, sale.payments)
    store.sales.touch(sale)
    _settle(store, sale)
    return sale


def void(store: StoreState, sale: Sale) -> None:
    """Stock comes back, payments are deleted, and nothing can follow."""
    _check_transition(sale.state, "voided")
    sale.state = "voided"
    _drop(store, sale.payments)
    store.sales.touch(sale)
    _settle(store, sale)


def close(store: StoreState, sale: Sale, payment_type_id: str) -> None:
    """Takes the payment of what is still to pay, and closes the sale."""
    _check_transition(sale.state, "closed")
    left = to_pay(store, sale.total - sale.paid)
    if left:
        payment = SalePayment(
            id=store.new_id(),
            config_id=payment_type_id,
            amount=left,
            date=store.ticker.now_text(),
            register_id=sale.register_id,
        )
        sale.payments.append(payment)
    sale.state = "closed"
    store.sales.touch(sale)
    _settle(store, sale)


def start_return(store: StoreState, sale: Sale) -> Sale:
    """`POST /sales/{id}/actions/return`: a parked sale with what has not been returned yet, as negative lines. Other
    parked returns of the sale are voided. Raises 422 unless the sale is closed and something is left to return."""
    if sale.state != "closed":
        raise invalid("Only a closed sale can be returned", state="Invalid")
    returned: dict[str | None, Decimal] = {}
    for other in (store.sales.rows[return_id] for return_id in sale.return_ids):
        if other.state == "parked":
            void(store, other)
        elif other.state != "voided":
            for line in other.lines:
                returned[line.returned_line_id] = (
                    returned.get(line.returned_line_id, Decimal(0)) - line.quantity
                )
    lines = [_taken_back(store, line, returned.get(line.id, Decimal(0))) for line in sale.lines]
    lines = [line for line in lines if line.quantity < 0]
    if not lines:
        raise invalid("Nothing of the sale is left to return", line_items="Invalid")
    register = store.registers.rows.get(sale.register_id or "")
    made = Sale(
        id=store.new_id(),
        user_id=sale.user_id,
        register_id=sale.register_id,
        outlet_id=sale.outlet_id,
        source_type=sale.source_type,
        date=store.ticker.now_text(),
        customer_id=sale.customer_id,
        invoice_number=_next_invoice_number(store, register),
        short_code=_new_short_code(store),
        lines=lines,
        original_id=sale.id,
    )
    sale.return_ids.append(made.id)
    store.sales.touch(sale)
    return store.sales.add(made)


def _taken_back(store: StoreState, line: SaleLine, already: Decimal) -> SaleLine:
    left = max(line.quantity, Decimal(0)) - already
    return copy_of(line, id=store.new_id(), quantity=-left, returned_line_id=line.id)


def _checked_id(given: Any) -> str:
    try:
        return str(uuid.UUID(given))
    except (ValueError, AttributeError, TypeError):
        raise invalid("id must be a UUID", id="Invalid") from None


def _check_transition(before: str, after: str) -> None:
    if before == "voided" or (before == "closed" and after not in ("closed", "voided")):
        raise invalid(f"A sale cannot go from {before} to {after}", state="Invalid")


def _check_register(draft: SaleDraft) -> None:
    """A closed register takes neither sales nor payments."""
    if draft.state != "closed" and not draft.payments:
        return
    if draft.register is None:
        raise invalid("source.register_id is required", **{"source.register_id": "Required"})
    if not draft.register.fields["is_open"]:
        raise invalid("The register is closed", **{"source.register_id": "Closed"})


def _fill(store: StoreState, sale: Sale, draft: SaleDraft) -> None:
    sale.state, sale.attributes, sale.user_id = draft.state, draft.attributes, draft.user_id
    if draft.register is not None:
        sale.register_id, sale.outlet_id = draft.register.id, draft.register.fields["outlet_id"]
    sale.source_type, sale.source_id = draft.source_type, draft.source_id
    sale.customer_id, sale.note, sale.adjustments = draft.customer_id, draft.note, draft.adjustments
    sale.date = draft.date or sale.date or store.ticker.now_text()
    sale.invoice_number = (
        draft.invoice_number or sale.invoice_number or _next_invoice_number(store, draft.register)
    )
    sale.short_code = draft.short_code or sale.short_code or _new_short_code(store)
    sale.lines, sale.payments = draft.lines, draft.payments


def _next_invoice_number(store: StoreState, register: Record | None) -> str:
    """Prefix, running number and suffix of the register."""
    if register is None:
        return ""
    fields = register.fields
    number = f"{fields['invoice_prefix']}{fields['invoice_sequence']}{fields['invoice_suffix']}"
    fields["invoice_sequence"] += 1
    store.registers.touch(register)
    return number


def _new_short_code(store: StoreState) -> str:
    return "".join(store.ticker.random.choices(string.ascii_lowercase, k=6))


def _drop(store: StoreState, payments: Iterable[SalePayment]) -> None:
    """Payments stay to be seen, as deleted ones."""
    for payment in payments:
        payment.deleted_at = payment.deleted_at or store.ticker.now_text()


def _settle(store: StoreState, sale: Sale) -> None:
    sale.moved = movements.settle(store, sale.moved, _due(store, sale))
    _settle_loyalty(store, sale)


def _settle_loyalty(store: StoreState, sale: Sale) -> None:
    counts = sale.state == "closed" or (sale.state == "pending" and "onaccount" in sale.attributes)
    due = (sale.customer_id, sale.loyalty) if counts and sale.customer_id and sale.loyalty else None
    if due == sale.earned:
        return
    for earned, sign in ((sale.earned, -1), (due, 1)):
        customer = store.customers.rows.get(earned[0]) if earned is not None else None
        if earned is not None and customer is not None:
            customer.fields["loyalty_balance"] += sign * earned[1]
            store.customers.touch(customer)
    sale.earned = due


def _due(store: StoreState, sale: Sale) -> Levels:
    """What the sale should have moved in its present state, at the outlet of its register."""
    levels: Levels = {}
    takes = {"onaccount", *store.options.pending_sales_take_stock}
    if sale.state == "closed" or (sale.state == "pending" and takes & set(sale.attributes)):
        for line in sale.lines if sale.outlet_id is not None else ():
            movements.add(store, levels, line.product_id, sale.outlet_id or "", -line.quantity)
    return levels
