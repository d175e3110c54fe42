"""From staged documents to a stored plan: take in, plan, write the plan down."""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from retail_sync.ledger.ledger import Ledger
from retail_sync.ledger.rows import ChangeRow, HoldDraft, MirrorRow
from retail_sync.records.orders import ENTITY, KIND, Order
from retail_sync.records.sales import Sale
from retail_sync.records.types import digest
from retail_sync.settings.models import SyncSettings
from retail_sync.sync.engine.absence import Gone, Kept
from retail_sync.sync.engine.context import RunContext
from retail_sync.sync.engine.plan import SHOWN, EntityPlan, counted, hold_draft
from retail_sync.sync.engine.staging import Staging
from retail_sync.sync.orders.feeds import ORDERS, SALES, Read, staged_terms
from retail_sync.sync.orders.forgetting import without_forgotten
from retail_sync.sync.orders.knowing import SALE, Entry, ids_of_sales, known_of, links_of, orders_of_sales
from retail_sync.sync.orders.loading import load_world
from retail_sync.sync.orders.plan import OrderPlan, Step
from retail_sync.sync.orders.planner import plan_order

UNREADABLE = "order_unreadable"


@dataclass(frozen=True)
class Affected:
    """The orders a run looks at, as they were last read, and how many rows were behind what was known already.
    `unreadable`: id -> (number, why). `gone`: ids that are due, and not there any more."""

    orders: Mapping[str, Order]
    sales: Mapping[str, Sale]
    unreadable: Mapping[str, tuple[str, str]]
    recalled: int
    older: int
    gone: frozenset[str] = frozenset()


def prepare(run: RunContext) -> EntityPlan:
    """Take in what was read, and plan it together with what is due again. A run of keys looks only at what it read; one
    that read everything finds sales without an order. Orders that are proven to be gone are in staging (see
    `retail_sync.sync.engine.absence`)."""
    ledger, staging, settings, now = run.ledger, run.staging, run.settings, run.now()
    full = run.request.full and run.request.since is None
    read = without_forgotten(ledger, Read.of(staging))
    proven = Gone.of(staging, ORDERS)
    affected = take_in(ledger, settings, run.run_id, read, proven, now=now, limited=run.request.limited)
    plans = plans_of(ledger, settings, staging, affected, now)
    holds, warnings = _findings(plans, affected)
    if full:
        warnings += without_order(ledger, read.sales.values(), plans)
    status = {order: disposition(plan) for order, plan in plans.items()}
    return EntityPlan(
        read={"orders": len(read.orders) + len(read.unreadable), "their sales": len(read.sales)},
        older=affected.older,
        recalled=affected.recalled,
        dispositions=counted(
            [
                *status.values(),
                *("held" for _ in affected.unreadable),
                *("unchanged" for _ in read.sales),
            ]
        ),
        warned=_reasons(plans.values()),
        units=[
            [change_row(plan.order, step, run.run_id) for step in plan.steps]
            for plan in plans.values()
            if plan.steps
        ],
        batch_size=settings.orders.batch_size,
        identity=lambda change: (change.action, change.idempotency_key),
        holds=holds,
        warnings=warnings,
        # What a person is only told of stays open, too: it is looked at again, and ends when its cause does.
        also_held=warnings,
        considered=[
            *([KIND, f"{ORDERS}:{order}"] for order in [*plans, *affected.unreadable, *affected.gone]),
            *([SALE, f"{SALES}:{sale}"] for sale in (read.sales if full else ())),
        ],
        document={
            "dispositions": {
                f"{ORDERS}:{order}": [found, plans[order].ignored] for order, found in status.items()
            }
        },
        head=["order", "in", "what", "amount", "location", "because"],
        shows=[_shown(plan.order, step) for plan in plans.values() for step in plan.steps][:SHOWN],
    )


def take_in(
    ledger: Ledger,
    settings: SyncSettings,
    run_id: str,
    read: Read,
    proven: Gone,
    *,
    now: datetime,
    limited: bool,
) -> Affected:
    """Mirror what was read; the orders it concerns, with those that are due again and those whose sale moved."""
    orders, older = _orders(ledger, run_id, read.orders)
    _see_sales(ledger, run_id, read.sales.values())
    also = set(orders_of_sales(ledger.links, read.sales).values())
    unreadable = {one: (number, why) for one, number, why in read.unreadable}
    ledger.mirror.mark_gone(ENTITY, KIND, ORDERS, proven.ids, proven.at)
    due: set[str] = set()
    if not limited:
        due = {
            str(hold.source_id)
            for hold in ledger.holds.due(ENTITY, now)
            if hold.source_id and hold.system == ORDERS
        }
    also = (also | due) - {*orders, *unreadable}
    recalled = _kept(ledger, also)
    gone = frozenset(_deleted(ledger, due))
    found = {**orders, **recalled}
    sales = kept_sales(ledger, ids_of_sales(settings, found)) | dict(read.sales)
    return Affected(found, sales, unreadable, len(recalled), older, gone)


def plans_of(
    ledger: Ledger, settings: SyncSettings, staging: Staging, affected: Affected, now: datetime
) -> dict[str, OrderPlan]:
    """The plan of each order, oldest order first."""
    orders = sorted(affected.orders.values(), key=lambda one: (one.placed_at, one.id))
    world = load_world(ledger, settings, staged_terms(staging), orders, now)
    links = links_of(ledger.links, settings, [one.id for one in orders])
    return {one.id: plan_order(one, known_of(links.get(one.id, ()), affected.sales), world) for one in orders}


def disposition(plan: OrderPlan) -> str:
    """What became of an order, in the words of the accounts."""
    if plan.steps:
        return "planned"
    if plan.held:
        return "held"
    return "ignored" if plan.ignored else "unchanged"


def _orders(ledger: Ledger, run_id: str, read: Mapping[str, Order]) -> tuple[dict[str, Order], int]:
    """What was read, or the newer one where something newer is known; how many were behind."""
    rows = [
        MirrorRow(
            id=one.id,
            version=one.version,
            modified_at=one.modified_at,
            label=one.label,
            digest=digest({"version": one.version}),
            fields={
                "state": one.state,
                "payment_state": one.payment_state,
                "currency": one.currency,
                "gross": one.gross,
                "placed_at": one.placed_at.astimezone(UTC).isoformat(),
            },
            carry={"document": one.model_dump(mode="json")},
        )
        for one in read.values()
    ]
    counts = ledger.mirror.see(ENTITY, KIND, ORDERS, run_id, rows)
    return {**read, **_kept(ledger, counts.older_ids)}, counts.older


def _kept(ledger: Ledger, ids: Collection[str]) -> dict[str, Order]:
    return {
        row.id: Order.model_validate(row.carry["document"])
        for row in (ledger.mirror.read(ENTITY, KIND, ORDERS, ids=ids) if ids else ())
        if row.carry and row.deleted_at is None
    }


def _deleted(ledger: Ledger, ids: Collection[str] | None = None) -> set[str]:
    """Which orders (of these, or of all) are not there any more."""
    known = ledger.mirror.cells(ENTITY, KIND, ORDERS, ids=ids)
    return set(known.loc[known["deleted_at"].notna(), "id"])


def kept_orders(ledger: Ledger, settings: SyncSettings, *, full: bool) -> Kept:
    """How the mirror keeps orders, and which of them a full run does not read."""
    spared = frozenset(_from_before(ledger, settings) if full else ())
    return Kept(ENTITY, KIND, ORDERS, spared=spared, may_be_empty=True)


def _from_before(ledger: Ledger, settings: SyncSettings) -> set[str]:
    """Orders no full run reads any more, because `orders.since` was moved behind them: that is no deletion."""
    since = settings.orders.since
    known = ledger.mirror.cells(ENTITY, KIND, ORDERS, fields=("placed_at",))
    # Times of one form, in UTC: as texts they are in the order of time.
    return set(known.loc[known["placed_at"].fillna("") < str(since), "id"]) if since else set()


def _see_sales(ledger: Ledger, run_id: str, sales: Iterable[Sale]) -> None:
    ledger.mirror.see(ENTITY, SALE, SALES, run_id, [sale_row(one) for one in sales])


def sale_row(sale: Sale) -> MirrorRow:
    """A sale as the mirror keeps it: without notes, in which an assistant may have named anybody."""
    document = sale.model_dump(mode="json", exclude={"note": True, "lines": {"__all__": {"note"}}})
    return MirrorRow(
        id=sale.id,
        version=sale.version,
        modified_at=sale.modified_at,
        deleted_at=sale.deleted_at,
        label=sale.label,
        digest=digest({"state": sale.state, "total": str(sale.total), "customer": sale.customer_id}),
        fields={"state": sale.state, "total": str(sale.total), "tax": str(sale.tax)},
        carry={"document": document},
    )


def kept_sales(ledger: Ledger, ids: Collection[str]) -> dict[str, Sale]:
    """These sales as the till last showed them."""
    return {
        row.id: Sale.model_validate(row.carry["document"])
        for row in (ledger.mirror.read(ENTITY, SALE, SALES, ids=ids) if ids else ())
        if row.carry
    }


def change_row(order: Order, step: Step, run_id: str) -> ChangeRow:
    """A planned write as an audit row: `after` holds the document that is written."""
    return ChangeRow(
        run_id=run_id,
        entity=ENTITY,
        kind=KIND,
        subject=f"{ORDERS}:{order.id}",
        label=order.label,
        system=step.system,
        action=step.action,
        unit=order.id,
        source_id=order.id,
        source_version=order.version,
        target_id=order.id if step.system == ORDERS else step.sale.id if step.sale else None,
        after=after_of(step),
        reasons={"why": step.reason, **({"settles": list(step.covers)} if step.covers else {})},
        idempotency_key=step.key,
    )


def after_of(step: Step) -> dict[str, Any]:
    """What a step writes, as the audit shows it."""
    if step.sale is not None:
        return {"sale": step.sale.model_dump(mode="json", exclude_none=True), "location": step.location}
    named = {"external_id": step.external_id, "state": step.state, "shipment_state": step.shipment_state}
    return {name: value for name, value in named.items() if value is not None}


def _findings(plans: Mapping[str, OrderPlan], affected: Affected) -> tuple[list[HoldDraft], list[HoldDraft]]:
    """What keeps orders back, and what a person is told besides."""
    drafts = [
        hold_draft(one.about(KIND, ORDERS, plan.order.id, plan.order.label))
        for plan in plans.values()
        for one in plan.findings
    ]
    broken = [
        HoldDraft(
            kind=KIND,
            subject=f"{ORDERS}:{order}",
            code=UNREADABLE,
            message=why,
            system=ORDERS,
            source_id=order,
            label=number or order,
            release="Correct the order; it is read again when it changes, or by a run with its number as key.",
        )
        for order, (number, why) in affected.unreadable.items()
    ]
    keep = [one for one in drafts if one.severity in ("hold", "block")]
    return [*keep, *broken], [one for one in drafts if one.severity not in ("hold", "block")]


def without_order(ledger: Ledger, sales: Iterable[Sale], plans: Mapping[str, OrderPlan]) -> list[HoldDraft]:
    """Sales that say they stand for a web order which no order read or known answers for, and returns that people at
    the till made of sales that do."""
    known: set[str] = set()
    deleted = _deleted(ledger)
    for link in ledger.links.read(ENTITY, SALE):
        entry = Entry.of(link.base)
        if entry.order not in deleted:
            known |= {entry.sale.id, *entry.returned.values()}
    known |= {step.sale.id for plan in plans.values() for step in plan.steps if step.sale is not None}
    return [
        _returned_by_hand(sale) if sale.return_of in known else _stranger(sale)
        for sale in sales
        if sale.id not in known and sale.state not in ("voided", "parked") and sale.deleted_at is None
    ]


def _stranger(sale: Sale) -> HoldDraft:
    return _told(
        sale,
        "sale_without_order",
        f"Sale {sale.label} names the web order {sale.source_id or '?'}, which is not there.",
        "Look whether the order was deleted; void the sale at the till if it should not be.",
    )


def _returned_by_hand(sale: Sale) -> HoldDraft:
    return _told(
        sale,
        "returned_at_till",
        f"Goods of a web order were taken back at the till by hand, with the sale {sale.label}.",
        "Look whether the customer has the money back. To enter the return online, void this one first: goods come "
        "back once.",
    )


def _told(sale: Sale, code: str, message: str, release: str) -> HoldDraft:
    return HoldDraft(
        kind=SALE,
        subject=f"{SALES}:{sale.id}",
        code=code,
        message=message,
        severity="warn",
        system=SALES,
        source_id=sale.id,
        label=sale.label,
        release=release,
    )


def _reasons(plans: Iterable[OrderPlan]) -> dict[str, int]:
    """Why orders were ignored."""
    return {f"ignored: {why}": n for why, n in sorted(Counter(one.ignored for one in plans).items()) if why}


def _shown(order: Order, step: Step) -> list[str]:
    amount = f"{step.sale.total:.{order.digits}f} {order.currency}" if step.sale is not None else ""
    return [order.label, step.system, step.action, amount, step.location, step.reason]
