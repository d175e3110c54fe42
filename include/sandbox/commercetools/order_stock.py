"""What orders do to stock: entries lowered when an order is made, and raised again when it is cancelled.

`TrackOnly` takes units off the entry. `ReserveOnOrder` reserves them: `availableQuantity` falls at once; whether
`quantityOnStock` falls along is left open by the documentation, and a switch here (`store.reserved_orders`).
Since 2026-01 these changes reach the entry up to ten seconds after the order is answered, so effects may wait in a
queue (`store.order_stock_late`).
"""

from __future__ import annotations

from collections import deque
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from sandbox.commercetools.collection import Context
from sandbox.commercetools.errors import ApiError, Json
from sandbox.commercetools.shapes import copied

if TYPE_CHECKING:
    from sandbox.commercetools.store import Project

INVENTORY_MODES = ("None", "TrackOnly", "ReserveOnOrder", "ReserveOnCart")

Slot = tuple[str, str | None]
"""SKU and supply channel id: what an inventory entry stands for."""


@dataclass(frozen=True)
class Effect:
    """By how much the two figures of one entry change."""

    slot: Slot
    on_stock: int
    available: int

    def undone(self) -> Effect:
        return Effect(self.slot, -self.on_stock, -self.available)


class OrderStock:
    """The stock that the orders of one project took or reserved."""

    def __init__(self, project: Project) -> None:
        self._project = project
        self._held: dict[str, list[Effect]] = {}
        self._waiting: deque[Effect] = deque()

    def check(self, order: Json) -> None:
        """Raises `OutOfStock`, naming every line item that lacks stock: no entry at all, or, where units are
        reserved, fewer available ones than the order wants and nothing that says when there will be more."""
        wanted: dict[Slot, int] = {}
        short: list[Json] = []
        for line, mode in _moving(order):
            entry = self.entry(_slot(line))
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

    def take(self, order: Json) -> None:
        """The effects of a new order."""
        commits = self._project.store.reserved_orders == "commit"
        effects = [
            Effect(
                _slot(line),
                on_stock=-line["quantity"] if mode == "TrackOnly" or commits else 0,
                available=-line["quantity"],
            )
            for line, mode in _moving(order)
        ]
        if effects:
            self._held[order["id"]] = effects
            self._happen(effects)

    def note(self, before: Json | None, after: Json | None) -> None:
        """A cancelled order gives back what it holds, once, if the store is told so (not documented)."""
        if before is None or after is None or after["orderState"] != "Cancelled":
            return
        if before["orderState"] != "Cancelled" and self._project.store.cancel_gives_back:
            self._happen(effect.undone() for effect in self._held.pop(after["id"], []))

    def hold(self, slot: Slot, quantity: int) -> None:
        """Lowers what is available, as a reservation of a cart does; a negative quantity gives back."""
        self._apply(Effect(slot, on_stock=0, available=-quantity))

    def commit(self, order: Json, slot: Slot, quantity: int, *, reserved: bool) -> None:
        """A cart became this order. What it had `reserved` is off the available units already."""
        taken = Effect(slot, on_stock=-quantity, available=-quantity)
        self._held[order["id"]] = [taken]
        self._happen([replace(taken, available=0) if reserved else taken])

    def settle(self) -> None:
        """Lets the waiting effects happen, in the order in which they came about."""
        while self._waiting:
            self._apply(self._waiting.popleft())

    def _happen(self, effects: Iterable[Effect]) -> None:
        self._waiting.extend(effects)
        if not self._project.store.order_stock_late:
            self.settle()

    def _apply(self, effect: Effect) -> None:
        entry = self.entry(effect.slot)
        if entry is None:
            return
        changed = copied(entry)
        changed["quantityOnStock"] += effect.on_stock
        changed["availableQuantity"] += effect.available
        context = Context(self._project, client_id="platform")
        self._project.collection("inventory").replace(context, entry, changed)

    def entry(self, slot: Slot) -> Json | None:
        """The inventory entry of a slot."""
        return self._project.collection("inventory").find_by("slot", slot)


def _moving(order: Json) -> Iterator[tuple[Json, str]]:
    """Line items that have to do with stock, and their mode."""
    for line in order["lineItems"]:
        mode = line.get("inventoryMode", order["inventoryMode"])
        if mode != "None":
            yield line, mode


def _slot(line: Json) -> Slot:
    return line["variant"].get("sku", ""), line.get("supplyChannel", {}).get("id")
