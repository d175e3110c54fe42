"""What becomes of an order after it was sold: paid, cancelled, returned, handed over, corrected."""

from __future__ import annotations

from retail_sync.records.orders import Order
from retail_sync.records.sales import Sale
from retail_sync.settings.models.orders import ShipmentState
from retail_sync.sync.engine.findings import Remark
from retail_sync.sync.orders.articles import NO_SKU, stand_in_id, stand_in_used
from retail_sync.sync.orders.books import Books, paid, state_of
from retail_sync.sync.orders.fingerprints import fingerprint_of
from retail_sync.sync.orders.placing import require_open
from retail_sync.sync.orders.plan import Held, Sold, Step
from retail_sync.sync.orders.returning import follow_returns, is_open, report_money, return_everything
from retail_sync.sync.orders.saying import held, shown, warning
from retail_sync.sync.orders.tenders import Money, counted, paid_for_sale, take, tenders_of

PROGRESS: tuple[ShipmentState | None, ...] = (
    None, "Pending", "Backorder", "Delayed", "Partial", "Ready", "Shipped", "Delivered", "Canceled",
)  # fmt: skip
"""Shipment states as goods go on: an order is never put back to an earlier one."""


def follow(books: Books) -> None:
    """Plan what follows the sales that are there."""
    order = books.order
    _compare(books)
    if order.state == "cancelled":
        _cancel(books)
        report_money(books)
        return
    for one in list(books.living):
        one = _correct(books, one)
        try:
            _settle(books, one)
        except Held as problem:
            books.findings.append(problem.finding)
    follow_returns(books)
    _hand_over(books)


def _compare(books: Books) -> None:
    """Tell a person where order, sale and till are not what they were."""
    order, known = books.order, books.known
    severity = books.world.settings.orders.rules.edited
    if severity != "off" and known.sales and fingerprint_of(order) != known.fingerprint:
        sold = sum(books.minor(one.sale.total) for one in known.sales)
        figures = (
            f"It came to {shown(sold, order.digits, order.currency)} when it was sold, and comes to "
            f"{shown(order.gross, order.digits, order.currency)} now."
            if sold != order.gross
            else f"It comes to {shown(sold, order.digits, order.currency)} as before."
        )
        books.findings.append(
            Remark(
                code="edited",
                severity=severity,
                message=f"Lines or totals of the order changed after it was sold. {figures}",
                remedy="Change the sale at the till if it is to follow; nothing is written over it.",
                evidence={"sold": sold, "order": order.gross},
            )
        )
    for one in books.sold:
        if one.now is None or one.sale.state == "voided":
            continue
        if one.now.state == "voided":
            if order.state != "cancelled":
                books.findings.append(_voided(one))
        elif one.now.total != one.sale.total:
            books.findings.append(
                warning(
                    "totals_differ_at_till",
                    f"The sale {one.sale.label} comes to {one.now.total} at the till, and was written as "
                    f"{one.sale.total}.",
                    "Look who changed the sale at the till.",
                    till=str(one.now.total),
                    written=str(one.sale.total),
                    sale=one.sale.id,
                )
            )


def _voided(one: Sold) -> Remark:
    return warning(
        "voided_at_till",
        f"The sale {one.sale.label} was voided at the till, and the order is not cancelled.",
        "Cancel the order online, or sell it at the till by hand; it is not sold again by itself.",
        sale=one.sale.id,
    )


def _cancel(books: Books) -> None:
    """A cancellation after the sale. What came back already is left as it is, and only the rest is taken back."""
    policy = books.world.settings.orders.cancelled
    purse = books.refunds()
    for one in list(books.living):
        if policy == "report":
            _report_cancelled(books, one)
            continue
        touched = len(books.left(one)) < len(one.sale.lines) or any(
            line.quantity != sold.quantity
            for line, sold in zip(books.left(one), one.sale.lines, strict=False)
        )
        # A refund is closed and stays: what was sold comes back less what was given back already.
        if state_of(one) == "closed" and (policy == "return" or touched or books.refunded_early):
            try:
                return_everything(books, one, purse)
            except Held as problem:
                books.findings.append(problem.finding)
        else:
            sale = one.sale.model_copy(update={"state": "voided"})
            covers = ("cancelled",)
            books.steps.append(Step("void", "lightspeed", sale.id, "Cancelled.", sale, one.location, covers))
            books.change(one, sale)


def _report_cancelled(books: Books, one: Sold) -> None:
    if (one.now is not None and one.now.returns) or not books.left(one):
        return
    books.findings.append(
        held(
            "cancelled_after_export",
            f"The order was cancelled, and the sale {one.sale.label} is there.",
            "Void it at the till, or take its goods back there.",
            sale=one.sale.id,
        ).finding
    )


def _correct(books: Books, one: Sold) -> Sold:
    """Put the articles that are known by now in the place of stand-ins, or tell a person that they are known."""
    world, stand_in = books.world, stand_in_id(books.world)
    ordered = {line.id: line for line in books.order.lines}
    lines_sold = {
        line.sequence: ordered.get(line.order_line or "")
        for line in books.left(one)
        if line.product_id == stand_in
    }
    sold = {n: (line.sku if line else None) or NO_SKU for n, line in lines_sold.items()}
    found = {n: world.article_of(line) for n, line in lines_sold.items() if line is not None}
    known = {n: (sold[n], article) for n, article in found.items() if article is not None}
    _report_unknown(books, sorted({sku for n, sku in sold.items() if n not in known}))
    if not known:
        return one
    if world.settings.orders.stand_in_later == "report":
        named = sorted({sku for sku, _ in known.values()})
        books.findings.append(
            warning(
                "stand_in_known",
                f"The till knows {', '.join(named)} now, and the sale {one.sale.label} holds the stand-in.",
                "Correct the stock by hand, or set `orders.stand_in_later: replace`.",
                skus=named,
                sale=one.sale.id,
            )
        )
        return one
    lines = tuple(
        line.model_copy(
            update={"sku": known[line.sequence][0], "product_id": known[line.sequence][1], "note": ""}
        )
        if line.sequence in known
        else line
        for line in one.sale.lines
    )
    sale = _as_it_stands(one).model_copy(update={"lines": lines})
    books.steps.append(
        Step("correct", "lightspeed", sale.id, "The till knows the article now.", sale, one.location)
    )
    return books.change(one, sale)


def _report_unknown(books: Books, skus: list[str]) -> None:
    """The stand-in stays told for as long as it stands in."""
    if books.world.settings.orders.rules.stand_in_used != "off":
        for sku in skus:
            books.findings.append(warning(*stand_in_used(sku), sku=sku))


def _settle(books: Books, one: Sold) -> None:
    """Settle a sale that was not paid in full, once it is. Raises Held."""
    if state_of(one) not in ("pending", "parked") or not is_open(books, one):
        return
    due = books.minor(one.sale.total) - paid(one)
    money, available = _paid_since(books)
    if available < due:
        return
    for register in books.world.terms.registers.values():
        if register.id == one.sale.register_id:
            require_open(register)
    tenders = (*_as_it_stands(one).tenders, *tenders_of(take(money, 0, due), books.world))
    handed = tuple(way for way in one.sale.attributes if way in ("pickup", "delivery"))
    attributes = handed if handed else one.sale.attributes
    state = "pending" if handed else "closed"
    sale = one.sale.model_copy(update={"tenders": tenders, "state": state, "attributes": attributes})
    books.steps.append(Step("pay", "lightspeed", sale.id, "Paid.", sale, one.location))
    books.change(one, sale)


def _paid_since(books: Books) -> tuple[list[Money], int]:
    """What was paid and is at no sale yet, and how much of it the shop still has."""
    order, given = books.order, books.world.settings.orders
    taken = sum(paid(one) for one in books.living)
    money = counted(order, given)
    if money:
        rest = take(money, taken, sum(one.amount for one in money))
        return rest, min(sum(one.amount for one in rest), books.kept - books.at_till)
    everything = sum(books.minor(one.sale.total) for one in books.living)
    rest = take(paid_for_sale(order, given, everything), taken, everything)
    return rest, sum(one.amount for one in rest)


def _hand_over(books: Books) -> None:
    """Tell the order that the till has handed everything over."""
    fulfilled = books.world.settings.orders.fulfilled
    handed = [
        one
        for one in books.living
        if one.sale.state == "pending" and {"pickup", "delivery"} & set(one.sale.attributes)
    ]
    if fulfilled is None or not handed or not books.complete:
        return
    if any(one.now is None or one.now.state != "closed" for one in handed):
        return
    if _further(books.order, fulfilled):
        books.steps.append(
            Step(
                "state", "commercetools", books.order.id, "Handed over at the till.", shipment_state=fulfilled
            )
        )


def _further(order: Order, state: ShipmentState) -> bool:
    """Whether a shipment state goes on from the one the order has."""
    now = next((n for n, one in enumerate(PROGRESS) if one == order.shipment_state), None)
    return now is not None and now < PROGRESS.index(state)


def _as_it_stands(one: Sold) -> Sale:
    """A sale as it was written, in the state and with the tenders it has at the till."""
    if one.now is None:
        return one.sale
    return one.sale.model_copy(update={"state": one.now.state, "tenders": one.now.tenders})
