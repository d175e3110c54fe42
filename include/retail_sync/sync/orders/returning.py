"""Goods that come back, and money that goes back."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from datetime import datetime
from decimal import Decimal

from retail_sync.records.orders import ReturnItem
from retail_sync.records.sales import PLACES, Register, Sale, SaleLine, Tender
from retail_sync.sync.engine.findings import Remark
from retail_sync.sync.orders.articles import Article, service
from retail_sync.sync.orders.books import Books, Purse, cost, paid, state_of
from retail_sync.sync.orders.choosing_units import chosen_units
from retail_sync.sync.orders.exact import counting, major, minor, spread
from retail_sync.sync.orders.placing import register_of, require_open
from retail_sync.sync.orders.plan import SOURCE, Action, Held, Sold, Step, sale_id
from retail_sync.sync.orders.saying import held, shown, warning
from retail_sync.sync.orders.tenders import Money, gone_back, tenders_of

IN_STOCK_AGAIN = ("returned", "back_in_stock")


def follow_returns(books: Books) -> None:
    """Plan what came back, then what went back beyond it."""
    purse = books.refunds()
    for one in books.living:
        try:
            _return_of_sale(books, one, purse)
        except Held as problem:
            books.findings.append(problem.finding)
    _report_strangers(books)
    try:
        _refund_rest(books, purse)
    except Held as problem:
        books.findings.append(problem.finding)
    _report_refused(books)
    report_money(books)


def return_everything(books: Books, one: Sold, purse: Purse) -> None:
    """Plan the return of all that is left of a sale of a cancelled order. Raises Held."""
    left = [line.model_copy(update={"quantity": -line.quantity}) for line in books.left(one)]
    if not left:
        return
    ids = _ids(one)
    items = [item.id for item in books.order.returns if item.line in ids and not books.is_settled(item.id)]
    _write(
        books, one, "return", f"cancelled/{one.location}", left, purse, ("cancelled", *items), "Cancelled."
    )


def _report_strangers(books: Books) -> None:
    """Returns of lines that no sale holds, although everything is sold."""
    if not books.complete:
        return
    held_by_sales = {line.order_line for one in books.sold for line in one.sale.lines}
    when = books.world.settings.orders.returns.when
    for item in books.order.returns:
        if item.line not in held_by_sales and not books.is_settled(item.id) and is_due(item, when):
            books.findings.append(_too_much(item, Decimal(0)))


def _report_refused(books: Books) -> None:
    for item in books.order.returns:
        if item.money == "refused" and item.goods in IN_STOCK_AGAIN and not books.is_settled(item.id):
            books.findings.append(
                warning(
                    "returned_without_money",
                    f"{item.quantity} units came back, and their money does not go back; the till does not count them.",
                    "Count the goods at the till if they are for sale again.",
                    item=item.id,
                )
            )


def is_due(item: ReturnItem, when: str) -> bool:
    """Whether a return is to be written now."""
    arrived = item.goods in (*IN_STOCK_AGAIN, "unusable")
    if item.money == "refused":
        return False
    if when == "goods":
        return arrived
    return item.money == "refunded" and (when == "money" or arrived)


def _return_of_sale(books: Books, one: Sold, purse: Purse) -> None:
    """The due returns of one sale: what goes back into stock as a return, everything else as money."""
    given = books.world.settings.orders
    ids = _ids(one)
    due = [
        item
        for item in books.order.returns
        if item.line in ids and not books.is_settled(item.id) and is_due(item, given.returns.when)
    ]
    if not due:
        return
    if state_of(one) != "closed":
        books.findings.append(
            warning(
                "return_waits",
                f"Goods of the sale {one.sale.label} came back, and it is still open at the till.",
                "Close the sale at the till; the return follows by itself.",
                sale=one.sale.id,
            )
        )
        return
    goods: list[tuple[ReturnItem, list[SaleLine]]] = []
    money: list[tuple[ReturnItem, list[SaleLine]]] = []
    for item, taken in _taken(books, one, due, purse):
        (money if _is_money_only(books, item) else goods).append((item, taken))
    if goods:
        lines, covers = _together(goods)
        _write(books, one, "return", f"return/{covers[0]}", lines, purse, covers, "Goods came back.")
    if money:
        lines, covers = _together(money)
        what = "Money went back, the goods do not come back into stock."
        refund = f"refund/{covers[0]}"
        _write(books, one, "refund", refund, _as_money(books, lines), purse, covers, what)


def _taken(
    books: Books, one: Sold, due: Sequence[ReturnItem], purse: Purse
) -> list[tuple[ReturnItem, list[SaleLine]]]:
    """The units each item takes off what is left of a sale, as lines of a return. Of a line whose units cost different
    amounts, those come back whose money went back (`choosing_units`)."""
    left = books.left(one)
    coming: list[ReturnItem] = []
    wanted: Counter[str] = Counter()
    for item in due:
        units = sum((line.quantity for line in left if line.order_line == item.line), Decimal(0))
        if item.quantity <= 0 or units < wanted[item.line] + item.quantity:
            books.findings.append(_too_much(item, units - wanted[item.line]))
            continue
        wanted[item.line] += item.quantity
        coming.append(item)
    refunds = [money.amount for money in purse.money]
    chosen = chosen_units(
        left, wanted, refunds, lambda amount: books.value_of(one, amount), single=len(coming) == 1
    )
    return [(item, _units(chosen, item)) for item in coming]


def _units(chosen: list[SaleLine], item: ReturnItem) -> list[SaleLine]:
    """Takes the units of an item off those that were chosen."""
    wanted = Decimal(item.quantity)
    taken = []
    for n, line in enumerate(chosen):
        if line.order_line == item.line and line.quantity and wanted:
            some = min(wanted, line.quantity)
            wanted -= some
            chosen[n] = line.model_copy(update={"quantity": line.quantity - some})
            taken.append(line.model_copy(update={"quantity": -some}))
    return taken


def _too_much(item: ReturnItem, units: Decimal) -> Remark:
    return held(
        "returned_too_much",
        f"{item.quantity} units are to come back, and only {units} of the line are left.",
        "Correct the return in the online shop.",
        field="returns",
        item=item.id,
        left=str(units),
        returned=item.quantity,
    ).finding


def _is_money_only(books: Books, item: ReturnItem) -> bool:
    """Whether nothing comes back into stock. Service articles count none, so without an article for refunds they may
    come back like goods."""
    given = books.world.settings.orders
    kinds = {line.id: line.kind for line in books.order.lines}
    if kinds.get(item.line, "article") != "article":
        return given.products.refund is not None
    return item.goods == "unusable" and given.returns.unusable == "money only"


def _together(some: Sequence[tuple[ReturnItem, list[SaleLine]]]) -> tuple[list[SaleLine], tuple[str, ...]]:
    """The lines of several items, units of one sale line together."""
    found: dict[int, SaleLine] = {}
    for _, lines in some:
        for line in lines:
            there = found.get(line.sequence)
            if there is not None:
                line = line.model_copy(update={"quantity": line.quantity + there.quantity})
            found[line.sequence] = line
    return list(found.values()), tuple(item.id for item, _ in some)


def _as_money(books: Books, lines: Sequence[SaleLine]) -> list[SaleLine]:
    """The same units under the article for refunds. Raises Held (`no_article_for`)."""
    article = _refund_article(books)
    return [line.model_copy(update={"product_id": article.id, "sku": article.sku}) for line in lines]


def _refund_article(books: Books) -> Article:
    return service(
        books.world.settings.orders.products.refund,
        "money that goes back without goods",
        "products.refund",
        books.world,
    )


def _write(
    books: Books,
    one: Sold,
    action: Action,
    what: str,
    lines: Sequence[SaleLine],
    purse: Purse,
    covers: tuple[str, ...],
    reason: str,
) -> None:
    """Plan a return, or a refund of units, at their own prices. The money goes back as the refunds say, as far as
    there are any. Raises Held."""
    value = books.value(one, lines)
    had = purse.money
    taken, used = purse.take(value)
    rest = value - sum(money.amount for money in taken)
    early = min(rest, books.refunded_early)
    if early > 0:
        # What went back alone was this money: the refund is taken back, and goods and taxes are where they belong.
        lines = [*lines, *_spread_over_taxes(books, early, units=1)]
        rest -= early
    try:
        tenders = (*tenders_of(taken, books.world, back=True), *_without_refund(books, one, rest))
        _plan(books, one, action, what, lines, tenders, (*covers, *used), reason)
    except Held:
        purse.money = had
        raise


def _plan(
    books: Books,
    one: Sold,
    action: Action,
    what: str,
    lines: Sequence[SaleLine],
    tenders: tuple[Tender, ...],
    covers: tuple[str, ...],
    reason: str,
) -> None:
    order, register = books.order, _register(books, one)
    numbered = [
        line.model_copy(update={"id": None, "sequence": n, "note": ""})
        for n, line in enumerate(lines, start=1)
    ]
    by_register = books.world.settings.orders.number == "register"
    sale = Sale(
        id=sale_id(order.id, what),
        state="closed",
        outlet_id=register.outlet_id,
        register_id=register.id,
        customer_id=one.sale.customer_id,
        number="" if by_register else f"{order.label}/R{len(books.came_back) + 1}",
        source_type=SOURCE,
        source_id=f"{order.label}/{what}",
        sold_at=_when(books, covers),
        note=f"Web order {order.label}",
        lines=tuple(numbered),
        tenders=tenders,
        total=sum((cost(line) for line in numbered), Decimal(0)),
        tax=sum((line.quantity * line.tax for line in numbered), Decimal(0)),
        return_of=one.sale.id if action == "return" else None,
    )
    original = one.sale.id if action == "return" else None
    books.steps.append(
        Step(action, "lightspeed", sale.id, reason, sale, one.location, covers, original=original)
    )
    books.returns.append(sale)
    books.settled.update(covers)


def _refund_rest(books: Books, purse: Purse) -> None:
    """Money that went back and is no return's: a refund of its own. While a return is on its way it may be that
    return's, and waits for it. Raises Held."""
    order, amount = books.order, purse.total
    if not amount or not books.complete:
        return
    waiting = [item for item in order.returns if not books.is_settled(item.id) and item.money != "refused"]
    if waiting:
        # What keeps a return that is due from being written is told already.
        early = [item.id for item in waiting if not is_due(item, books.world.settings.orders.returns.when)]
        if early:
            figure = shown(amount, order.digits, order.currency)
            books.findings.append(
                warning(
                    "refund_waits",
                    f"{figure} went back, perhaps for a return that is on its way.",
                    "Set the states of the return in the online shop; the refund follows by itself.",
                    amount=amount,
                    returns=early,
                )
            )
        return
    one = next((one for one in books.living if not is_open(books, one)), None)
    if one is None:
        return
    lines = _spread_over_taxes(books, amount)
    first = str(purse.money[0].transaction)
    taken, used = purse.take(amount)
    tenders = tenders_of(taken, books.world, back=True)
    _plan(books, one, "refund", f"refund/{first}", lines, tenders, tuple(used), "Money went back.")


def _spread_over_taxes(books: Books, amount: int, units: int = -1) -> list[SaleLine]:
    """An amount of money as lines of the refund article, one for each tax of the order, by what it came to: of units
    that come back, or (`units` 1) of a refund that is taken back. Raises Held (`no_article_for`)."""
    article, digits = _refund_article(books), books.order.digits
    costs: dict[str, tuple[Decimal, Decimal]] = {}
    for one in books.living:
        for line in one.sale.lines:
            gross, tax = costs.get(line.tax_id, (Decimal(0), Decimal(0)))
            costs[line.tax_id] = gross + cost(line), tax + line.quantity * line.tax
    weights = counting(int(gross.scaleb(PLACES)) for gross, _ in costs.values())
    if not any(weights):
        # Money went back for what cost nothing: there is no tax in it.
        costs, weights = {books.world.terms.no_tax_id: (Decimal(0), Decimal(0))}, [1]
    parts = spread(amount, weights)
    lines = []
    for (tax_id, (gross, whole_tax)), part in zip(costs.items(), parts, strict=True):
        if not part:
            continue
        share = minor(major(part, digits) * whole_tax / gross, digits) if gross else 0
        lines.append(
            SaleLine(
                product_id=article.id,
                sku=article.sku,
                quantity=Decimal(units),
                price=major(part - share, digits),
                tax=major(share, digits),
                tax_id=tax_id,
            )
        )
    return lines


def report_money(books: Books) -> None:
    """Tell a person where the till has not what the shop has of the customer's money, and nothing is under way that
    will put it right."""
    order, kept, at_till = books.order, books.kept, books.at_till
    if kept == at_till or not books.complete or not books.living:
        return
    if any(is_open(books, one) for one in books.living) or books.refunds().total:
        return
    figures = (
        f"The shop has {shown(kept, order.digits, order.currency)} of the customer's money, "
        f"the till {shown(at_till, order.digits, order.currency)}."
    )
    if not order.returns and not books.came_back:
        release = "Refund what was paid too much, or correct the sale at the till."
        books.findings.append(warning("paid_differs", figures, release, shop=kept, till=at_till))
        return
    under_way = any(item.money in ("none", "initial") for item in order.returns)
    if gone_back(order) and not under_way:
        release = "Compare the refunds of the order with its returns at the till, and correct one of them."
        books.findings.append(warning("refund_differs", figures, release, shop=kept, till=at_till))


def is_open(books: Books, one: Sold) -> bool:
    """Whether a sale is not paid in full."""
    return paid(one) < books.minor(one.sale.total)


def _without_refund(books: Books, one: Sold, amount: int) -> tuple[Tender, ...]:
    """What goes back at the till though no refund says how: as the settings say, else as it was paid. Raises Held
    (`tender_unmapped`)."""
    if not amount:
        return ()
    named = books.world.settings.orders.returns.tender
    at = _when(books, ())
    if named is not None:
        return tenders_of([Money(amount, at, named=named)], books.world, back=True)
    first = next((tender for tender in one.sale.tenders if tender.amount > 0), None)
    if first is None:
        raise held(
            "tender_unmapped",
            f"{shown(amount, books.order.digits, books.order.currency)} go back, and nothing says how.",
            "Name a payment type in `orders.returns.tender`.",
            field="returns",
        )
    return (Tender(payment_type_id=first.payment_type_id, name=first.name, amount=-amount, at=at),)


def _register(books: Books, one: Sold) -> Register:
    """Where the money of a sale goes back: at the register of its location, else where it was sold. Raises Held."""
    if one.location in books.world.settings.orders.registers:
        return register_of(one.location, books.world)
    registers = books.world.terms.registers.values()
    sold_at = next((register for register in registers if register.id == one.sale.register_id), None)
    return register_of(one.location, books.world) if sold_at is None else require_open(sold_at)


def _when(books: Books, covers: Sequence[str]) -> datetime:
    """When it came back, as far as anything says so."""
    times = [
        *(item.at for item in books.order.returns if item.id in covers and item.at is not None),
        *(money.at for money in gone_back(books.order) if money.transaction in covers),
    ]
    return max(times, default=books.order.modified_at)


def _ids(one: Sold) -> set[str | None]:
    return {line.order_line for line in one.sale.lines}
