"""From staged sales to a stored plan: take in, plan, write the plan down."""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime

from retail_sync.ledger.ledger import Ledger
from retail_sync.ledger.rows import ChangeRow, HoldDraft, Link, MirrorRow
from retail_sync.records.customers import ENTITY as CUSTOMERS
from retail_sync.records.customers import KIND as CUSTOMER
from retail_sync.records.sales import ENTITY, KIND, Sale, SaleTerms
from retail_sync.records.types import digest
from retail_sync.settings.models import SyncSettings
from retail_sync.sync.engine.context import RunContext
from retail_sync.sync.engine.last_run import OVERLAP, last_settled
from retail_sync.sync.engine.plan import SHOWN, EntityPlan, hold_draft
from retail_sync.sync.sales.documents import content_of, order_number
from retail_sync.sync.sales.feeds import SALES, staged_sales, staged_terms, staged_unreadable
from retail_sync.sync.sales.knowing import (
    OPEN,
    erased,
    forgotten_customers,
    kept_sale,
    known_of,
    links_of,
    number_of,
    partners_of,
    rows_of,
    sale_row,
)
from retail_sync.sync.sales.loading import load_world
from retail_sync.sync.sales.plan import Known, SalePlan, Write
from retail_sync.sync.sales.planner import plan_sale, why_not

TARGET = "commercetools"
CHUNK = 2000
"""Sales looked at at once."""
UNREADABLE = "sale_unreadable"
LOOKED, STATE = "looked", "state"
"""What a run notes beside its windows: when it looked at the links of customers, and under which settings."""


def prepare(run: RunContext) -> EntityPlan:
    """Take in what was read, and plan it together with what is due again and what waited for its customer. A run of
    keys looks only at what it read; a full run looks at everything that waits, whoever was linked since the last
    one."""
    ledger, staging, settings = run.ledger, run.staging, run.settings
    looked = ledger.now()
    desk = _Desk(ledger, run.run_id, settings, staged_terms(staging), forgotten_customers(ledger))
    desk.erase_forgotten()
    for sales in staged_sales(staging, CHUNK):
        desk.take_in(sales)
    broken = staged_unreadable(staging)
    desk.set_aside(broken)
    read, late = len(desk.seen), 0
    if not run.request.limited:
        # What could not be read has to be read again, and is when it changes.
        due = {str(one.source_id) for one in ledger.holds.due(ENTITY, run.now()) if one.code != UNREADABLE}
        desk.take_up(due - desk.seen)
        waiting = _waiting(ledger, settings, full=run.request.full) - desk.seen
        desk.take_up(waiting)
        late = len(waiting)
    warnings = [draft for plan in desk.plans for draft in _findings(plan)]
    # What came back follows what was sold: an entry may name it.
    ordered = sorted(desk.plans, key=lambda one: (one.sale.sold_at, one.sale.id))
    writes = [(plan.sale, plan.write) for plan in ordered if plan.write is not None]
    return EntityPlan(
        read={"sales": read},
        older=desk.older,
        recalled=len(desk.seen) - read,
        dispositions=dict(desk.dispositions),
        warned={f"ignored: {why}": count for why, count in sorted(desk.reasons.items())},
        details={"late": late},
        units=[[change_row(sale, write, run.run_id, desk.targets.get(sale.id))] for sale, write in writes],
        batch_size=settings.sales.batch_size,
        identity=lambda change: (change.action, change.idempotency_key),
        holds=[_unreadable(sale, number, why) for sale, (number, why) in broken.items()],
        warnings=warnings,
        # What a person is only told of stays open, too: it is looked at again, and ends when its cause does.
        also_held=warnings,
        considered=[[KIND, f"{SALES}:{sale}"] for sale in desk.considered],
        windows={LOOKED: looked.isoformat(), STATE: _state(settings)},
        document={
            "dispositions": {
                f"{SALES}:{plan.sale.id}": [plan.disposition, plan.ignored] for plan in desk.plans
            }
        },
        lines=[f"{late} sales waited for customers who are linked now."] if late else [],
        head=["sale", "what", "as", "amount", "because"],
        shows=[_shown(sale, write, desk.terms) for sale, write in writes[:SHOWN]],
    )


@dataclass
class _Desk:
    """Takes sales in, portion by portion, and keeps only what something has to be done about. `seen`: every id that was
    looked at; `considered`: those whose holds this run settles."""

    ledger: Ledger
    run_id: str
    settings: SyncSettings
    terms: SaleTerms
    forgotten: frozenset[str]
    plans: list[SalePlan] = field(default_factory=list)
    targets: dict[str, str] = field(default_factory=dict)
    dispositions: Counter[str] = field(default_factory=Counter)
    reasons: Counter[str] = field(default_factory=Counter)
    considered: list[str] = field(default_factory=list)
    seen: set[str] = field(default_factory=set)
    older: int = 0

    def erase_forgotten(self) -> None:
        """Who was erased since leaves no sale behind that could be taken."""
        rows = self.ledger.mirror.read(ENTITY, KIND, SALES, parents=self.forgotten) if self.forgotten else []
        self.ledger.mirror.see(ENTITY, KIND, SALES, self.run_id, [erased(row) for row in rows])

    def take_in(self, sales: Sequence[Sale]) -> None:
        """Sales that were just read. What can't be taken, and never could, is not kept at all."""
        ids = [one.id for one in sales]
        self.seen |= set(ids)
        rows, links = rows_of(self.ledger, ids), links_of(self.ledger, ids)
        kept: list[Sale] = []
        for sale in sales:
            row = rows.get(sale.id)
            if row is None and sale.id not in links:
                why = why_not(sale, self.settings.sales, self.terms, self.forgotten)
                if why is not None:
                    self._count("ignored", why)
                    continue
            newest = sale
            if row is not None and _is_older(sale, row):
                self.older += 1
                known = kept_sale(row)
                if known is None:
                    self._done(sale.id)
                    continue
                newest = known
            kept.append(newest)
        self._plan(kept, rows, links)

    def set_aside(self, broken: Collection[str]) -> None:
        """Rows that are no sales: a person has to look."""
        self.seen |= set(broken)
        self.considered += broken
        for _ in broken:
            self._count("held")

    def take_up(self, ids: Collection[str]) -> None:
        """Sales that are looked at again as they were last seen. One without a document needs nothing."""
        every = sorted(ids)
        for some in (every[start : start + CHUNK] for start in range(0, len(every), CHUNK)):
            rows, links = rows_of(self.ledger, some), links_of(self.ledger, some)
            self.seen |= set(rows)
            found = {sale: kept_sale(row) for sale, row in rows.items()}
            for sale, document in found.items():
                if document is None:
                    self._done(sale)
            self._plan([one for one in found.values() if one is not None], rows, links)

    def _plan(self, sales: Sequence[Sale], rows: Mapping[str, MirrorRow], links: Mapping[str, Link]) -> None:
        known = {sale: known_of(link) for sale, link in links.items()}
        described = {one.id for one in sales if _may_be_written(one, known.get(one.id))}
        world = load_world(self.ledger, self.settings, self.terms, self.forgotten, sales, described)
        see: list[MirrorRow] = []
        for sale in sales:
            row = rows.get(sale.id)
            number = number_of(row) if row else order_number(sale, self.settings.sales)
            begun = row is not None and row.carry is not None
            plan = plan_sale(sale, known.get(sale.id), world, number=number, begun=begun)
            self._count(plan.disposition, plan.ignored)
            self.considered.append(sale.id)
            if plan.write is not None or plan.findings:
                self.plans.append(plan)
            if sale.id in links:
                self.targets[sale.id] = links[sale.id].commercetools_id
            shown = sale_row(sale, number, whole=plan.keeps_document)
            see.append(erased(shown) if sale.customer_id in self.forgotten else shown)
        self.ledger.mirror.see(ENTITY, KIND, SALES, self.run_id, see)

    def _done(self, sale: str) -> None:
        self._count("unchanged")
        self.considered.append(sale)

    def _count(self, disposition: str, why: str = "") -> None:
        self.dispositions[disposition] += 1
        if why:
            self.reasons[why] += 1


def _may_be_written(sale: Sale, known: Known | None) -> bool:
    return known is None or not known.named or content_of(sale, known.target) != known.content


def _is_older(sale: Sale, row: MirrorRow) -> bool:
    return sale.version is not None and row.version is not None and sale.version < row.version


def _waiting(ledger: Ledger, settings: SyncSettings, *, full: bool) -> set[str]:
    """Sales that waited for their customer and can be taken now: those of customers who were linked since the last run
    looked; all, where it is not known when that was, or what is taken changed."""
    last = None if full else last_settled(ledger, ENTITY)
    if last is not None and last.get(STATE) == _state(settings) and last.get(LOOKED):
        since = datetime.fromisoformat(str(last[LOOKED])) - OVERLAP
        linked = partners_of(ledger, ledger.links.changed(CUSTOMERS, CUSTOMER, since))
        rows = ledger.mirror.read(ENTITY, KIND, SALES, parents=linked) if linked else []
        # What was refused has its own time for the next try.
        held = {one.source_id for one in ledger.holds.open_holds(ENTITY)}
        return {row.id for row in rows if row.carry and row.id not in held}
    cells = ledger.mirror.cells(ENTITY, KIND, SALES, fields=(OPEN,))
    waiting = cells[cells[OPEN] == "true"]
    if not settings.sales.anonymous:
        waiting = waiting[
            waiting["parent_id"].isin(list(partners_of(ledger, set(waiting["parent_id"].dropna()))))
        ]
    return {str(one) for one in waiting["id"]}


def _state(settings: SyncSettings) -> str:
    """A fingerprint of all that says what is taken."""
    return digest(settings.sales.model_dump(mode="json"))


def change_row(sale: Sale, write: Write, run_id: str, target_id: str | None) -> ChangeRow:
    """A planned write as an audit row: `after` holds the document that is written."""
    return ChangeRow(
        run_id=run_id,
        entity=ENTITY,
        kind=KIND,
        subject=f"{SALES}:{sale.id}",
        label=sale.label,
        system=TARGET,
        action=write.action,
        unit=sale.id,
        source_id=sale.id,
        source_version=sale.version,
        target_id=target_id,
        after={"document": dict(write.document), "content": write.content, "named": write.named},
        reasons={"why": write.reason},
        idempotency_key=write.key,
    )


def _findings(plan: SalePlan) -> Iterable[HoldDraft]:
    """What a person is told of a sale."""
    return [hold_draft(one.about(KIND, SALES, plan.sale.id, plan.sale.label)) for one in plan.findings]


def _unreadable(sale: str, number: str, why: str) -> HoldDraft:
    return HoldDraft(
        kind=KIND,
        subject=f"{SALES}:{sale}",
        code=UNREADABLE,
        message=f"The sale can't be read: {why}.",
        system=SALES,
        source_id=sale,
        label=number or sale,
        release="Look at the sale at the till; it is read again when it changes, or by a run with its id as key.",
    )


def _shown(sale: Sale, write: Write, terms: SaleTerms) -> list[str]:
    amount = f"{sale.total:.{terms.digits}f} {terms.currency}"
    return [sale.label, write.action, write.key, amount, write.reason]
