"""What a write leaves in the ledger: the sale as the till shows it, the link with all that is known of it, the
outcome."""

from __future__ import annotations

from dataclasses import replace

from retail_sync.ledger.ledger import Together
from retail_sync.ledger.rows import Agreement, ChangeRow, Link
from retail_sync.records.orders import ENTITY, Order
from retail_sync.records.ports.orders import OnlineOrders, TillSales
from retail_sync.records.sales import Sale
from retail_sync.settings.models import SyncSettings
from retail_sync.sync.engine.apply import Result
from retail_sync.sync.engine.context import WriteContext
from retail_sync.sync.orders.feeds import SALES
from retail_sync.sync.orders.knowing import SALE, Entry, links_of
from retail_sync.sync.orders.plan import Step, sale_id
from retail_sync.sync.orders.planner import fingerprint_of
from retail_sync.sync.orders.prepare import sale_row

CREATED_BY_US = "created"

OrderContext = WriteContext[OnlineOrders, TillSales]


def settle_sale(
    context: OrderContext, change: ChangeRow, order: Order, step: Step, result: Result[Sale]
) -> None:
    """Store what became of one write at the till, all or nothing. `result`: the sale as the till has
    it now."""
    assert step.sale is not None
    shown = result.answer
    with context.ledger.together() as books:
        books.mirror.see(ENTITY, SALE, SALES, context.run_id, [sale_row(shown)])
        if step.action == "sell":
            _sold(books, context.run_id, order, step, step.sale)
        else:
            _followed(books, context.settings, order, step, shown)
        books.changes.settle([result.outcome(change, shown.id, shown.version, _differs(step.sale, shown))])


def _sold(books: Together, run_id: str, order: Order, step: Step, sale: Sale) -> None:
    part = order.id if sale.id == sale_id(order.id) else f"{order.id}/{step.location}"
    entry = Entry(order.id, step.location, sale, fingerprint_of(order), {}, ())
    books.links.add(
        [
            Link(
                entity=ENTITY,
                kind=SALE,
                commercetools_id=part,
                lightspeed_id=sale.id,
                base=entry.as_base(),
                matched_by=CREATED_BY_US,
                run_id=run_id,
            )
        ]
    )


def _followed(books: Together, settings: SyncSettings, order: Order, step: Step, shown: Sale) -> None:
    """A later write is kept with the sale it concerns: the one that changed, or whose goods came back; money that goes
    back alone, with the first sale of the order."""
    assert step.sale is not None
    concerned = step.original or step.sale.id
    links = links_of(books.links, settings, [order.id])[order.id]
    link = next((one for one in links if one.lightspeed_id == concerned), links[0])
    entry = Entry.of(link.base)
    if step.action in ("return", "refund"):
        made = step.sale.model_copy(update={"id": shown.id})
        entry = replace(
            entry,
            returned={**entry.returned, **dict.fromkeys(step.covers, shown.id)},
            returns=[*(one for one in entry.returns if one.id != shown.id), made],
        )
    else:
        entry = replace(
            entry,
            sale=step.sale,
            returned={**entry.returned, **dict.fromkeys(step.covers, step.sale.id)},
        )
    books.links.agree([Agreement(link.id, entry.as_base(), dict(link.resent))])


def _differs(wanted: Sale, shown: Sale) -> list[tuple[str, str]]:
    if wanted.state == "voided" or wanted.total == shown.total:
        return []
    return [("total", f"the till came to {shown.total}, where {wanted.total} was meant")]
