"""A real shop's 157 orders: each that can be sold is one sale with its totals, the others wait for the right reason."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from decimal import Decimal
from pathlib import Path

import pytest

from retail_sync.records.errors import ProtocolFault
from sandbox.shop import load_shop
from tests.support.builders.orders import Ordered, ordered_from
from tests.support.killed import Workers

GOODSTORE = Path(__file__).parents[3] / "shared" / "data" / "goodstore"
ORDERS = 157
SOLD = {"DE": 2, "GB": 102}
"""Orders that are paid and in the currency of a till in that country."""

pytestmark = pytest.mark.skipif(not GOODSTORE.is_dir(), reason="the shop is not here")


@pytest.fixture(params=sorted(SOLD))
def country(request: pytest.FixtureRequest) -> str:
    return str(request.param)


@pytest.fixture
def shop(country: str, ledger_url: str, tmp_path: Path) -> Iterator[Ordered]:
    with ordered_from(load_shop(GOODSTORE, till_country=country), ledger_url, tmp_path) as made:
        made.world.run("products", "full")
        yield made


def test_every_order_that_can_be_sold_is_one_sale_though_a_worker_dies_and_the_others_wait_for_a_reason(
    shop: Ordered, country: str
) -> None:
    with pytest.raises(ProtocolFault):
        shop.run(mode="full", loads=False, run_id="orders/killed")
    with Workers(shop.world) as workers:
        workers.load(shop.settings, "orders/killed", dies_at=SOLD[country] * 3)
    shop.run(mode="full")

    currency = {"DE": "EUR", "GB": "GBP"}[country]
    held = shop.held()
    wrong: list[str] = []
    for order in shop.online.all("orders"):
        label = order.get("orderNumber", order["id"])
        sales = shop.sales(order["id"])
        if order["totalPrice"]["currencyCode"] != currency:
            expected = "currency_differs"
        elif order.get("paymentState") != "Paid":
            expected = "unpaid"
        else:
            (sale,) = sales
            gross = Decimal(shop.gross(order["id"])) / 100
            if (sale["totals"]["price_incl_tax"], sum(shop.paid_by(sale).values())) != (gross, gross):
                wrong.append(label)
            if shop.marks(order["id"]) != [sale["id"]]:
                wrong.append(label)
            continue
        if sales or held.get(label) != expected:
            wrong.append(f"{label}: {held.get(label)}, not {expected}")
    assert wrong == []
    assert len(shop.sales()) == SOLD[country]
    reasons = Counter(hold.code for hold in shop.holds() if hold.severity == "hold")
    assert sum(reasons.values()) == ORDERS - SOLD[country], reasons

    shop.world.forget_requests()
    assert shop.run(mode="full").writes == 0
    assert shop.sale_writes() == []
