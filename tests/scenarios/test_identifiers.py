"""Identifiers that systems spell differently: compared without what nobody sees, addressed as each system spells them.

Products are linked by real runs; stock, orders and both systems' end states are what is looked at."""

from __future__ import annotations

from collections.abc import Iterator
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from retail_sync.ledger.rows import Hold
from retail_sync.sync.engine.skus import sku_keys
from sandbox.faults import FaultRule
from tests.support.builders.orders import RATES, Ordered, _product, ordered

SPELLINGS = {
    "a trailing blank": ("WS-1 ", "WS-1"),
    "a leading blank at the till": ("WS-1", " WS-1"),
    "a non-breaking blank": ("WS\u00a01", "WS 1"),
    "a zero-width blank": ("WS-1\u200b", "WS-1"),
    "a composed letter": ("GRU\u0308N-1", "GRÜN-1"),
}


@pytest.fixture
def shop(ledger_url: str, tmp_path: Path) -> Iterator[Ordered]:
    with ordered(ledger_url, tmp_path) as made:
        made.run(mode="full")
        configure(
            made,
            tax_classes=[
                {"name": name, "commercetools": name, "lightspeed": f"MwSt {Decimal(rate) * 100:.0f} %"}
                for name, rate in RATES.items()
            ],
        )
        yield made


def configure(shop: Ordered, **products: Any) -> None:
    """Somebody edits the section of products."""
    shop.set("products", **products)


def add(shop: Ordered, online: str, till: str, level: int = 5, **variant: Any) -> str:
    """An article that both sides know, unlinked, each by its own spelling; the till's id."""
    product = {**_product("article", 1000, "standard"), "slug": {"en": f"s-{len(shop.stock.products)}"}}
    product |= {"key": f"k-{len(shop.stock.products)}", "name": {"en": f"Article {till}"}}
    product["masterVariant"] = {**product["masterVariant"], "sku": online, **variant}
    shop.online.create("products", product)
    article = shop._at_till(till, "10.00", "standard")
    shop.stock.count(till, "Nord", level)
    return article


def sold(shop: Ordered, order: str) -> set[str]:
    """The till's articles in the sale of an order."""
    return {str(line["product"]["id"]) for line in shop.sale(order)["line_items"]}


def align(shop: Ordered) -> None:
    shop.world.run("products", "full")


def assert_nothing_is_left(shop: Ordered) -> None:
    """A second full run of everything writes nothing."""
    shop.world.forget_requests()
    before = shop.world.state()
    shop.world.run("products", "full")
    assert shop.world.writes() == []
    assert shop.world.state() == before
    assert (shop.run(mode="full").writes, shop.stock.run("full").accounts.applied) == (0, 0)


@pytest.mark.parametrize("online, till", SPELLINGS.values(), ids=SPELLINGS)
def test_an_article_spelled_otherwise_is_linked_and_its_stock_and_orders_go_where_it_is_sold(
    shop: Ordered, online: str, till: str
) -> None:
    article = add(shop, online, till)
    shop.stock.add_entry(online, "web", 9)
    align(shop)
    (link,) = shop.ledger.links.read("products", "variant")
    assert link.lightspeed_id == article
    shop.stock.run("full")
    assert shop.stock.shown("web") == {online: 5}
    order = shop.buy(shop.item(online, 2, "web"), mode="ReserveOnOrder")
    shop.stock.run()
    assert shop.stock.shown("web") == {online: 3}
    shop.run()
    assert sold(shop, order) == {article}
    shop.stock.run()
    assert shop.stock.shown("web") == {online: 3}
    assert {sku for sku, _ in shop.stock.online_state()} == {online}
    assert_nothing_is_left(shop)
    # Each side keeps its spelling.
    assert shop.world.online_variant(online)
    assert shop.world.till_product(till)["id"] == article


def test_an_order_of_a_sku_that_was_changed_counts_for_and_sells_the_variant_it_was_placed_for(
    shop: Ordered,
) -> None:
    article = add(shop, "OLD-1", "OLD-1")
    align(shop)
    shop.stock.run("full")
    order = shop.buy(shop.item("OLD-1", 3, "web"), mode="ReserveOnOrder")
    shop.stock.run()
    assert shop.stock.shown("web") == {"OLD-1": 2}
    product, _ = shop.world.online_variant("OLD-1")
    rename(shop, product["id"], "NEW-1")
    shop.world.run("products", "delta")
    shop.stock.run()
    assert shop.stock.shown("web") == {"NEW-1": 2}
    shop.run()
    assert sold(shop, order) == {article}
    shop.stock.run()
    assert shop.stock.shown("web") == {"NEW-1": 2}
    assert_nothing_is_left(shop)


def rename(shop: Ordered, product: str, sku: str, number: int = 1) -> None:
    """Somebody gives a variant another SKU, at once for customers too; while its old SKU has an entry the platform
    refuses that, so the entry goes first."""
    data = shop.online.get("products", id=product)["masterData"]["current"]  # type: ignore[index]
    (old,) = [v["sku"] for v in (data["masterVariant"], *data["variants"]) if v["id"] == number]
    for entry in shop.online.all("inventory"):
        if entry["sku"] == old:
            shop.online.delete("inventory", id=entry["id"])
    shop.online.update(
        "products", [{"action": "setSku", "variantId": number, "sku": sku, "staged": False}], id=product
    )


def test_orders_of_two_variants_that_swapped_their_skus_stay_with_what_was_ordered(shop: Ordered) -> None:
    first, second = add(shop, "A-1", "A-1", 10), add(shop, "B-1", "B-1", 20)
    align(shop)
    shop.stock.run("full")
    ordered_first = shop.buy(shop.item("A-1", 3, "web"), mode="ReserveOnOrder")
    product_a, product_b = (shop.world.online_variant(sku)[0]["id"] for sku in ("A-1", "B-1"))
    for product, sku in ((product_a, "X-1"), (product_b, "A-1"), (product_a, "B-1")):
        rename(shop, product, sku)
    shop.world.run("products", "delta")
    shop.run()
    assert sold(shop, ordered_first) == {first} != {second}


def test_skus_that_differ_in_capitals_are_shown_side_by_side_and_neither_is_created(shop: Ordered) -> None:
    add(shop, "cs-1", "CS-1")
    before = shop.world.state()
    align(shop)
    assert shop.world.state() == before
    held = {hold.subject.split(":")[0]: hold for hold in shop.world.holds() if hold.code == "sku_looks_alike"}
    assert set(held) == {"commercetools", "lightspeed"}
    assert "'CS-1'" in held["commercetools"].message and "'cs-1'" in held["commercetools"].message
    assert held["lightspeed"].evidence["candidates"]["commercetools"][0]["sku"] == "cs-1"
    assert shop.ledger.links.read("products", "variant") == []


def test_where_capitals_of_skus_do_not_count_the_article_is_one_and_each_side_keeps_its_spelling(
    shop: Ordered,
) -> None:
    article = add(shop, "cs-1", "CS-1")
    configure(shop, sku_capitals_count=False)
    align(shop)
    assert [link.lightspeed_id for link in shop.ledger.links.read("products", "variant")] == [article]
    shop.stock.run("full")
    order = shop.buy(shop.item("cs-1", 2, "web"), mode="ReserveOnOrder")
    shop.run()
    assert sold(shop, order) == {article}
    shop.stock.run()
    assert shop.stock.shown("web") == {"cs-1": 3}
    assert_nothing_is_left(shop)


@pytest.mark.parametrize(
    ("online", "till"),
    [("АВС-1", "ABC-1"), ("A\u200f-1", "A-1"), ("A\u20111", "A-1")],
    ids=["cyrillic", "right-to-left mark", "non-breaking hyphen"],
)
def test_skus_that_only_look_alike_are_never_matched_and_never_created_beside_each_other(
    shop: Ordered, online: str, till: str
) -> None:
    add(shop, online, till)
    before = shop.world.state()
    align(shop)
    assert shop.world.state() == before
    assert {hold.code for hold in shop.world.holds()} >= {"sku_looks_alike"}
    assert shop.ledger.links.read("products", "variant") == []


def test_the_same_skus_have_the_same_key_in_tables_too() -> None:
    import pandas as pd

    keys = sku_keys(pd.Series(["WS-1 ", "WS-1", None, " ", "\u200b"], dtype="string"))
    assert keys.fillna("-").tolist() == ["WS-1", "WS-1", "-", "-", "-"]


# ---------------------------------------------------------------- exchanged and refused


def online_ids(shop: Ordered, *skus: str) -> list[str]:
    return [str(shop.world.online_variant(sku)[0]["id"]) for sku in skus]


def test_two_skus_exchanged_online_are_one_hold_and_no_request_until_one_of_them_goes_through_a_free_one(
    shop: Ordered,
) -> None:
    first, second = add(shop, "A-1", "A-1"), add(shop, "B-1", "B-1")
    configure(shop, fields={"sku": {"owner": "commercetools"}})
    align(shop)
    a, b = online_ids(shop, "A-1", "B-1")
    for product, sku in ((a, "X"), (b, "A-1"), (a, "B-1")):
        rename(shop, product, sku)
    for _ in range(2):
        shop.world.forget_requests()
        shop.world.run("products", "full")
        assert shop.world.writes() == []
    held = [hold for hold in shop.world.holds() if hold.code == "swapped"]
    assert len(held) == 2
    assert all("A-1" in hold.message and "B-1" in hold.message for hold in held)
    rename(shop, a, "FREE")
    for _ in range(2):
        shop.world.run("products", "full")
    rename(shop, a, "B-1")
    shop.world.run("products", "full")
    assert shop.world.till_product("A-1")["id"] == second
    assert shop.world.till_product("B-1")["id"] == first
    assert [hold for hold in shop.world.holds() if hold.code == "swapped"] == []
    shop.world.forget_requests()
    shop.world.run("products", "full")
    assert shop.world.writes() == []


def test_what_the_till_refused_is_not_sent_again_unchanged_by_a_full_run(shop: Ordered) -> None:
    add(shop, "A-1", "A-1")
    align(shop)
    (product,) = online_ids(shop, "A-1")

    def call(name: str) -> None:
        action = {"action": "changeName", "name": {"en": name}, "staged": False}
        shop.online.update("products", [action], id=product)

    def puts() -> int:
        shop.world.forget_requests()
        shop.world.run("products", "full")
        return len(shop.world.writes("lightspeed"))

    def held() -> list[Hold]:
        return [hold for hold in shop.world.holds() if hold.subject == f"commercetools:{product}"]

    no = FaultRule(
        match="/products/", method="PUT", kind="status", status=422, times=None, body={"error": "No"}
    )
    shop.world.faults["lightspeed"].add(no)
    call("Refused")
    assert puts() == 1
    (before,) = held()
    assert puts() == 0
    (after,) = held()
    assert (after.message, after.due_at, after.attempts) == (before.message, before.due_at, before.attempts)
    call("Also refused")
    assert puts() == 1
    # A person lets it be tried again.
    shop.ledger.holds.make_due([hold.id for hold in held()])
    assert puts() == 1
    shop.world.faults["lightspeed"].clear()
    assert puts() == 0
    shop.ledger.holds.make_due([hold.id for hold in held()])
    assert puts() == 1
    assert shop.world.till_product("A-1")["name"] == "Also refused"
    assert held() == []
    assert puts() == 0
