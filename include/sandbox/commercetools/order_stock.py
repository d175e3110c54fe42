"""What orders do to stock: entries lowered when an order is made, and raised again when it is cancelled.

`TrackOnly` takes units off the entry. `ReserveOnOrder` reserves them: `availableQuantity` falls at once; whether
`quantityOnStock` falls along is left open by the documentation, and a switch here (`platform.reserved_orders`).
Since 2026-01 these changes reach the entry up to ten seconds after the order is answered, so effects may wait in a
queue (`platform.order_stock_late`).
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import replace

from sandbox.commercetools.errors import ApiError, Json
from sandbox.commercetools.shapes import copied
from sandbox.commercetools.state import Context, Project
from sandbox.commercetools.stock_rows import Effect, Slot
from sandbox.commercetools.writing import replace as replace_resource

INVENTORY_MODES = ("None", "TrackOnly", "ReserveOnOrder", "ReserveOnCart")


def check(project: Project, order: Json) -> None:
    """Raises `OutOfStock`, naming every line item that lacks stock: no entry at all, or, where units are
    reserved, fewer available ones than the order wants and nothing that says when there will be more."""
    wanted: dict[Slot, int] = {}
    short: list[Json] = []
    for line, mode in _moving(order):
        entry = entry_of(project, _slot(line))
        if entry is None:
            short.append(line)
        elif mode != "TrackOnly" and "restockableInDays" not in entry:
            wanted[_slot(line)] = wanted.get(_slot(line), 0) + line["quantity"]
            if wanted[_slot(line)] > entry["availableQuantity"]:
                short.append(line)
    if short:
        skus = [line["variant"].get("sku", "") for line in short]
        message = f"Some line items are out of stock: {', '.join(skus)}."
        raise ApiError(400, "OutOfStock", message, lineItems=[line["id"] for line in short], skus=skus)


def take(project: Project, order: Json) -> None:
    """The effects of a new order."""
    commits = project.platform.reserved_orders == "commit"
    effects = [
        Effect(
            _slot(line),
            on_stock=-line["quantity"] if mode == "TrackOnly" or commits else 0,
            available=-line["quantity"],
        )
        for line, mode in _moving(order)
    ]
    if effects:
        project.held.effects[order["id"]] = effects
        _happen(project, effects)


def note(project: Project, before: Json | None, after: Json | None) -> None:
    """A cancelled order gives back what it holds, once, if the store is told so (not documented)."""
    if before is None or after is None or after["orderState"] != "Cancelled":
        return
    if before["orderState"] != "Cancelled" and project.platform.cancel_gives_back:
        _happen(project, [effect.undone() for effect in project.held.effects.pop(after["id"], [])])


def hold(project: Project, slot: Slot, quantity: int) -> None:
    """Lowers what is available, as a reservation of a cart does; a negative quantity gives back."""
    _apply(project, Effect(slot, on_stock=0, available=-quantity))


def commit(project: Project, order: Json, slot: Slot, quantity: int, *, reserved: bool) -> None:
    """A cart became this order. What it had `reserved` is off the available units already."""
    taken = Effect(slot, on_stock=-quantity, available=-quantity)
    project.held.effects[order["id"]] = [taken]
    _happen(project, [replace(taken, available=0) if reserved else taken])


def settle(project: Project) -> None:
    """Lets the waiting effects happen, in the order in which they came about."""
    while project.held.waiting:
        _apply(project, project.held.waiting.popleft())


def _happen(project: Project, effects: Iterable[Effect]) -> None:
    project.held.waiting.extend(effects)
    if not project.platform.order_stock_late:
        settle(project)


def _apply(project: Project, effect: Effect) -> None:
    entry = entry_of(project, effect.slot)
    if entry is None:
        return
    changed = copied(entry)
    changed["quantityOnStock"] += effect.on_stock
    changed["availableQuantity"] += effect.available
    context = Context(project, client_id="platform")
    replace_resource(project.collection("inventory"), context, entry, changed)


def entry_of(project: Project, slot: Slot) -> Json | None:
    """The inventory entry of a slot."""
    return project.collection("inventory").find_by("slot", slot)


def _moving(order: Json) -> Iterator[tuple[Json, str]]:
    """Line items that have to do with stock, and their mode."""
    for line in order["lineItems"]:
        mode = line.get("inventoryMode", order["inventoryMode"])
        if mode != "None":
            yield line, mode


def _slot(line: Json) -> Slot:
    return line["variant"].get("sku", ""), line.get("supplyChannel", {}).get("id")
