"""How customers are written: from the living, once, and only what the plan saw.

Both customers of every change of a portion are read again. That gives the values to send, which the ledger does not
hold, and shows whether either side moved since the plan; whoever moved is planned anew. Before somebody is created, the
target is asked for the same e-mail address, number and key, and, where it searches an index that may lag, for all that
changed since the plan was read. An answer that never came is looked for before anything is sent again.
"""

from __future__ import annotations

from collections.abc import Sequence

from retail_sync.ledger.rows import ChangeRow
from retail_sync.records.errors import DuplicateInTarget, StaleTarget, SyncError, TargetMissing
from retail_sync.records.ports.customers import CustomerWritten
from retail_sync.records.ports.products import other, system_named
from retail_sync.sync.customers.live import (
    CustomerContext,
    Living,
    living_of,
    look_for_twins,
    newcomers,
    terms_of,
)
from retail_sync.sync.customers.loading import load_world
from retail_sync.sync.customers.ownership import require_ownership
from retail_sync.sync.customers.planner import change_row, plan_customers
from retail_sync.sync.customers.prepare import keep_links
from retail_sync.sync.customers.settle import Sent, settle
from retail_sync.sync.engine.apply import BatchWriter, PlanOutdated, Result, Unit, planned_again
from retail_sync.sync.engine.findings import Finding


class CustomerWriter(BatchWriter[Sent]):
    portion_size = 50
    target = "customer"
    reread_on = (StaleTarget,)

    def __init__(self, context: CustomerContext) -> None:
        super().__init__(context)
        self.context = context
        self.living = Living.nobody(context)

    def require_ownership(self, changes: Sequence[ChangeRow]) -> None:
        require_ownership(changes, self.settings.customers)

    async def stale(self, changes: Sequence[ChangeRow]) -> list[ChangeRow]:
        new = await newcomers(self.context, changes)
        self.living = await living_of(self.context, changes)
        return [
            change
            for change in changes
            if change.attempt > 0 or self.living.moved(change) or (new and change.action == "create")
        ]

    async def begun(self, changes: Sequence[ChangeRow]) -> None:
        await self.living.add(self.context, changes)

    async def reread(self, unit: Unit) -> None:
        await self.living.refresh(self.context, unit.changes)

    def replan(self, changes: Sequence[ChangeRow]) -> list[ChangeRow]:
        """A pair that was found meanwhile is linked."""
        affected: dict[str, set[str]] = {"commercetools": set(), "lightspeed": set()}
        for change in changes:
            source = "lightspeed" if change.system == "commercetools" else "commercetools"
            affected[source].add(str(change.source_id))
            if change.target_id:
                affected[change.system].add(change.target_id)
        world = load_world(
            self.ledger,
            self.settings,
            terms_of(self.context),
            {"commercetools": affected["commercetools"], "lightspeed": affected["lightspeed"]},
        )
        plan = plan_customers(world)
        with self.ledger.together() as books:
            keep_links(books, self.context.run_id, plan)
        made: dict[tuple[str, str], ChangeRow] = {
            (one.target, one.source.id): change_row(one, self.context.run_id) for one in plan.changes
        }
        held: dict[str, Finding] = {}
        for finding in plan.holds:
            held.setdefault(finding.subject, finding)
            if "partner" in finding.evidence:
                held.setdefault(str(finding.evidence["partner"]), finding)
        return planned_again(
            self.ledger,
            changes,
            lambda change: made.get((change.system, str(change.source_id))),
            lambda change: held.get(change.subject),
        )

    # ---------------------------------------------------------------- one write

    async def send(self, unit: Unit) -> Result[Sent]:
        (change,) = unit.changes
        await self.living.add(self.context, unit.changes)
        if change.action == "create" and (twin := await self._twin(unit)) is not None:
            return twin
        write = self.living.write_of(change)
        if write is None:
            await self.reread(unit)
            raise PlanOutdated
        try:
            written = await self.context.of(system_named(change.system)).adapter.write(write)
        except TargetMissing as problem:
            if change.action not in ("delete", "anonymise"):
                raise
            gone = CustomerWritten(str(change.target_id), None, problem.exchange_ids)
            return unit.result(Sent(write, gone), problem.exchange_ids)
        return unit.result(Sent(write, written), written.exchange_ids)

    async def own_write(self, unit: Unit, problem: SyncError | None) -> Result[Sent] | None:
        """Before anything is sent, sending asks by itself. Where no answer came and the twin does not show at once, the
        task is retried, and asks before it sends again; where the identity is taken and nobody shows who has it, the
        change fails."""
        if problem is None or unit.changes[0].action != "create":
            return None
        return await self._twin(unit, again=isinstance(problem, DuplicateInTarget))

    async def _twin(self, unit: Unit, *, again: bool = True) -> Result[Sent] | None:
        """Look for the twin before it is made: what an earlier attempt did is this change's doing. Raises PlanOutdated
        where somebody else is found there (only if the change may be planned `again`), so that the pair is found, or
        held."""
        (change,) = unit.changes
        write = self.living.write_of(change)
        source = self.living.of(other(system_named(change.system)), change.source_id)
        if write is None or source is None:
            return None
        twin, others = await look_for_twins(self.context, change, write, source)
        if twin is not None:
            made = CustomerWritten(str(twin["id"]), twin)
            return unit.result(Sent(write, made), already_there=True)
        if others and again:
            await self.reread(unit)
            raise PlanOutdated
        return None

    def record(self, results: list[Result[Sent]]) -> None:
        settle(self.context, results)
