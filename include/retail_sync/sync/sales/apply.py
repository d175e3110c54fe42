"""How in-store sales are written: each sale once, and only to the account its customer is linked with now.

Before an order is imported its number is looked for; a number that is taken is looked up, and an answer that never came
is looked for by the next attempt. An entry has the sale's id for a key, so putting it twice is putting it once.
"""

from __future__ import annotations

import asyncio
from collections.abc import Mapping, Sequence
from typing import Any

from retail_sync.ledger.rows import ChangeOutcome, ChangeRow, MirrorRow
from retail_sync.records.errors import DuplicateInTarget, TargetMissing
from retail_sync.records.ports.orders import OnlineOrders, Written
from retail_sync.sync.engine import outcomes
from retail_sync.sync.engine.apply import BatchWriter, Result, Unit
from retail_sync.sync.engine.context import WriteContext
from retail_sync.sync.sales.documents import DUE, from_plain
from retail_sync.sync.sales.knowing import partners_of, rows_of
from retail_sync.sync.sales.settle import Sent, settle

SaleContext = WriteContext[OnlineOrders, None]
"""Nothing is written to the till."""

Became = tuple[Written | None, Sequence[str], bool]
"""What is online afterwards, API calls besides those of that answer, and whether it was as it is wanted before."""


class SaleWriter(BatchWriter[Sent]):
    portion_size = 50
    target = "order"
    reread_on = ()

    def __init__(self, context: SaleContext) -> None:
        super().__init__(context)
        self.context = context
        self._rows: Mapping[str, MirrorRow] = {}
        self._partners: Mapping[str, str] = {}

    def require_ownership(self, changes: Sequence[ChangeRow]) -> None:
        """Sales are never edited online: whoever writes them owns them."""

    async def begun(self, changes: Sequence[ChangeRow]) -> None:
        """The sales as the mirror holds them, and the accounts their customers are linked with now."""

        def load() -> None:
            self._rows = rows_of(self.ledger, {str(change.source_id) for change in changes})
            customers = {row.parent_id for row in self._rows.values() if row.parent_id}
            self._partners = partners_of(self.ledger, customers)

        await asyncio.to_thread(load)

    async def send(self, unit: Unit) -> Result[Sent] | None:
        (change,) = unit.changes
        row = self._rows.get(str(change.source_id))
        if not self._is_theirs(change, row):
            await asyncio.to_thread(self.ledger.changes.settle, [_not_theirs(change)])
            return None
        written, exchanges, already = await self._carry_out(change)
        ids = [*exchanges, *(written.exchange_ids if written else ())]
        return unit.result(Sent(row, written), ids, already_there=already)

    def _is_theirs(self, change: ChangeRow, row: MirrorRow | None) -> bool:
        """Whether the account that gets the sale is still the one of its customer: links may have ended, and people may
        have been forgotten, since the plan was made."""
        document = _document(change)
        account = document.get("customer_id") or document.get("customer")
        if account is None:
            return True
        customer = row.parent_id if row else None
        return customer is not None and self._partners.get(customer) == account

    async def _carry_out(self, change: ChangeRow) -> Became:
        online, key = self.context.online, str(change.idempotency_key)
        if change.action == "put":
            return await online.put_entry(change.id, key, _document(change)), (), False
        there = await online.find_imported(key)
        if change.action in ("close", "pay"):
            return await self._follow(change, there)
        if there is not None:
            return await self._made_before(change, there), (), True
        try:
            return await online.import_sale(change.id, from_plain(_document(change))), (), False
        except DuplicateInTarget as problem:
            there = await online.find_imported(key)
            if there is None:
                raise
            return await self._made_before(change, there), problem.exchange_ids, True

    async def _made_before(self, change: ChangeRow, there: Written) -> Written:
        """An import whose answer never came may have been of a sale that is paid only now."""
        if _document(change)["payment_state"] == DUE:
            return there
        return await self.context.online.pay_imported(change.id, str(change.idempotency_key))

    async def _follow(self, change: ChangeRow, there: Written | None) -> Became:
        """A void or a payment of what never got there, or was removed by somebody, has nothing to do."""
        gone = Written(change.target_id, None) if change.target_id else None
        if there is None:
            return gone, (), True
        try:
            online, key = self.context.online, str(change.idempotency_key)
            if change.action == "pay":
                return await online.pay_imported(change.id, key), (), False
            return await online.close_imported(change.id, key, cancelled=True), (), False
        except TargetMissing as problem:
            return gone, problem.exchange_ids, True

    def record(self, results: list[Result[Sent]]) -> None:
        settle(self.ledger, results)


def _document(change: ChangeRow) -> Mapping[str, Any]:
    document: Mapping[str, Any] = change.after["document"]
    return document


def _not_theirs(change: ChangeRow) -> ChangeOutcome:
    """Not sent, and not lost: the sale waits until its customer is linked."""
    return outcomes.superseded(
        change,
        "Its customer is not linked with that account any more.",
        "Nothing: it is taken when its customer is linked again.",
    )
