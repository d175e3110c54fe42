"""The sales an order becomes: one, or one at each location that serves a part of it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

from retail_sync.records.orders import Order
from retail_sync.records.sales import Sale, SaleAttribute, SaleState
from retail_sync.sync.engine.findings import Remark
from retail_sync.sync.orders.amounts import Amount, amounts_of, require_currency
from retail_sync.sync.orders.customer import customer_of
from retail_sync.sync.orders.exact import major
from retail_sync.sync.orders.fingerprints import fingerprint_of
from retail_sync.sync.orders.placing import Part, outlet_of, parts_of, register_of
from retail_sync.sync.orders.plan import SOURCE, Held, Known, Sold, Step, World, sale_id
from retail_sync.sync.orders.sale_lines import sale_lines
from retail_sync.sync.orders.saying import held, shown
from retail_sync.sync.orders.tenders import Money, counted, paid_for_sale, take, tenders_of


@dataclass(frozen=True)
class Selling:
    """The sales that are still to be written, and what is to be said about them."""

    sold: tuple[Sold, ...] = ()
    findings: list[Remark] = field(default_factory=list)

    @property
    def steps(self) -> tuple[Step, ...]:
        return tuple(
            Step("sell", "lightspeed", one.sale.id, _reason(one), one.sale, one.location) for one in self.sold
        )


def sell(order: Order, known: Known, world: World) -> Selling:
    """What is still to be sold of an order. Raises Held.

    An order that was sold whole is done. One that was cut into parts stays cut: what no part holds yet is sold, and
    the parts that are there are left as they are."""
    if is_sold(order, known):
        return Selling()
    require_currency(order, world.terms)
    done = {line.order_line for one in known.sales for line in one.sale.lines}
    everything = [one for one in amounts_of(order) if one.sold]
    missing = [one for one in everything if one.line.id not in done]
    if not missing:
        return Selling()
    if known.sales:
        _require_unchanged(order, known, world, missing)
    parts = parts_of(order, missing, world.settings)
    customer, said = customer_of(order, world)
    paid = _paid(order, known, world, sum(part.gross for part in parts))
    cut = bool(known.sales) or len(parts) > 1
    selling = Selling(findings=list(said))
    sold: list[Sold] = []
    skip = _taken(known)
    for n, part in enumerate(parts, start=len(known.sales) + 1):
        share = take(paid, skip, part.gross)
        skip += sum(money.amount for money in share)
        sale, findings = _sale(order, part, world, share, customer, n if cut else 0)
        sold.append(Sold(sale, part.location))
        selling.findings.extend(findings)
    return Selling(tuple(sold), selling.findings)


def is_sold(order: Order, known: Known) -> bool:
    """Whether nothing of an order is left to be sold: it was sold whole, or is marked, which is done after its last
    part."""
    whole = sale_id(order.id)
    return any(one.sale.id == whole for one in known.sales) or (
        bool(known.sales) and (known.marked or bool(order.marks))
    )


def _require_unchanged(order: Order, known: Known, world: World, missing: Sequence[Amount]) -> None:
    """Raises Held where what is missing would not fit what is there."""
    there = {one.location for one in known.sales}
    again = [part.location for part in parts_of(order, missing, world.settings) if part.location in there]
    if fingerprint_of(order) != known.fingerprint or again:
        raise held(
            "parts_differ",
            "Parts of the order were sold, and it (or the settings that cut it) changed before the others were.",
            "Sell the missing lines at the till by hand, or undo the change.",
            sold=[one.sale.label for one in known.sales],
            missing=[one.line.id for one in missing],
        )


def _taken(known: Known) -> int:
    return sum(tender.amount for one in known.sales for tender in one.sale.tenders)


def _paid(order: Order, known: Known, world: World, due: int) -> list[Money]:
    """What was paid for the whole order. Raises Held where it is too much, or too little for the settings."""
    given = world.settings.orders
    taken = _taken(known)
    if known.sales:
        # What went back meanwhile follows the sale.
        paid = counted(order, given) or paid_for_sale(order, given, taken + due)
    else:
        paid = paid_for_sale(order, given, due)
    amount = sum(money.amount for money in paid) - taken
    if amount > due and not known.sales:
        raise _paid_differs(order, amount, due)
    if amount < due and given.unpaid == "hold":
        raise held(
            "unpaid",
            f"{shown(amount, order.digits, order.currency)} were paid of "
            f"{shown(due, order.digits, order.currency)}.",
            "It goes on by itself once the order is paid; or choose in `orders.unpaid` to sell such orders on account.",
            field="payments",
            due=due,
            paid=amount,
        )
    return paid


def _paid_differs(order: Order, paid: int, due: int) -> Held:
    return held(
        "paid_differs",
        f"{shown(paid, order.digits, order.currency)} were paid, and only "
        f"{shown(due, order.digits, order.currency)} are due.",
        "Refund what was paid too much, or correct the payments of the order.",
        field="payments",
        due=due,
        paid=paid,
    )


def _sale(
    order: Order, part: Part, world: World, paid: Sequence[Money], customer: str | None, number: int
) -> tuple[Sale, list[Remark]]:
    """The sale of a part; `number` 0: of the whole order."""
    register = register_of(part.location, world)
    lines, findings = sale_lines(order, part.amounts, world)
    state, attributes = _state(order, part, world, sum(money.amount for money in paid), customer)
    return Sale(
        id=sale_id(order.id, part.location if number else ""),
        state=state,
        attributes=attributes,
        outlet_id=outlet_of(part.location, world),
        register_id=register.id,
        customer_id=customer,
        number=_number(order, world, number),
        source_type=SOURCE,
        source_id=f"{order.label}/{part.location}" if number else order.label,
        sold_at=order.placed_at,
        note=f"Web order {order.label}",
        lines=lines,
        tenders=tenders_of(paid, world),
        total=major(part.gross, order.digits),
        tax=major(part.tax, order.digits),
    ), findings


def _number(order: Order, world: World, number: int) -> str:
    if world.settings.orders.number == "register":
        return ""
    return order.label if number < 2 else f"{order.label}/{number}"


def _state(
    order: Order, part: Part, world: World, paid: int, customer: str | None
) -> tuple[SaleState, tuple[SaleAttribute, ...]]:
    given = world.settings.orders
    handed: tuple[SaleAttribute, ...] = ()
    if any(one.line.kind == "article" for one in part.amounts):
        way = given.fulfilment.get(order.shipping_method or "")
        handed = (way,) if way is not None else ()
    if paid >= part.gross:
        return ("pending", handed) if handed else ("closed", ())
    if given.unpaid == "park":
        return "parked", handed
    if customer is None:
        raise held(
            "unpaid",
            f"{shown(paid, order.digits, order.currency)} were paid of "
            f"{shown(part.gross, order.digits, order.currency)}, and a sale on account needs a customer.",
            "Name a guest in `orders.customers.guest`; or it goes on by itself once the order is paid.",
            field="payments",
            due=part.gross,
            paid=paid,
        )
    return "pending", ("onaccount", *handed)


def _reason(one: Sold) -> str:
    if one.sale.state == "closed":
        return f"Sold at {one.location}."
    how = " and ".join(one.sale.attributes) or one.sale.state
    return f"Sold at {one.location}, {how}."
