"""What orders and carts hold of a project's stock."""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass, field
from datetime import datetime

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


@dataclass
class Reservation:
    """What one line item of a cart holds. `active`: its units are off the available ones."""

    id: str
    cart: str
    slot: Slot
    quantity: int
    expires_at: datetime
    active: bool = True


@dataclass
class HeldStock:
    """What is held at the moment. `effects`: by order, what it took or reserved; `waiting`: what has not reached its
    entry yet; `reservations`: by cart."""

    effects: dict[str, list[Effect]] = field(default_factory=dict)
    waiting: deque[Effect] = field(default_factory=deque)
    reservations: dict[str, Reservation] = field(default_factory=dict)
