"""Which sales are taken, and which never."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, date, datetime, timedelta, timezone
from decimal import Decimal
from typing import Any

import pytest

from retail_sync.records.sales import Sale
from retail_sync.sync.sales.documents import content_of
from retail_sync.sync.sales.plan import Known, SalePlan, World
from retail_sync.sync.sales.planner import UNLINKED, plan_sale
from tests.sync.sales.paper import ADA, ADA_ONLINE, TERMS, line, sale, settings

WORLD = World(settings=settings(), terms=TERMS, customers={ADA: ADA_ONLINE})


def plan(one: Sale, known: Known | None = None, world: World = WORLD, **more: Any) -> SalePlan:
    return plan_sale(one, known, world, number="POS-1", **more)


def taken(one: Sale, target: Any = "orders", **more: Any) -> Known:
    key = one.id if target == "entries" else "POS-1"
    return Known(target=target, key=key, content=content_of(one, target), **more)


def under(**sales: Any) -> World:
    return replace(WORLD, settings=settings(**sales))


def test_a_closed_sale_of_a_linked_customer_becomes_an_order() -> None:
    write = plan(sale()).write
    assert write is not None
    assert (write.action, write.key, write.document["customer_id"]) == ("import", "POS-1", ADA_ONLINE)


def test_or_an_entry_under_its_own_id() -> None:
    one = sale()
    write = plan(one, world=under(target="entries")).write
    assert write is not None
    assert (write.action, write.key, write.document["customer"]) == ("put", one.id, ADA_ONLINE)


def test_a_sale_on_account_is_a_sale() -> None:
    assert plan(sale(state="pending", attributes=("onaccount",))).write is not None


@pytest.mark.parametrize(
    ("one", "why"),
    [
        (sale(source_type="commercetools"), "a web order"),
        (sale(state="parked"), "not sold yet"),
        (sale(state="pending"), "not sold yet"),
        (sale(state="pending", attributes=("layby",)), "not sold yet"),
        (sale(state="voided"), "voided"),
        (sale(deleted_at=datetime(2026, 3, 2, tzinfo=UTC)), "voided"),
        (sale(customer_id=None), "without a customer"),
        (sale(customer_id="till-walk-in"), "without a customer"),
        (sale(line("0")).model_copy(update={"lines": ()}), "nothing was sold"),
    ],
)
def test_what_is_never_taken(one: Sale, why: str) -> None:
    found = plan(one)
    assert (found.write, found.ignored, found.waits) == (None, why, False)


def test_none_is_taken_without_a_target() -> None:
    assert plan(sale(), world=under(target="none")).write is None


def test_sales_of_another_system_are_taken() -> None:
    assert plan(sale(source_type="marketplace")).write is not None


def test_the_day_from_which_sales_are_taken_is_counted_in_utc() -> None:
    world = under(target="orders", since=date(2026, 3, 1))
    midnight = datetime(2026, 3, 1, tzinfo=UTC)
    abroad = midnight.astimezone(timezone(timedelta(hours=-5)))
    assert plan(sale(sold_at=abroad), world=world).write is not None
    assert plan(sale(sold_at=midnight - timedelta(seconds=1)), world=world).ignored


def test_a_sale_of_somebody_who_is_not_linked_waits() -> None:
    found = plan(sale(customer_id="stranger"))
    assert (found.write, found.ignored, found.waits) == (None, UNLINKED, True)


def test_anonymous_sales_are_taken_only_where_the_settings_say_so() -> None:
    world = under(target="orders", anonymous=True)
    for customer in (None, "till-walk-in", "stranger"):
        write = plan(sale(customer_id=customer), world=world).write
        assert write is not None and write.document["customer_id"] is None


def test_nobody_who_was_forgotten_is_taken() -> None:
    world = replace(WORLD, forgotten=frozenset({ADA}))
    anonymous = replace(under(target="orders", anonymous=True), forgotten=frozenset({ADA}))
    assert plan(sale(), world=world).write is None
    assert plan(sale(), world=anonymous).write is None
    one = sale()
    assert plan(one.model_copy(update={"state": "voided"}), taken(one), world).write is None


def test_a_sale_that_was_taken_and_is_the_same_is_left_alone() -> None:
    one = sale()
    assert plan(one, taken(one)).disposition == "unchanged"
    assert plan(one, taken(one, "entries"), under(target="entries")).disposition == "unchanged"


def test_a_void_closes_the_order_once() -> None:
    one = sale()
    void = one.model_copy(update={"state": "voided"})
    write = plan(void, taken(one)).write
    assert write is not None and (write.action, write.key) == ("close", "POS-1")
    assert plan(void, taken(one, voided=True)).disposition == "unchanged"


def test_a_void_is_told_in_the_entry() -> None:
    one = sale()
    write = plan(one.model_copy(update={"state": "voided"}), taken(one, "entries")).write
    assert write is not None and (write.action, write.document["state"]) == ("put", "voided")


def test_a_sale_keeps_the_form_it_was_taken_in_when_the_target_changes() -> None:
    one = sale()
    void = one.model_copy(update={"state": "voided"})
    write = plan(void, taken(one), under(target="entries")).write
    assert write is not None and write.action == "close"


def test_a_sale_changed_after_it_became_an_order_is_told_and_not_written() -> None:
    one = sale()
    changed = plan(sale(line("2"), id=one.id), taken(one))
    assert changed.write is None
    assert [finding.code for finding in changed.findings] == ["sale_changed"]


def test_a_sale_changed_after_it_became_an_entry_replaces_it() -> None:
    one = sale()
    write = plan(sale(line("2"), id=one.id), taken(one, "entries"), under(target="entries")).write
    assert write is not None and write.document["gross"] == 2380


def test_an_entry_never_loses_its_customer() -> None:
    one = sale()
    world = replace(under(target="entries"), customers={})
    found = plan(sale(line("2"), id=one.id), taken(one, "entries"), world)
    assert found.write is None and found.waits


def test_an_entry_without_a_customer_gets_the_one_that_is_linked_later() -> None:
    one = sale()
    world = under(target="entries", anonymous=True)
    unnamed = taken(one, "entries", named=False)
    assert plan(one, unnamed, replace(world, customers={})).waits
    write = plan(one, unnamed, world).write
    assert write is not None and write.document["customer"] == ADA_ONLINE


def test_a_void_is_looked_for_where_an_earlier_run_may_have_taken_the_sale() -> None:
    void = sale(state="voided")
    assert plan(void).write is None
    write = plan(void, begun=True).write
    assert write is not None and write.action == "close"
    emptied = void.model_copy(update={"lines": (), "total": Decimal(0), "tax": Decimal(0)})
    assert plan(emptied, begun=True).write is not None


def test_a_return_is_a_sale_of_its_own_that_names_the_original() -> None:
    back = sale(line("-1"), return_of="sale-1")
    world = replace(under(target="entries"), originals={"sale-1": "sale-1"})
    entry = plan(back, world=world).write
    assert entry is not None
    assert (entry.document["gross"], entry.document["return_of"]) == (-1190, "sale-1")
    order = plan(back).write
    assert order is not None and order.document["gross"] == -1190
