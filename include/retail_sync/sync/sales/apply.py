"""Write a batch of a plan for sales: each sale once, and only to the account its customer is linked with now.

Before an order is imported its number is looked for, and the attempt is stored before the first request; a number that
is taken is looked up, and an answer that never came is looked for by the next attempt. An entry has the sale's id for a
key, so putting it twice is putting it once.
"""

from __future__ import annotations

import asyncio
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from retail_sync.ledger.rows import ChangeOutcome, ChangeRow, MirrorRow
from retail_sync.records.errors import DuplicateInTarget, RecordRejected, TargetMissing
from retail_sync.records.ports.orders import Written
from retail_sync.sync.engine import outcomes
from retail_sync.sync.engine.apply import Applied, concluded, side_by_side
from retail_sync.sync.sales.bench import Bench
from retail_sync.sync.sales.documents import DUE, from_plain
from retail_sync.sync.sales.knowing import partners_of, rows_of
from retail_sync.sync.sales.settle import settle

PORTION = 50
"""Sales whose customers are looked at at once."""


async def apply_batch(bench: Bench, batch: int) -> Applied:
    """Apply one batch. Raises TransientError after everything under way has ended; ConfigurationFault and ProtocolFault
    at once."""
    changes = await asyncio.to_thread(bench.ledger.changes.read, bench.run_id, batch=batch, outcome="planned")
    applied = Applied()
    gate = asyncio.Semaphore(bench.settings.limits.commercetools.concurrency)
    for start in range(0, len(changes), PORTION):
        writers = await asyncio.to_thread(_writers, bench, changes[start : start + PORTION])
        await side_by_side(writers, _Writer.apply, gate, applied)
        if applied.interrupted:
            break
    return await concluded(bench.ledger, bench.run_id, batch, applied)


def _writers(bench: Bench, changes: Sequence[ChangeRow]) -> list[_Writer]:
    rows = rows_of(bench.ledger, {str(change.source_id) for change in changes})
    partners = partners_of(bench.ledger, {row.parent_id for row in rows.values() if row.parent_id})
    return [_Writer(bench, change, rows.get(str(change.source_id)), partners) for change in changes]


@dataclass
class _Writer:
    """Brings the write of one sale to its end. `row`: the sale as the mirror holds it."""

    bench: Bench
    change: ChangeRow
    row: MirrorRow | None
    partners: Mapping[str, str]

    async def apply(self) -> None:
        if not self._is_theirs():
            await self._drop()
            return
        ledger = self.bench.ledger
        if self.change.id not in await asyncio.to_thread(ledger.changes.begin, [self.change.id]):
            return
        try:
            written, exchanges, already = await self._carry_out()
            await asyncio.to_thread(
                settle, ledger, self.change, self.row, written, exchanges, already=already
            )
        except RecordRejected as problem:
            await asyncio.to_thread(ledger.changes.settle, [outcomes.failed(self.change, problem)])

    def _is_theirs(self) -> bool:
        """Whether the account that gets the sale is still the one of its customer: links may have ended, and people may
        have been forgotten, since the plan was made."""
        document = self._document
        account = document.get("customer_id") or document.get("customer")
        if account is None:
            return True
        customer = self.row.parent_id if self.row else None
        return customer is not None and self.partners.get(customer) == account

    async def _carry_out(self) -> tuple[Written | None, Sequence[str], bool]:
        """What is online afterwards, exchanges besides those of that answer, whether it was as it is wanted before."""
        online, change, key = self.bench.online, self.change, str(self.change.idempotency_key)
        if change.action == "put":
            return await online.put_entry(change.id, key, self._document), (), False
        there = await online.find_imported(key)
        if change.action in ("close", "pay"):
            return await self._follow(key, there)
        if there is not None:
            return await self._made_before(key, there), (), True
        try:
            return await online.import_sale(change.id, from_plain(self._document)), (), False
        except DuplicateInTarget as problem:
            there = await online.find_imported(key)
            if there is None:
                raise
            return await self._made_before(key, there), problem.exchange_ids, True

    async def _made_before(self, key: str, there: Written) -> Written:
        """An import whose answer never came may have been of a sale that is paid only now."""
        if self._document["payment_state"] == DUE:
            return there
        return await self.bench.online.pay_imported(self.change.id, key)

    async def _follow(self, key: str, there: Written | None) -> tuple[Written | None, Sequence[str], bool]:
        """A void or a payment of what never got there, or was removed by somebody, has nothing to do."""
        gone = Written(self.change.target_id, None) if self.change.target_id else None
        if there is None:
            return gone, (), True
        try:
            online, change_id = self.bench.online, self.change.id
            if self.change.action == "pay":
                return await online.pay_imported(change_id, key), (), False
            return await online.close_imported(change_id, key, cancelled=True), (), False
        except TargetMissing as problem:
            return gone, problem.exchange_ids, True

    @property
    def _document(self) -> Mapping[str, Any]:
        document: Mapping[str, Any] = self.change.after["document"]
        return document

    async def _drop(self) -> None:
        """Not sent, and not lost: the sale waits until its customer is linked."""
        dropped = ChangeOutcome(
            change_id=self.change.id,
            outcome="superseded",
            error="Its customer is not linked with that account any more.",
            remedy="Nothing: it is taken when its customer is linked again.",
        )
        await asyncio.to_thread(self.bench.ledger.changes.settle, [dropped])
