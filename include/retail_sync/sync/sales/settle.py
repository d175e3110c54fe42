"""What a write leaves in the ledger: the link with what the sale became, the sale without its document, the outcome."""

from __future__ import annotations

from collections.abc import Sequence

from retail_sync.ledger.ledger import Ledger, Together
from retail_sync.ledger.rows import Agreement, ChangeOutcome, ChangeRow, Link, MirrorRow
from retail_sync.records.ports.orders import Written
from retail_sync.records.sales import ENTITY, KIND
from retail_sync.sync.sales.documents import DUE
from retail_sync.sync.sales.feeds import SALES
from retail_sync.sync.sales.knowing import base_of, stripped
from retail_sync.sync.sales.plan import Known

CREATED_BY_US = "created"


def settle(
    ledger: Ledger,
    change: ChangeRow,
    row: MirrorRow | None,
    written: Written | None,
    exchange_ids: Sequence[str] = (),
    *,
    already: bool,
) -> None:
    """Store what became of one write, all or nothing. `row`: the sale as the mirror holds it; `written`: None where
    there is nothing online, and nothing to be done there. Raises LinkConflict where the order stands for another
    sale."""
    known = _known(change)
    with ledger.together() as books:
        if written is not None:
            _link(books, change, known, written)
        # An entry without a customer may still be given one: its document stays.
        if row is not None and not (known.target == "entries" and not known.named and row.parent_id):
            books.mirror.see(ENTITY, KIND, SALES, change.run_id, [stripped(row)])
        books.changes.settle(
            [
                ChangeOutcome(
                    change_id=change.id,
                    outcome="already_there" if already else "applied",
                    exchange_ids=[*exchange_ids, *(written.exchange_ids if written else ())],
                    result_id=written.id if written else None,
                    result_version=written.version if written else None,
                )
            ]
        )


def _known(change: ChangeRow) -> Known:
    entries = change.action == "put"
    voided = change.action == "close" or change.after["document"].get("state") == "voided"
    return Known(
        target="entries" if entries else "orders",
        key=str(change.idempotency_key),
        content=change.after["content"],
        voided=voided,
        named=change.after["named"],
        due=change.after["document"].get("payment_state") == DUE,
    )


def _link(books: Together, change: ChangeRow, known: Known, written: Written) -> None:
    base, sale = dict(base_of(known)), str(change.source_id)
    there = books.links.read(ENTITY, KIND, lightspeed_ids=[sale])
    if there:
        books.links.agree([Agreement(link.id, base, dict(link.resent)) for link in there])
        return
    books.links.add(
        [
            Link(
                entity=ENTITY,
                kind=KIND,
                commercetools_id=known.key if known.target == "entries" else written.id,
                lightspeed_id=sale,
                base=base,
                matched_by=CREATED_BY_US,
                run_id=change.run_id,
            )
        ]
    )
