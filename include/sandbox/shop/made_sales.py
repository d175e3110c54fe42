"""Sales in the shops of a retailer: to people it knows and to others, in cash and by card, one taken back and one that
never was. The same at every start."""

from __future__ import annotations

import random

from sandbox.lightspeed import LightspeedStore
from sandbox.lightspeed.shop_actions.sales import Rung, Tender
from sandbox.shop.model import Shop

SALES = 12
"""Sales rung up, besides the return."""


def make_sales(shop: Shop, store: LightspeedStore, *, seed: int = 12) -> None:
    """Rings them up. Every second one is to a customer; members earn loyalty."""
    chance = random.Random(seed)
    store.options.loyalty = True
    stock = [row for row in store.stock.live() if row.level >= 1]
    known = [row.id for row in store.customers.live()]
    # The last one is that of web orders.
    way: list[Tender] = [(str(each["name"]), None) for each in shop.lightspeed.payment_types[:-1]]
    made: list[str] = []
    for n in range(SALES):
        first = chance.choice(stock)
        beside = [row for row in stock if row.outlet_id == first.outlet_id and row is not first]
        lines = [Rung(row.product_id) for row in (first, chance.choice(beside))[: 1 + n % 2]]
        customer = chance.choice(known) if n % 2 and known else None
        made.append(
            store.sell(
                first.outlet_id, lines, customer=customer, tenders=[way[n % len(way)]] if way else None
            )
        )
    store.return_sale(made[1])
    store.void_sale(made[2])
