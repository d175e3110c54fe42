"""The algebra of reservations, with the moves that real exports, returns and cancellations make.

Twenty articles live their lives at once: they are sold in the shop, ordered online, exported, sent back and cancelled,
between runs of orders and inventory in random order. What is truly free is counted beside, and compared."""

from __future__ import annotations

import random
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

import pytest

from tests.support.builders.orders import Ordered, ordered

ARTICLES = 20
ROUNDS = 9
STOCK = 60


@dataclass
class Life:
    """What somebody who sees everything knows of one article."""

    sku: str
    free: int = STOCK
    orders: dict[str, int] = field(default_factory=dict)
    """Units that are still out, by order."""


@pytest.fixture
def shop(ledger_url: str, tmp_path: Path) -> Iterator[Ordered]:
    with ordered(ledger_url, tmp_path) as made:
        for number in range(ARTICLES):
            made.add_article(f"A{number}", "10.00", {"Nord": STOCK})
        made.run(mode="full")
        made.stock.run("full")
        yield made


@pytest.mark.parametrize("seed", [1, 2])
def test_what_the_shop_offers_is_what_is_free_whatever_was_exported_returned_or_cancelled(
    shop: Ordered, seed: int
) -> None:
    dice = random.Random(seed)
    lives = [Life(f"A{number}") for number in range(ARTICLES)]
    for _ in range(ROUNDS):
        for life in lives:
            _something_happens(shop, life, dice)
        if dice.random() < 0.6:
            shop.run()
        shop.stock.run()
        offered = shop.stock.shown("web")
        # Goods that are on their way back count once the till has them, never before.
        late = {life.sku: life.free - offered[life.sku] for life in lives}
        assert all(units >= 0 for units in late.values()), late
    shop.run()
    shop.stock.run()
    assert shop.stock.shown("web") == {life.sku: life.free for life in lives}
    shop.world.forget_requests()
    assert (shop.run(mode="full").writes, shop.stock.run("full").accounts.applied) == (0, 0)


def _something_happens(shop: Ordered, life: Life, dice: random.Random) -> None:
    move = dice.choice(("buy", "buy", "sell", "send back", "cancel", "nothing"))
    exported = [order for order, units in life.orders.items() if units and shop.marks(order)]
    if move == "buy":
        units = dice.randint(1, 3)
        item = shop.item(life.sku, units, "web")
        life.orders[shop.buy(item, mode="ReserveOnOrder")] = units
        life.free -= units
    elif move == "sell":
        shop.sell(life.sku)
        life.free -= 1
    elif move == "send back" and exported:
        order = dice.choice(exported)
        units = dice.randint(1, life.orders[order])
        shop.send_back(order, life.sku, units)
        life.orders[order] -= units
        life.free += units
    elif move == "cancel" and life.orders:
        order = dice.choice(list(life.orders))
        shop.cancel(order)
        life.free += life.orders.pop(order)
