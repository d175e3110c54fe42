"""One write at the till, with an effect exactly once.

Before a sale is made the till is asked for its id, and after an
answer that never came it is asked again; only what is not there is sent. What changes a sale starts from the sale as it
is now, so that lines and tenders keep their ids and nothing a person added is lost.
"""

from __future__ import annotations

from collections.abc import Sequence
from decimal import Decimal

from retail_sync.ledger.rows import ChangeRow
from retail_sync.records.errors import DuplicateInTarget, RecordRejected, TargetMissing, UnknownOutcome
from retail_sync.records.ports.orders import TillSales
from retail_sync.records.sales import Sale, SaleLine, Tender
from retail_sync.sync.orders.plan import SOURCE, Step

Done = tuple[Sale, list[str], bool]
"""The sale as the till shows it, ids of exchanges, and whether it was there already."""


async def write_sale(till: TillSales, change: ChangeRow, step: Step) -> Done:
    """Carry out one step at the till. Raises RecordRejected, and UnknownOutcome where even a second look could not
    tell."""
    if step.action in ("sell", "refund"):
        return await _made(till, change, step)
    if step.action == "return":
        return await _returned(till, change, step)
    return await _changed(till, change, step)


async def _made(till: TillSales, change: ChangeRow, step: Step) -> Done:
    """A sale under an id of our own."""
    wanted = _wanted(step)
    there = await till.find(wanted.id)
    if there is not None:
        return _own(there, wanted), [], True
    try:
        shown, exchanges = await till.add(change.id, wanted)
    except UnknownOutcome as problem:
        there = await till.find(wanted.id)
        if there is None:
            raise
        return _own(there, wanted), list(problem.exchange_ids), False
    except DuplicateInTarget as problem:
        there = await till.find(wanted.id)
        if there is None:
            raise
        return _own(there, wanted), list(problem.exchange_ids), True
    return shown, list(exchanges), False


def _own(there: Sale, wanted: Sale) -> Sale:
    """The sale that was found, if it is the one we meant."""
    if there.source_type != SOURCE or there.source_id != wanted.source_id:
        raise RecordRejected(
            f"Another sale has the id {wanted.id} already.",
            code="sale_id_taken",
            system="lightspeed",
            remedy="Look at that sale; nothing is written over it.",
        )
    return there


async def _changed(till: TillSales, change: ChangeRow, step: Step) -> Done:
    """A sale that is there, made to be as it is wanted."""
    wanted = _wanted(step)
    there = await till.find(wanted.id)
    if there is None:
        raise TargetMissing("The sale is not there any more.", system="lightspeed")
    if _is_as_wanted(there, wanted, step):
        return there, [], True
    try:
        shown, exchanges = await till.replace(change.id, merged(there, wanted))
    except UnknownOutcome as problem:
        there = await till.find(wanted.id)
        if there is None or not _is_as_wanted(there, wanted, step):
            raise
        return there, list(problem.exchange_ids), False
    return shown, list(exchanges), False


def _is_as_wanted(there: Sale, wanted: Sale, step: Step) -> bool:
    if there.state == "voided" or step.action == "void":
        return there.state == wanted.state
    if step.action == "correct":
        return _articles(there.lines) == _articles(wanted.lines)
    return there.state == wanted.state and _paid(there) == _paid(wanted)


def merged(there: Sale, wanted: Sale) -> Sale:
    """The wanted sale with the ids of what is there: lines by their place, tenders by type and amount. Of what a person
    added at the till, lines stay; tenders are as they are wanted."""
    lines = {line.sequence: line for line in there.lines}
    kept = [
        line.model_copy(update={"id": lines.pop(line.sequence).id}) if line.sequence in lines else line
        for line in wanted.lines
    ]
    free = list(there.tenders)
    tenders: list[Tender] = []
    for tender in wanted.tenders:
        same = next(
            (
                one
                for one in free
                if (one.payment_type_id, one.amount) == (tender.payment_type_id, tender.amount)
            ),
            None,
        )
        if same is not None:
            free.remove(same)
        tenders.append(tender if same is None else tender.model_copy(update={"id": same.id}))
    return wanted.model_copy(
        update={
            "lines": (*kept, *lines.values()),
            "tenders": tuple(tenders) if wanted.state != "voided" else there.tenders,
            "number": there.number,
            "version": there.version,
            "note": there.note or wanted.note,
            "customer_id": there.customer_id or wanted.customer_id,
        }
    )


async def _returned(till: TillSales, change: ChangeRow, step: Step) -> Done:
    """Goods and money back: a return of the sale that is there, cut down to what comes back.

    The till makes the id of a return, so it is known by its source: ours is looked for among the returns of the sale
    before one is started. One that was started and not finished is voided by the till when the next is started."""
    wanted = _wanted(step)
    if step.original is None:
        return await _made(till, change, step)
    there = await _return_of(till, step.original, wanted)
    if there is not None:
        return there, [], True
    try:
        parked, first = await till.start_return(change.id, step.original)
        shown, second = await till.replace(change.id, cut_down(parked, wanted))
    except UnknownOutcome as problem:
        there = await _return_of(till, step.original, wanted)
        if there is None:
            raise
        return there, list(problem.exchange_ids), False
    return shown, [*first, *second], False


async def _return_of(till: TillSales, original: str, wanted: Sale) -> Sale | None:
    sale = await till.find(original)
    if sale is None:
        raise TargetMissing("The sale whose goods come back is not there any more.", system="lightspeed")
    for one in sale.returns:
        found = await till.find(one)
        if (
            found is not None
            and found.source_id == wanted.source_id
            and found.state not in ("parked", "voided")
        ):
            return found
    return None


def cut_down(parked: Sale, wanted: Sale) -> Sale:
    """The return the till proposes, with only the units that come back, at what they cost, and what is made up for (of
    a refund that is taken back). Raises RecordRejected where the till would take fewer back."""
    free = {line.id: -line.quantity for line in parked.lines}
    lines: list[SaleLine] = []
    for line in (one for one in wanted.lines if one.quantity < 0):
        left = -line.quantity
        for one in parked.lines:
            if (one.product_id, one.price, one.tax) != (line.product_id, line.price, line.tax):
                continue
            units = min(left, free[one.id])
            if units > 0:
                free[one.id] -= units
                left -= units
                lines.append(one.model_copy(update={"quantity": -units, "sequence": len(lines) + 1}))
        if left > 0:
            raise RecordRejected(
                f"{left} units of {line.sku or line.name} can't come back: the till has taken them back already, or "
                "their price was changed there.",
                code="nothing_to_return",
                system="lightspeed",
                remedy="Look at the sale and its returns at the till.",
            )
    more = [one for one in wanted.lines if one.quantity > 0]
    joined = [*_joined(lines), *more]
    return wanted.model_copy(
        update={
            "id": parked.id,
            "lines": tuple(line.model_copy(update={"sequence": n}) for n, line in enumerate(joined, start=1)),
            "number": parked.number,
            "version": parked.version,
            "return_of": parked.return_of,
        }
    )


def _joined(lines: Sequence[SaleLine]) -> tuple[SaleLine, ...]:
    """Lines of the same id are one line."""
    found: dict[str | None, SaleLine] = {}
    for line in lines:
        held = found.get(line.id)
        found[line.id] = (
            line if held is None else held.model_copy(update={"quantity": held.quantity + line.quantity})
        )
    return tuple(found.values())


def _wanted(step: Step) -> Sale:
    assert step.sale is not None, f"{step.action} names no sale"
    return step.sale


def _articles(lines: Sequence[SaleLine]) -> list[tuple[str, Decimal, Decimal]]:
    return sorted((line.product_id, line.quantity, line.price) for line in lines)


def _paid(sale: Sale) -> int:
    return sum(tender.amount for tender in sale.tenders)
