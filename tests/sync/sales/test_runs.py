"""Whole runs over a ledger: every sale exactly once, whatever is lost, late, changed or repeated."""

from __future__ import annotations

from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from retail_sync.ledger import Ledger
from retail_sync.ledger.erasing import erase
from retail_sync.records.errors import UnknownOutcome
from retail_sync.records.sales import ENTITY, KIND
from retail_sync.sync.sales.knowing import sales_of_customers
from tests.support.links import pair
from tests.sync.sales.paper import ADA, ADA_ONLINE, NOON, Desk, PaperShop, later, line, sale, settings


@pytest.fixture
def desk(ledger: Ledger, tmp_path: Path) -> Desk:
    desk = Desk(ledger, tmp_path, settings())
    desk.link()
    return desk


def entries(desk: Desk, **sales: Any) -> Desk:
    desk.settings = settings("entries", **sales)
    return desk


def documents(desk: Desk) -> dict[str, bool]:
    """Whether the ledger keeps the document of each sale it holds."""
    return {row.id: bool(row.carry) for row in desk.ledger.mirror.read(ENTITY, KIND, "lightspeed")}


# ---------------------------------------------------------------- once


def test_an_order_whose_answer_was_lost_is_found_and_not_made_again(desk: Desk) -> None:
    desk.shop.lost = 1
    summary = desk.plan(sale())
    with pytest.raises(UnknownOutcome):
        desk.load(summary)
    desk.load(summary)
    audited = desk.audit()
    assert (audited.accounts.already_there, len(desk.shop.orders), desk.shop.writes) == (1, 1, 1)
    assert desk.shop.asked == 1


def test_and_found_by_the_next_run_where_that_one_died(desk: Desk) -> None:
    one = sale()
    desk.shop.lost = 1
    with pytest.raises(UnknownOutcome):
        desk.load(desk.plan(one))
    desk.ledger.runs.finish("sales/1", "failed", {})
    desk.run(one)
    assert (len(desk.shop.orders), desk.shop.writes) == (1, 1)
    (link,) = desk.ledger.links.read(ENTITY, KIND)
    assert (link.commercetools_id, link.lightspeed_id) == ("order-1", one.id)


def test_the_attempt_and_its_number_are_stored_before_the_shop_is_asked(desk: Desk) -> None:
    stored: list[tuple[int, str | None]] = []

    class Watching(PaperShop):
        async def find_imported(self, number: str) -> Any:
            stored.extend((one.attempt, one.idempotency_key) for one in desk.ledger.changes.read("sales/1"))
            assert stored[-1][1] == number
            return await super().find_imported(number)

    desk.shop = Watching()
    desk.run(sale())
    assert stored == [(1, next(iter(desk.shop.orders)))]


def test_a_number_that_is_taken_is_looked_up(desk: Desk) -> None:
    """As where the shop's index lags behind the order that was just made."""
    one = sale()
    desk.shop.lost, desk.shop.blind = 1, 2
    summary = desk.plan(one)
    with pytest.raises(UnknownOutcome):
        desk.load(summary)
    desk.load(summary)
    assert (desk.audit().accounts.already_there, desk.shop.writes) == (1, 1)


def test_a_changed_invoice_number_or_prefix_makes_no_second_order(desk: Desk) -> None:
    one = sale()
    desk.shop.lost = 1
    with pytest.raises(UnknownOutcome):
        desk.load(desk.plan(one))
    desk.ledger.runs.finish("sales/1", "failed", {})
    desk.settings = settings(prefix="SHOP-")
    desk.run(later(one, number="C-99"))
    assert len(desk.shop.orders) == 1


def test_an_order_is_never_taken_for_two_sales(desk: Desk) -> None:
    desk.run(sale(id="a-000001"))
    summary = desk.plan(sale(id="b-000001"))
    desk.load(summary)
    assert desk.audit().accounts.failed == 1
    (failed,) = desk.ledger.changes.read("sales/2")
    assert failed.error_code == "link_conflict"


def test_a_plan_made_again_by_a_retried_task_writes_nothing_twice(desk: Desk) -> None:
    some = [sale(), sale()]
    desk.load(desk.plan(*some))
    again = desk.again()
    assert again.summary["stored"] == 2
    desk.load(again)
    assert desk.audit().accounts.applied == 2
    assert desk.shop.writes == 2


def test_a_plan_made_again_keeps_the_writes_that_were_begun(desk: Desk) -> None:
    desk.shop.lost = 1
    with pytest.raises(UnknownOutcome):
        desk.load(desk.plan(sale()))
    again = desk.again()
    assert again.summary["stored"] == len(desk.ledger.changes.read("sales/1")) == 1
    desk.load(again)
    assert (desk.audit().accounts.already_there, desk.shop.writes) == (1, 1)


# ---------------------------------------------------------------- whose


def test_waiting_sales_are_taken_where_it_is_not_known_who_was_linked_when(desk: Desk) -> None:
    desk.unlink()
    desk.run(sale(), sale(customer_id="stranger"))
    desk.link()
    assert desk.run(full=True).summary["stored"] == 1


def test_waiting_sales_are_looked_at_when_the_settings_change(desk: Desk) -> None:
    desk.run(sale(customer_id="stranger"))
    desk.settings = settings(anonymous=True)
    assert desk.run().summary["stored"] == 1


def test_nobody_who_was_forgotten_is_taken_or_kept(desk: Desk) -> None:
    desk.unlink()
    waiting, new = sale(), sale()
    desk.run(waiting)
    desk.forget()
    desk.link(online="online-again")
    desk.run(new, full=True)
    assert documents(desk) == {waiting.id: False}
    desk.run(later(waiting), full=True)
    assert desk.shop.writes == 0
    (row,) = desk.ledger.mirror.read(ENTITY, KIND, "lightspeed")
    assert (row.id, row.parent_id, row.carry, row.fields) == (waiting.id, None, None, {})


def test_sales_that_wait_for_somebody_who_was_forgotten_are_emptied_by_the_next_run(desk: Desk) -> None:
    desk.unlink()
    one = sale()
    desk.run(one)
    desk.forget()
    desk.run()
    assert documents(desk) == {one.id: False}


def test_forgotten_between_plan_and_write_is_not_written(desk: Desk) -> None:
    summary = desk.plan(sale())
    desk.forget()
    desk.load(summary)
    assert desk.shop.writes == 0


def test_all_that_is_kept_of_a_customers_sales_can_be_erased(desk: Desk) -> None:
    one, other = sale(), sale(customer_id="till-bob")
    desk.link("till-bob", "online-bob")
    desk.run(one, other)
    found = sales_of_customers(desk.ledger, [ADA])
    assert found["lightspeed"] == {one.id}
    erase(desk.ledger.engine, ENTITY, found)
    assert set(documents(desk)) == {other.id}
    assert [link.lightspeed_id for link in desk.ledger.links.read(ENTITY, KIND)] == [other.id]
    assert ADA_ONLINE not in str([change.after for change in desk.ledger.changes.read("sales/1")])


def test_what_can_not_be_taken_is_not_kept(desk: Desk) -> None:
    desk.run(sale(customer_id=None), sale(state="parked"), sale(source_type="commercetools"))
    assert documents(desk) == {}


def test_the_document_of_a_sale_is_kept_only_as_long_as_it_is_needed(desk: Desk) -> None:
    one = sale()
    desk.run(one)
    assert documents(desk) == {one.id: False}
    desk.run(one, full=True)
    assert documents(desk) == {one.id: False}


# ---------------------------------------------------------------- later


def test_a_void_before_the_sale_was_taken_makes_nothing(desk: Desk) -> None:
    assert desk.run(sale(state="voided")).summary["stored"] == 0


def test_a_void_of_what_never_got_there_is_done(desk: Desk) -> None:
    one = sale()
    desk.run(one, dry_run=True)
    desk.run(later(one, state="voided"))
    assert (desk.shop.writes, documents(desk)) == (0, {one.id: False})
    assert desk.run(later(one, state="voided"), full=True).summary["stored"] == 0


def test_a_void_of_an_order_that_somebody_deleted_is_done(desk: Desk) -> None:
    one = sale()
    desk.run(one)
    desk.shop.orders.clear()
    desk.run(later(one, state="voided"))
    assert desk.run(later(one, state="voided"), full=True).summary["stored"] == 0


def test_even_if_it_was_deleted_just_now(desk: Desk) -> None:
    one = sale()
    desk.run(one)
    desk.shop.vanishes = True
    desk.run(later(one, state="voided"))
    assert desk.run(later(one, state="voided"), full=True).summary["stored"] == 0


def test_a_payment_after_a_change_is_told_online_and_the_change_to_a_person(desk: Desk) -> None:
    due = sale(line("2"), state="pending", attributes=("onaccount",))
    desk.run(due)
    other = sale(line("1"), id=due.id)
    desk.run(later(due, state="closed", lines=other.lines, total=other.total, tax=other.tax))
    (order,) = desk.shop.orders.values()
    (hold,) = desk.ledger.holds.open_holds(ENTITY)
    assert (order["paid"], hold.code) == ("Paid", "sale_changed")


def test_a_payment_of_an_order_that_somebody_deleted_is_done(desk: Desk) -> None:
    due = sale(state="pending", attributes=("onaccount",))
    desk.run(due)
    desk.shop.orders.clear()
    paid = later(due, state="closed")
    desk.run(paid)
    assert desk.run(paid, full=True).summary["stored"] == 0


def test_an_order_whose_answer_was_lost_and_whose_sale_was_paid_meanwhile_is_paid(desk: Desk) -> None:
    due = sale(state="pending", attributes=("onaccount",))
    desk.shop.lost = 1
    with pytest.raises(UnknownOutcome):
        desk.load(desk.plan(due))
    desk.ledger.runs.finish("sales/1", "failed", {})
    desk.run(later(due, state="closed"))
    (order,) = desk.shop.orders.values()
    assert (order["paid"], desk.shop.writes) == ("Paid", 2)


def test_an_older_page_changes_nothing(desk: Desk) -> None:
    one = sale()
    newer = later(one, total=Decimal("10.00"))
    entries(desk).run(newer)
    stale = desk.run(one)
    assert (stale.summary["older"], stale.summary["stored"], desk.shop.entries[one.id]["gross"]) == (
        1,
        0,
        1000,
    )


def test_an_older_page_of_a_waiting_sale_does_not_bring_it_back(desk: Desk) -> None:
    desk.unlink()
    one = sale()
    newer = later(one, total=Decimal("10.00"))
    desk.run(newer)
    desk.link()
    desk.run(one)
    assert [order.gross for order in desk.orders] == [1000]


def test_a_sale_that_can_not_be_read_is_held_until_it_can(desk: Desk) -> None:
    one, other = sale(), sale()
    found = desk.run(other, broken=[one])
    assert (found.summary["dispositions"], len(desk.shop.orders)) == ({"planned": 1, "held": 1}, 1)
    (hold,) = desk.ledger.holds.open_holds(ENTITY)
    assert (hold.code, hold.source_id) == ("sale_unreadable", one.id)
    desk.ledger.holds.make_due([hold.id])
    desk.run()
    assert len(desk.ledger.holds.open_holds(ENTITY)) == 1
    desk.run(later(one))
    assert (desk.ledger.holds.open_holds(ENTITY), len(desk.shop.orders)) == ([], 2)


def test_the_newest_row_of_a_sale_says_whether_it_can_be_read(desk: Desk) -> None:
    good, bad = sale(), sale()
    found = desk.run(later(good), bad, before=[good], broken=[later(bad)])
    assert found.summary["dispositions"] == {"planned": 1, "held": 1}


def test_an_unreadable_change_of_a_sale_that_was_taken_stays_held(desk: Desk) -> None:
    one = sale()
    desk.run(one)
    desk.run(broken=[later(one)])
    (hold,) = desk.ledger.holds.open_holds(ENTITY)
    desk.ledger.holds.make_due([hold.id])
    desk.run()
    assert len(desk.ledger.holds.open_holds(ENTITY)) == 1


def test_an_entry_of_a_return_names_the_order_or_entry_of_the_original(desk: Desk) -> None:
    one = sale()
    desk.run(one)
    back = sale(line("-1"), return_of=one.id)
    entries(desk).run(back)
    told = desk.shop.entries[back.id]
    assert (told["return_of"], told["original"]) == (one.id, next(iter(desk.shop.orders)))


# ---------------------------------------------------------------- what


def test_lines_bear_the_sku_of_the_linked_article_else_the_one_that_both_sides_call_the_same(
    desk: Desk,
) -> None:
    desk.article("lightspeed", "p-linked", "till-1")
    desk.article("commercetools", "o-linked", "J-1")
    desk.article("lightspeed", "p-gone", "till-2")
    desk.article("commercetools", "o-gone", "J-9", deleted_at=NOON)
    desk.article("lightspeed", "p-same", "J-2")
    desk.article("commercetools", "o-same", "J-2")
    desk.article("lightspeed", "p-twice", "J-3")
    desk.article("commercetools", "o-one", "J-3")
    desk.article("commercetools", "o-two", "J-3")
    desk.article("lightspeed", "p-till", "T-1")
    desk.ledger.links.add(
        [pair(online, till) for online, till in (("o-linked", "p-linked"), ("o-gone", "p-gone"))]
    )
    products = ("p-linked", "p-same", "p-twice", "p-till", "p-gone", "p-never-read")
    desk.run(sale(*(line(product_id=one, name="") for one in products)))
    (order,) = desk.orders
    assert [(one.sku, one.name) for one in order.lines] == [
        ("J-1", "J-1"),
        ("J-2", "J-2"),
        (None, "J-3"),
        (None, "T-1"),
        (None, "till-2"),
        (None, "Article"),
    ]


def test_an_order_is_completed_when_the_sale_was_made(desk: Desk) -> None:
    desk.run(sale())
    (order,) = desk.orders
    assert (order.completed_at, order.currency, order.country) == (NOON, "EUR", "DE")


def test_the_plan_is_told_in_words_and_batches(desk: Desk) -> None:
    desk.settings = settings(batch_size=2)
    planned = desk.run(*(sale() for _ in range(5)))
    assert (planned.summary["batches"], planned.summary["changes"]) == (3, {"commercetools import": 5})
    assert planned.shows[0][1:] == ["import", next(iter(desk.shop.orders)), "11.90 EUR", "sold in store"]
    assert len(desk.shop.orders) == 5
