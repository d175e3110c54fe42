"""Carts that reserve stock (`ReserveOnCart`): fewer units are available as long as a line item names its reservation.

From the API reference (`InventoryMode`, `Reservation`, `InventoryConfiguration`):

* only where the project says how long a reservation lasts (`reservationExpirationInMinutes`); an entry may say it for
  itself;
* a reservation lowers `availableQuantity` and leaves `quantityOnStock`. Ordering commits it: `quantityOnStock` follows;
* it expires a few minutes late, and gives back what it held, unless `releaseExpiredReservations` is false: then it
  stays;
* what else happens to an entry does not invalidate such carts, and a cart whose reservation has expired can still be
  ordered: its units are taken off then, below zero too;
* no endpoint lists reservations.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import TYPE_CHECKING

from sandbox.commercetools.errors import ApiError, Json, invalid_operation

if TYPE_CHECKING:
    from sandbox.commercetools.order_stock import Slot
    from sandbox.commercetools.store import Project

EXPIRES_LATE = timedelta(minutes=3)
"""How long after its time a reservation is given back: "a few minutes"."""


@dataclass
class Reservation:
    """What one line item of a cart holds. `active`: its units are off the available ones."""

    id: str
    cart: str
    slot: Slot
    quantity: int
    expires_at: datetime
    active: bool = True


class CartReservations:
    """The carts of one project that have reserved."""

    def __init__(self, project: Project) -> None:
        self._project = project
        self._of_cart: dict[str, Reservation] = {}

    def fill(self, sku: str, channel_key: str | None, quantity: int) -> str:
        """A new cart with one line item; its id. Raises ApiError where nothing can be reserved."""
        project, stock = self._project, self._project.order_stock
        configured = project.settings["inventory"].get("reservationExpirationInMinutes")
        if configured is None:
            raise invalid_operation("The project sets no expiration time for reservations.")
        channel = None if channel_key is None else project.collection("channels").get(key=channel_key)["id"]
        entry = stock.entry((sku, channel))
        if entry is None or entry["availableQuantity"] < quantity:
            raise ApiError(400, "InvalidOperation", "None of the line items could be reserved.")
        minutes = entry.get("reservationExpirationInMinutes", configured)
        made = Reservation(
            id=project.store.new_id(),
            cart=project.store.new_id(),
            slot=(sku, channel),
            quantity=quantity,
            expires_at=project.store.clock.now() + timedelta(minutes=minutes),
        )
        self._of_cart[made.cart] = made
        stock.hold(made.slot, quantity)
        return made.cart

    def drop(self, cart: str) -> None:
        """The line item is removed, or the cart deleted: what it held is given back."""
        self._give_back(self._of_cart.pop(cart))

    def expire(self, now: datetime) -> list[str]:
        """Reservations whose time was over some minutes ago are given back, where the project does that; their
        carts."""
        if not self._project.settings["inventory"].get("releaseExpiredReservations", True):
            return []
        over = [one for one in self._of_cart.values() if one.active and one.expires_at + EXPIRES_LATE <= now]
        for one in over:
            self._give_back(one)
        return [one.cart for one in over]

    def ordered(self, cart: str) -> tuple[Reservation, Json]:
        """The cart becomes an order: its reservation, which is over now, and the reference its line item has."""
        reservation = self._of_cart.pop(cart)
        return reservation, {"typeId": "reservation", "id": reservation.id}

    def _give_back(self, reservation: Reservation) -> None:
        if reservation.active:
            reservation.active = False
            self._project.order_stock.hold(reservation.slot, -reservation.quantity)
