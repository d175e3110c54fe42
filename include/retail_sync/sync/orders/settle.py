"""What a write leaves in the ledger: the sale as the till shows it, the link with all that is known of it, the
outcome."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from retail_sync.ledger.ledger import Ledger, Together
from retail_sync.ledger.rows import Agreement, ChangeOutcome, ChangeRow, Link
from retail_sync.records.orders import ENTITY, Order
from retail_sync.records.sales import Sale
from retail_sync.settings.models import SyncSettings
from retail_sync.sync.orders.bench import Bench
from retail_sync.sync.orders.feeds import SALES
from retail_sync.sync.orders.knowing import SALE, Entry, links_of
from retail_sync.sync.orders.plan import Step, sale_id
from retail_sync.sync.orders.planner import fingerprint_of
from retail_sync.sync.orders.prepare import sale_row

CREATED_BY_US = "created"


def settle_sale(
    bench: Bench,
    change: ChangeRow,
    order: Order,
    step: Step,
    shown: Sale,
    exchange_ids: Sequence[str],
    *,
    already: bool,
) -> None:
    """Store what became of one write at the till, all or nothing. `shown`: the sale as the till has it now."""
    assert step.sale is not None
    with bench.ledger.together() as books:
        books.mirror.see(ENTITY, SALE, SALES, bench.run_id, [sale_row(shown)])
        if step.action == "sell":
            _sold(books, bench.run_id, order, step, step.sale)
        else:
            _followed(books, bench.settings, order, step, shown)
        books.changes.settle(
            [
                ChangeOutcome(
                    change_id=change.id,
                    outcome="already_there" if already else "applied",
                    exchange_ids=exchange_ids,
                    result_id=shown.id,
                    result_version=shown.version,
                    dropped=_differs(step.sale, shown),
                )
            ]
        )


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


def settle_order(
    ledger: Ledger,
    change: ChangeRow,
    version: int | None,
    exchange_ids: Sequence[str],
) -> None:
    """Store what became of one write to the order itself."""
    ledger.changes.settle(
        [
            ChangeOutcome(
                change_id=change.id,
                outcome="applied",
                exchange_ids=exchange_ids,
                result_id=change.target_id,
                result_version=version,
            )
        ]
    )
