"""Consignments: their rules, and what they do to stock.

A delivery of a supplier arrives at RECEIVED. A return to a supplier leaves at SENT. A transfer leaves its source at
SENT and arrives at RECEIVED: that is how the product behaves, the description does not say it; nor does it say that a
transfer which is cancelled on its way comes back. A stocktake sets the levels of the products that were counted once it
is complete.
"""

from __future__ import annotations

from decimal import Decimal
from typing import Any

from sandbox.lightspeed import movements, stock
from sandbox.lightspeed.consignment_rows import (
    ENDS,
    FIRST,
    FLOWS,
    Consignment,
    ConsignmentLine,
)
from sandbox.lightspeed.errors import bad_request, invalid, not_found
from sandbox.lightspeed.models import Levels
from sandbox.lightspeed.numerals import decimal_or_text_of
from sandbox.lightspeed.state import StoreState

Given = dict[str, Any]

_FIELDS = (
    "name",
    "due_at",
    "supplier_id",
    "source_outlet_id",
    "supplier_invoice",
    "reference",
    "show_inactive",
    "filters",
)

_LOCKED = {
    "SUPPLIER": frozenset({"DISPATCHED"}),
    "OUTLET": frozenset({"SENT"}),
    "RETURN": frozenset({"SENT"}),
    "STOCKTAKE": frozenset[str](),
}
"""Statuses in which no product may be taken out, besides those that end the consignment."""


_TOLD = {"SENT": "consignment.send", "RECEIVED": "consignment.receive"}
"""Webhooks tell of sending for transfers only (the public pages on webhooks), of receiving for deliveries as well."""


def create(store: StoreState, given: Given) -> Consignment:
    """Raises 422 for a field that is missing, or for a status it cannot start in."""
    kind = type_of(given)
    _check_places(store, given, kind)
    if not given.get("name"):
        raise invalid("name is required", name="Required")
    status = given.get("status") or FIRST[kind]
    if status not in FLOWS[kind] or (kind == "SUPPLIER" and status in ("DISPATCHED", "RECEIVED")):
        raise invalid(f"A {kind} consignment cannot be created as {status}", status="Invalid")
    fields: Given = {
        **dict.fromkeys(_FIELDS),
        "show_inactive": True,
        "filters": [],
        "consignment_date": given.get("consignment_date") or store.ticker.now_text(),
        "received_at": None,
        "outlet_id": given["outlet_id"],
        "type": kind,
        "status": status,
        **dict.fromkeys(("total_count_gain", "total_cost_gain", "total_count_loss", "total_cost_loss")),
        **{key: given[key] for key in _FIELDS if given.get(key) is not None},
    }
    return store.consignments.add(Consignment(id=store.new_id(), fields=fields))


def update(store: StoreState, consignment: Consignment, given: Given) -> None:
    """Changes the fields that are given, and the status, which moves stock. Raises 422 against the workflow."""
    _check_open(consignment)
    if given.get("type", consignment.type) != consignment.type:
        raise invalid("The type of a consignment cannot be changed", type="Invalid")
    status = given.get("status") or consignment.status
    _check_status(consignment, status)
    places = {key: given[key] for key in ("outlet_id", "source_outlet_id", "supplier_id") if given.get(key)}
    _check_places(store, consignment.fields | places, consignment.type)
    consignment.fields |= places | {key: given[key] for key in _FIELDS if key in given and key not in places}
    _set_status(store, consignment, status)


def delete(store: StoreState, consignment: Consignment) -> None:
    """Soft; what it moved stays moved (inferred)."""
    store.consignments.delete(consignment)


def put_line(
    store: StoreState, consignment: Consignment, given: Any, *, accumulate: bool = False
) -> ConsignmentLine:
    """Adds a product or changes it. With `accumulate`, quantities of a supplier's order are added to those that are
    there: counts until it is dispatched, what was received from then on."""
    _check_open(consignment)
    line, count, received, cost = _read_line(store, consignment, given)
    if consignment.type == "SUPPLIER":
        dispatched = consignment.status == "DISPATCHED"
        if accumulate and not dispatched and count is not None:
            count += line.sent
        if accumulate and dispatched and received is not None:
            received += line.received or Decimal(0)
    line.count = line.count if count is None else count
    line.received = line.received if received is None else received
    line.cost = line.cost if cost is None else cost
    store.ticker.stamp(line)
    consignment.lines[line.product_id] = line
    if received and consignment.type == "SUPPLIER" and consignment.status in ("OPEN", "SENT"):
        _set_status(store, consignment, "DISPATCHED")
    else:
        _set_status(store, consignment, consignment.status)
    return line


def remove_line(store: StoreState, consignment: Consignment, product_id: str) -> None:
    """Raises 404, or 422 once the products are on their way."""
    _check_open(consignment)
    if consignment.status in _LOCKED[consignment.type]:
        raise invalid(f"The consignment is {consignment.status}", status="Invalid")
    if consignment.lines.pop(product_id, None) is None:
        raise not_found("Consignment product")
    store.consignments.touch(consignment)


def type_of(given: Given) -> str:
    """The type that a body names. Raises 422."""
    kind = given.get("type")
    if kind not in FLOWS:
        raise invalid(f"type must be one of {', '.join(FLOWS)}", type="Invalid")
    return str(kind)


def _check_places(store: StoreState, given: Given, kind: str) -> None:
    needed = ["outlet_id", "source_outlet_id"] if kind == "OUTLET" else ["outlet_id"]
    for key in needed:
        if store.outlets.find(given.get(key)) is None:
            raise invalid(f"{key} does not exist", **{key: "Not found"})
    if kind == "OUTLET" and given["outlet_id"] == given["source_outlet_id"]:
        raise invalid("A transfer needs two outlets", source_outlet_id="Invalid")
    if given.get("supplier_id") and store.suppliers.find(given["supplier_id"]) is None:
        raise invalid("supplier_id does not exist", supplier_id="Not found")


def _check_open(consignment: Consignment) -> None:
    if consignment.status in ENDS:
        raise invalid(f"The consignment is {consignment.status}", status="Invalid")


def _check_status(consignment: Consignment, after: str) -> None:
    before, flow = consignment.status, FLOWS[consignment.type]
    if after == before:
        return
    if after == "CANCELLED" or (after == "CLOSED" and consignment.type == "STOCKTAKE"):
        if consignment.type == "RETURN" and before == "SENT":
            raise invalid("A return that was sent cannot be cancelled", status="Invalid")
        return
    if after not in flow or flow.index(after) < flow.index(before):
        raise invalid(
            f"A {consignment.type} consignment cannot go from {before} to {after}", status="Invalid"
        )
    if consignment.type == "SUPPLIER":
        lines = consignment.lines.values()
        if not lines:
            raise invalid("The consignment has no products", status="Invalid")
        if after == "RECEIVED" and not any(line.received for line in lines):
            raise invalid("At least one product must have been received", status="Invalid")


def _set_status(store: StoreState, consignment: Consignment, status: str) -> None:
    before, consignment.fields["status"] = consignment.status, status
    if status == "RECEIVED":
        consignment.fields["received_at"] = store.ticker.now_text()
    if status == "STOCKTAKE_COMPLETE" and before != status:
        _set_counted_levels(store, consignment)
    store.consignments.touch(consignment)
    is_told = status == "RECEIVED" or (status == "SENT" and consignment.type == "OUTLET")
    if is_told and before != status:
        store.on_event(_TOLD[status], consignment)
    consignment.moved = movements.settle(store, consignment.moved, _due(store, consignment))


def _due(store: StoreState, consignment: Consignment) -> Levels:
    """What the consignment should have moved in its present status."""
    levels: Levels = {}
    fields = consignment.fields
    for line in consignment.lines.values():
        match consignment.type, consignment.status:
            case "SUPPLIER", "RECEIVED":
                movements.add(store, levels, line.product_id, fields["outlet_id"], line.arrived)
            case "RETURN", "SENT":
                movements.add(store, levels, line.product_id, fields["outlet_id"], -line.sent)
            case "OUTLET", "SENT" | "RECEIVED" as status:
                movements.add(store, levels, line.product_id, fields["source_outlet_id"], -line.sent)
                if status == "RECEIVED":
                    movements.add(store, levels, line.product_id, fields["outlet_id"], line.arrived)
    return levels


def _set_counted_levels(store: StoreState, consignment: Consignment) -> None:
    """Products that were not counted keep their level, and what was gained and lost is noted.

    An unfiltered stocktake of the real product zeroes what nobody counted; here a count has the products it names.
    """
    outlet_id, none = consignment.fields["outlet_id"], Decimal(0)
    gain = loss = gain_cost = loss_cost = none
    for line in consignment.lines.values():
        product = store.products.rows[line.product_id]
        if line.received is None or not product.family.tracked or product.components:
            continue
        by = line.received - (store.stock_level(product.id, outlet_id) or none)
        stock.change_level(store, product.id, outlet_id, by)
        gain, loss = gain + max(by, none), loss + max(-by, none)
        gain_cost += max(by, none) * product.supply_price
        loss_cost += max(-by, none) * product.supply_price
    consignment.fields |= {
        "total_count_gain": gain,
        "total_count_loss": loss,
        "total_cost_gain": gain_cost,
        "total_cost_loss": loss_cost,
    }


def _read_line(
    store: StoreState, consignment: Consignment, given: Any
) -> tuple[ConsignmentLine, Decimal | None, Decimal | None, Decimal | None]:
    if not isinstance(given, dict):
        raise bad_request("A product of a consignment must be an object")
    product = store.products.find(given.get("product_id"))
    if product is None:
        raise invalid("product_id does not exist", product_id="Not found")
    if consignment.type == "SUPPLIER" and product.components:
        raise invalid("A composite cannot be ordered", product_id="Invalid")
    line = consignment.lines.get(product.id) or ConsignmentLine(id=store.new_id(), product_id=product.id)
    count, received, cost = (_figure(given, key) for key in ("count", "received", "cost"))
    return line, count, received, cost


def _figure(given: Given, key: str) -> Decimal | None:
    """Text or a number; an empty one says nothing."""
    value = given.get(key)
    if value is None or value == "":
        return None
    figure = decimal_or_text_of(value)
    if figure is None or figure < 0:
        raise invalid(f"{key} must be a quantity", **{key: "Invalid"})
    return figure
