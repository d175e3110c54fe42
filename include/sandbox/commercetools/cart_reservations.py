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

from datetime import datetime, timedelta

from sandbox.commercetools import order_stock
from sandbox.commercetools.errors import ApiError, Json, invalid_operation
from sandbox.commercetools.state import Project
from sandbox.commercetools.stock_rows import Reservation

EXPIRES_LATE = timedelta(minutes=3)
"""How long after its time a reservation is given back: "a few minutes"."""


def fill(project: Project, sku: str, channel_key: str | None, quantity: int) -> str:
    """A new cart with one line item; its id. Raises ApiError where nothing can be reserved."""
    configured = project.settings["inventory"].get("reservationExpirationInMinutes")
    if configured is None:
        raise invalid_operation("The project sets no expiration time for reservations.")
    channel = None if channel_key is None else project.collection("channels").get(key=channel_key)["id"]
    entry = order_stock.entry_of(project, (sku, channel))
    if entry is None or entry["availableQuantity"] < quantity:
        raise ApiError(400, "InvalidOperation", "None of the line items could be reserved.")
    minutes = entry.get("reservationExpirationInMinutes", configured)
    made = Reservation(
        id=project.platform.new_id(),
        cart=project.platform.new_id(),
        slot=(sku, channel),
        quantity=quantity,
        expires_at=project.platform.clock.now() + timedelta(minutes=minutes),
    )
    project.held.reservations[made.cart] = made
    order_stock.hold(project, made.slot, quantity)
    return made.cart


def drop(project: Project, cart: str) -> None:
    """The line item is removed, or the cart deleted: what it held is given back."""
    _give_back(project, project.held.reservations.pop(cart))


def expire(project: Project, now: datetime) -> list[str]:
    """Reservations whose time was over some minutes ago are given back, where the project does that; their
    carts."""
    if not project.settings["inventory"].get("releaseExpiredReservations", True):
        return []
    over = [
        one
        for one in project.held.reservations.values()
        if one.active and one.expires_at + EXPIRES_LATE <= now
    ]
    for one in over:
        _give_back(project, one)
    return [one.cart for one in over]


def ordered(project: Project, cart: str) -> tuple[Reservation, Json]:
    """The cart becomes an order: its reservation, which is over now, and the reference its line item has."""
    reservation = project.held.reservations.pop(cart)
    return reservation, {"typeId": "reservation", "id": reservation.id}


def _give_back(project: Project, reservation: Reservation) -> None:
    if reservation.active:
        reservation.active = False
        order_stock.hold(project, reservation.slot, -reservation.quantity)
