"""From one order, what the ledger knows of it, and the terms of the till: what is to be written, or why nothing is."""

from __future__ import annotations

from dataclasses import replace

from retail_sync.records.orders import Order
from retail_sync.sync.engine.findings import Remark
from retail_sync.sync.orders.books import Books
from retail_sync.sync.orders.choosing import NOTHING, why_not
from retail_sync.sync.orders.fingerprints import fingerprint_of
from retail_sync.sync.orders.following import follow
from retail_sync.sync.orders.plan import Held, Known, OrderPlan, Sold, Step, World
from retail_sync.sync.orders.selling import Selling, is_sold, sell
from retail_sync.sync.orders.till_money import in_till_money

__all__ = ["fingerprint_of", "plan_order"]


def plan_order(order: Order, known: Known, world: World) -> OrderPlan:
    """Plan one order. Pure, deterministic, and never raises for an order that can't be exported: it says so.

    An order that was sold once is followed whatever the settings say by now. What keeps the sale of an order back
    does not keep back what follows sales that are there."""
    order = in_till_money(order, world.terms)
    if not known.sales:
        ignored = why_not(order, world.settings)
        if ignored:
            return OrderPlan(order, ignored=ignored)
    selling, findings, complete = _selling(order, known, world)
    sold = [*known.sales, *selling.sold]
    if complete and not sold:
        return OrderPlan(order, ignored=NOTHING)
    steps = [*selling.steps]
    if complete and sold:
        steps += _mark(order, known, sold)
    books = Books(order, known, world, sold, complete)
    if sold:
        follow(books)
    return OrderPlan(order, (*steps, *books.steps), _once([*findings, *books.findings]))


def _selling(order: Order, known: Known, world: World) -> tuple[Selling, list[Remark], bool]:
    """What is still to be sold; what is to be said; whether nothing is left to be sold after it."""
    if order.state == "cancelled":
        return Selling(), [], is_sold(order, known)
    try:
        selling = sell(order, known, world)
    except Held as problem:
        return Selling(), [problem.finding], False
    return selling, list(selling.findings), True


def _mark(order: Order, known: Known, sold: list[Sold]) -> list[Step]:
    """Tell the order which sales it became, unless it says so already."""
    ids = ",".join(one.sale.id for one in sold)
    if known.marked or any(mark.external_id == ids for mark in order.marks):
        return []
    return [Step("mark", "commercetools", order.id, "Exported.", external_id=ids)]


def _once(findings: list[Remark]) -> tuple[Remark, ...]:
    """Findings of one code become one: a hold is kept by its code."""
    found: dict[tuple[str, str], Remark] = {}
    for one in findings:
        there = found.get((one.code, one.field))
        if there is None:
            found[one.code, one.field] = one
        elif one.message not in there.message:
            found[one.code, one.field] = _joined(there, one)
    return tuple(found.values())


def _joined(one: Remark, other: Remark) -> Remark:
    return replace(
        one,
        severity=one.severity if one.holds else other.severity,
        message=f"{one.message} {other.message}",
        evidence={**other.evidence, **one.evidence},
    )
