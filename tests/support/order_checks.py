"""What must hold between an order and its sales, whatever the order is: both systems are looked at."""

from __future__ import annotations

import itertools
from collections import Counter
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from datetime import timedelta
from decimal import Decimal
from typing import Any

from retail_sync.sync.orders.exact import minor
from tests.support.builders.inventory import OUTLETS
from tests.support.builders.orders import RATES, Ordered
from tests.support.runs import Ran

_numbers = itertools.count(101)
Levels = dict[tuple[str, str], Decimal]
Json = dict[str, Any]
STOCK = {"Nord": 1000, "Süd": 1000}
LATER = timedelta(days=3)
"""By then everything that is kept back is due again."""


def a_number() -> str:
    return f"W-{next(_numbers)}"


def furnish(shop: Ordered) -> None:
    shop.add_article("A", "10.00", STOCK)
    shop.add_article("B", "3.33", STOCK, tax="reduced")
    shop.add_article("C", "19.99", STOCK)
    shop.run(mode="full")


def a_guest(shop: Ordered) -> str:
    """The till's customer of orders without one, by the code `WEB`."""
    known = (one["id"] for one in shop.till.all_customers() if one["customer_code"] == "WEB")
    return next(known, None) or shop.till.add_customer(first_name="Guest", customer_code="WEB")


def levels(shop: Ordered) -> Levels:
    """What every outlet has of every article."""
    found = {}
    for sku in shop.stock.products:
        for outlet in OUTLETS:
            level = shop.level(sku, outlet)
            if level is not None:
                found[sku, outlet] = level
    return found


def moved(before: Levels, after: Levels) -> dict[tuple[str, str], int]:
    """By how much levels changed; those that did are named."""
    return {place: int(after[place] - before[place]) for place in before if after[place] != before[place]}


def cents(amount: Any) -> int:
    """Whole minor units; totals at the till may have more digits."""
    return minor(Decimal(str(amount)), 2)


def articles(shop: Ordered, sale: Mapping[str, Any]) -> dict[str, int]:
    """Units of a sale by SKU of their article."""
    skus = {product: sku for sku, product in shop.stock.products.items()}
    found: Counter[str] = Counter()
    for line in sale["line_items"]:
        found[skus[line["product"]["id"]]] += int(line["quantity"])
    return dict(found)


def taxes_of(shop: Ordered, sale: Mapping[str, Any]) -> dict[Decimal, int]:
    """What a sale holds of each rate; what is nothing is left out."""
    rates = {shop.tax(category): Decimal(rate) for category, rate in RATES.items()}
    found: Counter[Decimal] = Counter()
    for one in sale["taxes"]:
        found[rates.get(one["id"], Decimal(0))] += cents(one["tax"])
    return {rate: tax for rate, tax in found.items() if tax}


def taxes_stated(order: Mapping[str, Any]) -> dict[Decimal, int]:
    found: Counter[Decimal] = Counter()
    for one in order.get("taxedPrice", {}).get("taxPortions", []):
        found[Decimal(str(one["rate"]))] += one["amount"]["centAmount"]
    return {rate: tax for rate, tax in found.items() if tax}


def assert_equal_totals(shop: Ordered, order: str, *sales: Mapping[str, Any]) -> None:
    """What the sales come to together is what the order states: without tax, with it, and rate by rate."""
    stated = shop.order(order)
    assert sum(cents(one["totals"]["price_incl_tax"]) for one in sales) == shop.gross(order)
    if "taxedPrice" in stated:
        net = stated["taxedPrice"]["totalNet"]["centAmount"]
        assert sum(cents(one["totals"]["price"]) for one in sales) == net
    together: Counter[Decimal] = Counter()
    for one in sales:
        together.update(taxes_of(shop, one))
    assert dict(together) == taxes_stated(stated)


def assert_sold(shop: Ordered, order: str, location: str = "Nord") -> Json:
    """The order is one closed sale of that outlet, comes to the same there and was paid by the same, and says so."""
    sale = shop.sale(order)
    assert sale["state"] == "closed"
    assert sale["source"]["outlet_id"] == shop.stock.outlet(location)
    assert_equal_totals(shop, order, sale)
    assert cents(sum(shop.paid_by(sale).values())) == shop.gross(order)
    assert shop.marks(order) == [sale["id"]]
    assert [one.lightspeed_id for one in shop.exported(order)] == [sale["id"]]
    return sale


def assert_nothing_left(shop: Ordered, *orders: str) -> None:
    """A run that looks at these orders again (at everything that moved, where none is named) writes nothing to either
    system: what is done is done."""
    shop.world.forget_requests()
    run = shop.run(keys=orders)
    assert run.writes == 0
    assert shop.sale_writes() == []
    assert order_writes(shop) == []


def export(shop: Ordered, order: str, location: str = "Nord") -> Json:
    """A run takes the order to the till: everything that must hold of that, and nothing that follows."""
    before = levels(shop)
    shop.run()
    sale = assert_sold(shop, order, location)
    units: Counter[tuple[str, str]] = Counter()
    for line in shop.order(order)["lineItems"]:
        units[line["variant"]["sku"], location] -= line["quantity"]
    assert moved(before, levels(shop)) == dict(units)
    assert_nothing_left(shop, order)
    return sale


def order_writes(shop: Ordered) -> list[str]:
    """Paths of requests that wrote orders since `world.forget_requests`."""
    return [
        request.path
        for request in shop.world.requests("commercetools")
        if request.method == "POST" and "/orders" in request.path
    ]


def run_later(shop: Ordered) -> Ran:
    """A run when everything that is kept back is due again, and none of it has changed."""
    for order in {str(hold.source_id) for hold in shop.holds() if hold.system == "commercetools"}:
        rest(shop, order)
    shop.clock_ahead += LATER
    return shop.run()


def rest(shop: Ordered, order: str) -> None:
    """Time goes by: the order has not changed for longer than a delta looks back."""
    found = shop.order(order)
    an_hour_ago = shop.online.clock.now() - timedelta(hours=1)
    moment = an_hour_ago.isoformat(timespec="milliseconds").replace("+00:00", "Z")
    shop.online.insert("orders", {**found, "lastModifiedAt": moment})


@contextmanager
def a_day(shop: Ordered) -> Iterator[Ordered]:
    """A shop many tests share: afterwards settings and clock are as before, and registers are open. Who uses it leaves
    nothing that is still to be done."""
    before = shop.settings
    yield shop
    shop.settings = before
    for location in ("Nord", "Süd"):
        shop.close_register(location, is_open=True)
    for faults in shop.world.faults.values():
        faults.clear()
    shop.clock_ahead = timedelta(0)


def assert_held(shop: Ordered, order: str, code: str) -> None:
    """The order is kept back for this, nothing of it is at the till, and the order says nothing."""
    assert shop.held().get(label(shop, order)) == code
    assert shop.sales(order) == []
    assert shop.marks(order) == []


def told(shop: Ordered, order: str) -> set[str]:
    """Codes of everything that is open about an order."""
    return {hold.code for hold in shop.holds() if hold.source_id == order}


def label(shop: Ordered, order: str) -> str:
    return str(shop.order(order).get("orderNumber", order))


def returns_of(shop: Ordered, order: str) -> list[Json]:
    """Sales of an order by which something came back, oldest first."""
    found = [one for one in shop.sales(order) if one["totals"]["price_incl_tax"] < 0]
    return sorted((one for one in found if one["state"] != "voided"), key=lambda one: str(one["created_at"]))


def money_at_till(shop: Ordered, order: str) -> int:
    """What the till has of the customer's money."""
    return sum(cents(amount) for one in shop.sales(order) for amount in shop.paid_by(one).values())
