"""What moves levels besides counts and adjustments: sales and consignments, and which levels that are.

A sale or a consignment says what it should have moved by now; only the difference to what it has moved already is
applied. So nothing is taken twice, and what is voided, cancelled or rewritten comes back by itself.
"""

from __future__ import annotations

from decimal import Decimal

from sandbox.lightspeed import stock
from sandbox.lightspeed.models import Levels
from sandbox.lightspeed.state import StoreState


def add(store: StoreState, levels: Levels, product_id: str, outlet_id: str, by: Decimal) -> None:
    """Counts a quantity of a product in. A composite has no level of its own: its parts move. A product without
    inventory tracking moves nothing."""
    product = store.products.rows[product_id]
    if product.components:
        for part, quantity in product.components:
            add(store, levels, part, outlet_id, by * quantity)
    elif product.family.tracked:
        key = (product_id, outlet_id)
        levels[key] = levels.get(key, Decimal(0)) + by


def settle(store: StoreState, moved: Levels, due: Levels) -> Levels:
    """Applies what is due beyond what has moved; each level that changes moves its row in the version feed."""
    for product_id, outlet_id in moved | due:
        key = (product_id, outlet_id)
        by = due.get(key, Decimal(0)) - moved.get(key, Decimal(0))
        if by and store.products.rows[product_id].deleted_at is None:
            stock.change_level(store, product_id, outlet_id, by)
    return due
