"""How prices are written: all prices of an online product in one request at the version that was seen, an article's own
price alone, lines of a price book up to a hundred at once.

Where a target moved on, is taken, or gave no answer, it is read again and its changes are planned anew; where the
target refuses several at once, each is tried alone. What the target shows afterwards is mirrored, and agreed on in the
transaction that settles the changes.
"""

from __future__ import annotations

import asyncio
from collections.abc import Sequence

from retail_sync.ledger.rows import Agreement, ChangeOutcome, ChangeRow, Link
from retail_sync.records.errors import (
    DuplicateInTarget,
    RecordRejected,
    StaleTarget,
    TargetMissing,
    UnknownOutcome,
)
from retail_sync.records.ports.products import SystemName
from retail_sync.records.prices import quote_of
from retail_sync.sync.engine.apply import BatchWriter, Result, Unit
from retail_sync.sync.prices.cases import Agreed, Case
from retail_sync.sync.prices.ownership import require_ownership
from retail_sync.sync.prices.planner import link_of
from retail_sync.sync.prices.rereading import PriceContext, article_of, cases_now, replanned, take_in
from retail_sync.sync.prices.writing import Group, Sent, groups_of, show


def _group(unit: Unit) -> Group:
    return groups_of(unit.changes)[0].of(unit.changes)


class PriceWriter(BatchWriter[Sent]):
    portion_size = 500
    reread_on = (StaleTarget, DuplicateInTarget, TargetMissing, UnknownOutcome)

    def __init__(self, context: PriceContext) -> None:
        super().__init__(context)
        self.context = context
        self._cases: dict[str, Case] = {}
        """What stands on both sides of the changes of the portion, by unit."""

    def units(self, changes: Sequence[ChangeRow]) -> list[Unit]:
        return [Unit(group.changes) for group in groups_of(changes)]

    def weight(self, unit: Unit) -> int:
        return len(unit.changes)

    def require_ownership(self, changes: Sequence[ChangeRow]) -> None:
        require_ownership(changes, self.settings)

    async def stale(self, changes: Sequence[ChangeRow]) -> list[ChangeRow]:
        """Changes of articles that moved at the till, and what an earlier attempt began, read again."""
        moved = await take_in(self.context)
        for group in groups_of([change for change in changes if change.attempt > 0]):
            await group.look(self.context, group.changes)
        return [change for change in changes if change.attempt > 0 or article_of(change) in moved]

    async def begun(self, changes: Sequence[ChangeRow]) -> None:
        self._cases = await asyncio.to_thread(cases_now, self.context, changes)

    async def reread(self, unit: Unit) -> None:
        await _group(unit).look(self.context, unit.changes)

    def replan(self, changes: Sequence[ChangeRow]) -> list[ChangeRow]:
        left = replanned(self.context, changes)
        self._cases |= cases_now(self.context, left)
        return left

    async def send(self, unit: Unit) -> Result[Sent]:
        sent = await _group(unit).send(self.context, self._cases, unit.changes)
        return unit.result(sent, sent.exchange_ids)

    async def refused(self, unit: Unit, problem: RecordRejected) -> Sequence[Unit]:
        """One alone fails; of several, each is tried alone, because the refusal does not say which is meant. Each write
        moves the target on, and so each is looked at anew."""
        if len(unit.changes) == 1:
            return await super().refused(unit, problem)
        exchanges = [*unit.exchange_ids, *problem.exchange_ids]
        return [Unit([change], outdated=True, exchange_ids=list(exchanges)) for change in unit.changes]

    def record(self, results: list[Result[Sent]]) -> None:
        settle(self.context, results)


# ---------------------------------------------------------------- settling


def settle(context: PriceContext, results: Sequence[Result[Sent]]) -> None:
    """Store what came of changes that were sent, and what both sides agree on now: what the target shows. A target that
    shows another price has not kept it: that is a hold, and is not sent again."""
    show(context, (result.answer for result in results))
    cases = cases_now(context, [change for result in results for change in result.changes])
    settled: list[ChangeOutcome] = []
    new: list[Link] = []
    known: list[Agreement] = []
    for result, change in ((one, change) for one in results for change in one.changes):
        case = cases.get(change.unit)
        if case is None:
            settled.append(result.outcome(change, change.target_id))
            continue
        agreed = agreed_after(case, change)
        settled.append(result.outcome(change, change.target_id) if agreed.kept else _not_kept(change, result))
        if case.link is None or case.link.commercetools_id != case.variant.id:
            new.append(link_of(case, agreed, context.run_id))
        else:
            known.append(Agreement(case.link.id, agreed.plain, {}))
    with context.ledger.together() as books:
        books.links.add(new)
        books.links.agree(known)
        books.changes.settle(settled)


def agreed_after(case: Case, change: ChangeRow) -> Agreed:
    """What both sides show after a change was sent, and whether its target kept it."""
    wanted = quote_of(change.after["price"])
    target: SystemName = "commercetools" if change.system == "commercetools" else "lightspeed"
    standing = case.standing(target)
    kept = case.shows(target, wanted) if wanted is not None else standing.quote is None
    return Agreed(case.online.quote, case.till.quote, wanted, kept).after(case.agreed)


def _not_kept(change: ChangeRow, result: Result[Sent]) -> ChangeOutcome:
    return ChangeOutcome(
        change_id=change.id,
        outcome="failed",
        error_code="value_not_kept",
        error="The target took the price and shows another one.",
        remedy="Look at the exchange: the target alters this price. Change it, or set the list's owner to `none`.",
        exchange_ids=list(result.exchange_ids),
    )
