"""Whole runs over a ledger: every sale exactly once, whatever is lost, late, changed or repeated."""

from __future__ import annotations

from collections.abc import Iterator
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from retail_sync.ledger import Ledger
from retail_sync.ledger.erasing import erase
from retail_sync.ledger.rows import Link
from retail_sync.records.errors import UnknownOutcome
from retail_sync.records.sales import ENTITY, KIND
from retail_sync.sync.sales.knowing import sales_of_customers
from tests.sync.sales.paper import ADA, ADA_ONLINE, NOON, Desk, PaperShop, later, line, sale, settings


@pytest.fixture
def ledger(ledger_url: str) -> Iterator[Ledger]:
    with Ledger.open(ledger_url) as opened:
        yield opened


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


def test_a_second_full_run_writes_nothing(desk: Desk) -> None:
    some = [sale(), sale(line("-1")), sale(line("0.5")), sale(customer_id=None), sale(state="parked")]
    first = desk.run(*some)
    assert (first.stored, len(desk.shop.orders), desk.shop.writes) == (3, 3, 3)
    again = desk.run(*some, full=True)
    assert (again.stored, desk.shop.writes) == (0, 3)
    assert again.dispositions == {"unchanged": 3, "ignored": 2}


def test_a_second_full_run_writes_no_entry_anew(desk: Desk) -> None:
    some = [sale(), sale(state="voided"), sale()]
    entries(desk).run(*some)
    assert desk.run(*some, full=True).stored == 0
    assert desk.shop.writes == len(desk.shop.entries) == 2


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
    assert again.stored == 2
    desk.load(again)
    assert desk.audit().accounts.applied == 2
    assert desk.shop.writes == 2


def test_a_plan_made_again_keeps_the_writes_that_were_begun(desk: Desk) -> None:
    desk.shop.lost = 1
    with pytest.raises(UnknownOutcome):
        desk.load(desk.plan(sale()))
    again = desk.again()
    assert again.stored == len(desk.ledger.changes.read("sales/1")) == 1
    desk.load(again)
    assert (desk.audit().accounts.already_there, desk.shop.writes) == (1, 1)


def test_a_dry_run_writes_nothing_and_loses_nothing(desk: Desk) -> None:
    one = sale()
    assert desk.run(one, dry_run=True).stored == 1
    assert (desk.shop.writes, desk.ledger.runs.cursor(ENTITY, "lightspeed")) == (0, None)
    desk.run(one)
    assert desk.shop.writes == 1


# ---------------------------------------------------------------- whose


def test_a_sale_is_taken_as_soon_as_its_customer_is_linked(desk: Desk) -> None:
    desk.unlink()
    one = sale()
    waits = desk.run(one)
    assert (waits.dispositions, waits.holds, documents(desk)) == ({"ignored": 1}, {}, {one.id: True})
    assert desk.run().late == 0
    desk.link()
    assert desk.run().late == 1
    assert [order.customer_id for order in desk.orders] == [ADA_ONLINE]
    assert desk.run().stored == 0


def test_waiting_sales_are_taken_where_it_is_not_known_who_was_linked_when(desk: Desk) -> None:
    desk.unlink()
    desk.run(sale(), sale(customer_id="stranger"))
    desk.link()
    assert desk.run(full=True).stored == 1


def test_waiting_sales_are_looked_at_when_the_settings_change(desk: Desk) -> None:
    desk.run(sale(customer_id="stranger"))
    desk.settings = settings(anonymous=True)
    assert desk.run().stored == 1


def test_an_entry_is_given_its_customer_later(desk: Desk) -> None:
    entries(desk, anonymous=True)
    desk.unlink()
    one = sale()
    desk.run(one)
    assert "customer" not in desk.shop.entries[one.id]
    desk.link()
    desk.run()
    assert desk.shop.entries[one.id]["customer"] == ADA_ONLINE
    assert documents(desk) == {one.id: False}


def test_a_sale_whose_link_ends_before_it_is_written_is_not_sent_and_not_lost(desk: Desk) -> None:
    summary = desk.plan(sale())
    desk.unlink()
    desk.load(summary)
    desk.audit()
    assert desk.shop.writes == 0
    desk.link(online="online-other")
    desk.run()
    assert [order.customer_id for order in desk.orders] == ["online-other"]


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


def test_a_void_after_the_sale_was_taken_cancels_the_order_once(desk: Desk) -> None:
    one = sale()
    void = later(one, state="voided")
    desk.run(one)
    desk.run(void)
    assert [order["state"] for order in desk.shop.orders.values()] == ["Cancelled"]
    assert desk.run(void, full=True).stored == 0


def test_a_void_before_the_sale_was_taken_makes_nothing(desk: Desk) -> None:
    assert desk.run(sale(state="voided")).stored == 0


def test_a_void_finds_the_order_an_earlier_run_made_without_knowing(desk: Desk) -> None:
    one = sale()
    desk.shop.lost = 1
    with pytest.raises(UnknownOutcome):
        desk.load(desk.plan(one))
    desk.ledger.runs.finish("sales/1", "failed", {})
    desk.run(later(one, state="voided"))
    assert [order["state"] for order in desk.shop.orders.values()] == ["Cancelled"]
    assert desk.run(later(one, state="voided"), full=True).stored == 0


def test_a_void_of_what_never_got_there_is_done(desk: Desk) -> None:
    one = sale()
    desk.run(one, dry_run=True)
    desk.run(later(one, state="voided"))
    assert (desk.shop.writes, documents(desk)) == (0, {one.id: False})
    assert desk.run(later(one, state="voided"), full=True).stored == 0


def test_a_void_of_an_order_that_somebody_deleted_is_done(desk: Desk) -> None:
    one = sale()
    desk.run(one)
    desk.shop.orders.clear()
    desk.run(later(one, state="voided"))
    assert desk.run(later(one, state="voided"), full=True).stored == 0


def test_even_if_it_was_deleted_just_now(desk: Desk) -> None:
    one = sale()
    desk.run(one)
    desk.shop.vanishes = True
    desk.run(later(one, state="voided"))
    assert desk.run(later(one, state="voided"), full=True).stored == 0


def test_a_change_after_the_import_is_told_until_the_sale_is_as_it_was(desk: Desk) -> None:
    one = sale()
    desk.run(one)
    changed = later(one, total=Decimal("10.00"))
    found = desk.run(changed)
    assert (found.stored, found.warnings) == (0, {"sale_changed": 1})
    (hold,) = desk.ledger.holds.open_holds(ENTITY)
    assert (hold.code, hold.severity, hold.source_id) == ("sale_changed", "warn", one.id)
    desk.run(later(changed, total=one.total))
    assert not desk.ledger.holds.open_holds(ENTITY)
    assert desk.shop.writes == 1


def test_an_order_on_account_is_paid_when_the_sale_is(desk: Desk) -> None:
    due = sale(state="pending", attributes=("onaccount",))
    desk.run(due)
    assert [one.payment_state for one in desk.orders] == ["BalanceDue"]
    paid = later(due, state="closed")
    assert desk.run(paid).changes == {"commercetools pay": 1}
    (order,) = desk.shop.orders.values()
    assert (order["paid"], desk.shop.writes) == ("Paid", 2)
    assert desk.run(paid, full=True).stored == 0
    assert desk.run(later(paid, state="voided")).changes == {"commercetools close": 1}


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
    assert desk.run(paid, full=True).stored == 0


def test_an_order_whose_answer_was_lost_and_whose_sale_was_paid_meanwhile_is_paid(desk: Desk) -> None:
    due = sale(state="pending", attributes=("onaccount",))
    desk.shop.lost = 1
    with pytest.raises(UnknownOutcome):
        desk.load(desk.plan(due))
    desk.ledger.runs.finish("sales/1", "failed", {})
    desk.run(later(due, state="closed"))
    (order,) = desk.shop.orders.values()
    assert (order["paid"], desk.shop.writes) == ("Paid", 2)


def test_an_entry_follows_every_change(desk: Desk) -> None:
    one = sale()
    entries(desk).run(one)
    changed = later(one, total=Decimal("10.00"))
    desk.run(changed)
    assert desk.shop.entries[one.id]["gross"] == 1000
    desk.run(later(changed, state="voided"))
    assert desk.shop.entries[one.id]["state"] == "voided"


def test_an_older_page_changes_nothing(desk: Desk) -> None:
    one = sale()
    newer = later(one, total=Decimal("10.00"))
    entries(desk).run(newer)
    stale = desk.run(one)
    assert (stale.older, stale.stored, desk.shop.entries[one.id]["gross"]) == (1, 0, 1000)


def test_an_older_page_of_a_waiting_sale_does_not_bring_it_back(desk: Desk) -> None:
    desk.unlink()
    one = sale()
    newer = later(one, total=Decimal("10.00"))
    desk.run(newer)
    desk.link()
    desk.run(one)
    assert [order.gross for order in desk.orders] == [1000]


def test_a_refused_sale_is_held_and_tried_again_and_the_others_go_on(desk: Desk) -> None:
    bad, good = sale(number="bad", id="x-bad001"), [sale() for _ in range(6)]
    desk.shop.refused.add("POS-bad-bad001")
    desk.run(bad, *good)
    assert len(desk.shop.orders) == 6
    (hold,) = desk.ledger.holds.open_holds(ENTITY)
    assert (hold.code, hold.source_id) == ("refused", bad.id)
    assert documents(desk)[bad.id]
    desk.shop.refused.clear()
    assert desk.run().recalled == 0
    desk.ledger.holds.make_due([hold.id])
    assert desk.run().recalled == 1
    assert len(desk.shop.orders) == 7
    assert not desk.ledger.holds.open_holds(ENTITY)


def test_a_sale_that_can_not_be_read_is_held_until_it_can(desk: Desk) -> None:
    one, other = sale(), sale()
    found = desk.run(other, broken=[one])
    assert (found.dispositions, len(desk.shop.orders)) == ({"planned": 1, "held": 1}, 1)
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
    assert found.dispositions == {"planned": 1, "held": 1}


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
        [
            Link(
                entity="products",
                kind="variant",
                commercetools_id=online,
                lightspeed_id=till,
                matched_by="sku",
                run_id="products/1",
            )
            for online, till in (("o-linked", "p-linked"), ("o-gone", "p-gone"))
        ]
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
    summary = desk.run(*(sale() for _ in range(5)))
    assert (summary.batches, summary.changes) == (3, {"commercetools import": 5})
    assert summary.shows[0][1:] == ["import", next(iter(desk.shop.orders)), "11.90 EUR", "sold in store"]
    assert len(desk.shop.orders) == 5
