"""What a write leaves in the ledger: the link with what the sale became, the sale without its document, the outcome."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from retail_sync.ledger.ledger import Ledger, Together
from retail_sync.ledger.rows import Agreement, ChangeRow, Link, MirrorRow
from retail_sync.records.ports.orders import Written
from retail_sync.records.sales import ENTITY, KIND
from retail_sync.sync.engine.apply import Result
from retail_sync.sync.sales.documents import DUE
from retail_sync.sync.sales.feeds import SALES
from retail_sync.sync.sales.knowing import base_of, stripped
from retail_sync.sync.sales.plan import Known

CREATED_BY_US = "created"


@dataclass(frozen=True)
class Sent:
    """`row`: the sale as the mirror holds it; `written`: None where there is nothing online, and nothing to be done
    there."""

    row: MirrorRow | None
    written: Written | None


def settle(ledger: Ledger, results: Sequence[Result[Sent]]) -> None:
    """Store what became of writes, all or nothing. Raises LinkConflict where an order stands for another sale."""
    with ledger.together() as books:
        for result in results:
            (change,) = result.changes
            _settle(books, change, result)


def _settle(books: Together, change: ChangeRow, result: Result[Sent]) -> None:
    known, row, written = _known(change), result.answer.row, result.answer.written
    if written is not None:
        _link(books, change, known, written)
    # An entry without a customer may still be given one: its document stays.
    if row is not None and not (known.target == "entries" and not known.named and row.parent_id):
        books.mirror.see(ENTITY, KIND, SALES, change.run_id, [stripped(row)])
    made = (written.id, written.version) if written else (None, None)
    books.changes.settle([result.outcome(change, *made)])


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
