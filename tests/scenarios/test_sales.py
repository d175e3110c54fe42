"""In-store sales become orders, or entries, of the online profile: whole runs over HTTP, and both systems compared
afterwards."""

from __future__ import annotations

import itertools
from collections.abc import Callable, Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any

import pytest

from retail_sync.records.customers import ENTITY as CUSTOMERS
from retail_sync.records.customers import KIND as CUSTOMER
from retail_sync.records.errors import ProtocolFault, TransientError
from retail_sync.records.sales import ENTITY, KIND
from retail_sync.settings.models import SyncSettings
from retail_sync.sync.engine.settle import RunFailed
from sandbox.lightspeed import sales as till_sales
from sandbox.lightspeed.shop_actions.sales import Rung
from tests.support.builders.orders import Ordered, ordered
from tests.support.links import pair
from tests.support.order_checks import LATER, a_day, a_number, assert_sold, cents, levels, moved
from tests.support.runs import Ran

_numbers = itertools.count(1)
FIELDS = {"sale": "saleId", "outlet": "outlet", "tenders": "paidBy", "loyalty": "points"}
STORES = {"Nord": "shop-nord"}
Json = dict[str, Any]


@dataclass
class Somebody:
    """A customer of the till, and the account online they are linked with."""

    account: str
    customer: str


@pytest.fixture(scope="module")
def one_shop_of_sales(module_ledger_url: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Ordered]:
    folder = tmp_path_factory.mktemp("counter")
    with ordered(module_ledger_url, folder, orders={"since": "2020-01-01"}) as made:
        furnish(made)
        yield made


@pytest.fixture
def shop(one_shop_of_sales: Ordered) -> Iterator[Ordered]:
    """The same shop for all tests: who uses it leaves nothing behind that is still to be done."""
    with a_day(one_shop_of_sales) as made:
        yield made


def furnish(shop: Ordered) -> None:
    shop.set("customers", default_country="DE")
    for sku, price, tax in (("A", "10.00", "standard"), ("B", "3.33", "reduced"), ("C", "19.99", "standard")):
        shop.add_article(sku, price, {"Nord": 1000, "Süd": 1000}, tax=tax)
        supply = {"typeId": "channel", "key": "web"}
        shop.online.create("inventory", {"sku": sku, "quantityOnStock": 50, "supplyChannel": supply})
    definitions = [
        {"name": name, "label": {"en": name}, "required": False, "type": {"name": "String"}}
        for name in FIELDS.values()
    ]
    shop.online.create(
        "types",
        {
            "key": "pos",
            "name": {"en": "In-store sale"},
            "resourceTypeIds": ["order"],
            "fieldDefinitions": definitions,
        },
    )
    shop.run(mode="full")
    shop.run(ENTITY, "full")


def somebody(shop: Ordered, **fields: Any) -> Somebody:
    account = shop.add_person(f"p{next(_numbers)}@example.com", **fields)
    return Somebody(account, shop.people[account])


def imported(shop: Ordered, sale: str) -> Json:
    """The only order of a sale."""
    (found,) = all_imported(shop, sale)
    return found


def all_imported(shop: Ordered, sale: str) -> list[Json]:
    return [one for one in shop.imported() if str(one["orderNumber"]).endswith(sale[-6:])]


def entries(shop: Ordered) -> dict[str, Json]:
    container = shop.settings.sales.container
    found = [one for one in shop.online.all("custom-objects") if one["container"] == container]
    return {str(one["key"]): dict(one["value"]) for one in found}


def writes(shop: Ordered) -> list[str]:
    """Paths of requests that wrote anything of a sale to either system since `world.forget_requests`."""
    container = shop.settings.sales.container
    return [
        request.path
        for system in ("commercetools", "lightspeed")
        for request in shop.world.requests(system)
        if request.method != "GET"
        and (any(one in request.path for one in ("/orders", "/sales")) or container in request.body)
    ]


def web_stock(shop: Ordered) -> dict[str, tuple[int, int]]:
    return {one["sku"]: (one["quantityOnStock"], one["version"]) for one in shop.online.all("inventory")}


def line_totals(order: Mapping[str, Any]) -> int:
    return sum(
        int(one["totalPrice"]["centAmount"]) for one in (*order["lineItems"], *order["customLineItems"])
    )


def units(order: Mapping[str, Any]) -> dict[str, int]:
    found: dict[str, int] = {}
    for one in order["lineItems"]:
        sku = str(one["variant"]["sku"])
        found[sku] = found.get(sku, 0) + int(one["quantity"])
    return found


def taxes(order: Mapping[str, Any]) -> dict[Decimal, int]:
    return {
        Decimal(str(one["rate"])): int(one["amount"]["centAmount"])
        for one in order["taxedPrice"]["taxPortions"]
    }


def line_taxes(order: dict[str, Any]) -> int:
    """The taxes of an order's lines together."""
    lines = [one["taxedPrice"] for one in [*order["lineItems"], *order["customLineItems"]]]
    return sum(one["totalGross"]["centAmount"] - one["totalNet"]["centAmount"] for one in lines)


def assert_imported(shop: Ordered, sale: str, account: str | None, *, paid: str = "Paid") -> Json:
    """The sale is one order of that account, comes to the same to the minor unit, and is known and marked."""
    at_till, order = shop.till.sale(sale), imported(shop, sale)
    totals = at_till["totals"]
    assert order.get("customerId") == account
    assert order["totalPrice"]["centAmount"] == cents(totals["price_incl_tax"])
    assert order["taxedPrice"]["totalGross"]["centAmount"] == cents(totals["price_incl_tax"])
    assert order["taxedPrice"]["totalTax"]["centAmount"] == cents(totals["tax"])
    assert sum(taxes(order).values()) == cents(totals["tax"])
    assert line_totals(order) == order["totalPrice"]["centAmount"]
    assert line_taxes(order) == cents(totals["tax"])
    assert (order["orderState"], order["paymentState"]) == ("Complete", paid)
    assert order["inventoryMode"] == "None"
    assert datetime.fromisoformat(order["completedAt"]) == datetime.fromisoformat(at_till["date"])
    assert shop.marks(order["id"]) == [order["orderNumber"]]
    (link,) = shop.ledger.links.read(ENTITY, KIND, lightspeed_ids=[sale])
    assert link.commercetools_id == order["id"]
    return order


def assert_quiet(shop: Ordered) -> None:
    """Whatever runs again writes nothing to either system."""
    shop.world.forget_requests()
    for mode in ("delta", "full"):
        assert shop.run(ENTITY, mode).writes == 0
    assert writes(shop) == []


def told(shop: Ordered, sale: str) -> dict[str, str]:
    """Severity by code of everything that is open about a sale."""
    return {one.code: one.severity for one in shop.ledger.holds.open_holds(ENTITY) if one.source_id == sale}


def run_later(shop: Ordered) -> Ran:
    """A run when everything that is kept back is due again."""
    shop.clock_ahead += LATER
    return shop.run(ENTITY)


# ------------------------------------------------------------ one sale, one order


def test_a_sale_of_a_linked_customer_becomes_one_order_that_comes_to_the_same(shop: Ordered) -> None:
    kim, stock = somebody(shop), web_stock(shop)
    sale = shop.sell(("A", 2), ("B", 3), "C", customer=kim.customer)
    at_till = levels(shop)
    shop.run(ENTITY)
    order = assert_imported(shop, sale, kim.account)
    assert order["orderNumber"].startswith("POS-")
    assert units(order) == {"A": 2, "B": 3, "C": 1}
    assert set(taxes(order)) == {Decimal("0.19"), Decimal("0.07")}
    assert (web_stock(shop), moved(at_till, levels(shop))) == (stock, {})
    assert_quiet(shop)


@pytest.mark.parametrize(
    "lines",
    [
        (Rung("B", 7), Rung("C", 3)),
        (Rung("C", 3, price="9.99", discount="1.11"), Rung("B", 11, discount="0.07")),
        (Rung("A", 13, price="0.01"), Rung("A", 3, price="0.33")),
        (Rung("A", "0.333"), Rung("C", "1.25")),
        (Rung("A", 2), Rung("C", -1)),
        (Rung("C", -3, price="7.77"),),
        (Rung("A", 1, price="0.00"), Rung("B", 1)),
    ],
    ids=[
        "several",
        "discounts",
        "small prices",
        "no whole units",
        "an exchange",
        "goods without a receipt",
        "a gift",
    ],
)
def test_whatever_was_rung_up_lines_and_taxes_of_the_order_come_to_the_sale(
    shop: Ordered, lines: tuple[Rung, ...]
) -> None:
    kim = somebody(shop)
    rung = [Rung(shop.stock.products[one.product], *_rest(one)) for one in lines]
    sale = shop.sell(*rung, customer=kim.customer)
    shop.run(ENTITY)
    assert_imported(shop, sale, kim.account)


def _rest(one: Rung) -> tuple[Any, ...]:
    return (
        Decimal(one.quantity),
        None if one.price is None else Decimal(one.price),
        Decimal(one.discount),
    )


def test_fields_and_store_tell_where_how_and_for_which_points(shop: Ordered) -> None:
    shop.set(ENTITY, type="pos", fields=FIELDS, stores=STORES)
    kim = somebody(shop, enable_loyalty=True)
    sale = shop.sell(("A", 2), customer=kim.customer, tenders=[("Gutschein", 5), ("Cash", None)])
    elsewhere = shop.sell("A", outlet="Süd", customer=kim.customer)
    shop.run(ENTITY)
    order = assert_imported(shop, sale, kim.account)
    points = shop.till.sale(sale)["totals"]["loyalty"]
    assert order["custom"]["fields"] == {
        "saleId": sale,
        "outlet": "Nord",
        "paidBy": "Gutschein 5.00, Cash 15.00",
        "points": f"{Decimal(points).normalize():f}",
    }
    assert order["store"]["key"] == "shop-nord"
    other = assert_imported(shop, elsewhere, kim.account)
    assert other["custom"]["fields"]["outlet"] == "Süd" and "store" not in other
    shop.set(ENTITY, type=None, fields={}, stores={})
    assert_quiet(shop)


def test_an_article_that_is_not_sold_online_is_a_line_of_its_own_kind(shop: Ordered) -> None:
    kim = somebody(shop)
    sale = shop.sell(("SHIPPING", 1), Rung(shop.stock.products["A"]), customer=kim.customer)
    priced = shop.sell(Rung(shop.stock.products["CUSTOM"], 2, price=Decimal("4.50")), customer=kim.customer)
    shop.run(ENTITY)
    assert_imported(shop, sale, kim.account)
    order = assert_imported(shop, priced, kim.account)
    assert (order["lineItems"], len(order["customLineItems"])) == ([], 1)


def test_a_return_is_an_order_of_negative_units(shop: Ordered) -> None:
    kim = somebody(shop)
    sale = shop.sell(("A", 3), ("C", 1), customer=kim.customer)
    shop.run(ENTITY)
    back = shop.till.return_sale(sale, {shop.stock.products["A"]: 2})
    shop.run(ENTITY)
    order = assert_imported(shop, back, kim.account)
    assert units(order) == {"A": -2}
    assert order["totalPrice"]["centAmount"] == -2000
    assert units(assert_imported(shop, sale, kim.account)) == {"A": 3, "C": 1}
    assert_quiet(shop)


def test_a_void_cancels_the_order_once(shop: Ordered) -> None:
    kim = somebody(shop)
    sale, never = (shop.sell("A", customer=kim.customer) for _ in range(2))
    shop.till.void_sale(never)
    shop.run(ENTITY)
    assert all_imported(shop, never) == []
    shop.till.void_sale(sale)
    shop.run(ENTITY)
    assert imported(shop, sale)["orderState"] == "Cancelled"
    assert_quiet(shop)


def test_a_sale_on_account_is_due_until_the_till_has_the_money(shop: Ordered) -> None:
    kim = somebody(shop)
    sale = shop.sell("C", customer=kim.customer, state="pending", attributes=("onaccount",))
    shop.run(ENTITY)
    assert_imported(shop, sale, kim.account, paid="BalanceDue")
    assert_quiet(shop)
    shop.till.complete_sale(sale)
    run = shop.run(ENTITY)
    assert run.plan.changes == {"commercetools pay": 1}
    assert_imported(shop, sale, kim.account)
    assert_quiet(shop)


def test_a_sale_that_is_not_closed_is_taken_when_it_is(shop: Ordered) -> None:
    kim = somebody(shop)
    sale = shop.sell("A", customer=kim.customer, state="parked")
    shop.run(ENTITY)
    assert all_imported(shop, sale) == []
    shop.till.complete_sale(sale)
    shop.run(ENTITY)
    assert_imported(shop, sale, kim.account)


def test_a_sale_that_is_changed_after_it_became_an_order_is_told_until_it_is_voided(shop: Ordered) -> None:
    kim = somebody(shop)
    sale = shop.sell(("A", 2), customer=kim.customer)
    shop.run(ENTITY)
    before = imported(shop, sale)
    edit(shop, sale, quantity=1)
    run = shop.run(ENTITY)
    assert (run.writes, told(shop, sale), imported(shop, sale)) == (0, {"sale_changed": "warn"}, before)
    assert run_later(shop).writes == 0
    assert told(shop, sale) == {"sale_changed": "warn"}
    edit(shop, sale, quantity=2)
    shop.run(ENTITY)
    assert told(shop, sale) == {}
    edit(shop, sale, quantity=1)
    shop.till.void_sale(sale)
    shop.run(ENTITY)
    assert (told(shop, sale), imported(shop, sale)["orderState"]) == ({}, "Cancelled")
    assert_quiet(shop)


def edit(shop: Ordered, sale: str, quantity: int) -> None:
    """Somebody at the till corrects the quantity of the only line of a closed sale, and what was paid."""
    shown = shop.till.sale(sale)
    (line,) = shown["line_items"]
    given = {**line, "quantity": Decimal(quantity)}
    source = {"register_id": shown["source"]["register_id"], "author_id": shop.till.user_id}
    with shop.till.lock:
        till_sales.replace(
            shop.till,
            shop.till.sales.rows[sale],
            {
                "source": source,
                "state": "closed",
                "customer_id": shown["customer_id"],
                "line_items": [given],
                "payments": [
                    {"type": {"config_id": one["type"]["config_id"]}, "amount": one["amount"]}
                    for one in shown["payments"]
                    if one["deleted_at"] is None
                ],
            },
        )


# ------------------------------------------------------------ whose


def test_a_sale_waits_for_its_customer_to_be_linked_however_much_later(shop: Ordered) -> None:
    account = shop.add_person(f"p{next(_numbers)}@example.com", linked=False)
    customer = shop.till.add_customer(first_name="Kim")
    sale = shop.sell("A", customer=customer)
    for mode in ("delta", "delta", "full"):
        assert shop.run(ENTITY, mode).writes == 0
    shop.link_person(account, customer)
    assert shop.run(ENTITY).writes == 1
    assert_imported(shop, sale, account)
    assert_quiet(shop)


def test_a_sale_without_a_customer_is_taken_only_where_the_settings_say_so(shop: Ordered) -> None:
    sale = shop.sell("A")
    shop.run(ENTITY)
    assert all_imported(shop, sale) == []
    shop.set(ENTITY, anonymous=True)
    another = shop.sell("B")
    shop.run(ENTITY)
    assert_imported(shop, another, None)
    shop.run(ENTITY, "full")
    assert_imported(shop, sale, None)
    shop.set(ENTITY, anonymous=False)
    assert shop.run(ENTITY, "full").writes == 0


def test_a_link_that_ends_before_the_write_keeps_the_sale_back_until_there_is_one_again(
    shop: Ordered,
) -> None:
    kim = somebody(shop)
    sale = shop.sell("A", customer=kim.customer)
    (link,) = shop.ledger.links.read(CUSTOMERS, CUSTOMER, lightspeed_ids=[kim.customer])
    shop.run(ENTITY, before_load=lambda: shop.ledger.links.retire(link.id))
    assert all_imported(shop, sale) == []
    account = shop.add_person(f"p{next(_numbers)}@example.com", linked=False)
    shop.ledger.links.add(
        [pair(account, kim.customer, CUSTOMERS, CUSTOMER, matched_by="email", run_id="customers")]
    )
    shop.run(ENTITY)
    assert_imported(shop, sale, account)


# ------------------------------------------------------------ entries


def test_a_sale_becomes_one_entry_that_follows_it(shop: Ordered) -> None:
    shop.set(ENTITY, target="entries")
    kim = somebody(shop)
    sale = shop.sell(("A", 2), "B", customer=kim.customer, tenders=[("Gutschein", 5), ("Cash", None)])
    shop.run(ENTITY)
    assert all_imported(shop, sale) == []
    told_of = entries(shop)[sale]
    assert (told_of["customer"], told_of["gross"], told_of["state"]) == (kim.account, 2333, "closed")
    assert told_of["tenders"] == [{"name": "Gutschein", "amount": 500}, {"name": "Cash", "amount": 1833}]
    assert [(one["sku"], one["quantity"], one["gross"]) for one in told_of["lines"]] == [
        ("A", "2", 2000),
        ("B", "1", 333),
    ]
    assert sum(one["tax"] for one in told_of["taxes"]) == told_of["gross"] - told_of["net"]
    assert_quiet(shop)
    back = shop.till.return_sale(sale, {shop.stock.products["A"]: 1})
    shop.run(ENTITY)
    returned = entries(shop)[back]
    assert (returned["gross"], returned["return_of"], returned["original"]) == (-1000, sale, sale)
    shop.till.void_sale(sale)
    shop.run(ENTITY)
    assert entries(shop)[sale]["state"] == "voided"
    assert_quiet(shop)


def test_an_entry_of_nobody_is_given_its_customer_when_they_are_linked(shop: Ordered) -> None:
    shop.set(ENTITY, target="entries", anonymous=True)
    account = shop.add_person(f"p{next(_numbers)}@example.com", linked=False)
    customer = shop.till.add_customer(first_name="Kim")
    sale = shop.sell("A", customer=customer)
    shop.run(ENTITY)
    assert "customer" not in entries(shop)[sale]
    shop.link_person(account, customer)
    shop.run(ENTITY)
    assert entries(shop)[sale]["customer"] == account
    assert_quiet(shop)


def test_an_entry_whose_answer_is_lost_is_one_entry(shop: Ordered) -> None:
    shop.set(ENTITY, target="entries")
    kim = somebody(shop)
    sale = shop.sell("A", customer=kim.customer)
    rule = {"match": "/custom-objects$", "method": "POST", "kind": "timeout_after", "times": 5}
    shop.world.faults["commercetools"].add(rule)
    run_id = f"sales/entry {sale}"
    with pytest.raises(TransientError):
        shop.run(ENTITY, run_id=run_id)
    shop.world.faults["commercetools"].clear()
    shop.run(ENTITY, run_id=run_id)
    assert entries(shop)[sale]["gross"] == 1000
    assert_quiet(shop)


# ------------------------------------------------------------ beside orders


def test_orders_and_sales_run_in_turns_and_nothing_goes_round_in_a_circle(shop: Ordered) -> None:
    kim = somebody(shop)
    order = shop.buy(("A", 2), customer=kim.account, number=a_number())
    sale = shop.sell(("C", 2), customer=kim.customer)
    before, online = levels(shop), len(shop.online.all("orders"))
    for _ in range(2):
        shop.run(ENTITY)
        shop.run()
    exported = assert_sold(shop, order)
    assert exported["customer_id"] == kim.customer
    assert_imported(shop, sale, kim.account)
    assert len(shop.online.all("orders")) == online + 1
    assert moved(before, levels(shop)) == {("A", "Nord"): -2}
    shop.world.forget_requests()
    at_till = len(shop.till.all_sales(deleted=True))
    for mode in ("delta", "full"):
        for entity in ("orders", ENTITY):
            assert shop.run(entity, mode).writes == 0
    assert (writes(shop), len(shop.till.all_sales(deleted=True))) == ([], at_till)
    assert not shop.ledger.holds.open_holds("orders")


def test_whatever_comes_back_of_a_web_order_comes_to_no_order_of_its_own(shop: Ordered) -> None:
    """Returns that orders write, and those that somebody at the till begins, whatever source the till gives them."""
    kim = somebody(shop)
    order = shop.buy(("A", 3), customer=kim.account, number=a_number())
    shop.run()
    shop.send_back(order, "A")
    shop.refund(order, 1000)
    shop.run()
    by_hand = shop.till.return_sale(shop.sales(order)[0]["id"], {shop.stock.products["A"]: 1})
    shop.till.sales.rows[by_hand].source_type = ""
    assert shop.run(ENTITY).writes == 0
    assert shop.run(ENTITY, "full").writes == 0
    assert all_imported(shop, by_hand) == []


def test_an_imported_order_is_not_exported_even_where_its_mark_is_missing(shop: Ordered) -> None:
    kim = somebody(shop)
    sale = shop.sell("A", customer=kim.customer)
    rule = {"match": "/orders/[0-9a-f-]{36}$", "method": "POST", "kind": "timeout_before", "times": 5}
    shop.world.faults["commercetools"].add(rule)
    run_id = f"sales/unmarked {sale}"
    with pytest.raises(TransientError):
        shop.run(ENTITY, run_id=run_id)
    at_till = len(shop.till.all_sales(deleted=True))
    assert shop.marks(imported(shop, sale)["id"]) == []
    assert shop.run().writes == 0
    assert len(shop.till.all_sales(deleted=True)) == at_till
    shop.world.faults["commercetools"].clear()
    shop.run(ENTITY, run_id=run_id)
    assert_imported(shop, sale, kim.account)


# ------------------------------------------------------------ exactly once


@pytest.mark.parametrize("again", ["retried", "given up"])
@pytest.mark.parametrize("where", ["/orders/import$", "/orders/[0-9a-f-]{36}$"], ids=["imported", "marked"])
@pytest.mark.parametrize("kind", ["timeout_before", "timeout_after", "cut", "truncate_json"])
def test_whatever_happens_to_an_import_there_is_one_order_with_its_mark(
    shop: Ordered, kind: str, where: str, again: str
) -> None:
    kim = somebody(shop)
    sale = shop.sell(("C", 3), customer=kim.customer)
    shop.world.faults["commercetools"].add({"match": where, "method": "POST", "kind": kind})
    run_id = f"sales/{kind} {again} {sale}"
    try:
        shop.run(ENTITY, run_id=run_id)
    except TransientError:
        if again == "given up":
            shop.ledger.runs.finish(run_id, "failed", {})
        shop.run(ENTITY, run_id=run_id if again == "retried" else None)
    assert_imported(shop, sale, kim.account)
    assert told(shop, sale) == {}
    assert_quiet(shop)


def test_a_worker_that_died_after_the_plan_leaves_everything_to_the_next_run(shop: Ordered) -> None:
    kim = somebody(shop)
    sale = shop.sell("A", customer=kim.customer)
    with pytest.raises(ProtocolFault, match="still open"):
        shop.run(ENTITY, loads=False)
    assert all_imported(shop, sale) == []
    shop.run(ENTITY)
    assert_imported(shop, sale, kim.account)
    assert_quiet(shop)


def test_a_void_after_an_import_without_an_answer_cancels_what_is_there(shop: Ordered) -> None:
    kim = somebody(shop)
    sale = shop.sell("A", customer=kim.customer)
    rule = {"match": "/orders/import$", "method": "POST", "kind": "timeout_after"}
    shop.world.faults["commercetools"].add(rule)
    run_id = f"sales/void {sale}"
    with pytest.raises(TransientError):
        shop.run(ENTITY, run_id=run_id)
    shop.ledger.runs.finish(run_id, "failed", {})
    shop.till.void_sale(sale)
    shop.run(ENTITY)
    assert imported(shop, sale)["orderState"] == "Cancelled"
    assert_quiet(shop)


def test_one_sale_the_shop_refuses_stops_no_other_and_is_tried_again(shop: Ordered) -> None:
    kim, lee = somebody(shop), somebody(shop)
    bad, good = shop.sell("C", customer=kim.customer), shop.sell("A", customer=lee.customer)
    refusal = {"code": "InvalidField", "message": "no", "field": "customerId"}
    shop.world.faults["commercetools"].add(
        {
            "match": "/orders/import$",
            "method": "POST",
            "kind": "status",
            "status": 400,
            "body": {"statusCode": 400, "message": "no", "errors": [refusal]},
            "body_match": kim.account,
            "times": None,
        }
    )
    shop.run(ENTITY)
    assert_imported(shop, good, lee.account)
    assert (list(told(shop, bad).values()), all_imported(shop, bad)) == (["hold"], [])
    assert shop.run(ENTITY).writes == 0, "it has its own time for the next try"
    shop.world.faults["commercetools"].clear()
    run_later(shop)
    assert_imported(shop, bad, kim.account)
    assert told(shop, bad) == {}
    assert_quiet(shop)


def test_a_run_most_of_whose_sales_are_refused_fails_and_loses_none(shop: Ordered) -> None:
    shop.set("limits", failed_least=1)
    kim = somebody(shop)
    sale = shop.sell("A", customer=kim.customer)
    refusal = {"statusCode": 400, "message": "no", "errors": [{"code": "InvalidInput", "message": "no"}]}
    rule = {"match": "/orders/import$", "method": "POST", "kind": "status", "status": 400, "body": refusal}
    shop.world.faults["commercetools"].add(rule)
    with pytest.raises(RunFailed):
        shop.run(ENTITY)
    run_later(shop)
    assert_imported(shop, sale, kim.account)


# ------------------------------------------------------------ what a run is asked


def test_a_dry_run_says_what_it_would_do_and_writes_nothing(shop: Ordered) -> None:
    kim = somebody(shop)
    sale = shop.sell(("A", 2), customer=kim.customer)
    shop.world.forget_requests()
    dry = shop.run(ENTITY, dry_run=True)
    assert dry.plan.changes == {"commercetools import": 1}
    assert dry.plan.shows[0][1:] == ["import", _number(shop, sale), "20.00 EUR", "sold in store"]
    assert (dry.writes, writes(shop), all_imported(shop, sale)) == (0, [], [])
    assert shop.run(ENTITY).writes == 1
    assert_imported(shop, sale, kim.account)


def _number(shop: Ordered, sale: str) -> str:
    return f"POS-{shop.till.sale(sale)['invoice_number']}-{sale[-6:]}"


@pytest.mark.parametrize("by", ["receipt", "id"])
def test_a_run_of_keys_takes_these_sales_and_no_other(shop: Ordered, by: str) -> None:
    kim = somebody(shop)
    wanted, other = (shop.sell("A", customer=kim.customer) for _ in range(2))
    key = wanted if by == "id" else shop.till.sale(wanted)["invoice_number"]
    assert shop.run(ENTITY, keys=[key]).writes == 1
    assert_imported(shop, wanted, kim.account)
    assert all_imported(shop, other) == []
    assert shop.run(ENTITY).writes == 1
    assert_imported(shop, other, kim.account)
    assert_quiet(shop)


def test_sales_from_before_the_day_that_is_set_are_left_alone(shop: Ordered) -> None:
    shop.set(ENTITY, since="2026-02-01")
    kim = somebody(shop)
    before = shop.sell("A", customer=kim.customer, date="2026-01-31T23:59:59+00:00")
    after = shop.sell("B", customer=kim.customer, date="2026-02-01T00:00:00+00:00")
    shop.run(ENTITY)
    assert all_imported(shop, before) == []
    assert_imported(shop, after, kim.account)
    shop.run(ENTITY, "full", since=datetime(2026, 1, 1, tzinfo=UTC))
    assert all_imported(shop, before) == []
    shop.till.void_sale(before)


def test_nothing_is_read_or_written_without_a_target(shop: Ordered) -> None:
    kim = somebody(shop)
    sale = shop.sell("A", customer=kim.customer)
    aimed = shop.settings
    shop.set(ENTITY, target="none")
    shop.world.forget_requests()
    assert shop.run(ENTITY).writes == 0
    assert shop.world.requests("lightspeed") == shop.world.requests("commercetools") == []
    shop.settings = SyncSettings.model_validate(aimed.model_dump(mode="json"))
    shop.run(ENTITY)
    assert_imported(shop, sale, kim.account)


# ------------------------------------------------------------ told twice


@pytest.mark.parametrize("by", ["id", "number"])
def test_one_sale_told_by_webhook_and_by_feed_is_one_order(shop: Ordered, by: str) -> None:
    """The run of the webhook writes while the run of the feed has planned the same sale and not written yet."""
    kim = somebody(shop)
    sale = shop.sell(("A", 2), customer=kim.customer)
    key = sale if by == "id" else shop.till.sale(sale)["invoice_number"]
    done: list[int] = []

    def webhook() -> None:
        done.append(shop.run(ENTITY, keys=[key]).writes)

    run = shop.run(ENTITY, before_load=in_a_thread(webhook))
    assert done == [1] and run.accounts.failed == 0
    assert len(all_imported(shop, sale)) == 1
    assert_imported(shop, sale, kim.account)
    assert_quiet(shop)


def in_a_thread(work: Callable[[], None]) -> Callable[[], None]:
    """Another worker does this meanwhile."""

    def meanwhile() -> None:
        with ThreadPoolExecutor(1) as pool:
            pool.submit(work).result()

    return meanwhile
