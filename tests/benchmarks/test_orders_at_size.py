"""1,000 web orders of some lines each, exported in one run, read again in full, and a delta of 50 more.

Both stand-ins and the runs share this process, so times hold the stand-ins' work as well; requests and writes are
exact. Held here: that every order is one sale with its total, and that a second full run writes nothing. Times are
printed only. `RETAIL_SYNC_BENCH_ORDERS` makes it smaller.
"""

from __future__ import annotations

import os
import random
import resource
import time
from collections import Counter
from pathlib import Path

import pytest

from retail_sync.sync.orders.plan import sale_id
from tests.benchmarks.reporting import tell
from tests.support.builders.orders import Ordered, ordered

pytestmark = pytest.mark.benchmark

SIZE = int(os.environ.get("RETAIL_SYNC_BENCH_ORDERS", "1000"))
MORE = max(1, SIZE // 20)
ARTICLES = 200


def test_orders_at_size(ledger_url: str, tmp_path: Path) -> None:
    with ordered(ledger_url, tmp_path) as shop:
        for number in range(ARTICLES):
            shop.add_article(f"A{number}", f"{3 + number % 40}.{number % 10}9", {"Nord": 10_000})
        dice = random.Random(7)
        orders = [_bought(shop, dice) for _ in range(SIZE)]
        rows = [_measured(shop, "first full run", "full")]
        totals = {sale["id"]: sale["totals"]["price_incl_tax"] * 100 for sale in shop.sales()}
        assert [totals[sale_id(order)] for order in orders] == [shop.gross(order) for order in orders]
        rows.append(_measured(shop, "second full run", "full"))
        assert rows[-1][-1] == "0"
        orders += [_bought(shop, dice) for _ in range(MORE)]
        rows.append(_measured(shop, f"delta of {MORE} orders", "delta"))
        assert len(shop.sales()) == len(orders)
    head = ["run", "s", "CPU s, stand-ins included", "requests", "writes"]
    lines = [f"| {' | '.join(row)} |" for row in (head, ["---"] * len(head), *rows)]
    tell([f"{SIZE:,} orders", "", *lines])


def _bought(shop: Ordered, dice: random.Random) -> str:
    items = [
        (f"A{number}", dice.randint(1, 4)) for number in dice.sample(range(ARTICLES), dice.randint(1, 5))
    ]
    return shop.buy(*items, total_discount=dice.choice((0, 0, 100)))


def _measured(shop: Ordered, name: str, mode: str) -> list[str]:
    shop.world.forget_requests()
    began, before = time.monotonic(), resource.getrusage(resource.RUSAGE_SELF)
    run = shop.run(mode=mode)
    took, after = time.monotonic() - began, resource.getrusage(resource.RUSAGE_SELF)
    cpu = after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime
    asked = Counter(system for system in ("commercetools", "lightspeed") for _ in shop.world.requests(system))
    return [name, f"{took:.1f}", f"{cpu:.1f}", f"{sum(asked.values()):,}", f"{run.writes:,}"]
